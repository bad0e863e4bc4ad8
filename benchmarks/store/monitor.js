'use strict';
// What clients ask the server for, as its MONITOR command shows it.

const { Redis } = require('ioredis');

/** One request: who sent it, by address, and its words. @typedef {{ from: string, words: string[] }} Sent */

class Monitor {
  /** @type {Sent[]} */
  #sent = [];
  #marks = 0;
  /** @type {Map<string, () => void>} */
  #awaited = new Map();

  /** @param {Redis} client @param {Redis} stream */
  constructor(client, stream) {
    this.client = client;
    this.stream = stream;
    stream.on('monitor', (_time, words, from) => {
      // What a script does is no request.
      if (from === 'lua') return;
      if (words[0].toLowerCase() !== 'echo') this.#sent.push({ from, words });
      else this.#awaited.get(words[1])?.();
    });
  }

  /** @param {number} port */
  static async open(port) {
    const client = new Redis({ port, host: '127.0.0.1' });
    return new Monitor(client, await client.monitor());
  }

  /**
   * All that was sent while `act` ran, which may look at what there is so far.
   *
   * @param {(sent: Sent[]) => Promise<unknown>} act
   * @returns {Promise<Sent[]>}
   */
  async watch(act) {
    await this.#mark();
    this.#sent = [];
    await act(this.#sent);
    await this.#mark();
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** Resolves once everything that the server did before has been reported. */
  async #mark() {
    const mark = `mark ${this.#marks++}`;
    const seen = new Promise((/** @type {(value?: any) => void} */ resolve) =>
      this.#awaited.set(mark, resolve),
    );
    await this.client.echo(mark);
    await seen;
    this.#awaited.delete(mark);
  }

  close() {
    this.client.disconnect();
    this.stream.disconnect();
  }
}

/**
 * @template T
 * @param {number} port
 * @param {(monitor: Monitor) => Promise<T>} use
 */
async function withMonitor(port, use) {
  const monitor = await Monitor.open(port);
  try {
    return await use(monitor);
  } finally {
    monitor.close();
  }
}

module.exports = { withMonitor };
