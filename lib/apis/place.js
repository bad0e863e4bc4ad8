'use strict';
// Which space the options of a constructor name: a private one, a named one, or one that a store keeps. Nothing is opened here.

const { optionOf, toOptions } = require('./arguments');
const { invalidType } = require('../errors');
const { LOCK, refuseUndefined, refuseUnknown } = require('./options');
const { toStore } = require('./store-options');

/**
 * @param {unknown} options
 * @param {import('./options').Place} where they are given
 */
function toPlace(options, where) {
  const given = toOptions('options', options);
  refuseUnknown(given, where);
  refuseUndefined(given, LOCK.names);
  const name = toSpaceName(given);
  return { given, name, store: toStore(given, name) };
}

/**
 * @param {Record<string, unknown>} options
 * @returns {string | undefined} the name of a named space; undefined for a private one
 */
function toSpaceName(options) {
  const name = optionOf(options, 'name') ?? undefined;
  if (name !== undefined && typeof name !== 'string') throw invalidType('options.name', 'a string', name);
  return name;
}

module.exports = { toPlace };
