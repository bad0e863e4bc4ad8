'use strict';
// A real redis-server of the tests' own, on a free port, with its data in a directory of its own: it can be killed,
// started again, frozen and thawed.
//
// Where there is none, tests of the store are skipped with the reason; on CI (on Linux, where it can be had) that is a
// failure.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { before, after } = require('node:test');
const { once } = require('node:events');
const { HOW_TO_INSTALL, findProgram } = require('../../scripts/redis');
const { findFreePort } = require('../../scripts/redis-server');
const { encode, Reader } = require('./resp');
const { PATIENCE, sleep } = require('./until');

/** The server's program, of any version. */
const found = findProgram('redis-server');
const PROGRAM = found?.program ?? 'redis-server';

/** How often another port is tried, when another program took the one that was free. */
const ATTEMPTS = 5;

class Redis {
  /** @param {string[]} [settings] further arguments, such as `'--appendonly', 'yes'` */
  constructor(settings = []) {
    this.settings = settings;
    this.port = 0;
    /** @type {import('node:child_process').ChildProcess | null} null while it does not run */
    this.child = null;
    this.dir = '';
    /** With which the tests themselves log in, if they have to. */
    this.password = settings[settings.indexOf('--requirepass') + 1 || settings.length];
  }

  async start() {
    // A short path: it holds a unix socket.
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-'));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.port = await findFreePort();
      if (!(await this.#launch())) continue;
      if (!this.settings.includes('--replicaof')) await this.hasServed();
      return this;
    }
    throw new Error(`redis-server does not start: ${this.log}`);
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  get socket() {
    return path.join(this.dir, 'socket');
  }

  get log() {
    return fs.readFileSync(path.join(this.dir, 'log'), 'utf8');
  }

  /** Ends it as `kill -9` does. */
  async kill() {
    const { child } = this;
    if (child === null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Starts it once more, on the same port, with what it had written to disk. */
  async startAgain() {
    if (!(await this.#launch())) throw new Error(`redis-server does not start again: ${this.log}`);
  }

  /** Stops its process until `thaw`; connections stay open, and nobody answers. */
  freeze() {
    this.child?.kill('SIGSTOP');
  }

  thaw() {
    this.child?.kill('SIGCONT');
  }

  async stop() {
    await this.kill();
    if (this.dir !== '') fs.rmSync(this.dir, { recursive: true, force: true });
  }

  /**
   * Makes it look as if it had served a namespace before. Without that nothing is granted until one lease after the
   * start of a server that knows nothing: it may have forgotten who holds what.
   */
  async hasServed(namespace = 'latchkey') {
    const info = await this.command('INFO', 'server');
    const run = info.match(/^run_id:(\w+)/m)[1];
    await this.command('HSET', `{${namespace}:0}:e`, 'run', run, 'until', 0);
  }

  /** Makes it look, to a namespace that nobody has used, as if it had just started: it grants nothing for so many milliseconds. */
  async hasStarted(frozen, namespace) {
    await this.hasServed(namespace);
    await this.freezes(frozen, namespace);
  }

  /** Has it grant nothing for so many milliseconds. */
  async freezes(frozen, namespace) {
    const [seconds, micros] = await this.command('TIME');
    const until = Number(seconds) * 1000 + Math.floor(micros / 1000) + frozen;
    await this.command('HSET', `{${namespace}:0}:e`, 'until', until);
  }

  /**
   * Runs one command, as `redis-cli` does.
   *
   * @param {...(string | number)} words
   * @returns {Promise<any>} its answer; rejects if that is an error
   */
  async command(...words) {
    const connection = net.connect(this.socket);
    try {
      const [answer] = await this.#ask(connection, [words]);
      if (answer instanceof Error) throw answer;
      return answer;
    } finally {
      connection.destroy();
    }
  }

  /** All keys, or those with a name like that. @returns {Promise<string[]>} */
  async keys(pattern = '*') {
    return (await this.command('KEYS', pattern)).toSorted();
  }

  /**
   * Listens to all that is sent to the server.
   *
   * @returns {Promise<{ lines: string[], stop: () => void }>} `lines` grows; what scripts do in the server is left out
   */
  async monitor() {
    const lines = [];
    const stop = await this.follow((line) => /^[\d.]+ \[\d+ lua\]/.test(line) || lines.push(line));
    return { lines, stop };
  }

  /**
   * Calls `report` with each command that the server runs from now on, those of scripts as well, in the words of `MONITOR`.
   *
   * @param {(line: string) => void} report
   * @returns {Promise<() => void>} ends it
   */
  async follow(report) {
    const connection = net.connect(this.socket);
    await this.#ask(connection, [['MONITOR']]);
    const reader = new Reader();
    connection.on('error', () => {});
    connection.on('data', (piece) => reader.read(piece).forEach(report));
    return () => connection.destroy();
  }

  /** Sends commands on a connection, and gives their answers. */
  async #ask(connection, commands) {
    const login = this.password === undefined ? [] : [['AUTH', this.password]];
    const reader = new Reader();
    const answers = [];
    const answered = new Promise((resolve, reject) => {
      connection.once('error', reject);
      connection.once('close', () => reject(new Error('the server closed the connection')));
      connection.on('data', function listen(piece) {
        answers.push(...reader.read(piece));
        if (answers.length < login.length + commands.length) return;
        connection.off('data', listen);
        resolve(answers.slice(login.length));
      });
    });
    connection.write(Buffer.concat([...login, ...commands].map(encode)));
    return answered;
  }

  /** @returns {Promise<boolean>} false if it ended instead */
  async #launch() {
    const log = fs.openSync(path.join(this.dir, 'log'), 'a');
    const place = [
      '--port',
      this.port,
      '--bind',
      '127.0.0.1',
      '--dir',
      this.dir,
      '--unixsocket',
      this.socket,
    ];
    const child = spawn(PROGRAM, [...place, '--save', '', '--appendonly', 'no', ...this.settings], {
      stdio: ['ignore', log, log],
    });
    fs.closeSync(log);
    running.add(child);
    this.child = child;
    child.on('exit', () => {
      running.delete(child);
      this.child = null;
    });
    const end = performance.now() + PATIENCE;
    while (this.child !== null && performance.now() < end) {
      if (await this.#isReady()) return true;
      await sleep(5);
    }
    return false;
  }

  async #isReady() {
    try {
      return (await this.command('PING')) === 'PONG';
    } catch {
      // Not there yet, or it still reads its data.
      return false;
    }
  }
}

/** The servers that have to end with this process. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/**
 * Why tests of the store cannot run here, for the `skip` of a suite; false if they can.
 *
 * @type {string | false}
 */
const withoutRedis = found ? false : `redis-server is not in PATH; to have it: ${HOW_TO_INSTALL}`;

if (withoutRedis !== false && process.env.CI && process.platform === 'linux') throw new Error(withoutRedis);

/**
 * A server for this file's tests, or for those of the suite that calls it.
 *
 * @param {...string} settings
 * @returns {Redis} started before the tests
 */
function useRedis(...settings) {
  const redis = new Redis(settings);
  if (withoutRedis !== false) return redis;
  before(() => redis.start());
  after(() => redis.stop());
  return redis;
}

/**
 * Servers of the tests' own, which end with their suite.
 *
 * @returns {(...settings: string[]) => Promise<Redis>} starts one
 */
function useServers() {
  const servers = [];
  after(() => Promise.all(servers.map((server) => server.stop())));
  return async (...settings) => {
    const server = await new Redis(settings).start();
    servers.push(server);
    return server;
  };
}

/**
 * Waits until a condition is true that takes a question to the server. No answer is none: the server may be away.
 *
 * @param {() => Promise<boolean>} condition
 * @param {string} what
 * @param {number} [pause] milliseconds between two questions
 */
async function untilAsync(condition, what, pause = 2) {
  const end = performance.now() + PATIENCE;
  let failure;
  for (;;) {
    try {
      if (await condition()) return;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > end) throw new Error(`waited ${PATIENCE} ms for ${what}`, { cause: failure });
    await sleep(pause);
  }
}

module.exports = { PROGRAM, Redis, useRedis, useServers, withoutRedis, untilAsync };
