'use strict';
// What a call of the promise API asks for besides its key, as its options say it.

const { optionOf, toExpiry, toLabel, toMilliseconds, toOptions } = require('./arguments');
const { invalidOption, invalidType } = require('../errors');
const { modeName } = require('../events/snapshot');
const { refuseUnknown } = require('./options');

/**
 * Each call without options shares one: so it has what only few calls have, that the requests need no place for it.
 *
 * @typedef {object} Wish
 * @property {AbortSignal | undefined} signal
 * @property {number} timeout
 * @property {number} expiry
 * @property {string | undefined} label
 * @property {boolean} isTry whether it is only a try, which is no error if it fails
 * @property {{ stack?: string } | undefined} trace where it was asked, if that is to be remembered
 */

const SIGNAL = 'options.signal';
const AN_ABORT_SIGNAL = 'an AbortSignal';

/**
 * @param {unknown} options
 * @param {import('./options').Place} where
 * @param {Wish} defaults
 * @returns {Wish}
 */
function toWish(options, where, defaults) {
  const given = toOptions('options', options);
  refuseUnknown(given, where);
  const signal = optionOf(given, 'signal');
  const timeout = optionOf(given, 'timeout');
  const expiry = optionOf(given, 'expiry');
  if (signal !== undefined) checkSignal(signal);
  return newWish(
    timeout === undefined ? defaults.timeout : toMilliseconds('options.timeout', timeout),
    expiry === undefined ? defaults.expiry : toExpiry('options.expiry', expiry),
    signal,
    toLabel(optionOf(given, 'label')),
  );
}

/**
 * @param {number} timeout
 * @param {number} expiry
 * @param {AbortSignal} [signal]
 * @param {string} [label]
 * @returns {Wish}
 */
function newWish(timeout, expiry, signal, label) {
  return { signal, timeout, expiry, label, trace: undefined, isTry: false };
}

/** @param {number} mode */
function functionNotLast(mode) {
  const call = `${modeName(mode)}(key, options, fn)`;
  return invalidOption('fn', `must be the last one: ${call}, with the options before the function`);
}

/**
 * Refuses what cannot do what an AbortSignal can: one of another realm is as good.
 *
 * @param {any} signal
 */
function checkSignal(signal) {
  if (typeof signal !== 'object' || signal === null) throw invalidType(SIGNAL, AN_ABORT_SIGNAL, signal);
  const missing = ['addEventListener', 'removeEventListener', 'throwIfAborted'].find(
    (method) => typeof signal[method] !== 'function',
  );
  if (missing === undefined && 'aborted' in signal) return;
  if (signal.signal !== undefined && 'abort' in signal)
    throw invalidOption(
      SIGNAL,
      `must be ${AN_ABORT_SIGNAL}: this is an AbortController, which has it as its signal`,
    );
  if (!('aborted' in signal)) throw invalidType(SIGNAL, AN_ABORT_SIGNAL, signal);
  throw invalidOption(SIGNAL, `must be ${AN_ABORT_SIGNAL}: it has no method ${missing}`);
}

module.exports = { functionNotLast, newWish, toWish };
