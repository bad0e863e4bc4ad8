'use strict';
// A worker thread that runs functions for a test: their source is all that reaches it, with arguments that can be
// cloned.

const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { until, deferred } = require('./until');

class Thread {
  constructor() {
    /** Written by the worker once it is blocked, and by us to end that. */
    this.flags = new Int32Array(new SharedArrayBuffer(8));
    this.worker = new Worker(path.join(__dirname, 'thread-worker.js'), { workerData: this.flags });
    this.id = this.worker.threadId;
    this.calls = new Map();
    this.lastNumber = 0;
    this.worker.on('message', ({ number, result, error }) => {
      const call = this.calls.get(number);
      this.calls.delete(number);
      if (error === undefined) call.resolve(result);
      else call.reject(Object.assign(new Error(error.message), error));
    });
    this.exit = new Promise((resolve) => {
      let error;
      this.worker.on('error', (reason) => (error = reason));
      this.worker.on('exit', (code) => {
        for (const call of this.calls.values()) call.reject(new Error('the thread has ended'));
        resolve({ code, error });
      });
    });
    // One that has nothing to do does not keep the test process.
    this.worker.unref();
  }

  /**
   * Runs a function in the worker and gives its result.
   *
   * It gets a tool box first: `latchkey`, `open(name, options)` which makes a Locks, `state` which stays from call
   * to call, `block(ms)`, `sleep(ms)`, `require`, and `flags`. Then it gets `args`.
   *
   * @param {(tools: any, ...args: any[]) => any} fn
   * @param {any[]} args
   */
  run(fn, ...args) {
    const { promise, resolve, reject } = deferred();
    const number = ++this.lastNumber;
    this.calls.set(number, { resolve, reject });
    this.worker.postMessage({ number, source: String(fn), args });
    return promise;
  }

  /** Stops the worker's event loop until `unblock`; it has stopped when the promise is fulfilled. */
  async block() {
    Atomics.store(this.flags, 0, 0);
    Atomics.store(this.flags, 1, 0);
    const blocked = this.run(({ flags }) => {
      Atomics.store(flags, 0, 1);
      Atomics.wait(flags, 1, 0, 20_000);
    });
    // It may be terminated in that state.
    blocked.catch(() => {});
    await until(() => Atomics.load(this.flags, 0) === 1, 'the thread to block');
    this.unblock = () => {
      Atomics.store(this.flags, 1, 1);
      Atomics.notify(this.flags, 1);
      return blocked;
    };
  }

  /** The exit code, once it has ended, and the error that ended it if there was one. */
  get ended() {
    this.worker.ref();
    return this.exit;
  }

  terminate() {
    return this.worker.terminate();
  }
}

module.exports = { Thread };
