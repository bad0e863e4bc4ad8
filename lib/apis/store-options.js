'use strict';
// What a program says of its store: a URL, or an object. The kinds of the values are checked here, and what
// they say by the addon. No error shows a value: it may be a password, or an address that holds one.

const { optionOf } = require('./arguments');
const { invalidType, wrongStoreOption } = require('../errors');
const { STORE, STORE_KINDS, refuseUnknown } = require('./options');

/** @typedef {import('../../native/binding').StoreOptions} StoreOptions as the addon takes them */

/** @type {Record<string, (value: any) => boolean>} */
const CHECKS = {
  'a string': (value) => typeof value === 'string',
  'a string or a URL': (value) => typeof value === 'string' || isUrl(value),
  'a list of strings': (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  'a whole number, 0 or more': (value) => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff,
  'PEM, as a string or a Buffer': (value) => typeof value === 'string' || value instanceof Uint8Array,
  'a number of milliseconds': (value) => typeof value === 'number',
};

/**
 * @param {any} options
 * @param {string | undefined} name
 * @returns {StoreOptions | undefined} undefined for none
 */
function toStore(options, name) {
  const store = optionOf(options, 'store') ?? undefined;
  if (store === undefined) return undefined;
  // What is in a store is found by its name.
  if (name === undefined) throw invalidType('options.name', 'a string, where there is a store', name);
  return toStoreOptions(store);
}

/**
 * @param {any} store
 * @returns {StoreOptions}
 */
function toStoreOptions(store) {
  if (typeof store === 'string') return toStoreOptions({ url: store });
  if (isUrl(store)) return toStoreOptions({ url: store.href });
  if (typeof store !== 'object' || store === null || Array.isArray(store)) {
    throw wrongStoreOption('options.store', 'a URL, or an object with one');
  }
  refuseUnknown(store, STORE);
  // Without a prototype: the addon reads each option, and would find what somebody has added to that of all objects.
  const options = /** @type {Record<string, unknown>} */ ({ __proto__: null });
  for (const [option, kind] of Object.entries(STORE_KINDS)) {
    const value = optionOf(store, option);
    if (value === undefined || value === null) continue;
    if (!CHECKS[kind](value)) throw wrongStoreOption(`options.store.${option}`, kind);
    if (kind.startsWith('PEM')) options[option] = Buffer.from(value);
    else options[option] = isUrl(value) ? value.href : value;
  }
  return withRoots(/** @type {StoreOptions} */ (options));
}

/**
 * Adds whom to trust, where that matters and the program does not say.
 *
 * @param {StoreOptions} options
 */
function withRoots(options) {
  const usesTls = [options.url, ...(options.sentinels ?? [])].some((url = '') =>
    /^(rediss|valkeys):/i.test(url),
  );
  if (usesTls && options.ca === undefined) options.roots = require('./roots').trustedRoots();
  return options;
}

/**
 * Whether it is a URL: one of another realm is as good.
 *
 * @param {any} value
 */
function isUrl(value) {
  if (typeof value !== 'object' || value === null) return false;
  return ['href', 'protocol'].every((name) => typeof optionOf(value, name) === 'string');
}

module.exports = { toStore };
