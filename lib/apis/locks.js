'use strict';
// The promise API: `new Locks(options)` with `read`, `write` and what belongs to them. What they do is in promises.js.

const firstLock = require('./first-lock');
const { READ, WRITE } = require('../events/request');

class Locks {
  /** @type {import('./promises').PromiseLocks} */
  #core;

  /** @param {import('../../index').LocksOptions} [options] */
  constructor(options) {
    const { PromiseLocks } = firstLock();
    this.#core = new PromiseLocks(options);
  }

  /**
   * @param {any} key
   * @param {any} [options]
   * @param {any} [fn]
   * @returns {Promise<any>}
   */
  read(key, options, fn) {
    return this.#core.run(READ, key, options, fn);
  }

  /**
   * @param {any} key
   * @param {any} [options]
   * @param {any} [fn]
   * @returns {Promise<any>}
   */
  write(key, options, fn) {
    return this.#core.run(WRITE, key, options, fn);
  }

  /**
   * @param {any} key
   * @param {any} [options]
   * @returns {any}
   */
  tryRead(key, options) {
    return this.#core.tryNow(READ, key, options);
  }

  /**
   * @param {any} key
   * @param {any} [options]
   * @returns {any}
   */
  tryWrite(key, options) {
    return this.#core.tryNow(WRITE, key, options);
  }

  /** @returns {any} */
  query() {
    return this.#core.query();
  }

  close() {
    this.#core.close();
  }
}

module.exports = { Locks };
