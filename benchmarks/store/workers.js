'use strict';
// Processes that use locks as they are asked to: each answers calls with what worker.js makes of them.

const { fork } = require('node:child_process');
const path = require('node:path');

/** One process with locks of its own. */
class Worker {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #calls = new Map();
  #last = 0;

  constructor() {
    this.child = fork(path.join(__dirname, 'worker.js'));
    const kill = () => this.child.kill('SIGKILL');
    process.once('exit', kill);
    this.child.on('message', (/** @type {any} */ { id, result, error }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error));
    });
    this.child.once('exit', (code, signal) => {
      process.off('exit', kill);
      for (const { reject } of this.#calls.values())
        reject(new Error(`a process ended with ${code ?? signal}`));
    });
  }

  /** @returns {Promise<any>} */
  call(name, ...args) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.child.send({ id, name, args });
    });
  }

  async end() {
    await this.call('close');
    const closed = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    await closed;
  }
}

/**
 * Gives `use` so many processes, and ends them after it.
 *
 * @template T
 * @param {number} count
 * @param {string} adapter
 * @param {number} port of the server
 * @param {object | undefined} options of the store
 * @param {(workers: Worker[]) => Promise<T>} use
 */
async function withWorkers(count, adapter, port, options, use) {
  const workers = Array.from({ length: count }, () => new Worker());
  try {
    await Promise.all(workers.map((worker) => worker.call('open', adapter, port, options)));
    return await use(workers);
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
  }
}

module.exports = { Worker, withWorkers };
