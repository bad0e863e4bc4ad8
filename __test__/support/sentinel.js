'use strict';
// A sentinel of the tests' own: it watches one server under the name `main`, and promotes a replica soon after that has
// died, without asking others.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const { findFreePort } = require('../../scripts/redis-server');
const { PROGRAM, untilAsync } = require('./redis');
const { encode, Reader } = require('./resp');

class Sentinel {
  /**
   * @param {import('./redis').Redis} primary that runs
   * @param {{ failoverTimeout?: number }} [options] milliseconds: a replica that follows another address than the
   *   primary's is put right after that time, and a failover that did not succeed is tried again after twice that
   */
  constructor(primary, { failoverTimeout = 3000 } = {}) {
    this.primary = primary;
    this.failoverTimeout = failoverTimeout;
    this.port = 0;
    /** @type {import('node:child_process').ChildProcess | null} */
    this.child = null;
  }

  /** Resolves when it knows the primary and its replica. @param {import('./redis').Redis} replica */
  async start(replica) {
    this.port = await findFreePort();
    const { port, dir } = this.primary;
    const file = path.join(dir, 'sentinel.conf');
    fs.writeFileSync(
      file,
      `port ${this.port}
bind 127.0.0.1
dir ${dir}
sentinel monitor main 127.0.0.1 ${port} 1
sentinel down-after-milliseconds main 500
sentinel failover-timeout main ${this.failoverTimeout}
`,
    );
    const child = spawn(PROGRAM, [file, '--sentinel'], { stdio: 'ignore' });
    process.on('exit', () => child.kill('SIGKILL'));
    this.child = child;
    const knows = async () => JSON.stringify(await this.ask('SENTINEL', 'replicas', 'main'));
    await untilAsync(
      async () => (await knows()).includes(String(replica.port)),
      'the sentinel to know the replica',
    );
    return this;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  /** One question to it. */
  async ask(...words) {
    const connection = net.connect(this.port, '127.0.0.1');
    const answer = new Promise((resolve, reject) => {
      connection.on('error', reject);
      const reader = new Reader();
      connection.on('data', (piece) => reader.read(piece).forEach(resolve));
    });
    connection.write(encode(words));
    return answer.finally(() => connection.destroy());
  }

  async stop() {
    const { child } = this;
    if (child === null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

const replicationOf = (server) => server.command('INFO', 'replication');
const offsetOf = async (server) => (await replicationOf(server)).match(/master_repl_offset:(\d+)/)[1];

const untilLinked = (replica) =>
  untilAsync(
    async () => /master_link_status:up/.test(await replicationOf(replica)),
    'the replica to be linked',
  );

/** Waits until a replica knows all that its primary knows. */
const untilInStep = (primary, replica) =>
  untilAsync(
    async () => (await offsetOf(primary)) === (await offsetOf(replica)),
    'the replica to be in step',
  );

const untilPromoted = (replica) =>
  untilAsync(async () => /role:master/.test(await replicationOf(replica)), 'the replica to be promoted');

module.exports = { Sentinel, untilLinked, untilInStep, untilPromoted };
