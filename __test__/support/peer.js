'use strict';
// Another process that runs functions for a test: their source is all that reaches it, with arguments that can be
// cloned. It can be killed and stopped at any moment.

const { fork } = require('node:child_process');
const path = require('node:path');
const { once } = require('node:events');
const { after } = require('node:test');
const { deferred } = require('./until');

class Peer {
  /** @param {number} ahead by how many seconds its clocks are that count from the machine's start */
  constructor(ahead) {
    const clocks = ['--time', '--boottime', `${ahead}`, '--monotonic', `${ahead}`, process.execPath];
    this.child = fork(path.join(__dirname, 'peer-process.js'), {
      serialization: 'advanced',
      ...(ahead === 0 ? {} : { execPath: 'unshare', execArgv: clocks }),
    });
    this.pid = this.child.pid;
    this.calls = new Map();
    this.lastNumber = 0;
    this.exit = once(this.child, 'exit').then(([code, signal]) => {
      for (const call of this.calls.values()) call.reject(new Error('the process has ended'));
      return { code, signal };
    });
    this.child.on('message', ({ number, result, error }) => {
      const call = this.calls.get(number);
      this.calls.delete(number);
      if (error === undefined) call.resolve(result);
      else call.reject(Object.assign(new Error(error.message), error));
    });
  }

  /**
   * Runs a function in the process and gives its result.
   *
   * It gets a tool box first: `latchkey`, `open(name, store, options)` which makes a Locks, `state` which stays from
   * call to call, `sleep`, `block`, `until`, `follow` and `require`. Then it gets `args`.
   *
   * @param {(tools: any, ...args: any[]) => any} fn
   * @param {any[]} args
   */
  run(fn, ...args) {
    const { promise, resolve, reject } = deferred();
    const number = ++this.lastNumber;
    this.calls.set(number, { resolve, reject });
    this.child.send({ number, source: String(fn), args });
    return promise;
  }

  /** Ends it as `kill -9` does. */
  async kill() {
    this.child.kill('SIGKILL');
    return this.exit;
  }

  /** Stops it, all its threads, until `thaw`. */
  freeze() {
    this.child.kill('SIGSTOP');
  }

  thaw() {
    this.child.kill('SIGCONT');
  }
}

/** @type {Set<Peer>} */
const peers = new Set();

/** Starts a process, which is killed after the file's tests at the latest. */
function startPeer({ ahead = 0 } = {}) {
  const peer = new Peer(ahead);
  peers.add(peer);
  peer.exit.then(() => peers.delete(peer));
  return peer;
}

after(() => Promise.all([...peers].map((peer) => peer.kill())));
process.on('exit', () => peers.forEach(({ child }) => child.kill('SIGKILL')));

module.exports = { startPeer };
