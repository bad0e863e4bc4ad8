'use strict';
// The promise API: `new Locks(options)` with `read`, `write` and what belongs to them. What they do is in promises.js.

const firstLock = require('./first-lock');
const { invalidThis } = require('../errors');
const { showAs } = require('../inspect');
const { READ, WRITE } = require('../events/request');
const { toSnapshot, isHeld, countPending } = require('../events/snapshot');

/** @typedef {import('./promises').PromiseLocks} PromiseLocks */

/** @type {(locks: Locks) => PromiseLocks | null} null if it is not one */
let coreOf;

/** @param {string} method */
function withoutObject(method) {
  return invalidThis(`${method}() has to be called on a Locks`);
}

/**
 * @param {Locks} locks
 * @param {string} method which throws if it is none
 */
function coreFor(locks, method) {
  const core = coreOf(locks);
  if (core === null) throw withoutObject(method);
  return core;
}

class Locks {
  /** @type {PromiseLocks} */
  #core;

  /** @param {import('../../index').LocksOptions} [options] */
  constructor(options) {
    const { PromiseLocks } = firstLock();
    this.#core = new PromiseLocks(options);
  }

  /**
   * @param {unknown} key
   * @param {unknown} [options]
   * @param {unknown} [fn]
   * @returns {Promise<any>}
   */
  read(key, options, fn) {
    const core = coreOf(this);
    if (core === null) return Promise.reject(withoutObject('read'));
    return core.run(READ, key, options, fn);
  }

  /**
   * @param {unknown} key
   * @param {unknown} [options]
   * @param {unknown} [fn]
   * @returns {Promise<any>}
   */
  write(key, options, fn) {
    const core = coreOf(this);
    if (core === null) return Promise.reject(withoutObject('write'));
    return core.run(WRITE, key, options, fn);
  }

  /**
   * @param {unknown} key
   * @param {unknown} [options]
   * @returns {any}
   */
  tryRead(key, options) {
    return coreFor(this, 'tryRead').tryNow(READ, key, options);
  }

  /**
   * @param {unknown} key
   * @param {unknown} [options]
   * @returns {any}
   */
  tryWrite(key, options) {
    return coreFor(this, 'tryWrite').tryNow(WRITE, key, options);
  }

  /**
   * @param {unknown[]} keys one, or none for all
   * @returns {any}
   */
  query(...keys) {
    return coreFor(this, 'query').query(toSnapshot, keys);
  }

  /**
   * @param {unknown} key
   * @returns {any}
   */
  isLocked(key) {
    return coreFor(this, 'isLocked').query(isHeld, [key]);
  }

  /**
   * @param {unknown[]} keys one, or none for all
   * @returns {any}
   */
  countPending(...keys) {
    return coreFor(this, 'countPending').query(countPending, keys);
  }

  /** @returns {Promise<void>} */
  ready() {
    const core = coreOf(this);
    return core === null ? Promise.reject(withoutObject('ready')) : core.ready();
  }

  /** @returns {import('../../index').LocksJson} */
  toJSON() {
    return coreFor(this, 'toJSON').describe();
  }

  close() {
    coreFor(this, 'close').close();
  }

  static {
    showAs(this, (locks) => coreOf(locks)?.describe() ?? null);
    coreOf = (locks) => (typeof locks === 'object' && locks !== null && #core in locks ? locks.#core : null);
  }
}

module.exports = { Locks };
