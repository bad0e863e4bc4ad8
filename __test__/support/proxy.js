'use strict';
// A TCP proxy between a program and the server: counts what passes, and cuts, delays or swallows it.

const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const { Reader } = require('./resp');

const SCRIPTS = path.join(__dirname, '../../crates/redis/src/scripts');
/** What other scripts begin with. */
const PARTS = ['layout.lua', 'bucket.lua', 'holds.lua', 'settle.lua'];
/** The text with which each script ends, by its name: 'acquire', 'release', 'beat' … */
const TEXTS = new Map(
  fs
    .readdirSync(SCRIPTS)
    .filter((file) => file.endsWith('.lua') && !PARTS.includes(file))
    .map((file) => [path.basename(file, '.lua'), fs.readFileSync(path.join(SCRIPTS, file), 'utf8')]),
);

class Proxy {
  /** @param {number} port of the server */
  constructor(port) {
    this.serverPort = port;
    /** How often each command, or script, has passed: `{ acquire: 1, release: 1, … }`. @type {Record<string, number>} */
    this.counts = {};
    /** Milliseconds by which everything is late, in each direction. */
    this.delay = 0;
    /** Whether nothing passes, without anybody being notified. */
    this.swallows = false;
    /** Whether new connections are closed at once. */
    this.refuses = false;
    /** @type {Set<net.Socket>} both ends of each connection */
    this.sockets = new Set();
    /** Names of scripts by their hashes. @type {Map<string, string>} */
    this.scripts = new Map();
    this.listener = net.createServer((client) => this.#accept(client));
  }

  async start() {
    this.listener.listen(0, '127.0.0.1');
    await once(this.listener, 'listening');
    return this;
  }

  get port() {
    return /** @type {net.AddressInfo} */ (this.listener.address()).port;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Resets all connections. */
  cut() {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async stop() {
    this.listener.close();
    this.cut();
    await once(this.listener, 'close');
  }

  #accept(client) {
    if (this.refuses) return void client.resetAndDestroy();
    const server = net.connect(this.serverPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.sockets.add(socket.setNoDelay());
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    const reader = new Reader();
    client.on('data', (piece) => {
      if (this.swallows) return;
      for (const command of reader.read(piece)) this.#count(command);
      this.#pass(piece, server);
    });
    server.on('data', (piece) => {
      if (!this.swallows) this.#pass(piece, client);
    });
  }

  #pass(piece, socket) {
    if (this.delay === 0) socket.write(piece);
    else setTimeout(() => socket.writable && socket.write(piece), this.delay);
  }

  /** Counts a command by its name, or by that of the script that it runs. */
  #count([word, ...rest]) {
    let name = word.toLowerCase();
    if (name === 'script' && rest[0]?.toLowerCase() === 'load') this.#learn(rest[1]);
    if (name === 'evalsha') name = this.scripts.get(rest[0]) ?? name;
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  #learn(text) {
    for (const [name, end] of TEXTS) {
      if (text.endsWith(end)) this.scripts.set(crypto.createHash('sha1').update(text).digest('hex'), name);
    }
  }
}

module.exports = { Proxy };
