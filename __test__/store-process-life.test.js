'use strict';
// What a store means for the life of its process: what keeps it alive and what does not, that its end frees what it held
// at once, that nobody is surprised by a rejection, and that no thread and no socket exist without a store.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { useRedis, withoutRedis, untilAsync } = require('./support/redis');
const { run, runWith } = require('./support/child');

const STRICT = ['--unhandled-rejections=strict', '--trace-warnings', '--throw-deprecation'];
/** Much longer than any of these tests: whoever has to wait for a lease fails. */
const TTL = 60_000;

describe('a process with a store', { skip: withoutRedis }, () => {
  const redis = useRedis();
  const store = () => ({ url: redis.url, ttl: TTL });

  /** Runs a program that gets the store first; it has to end by itself, and well. @returns {Promise<string[]>} its lines */
  async function lines(program, ...args) {
    const { code, signal, stdout, stderr } = await runWith(STRICT, program, store(), ...args);
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    return stdout.split('\n').slice(0, -1);
  }

  /** Asserts that a key is free at once, and how it was left. */
  async function assertFreed(name, recovered) {
    const locks = new Locks({ name, store: store() });
    const start = performance.now();
    assert.equal(await locks.write('key', (hold) => hold.recovered), recovered);
    assert.ok(performance.now() - start < TTL / 6);
    locks.close();
  }

  /** Those of this process end a moment after close(). */
  const untilNoSession = () =>
    untilAsync(async () => (await redis.command('ZCARD', '{latchkey:0}:s')) === 0, 'all sessions to end');

  it('ends by itself with idle locks and with holds, and frees them at once', async () => {
    const program = async (options) => {
      const { Locks: Kept, Lock } = require('latchkey');
      global.kept = [new Kept({ name: 'idle', store: options }), new Kept({ name: 'held', store: options })];
      global.hold = await global.kept[1].write('key');
      global.lock = new Lock(null, null, { name: 'held', store: options });
      await new Promise((resolve) => global.lock.writeLock('other', null, resolve));
      process.on('exit', () => console.log('exit'));
    };
    assert.deepEqual(await lines(program), ['exit']);
    await untilNoSession();
    await assertFreed('held', true);
  });

  it('lives while it waits, until another process serves it', async () => {
    const locks = new Locks({ name: 'waits', store: store() });
    const hold = await locks.write('key');
    const waiting = lines(async (options) => {
      const { Locks: Other } = require('latchkey');
      new Other({ name: 'waits', store: options }).write('key').then(() => console.log('granted'));
    });
    await untilAsync(async () => (await locks.query()).pending.length === 1, 'it to wait');
    await hold.release();
    assert.deepEqual(await waiting, ['granted']);
    await assertFreed('waits', true);
    locks.close();
  });

  it('lives until a release that nobody waits for has arrived', async () => {
    const program = async (options) => {
      const { Locks: Other } = require('latchkey');
      (await new Other({ name: 'released', store: options }).write('key')).release();
    };
    assert.deepEqual(await lines(program), []);
    // Not recovered: it was the release that freed it, not the end.
    await assertFreed('released', false);
  });

  it('ends, though a wait was aborted in the very moment in which its time was up', async () => {
    const program = async (options) => {
      const { Locks: Other } = require('latchkey');
      const locks = new Other({ name: 'both', store: options });
      const hold = await locks.write('key');
      const controller = new AbortController();
      const wait = locks.write('key', { timeout: 20, signal: controller.signal }).catch(console.log);
      // Meanwhile its time is up, of which this thread has not read yet.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      controller.abort('aborted');
      await wait;
      await hold.release();
    };
    assert.deepEqual(await lines(program), ['aborted']);
  });

  it('process.exit() in the middle of everything frees all at once', async () => {
    const program = async (options) => {
      const { Locks: Other } = require('latchkey');
      const locks = new Other({ name: 'exit', store: options });
      await locks.write('key');
      locks.write('key').catch(() => {});
      setTimeout(() => process.exit(7), 20);
    };
    const { code, stderr } = await run(program, store());
    assert.deepEqual({ code, stderr }, { code: 7, stderr: '' });
    await assertFreed('exit', true);
    await untilNoSession();
  });

  it('an uncaught exception frees all at once', async () => {
    const program = async (options) => {
      const { Locks: Other } = require('latchkey');
      await new Other({ name: 'thrown', store: options }).write('key');
      setImmediate(() => {
        throw new Error('mine');
      });
    };
    const { code, stderr } = await run(program, store());
    assert.equal(code, 1);
    assert.match(stderr, /Error: mine/);
    await assertFreed('thrown', true);
  });

  it('a worker that is terminated or ends frees what it held at once, and its process goes on', async () => {
    const program = async (options) => {
      const { Worker } = require('node:worker_threads');
      const { once } = require('node:events');
      const { Locks: Other } = require('latchkey');
      const locks = new Other({ name: 'worker', store: options });
      const source = `
        const { parentPort, workerData } = require('node:worker_threads');
        const { Locks } = require(${JSON.stringify(require.resolve('latchkey'))});
        const locks = new Locks({ name: 'worker', store: workerData.options });
        locks.write(workerData.way).then(() => {
          parentPort.postMessage('holds');
          if (workerData.way === 'terminate') setInterval(() => {}, 1000);
          if (workerData.way === 'exit') process.exit();
        });
      `;
      for (const way of ['terminate', 'exit', 'return']) {
        const worker = new Worker(source, { eval: true, workerData: { way, options } });
        const ended = once(worker, 'exit');
        await once(worker, 'message');
        if (way === 'terminate') worker.terminate();
        await ended;
        console.log(way, await locks.write(way, { timeout: 5000 }, ({ recovered }) => recovered));
      }
      locks.close();
    };
    assert.deepEqual(await lines(program), ['terminate true', 'exit true', 'return true']);
  });

  it('close() ends the session at once, or with the last hold', async () => {
    const program = async (options) => {
      const { Locks: Other } = require('latchkey');
      const [a, b] = ['a', 'b'].map((name) => new Other({ name, store: options }));
      const hold = await a.write('key');
      await b.write('key', () => {});
      const waiting = b.read('key', () => {}).then(() => b.write('key'));
      (await waiting).release();
      a.close();
      b.close();
      await hold.release();
      const connection = require('node:net').connect(options.url.split(':').pop(), '127.0.0.1');
      connection.setEncoding('utf8');
      let answer = '';
      const ask = () => connection.write('ZCARD {latchkey:0}:s\r\n');
      connection.on('data', (text) => {
        answer = text.trim();
        if (answer !== ':0') return setTimeout(ask, 5);
        console.log('no session');
        connection.destroy();
      });
      ask();
    };
    assert.deepEqual(await lines(program), ['no session']);
  });

  it('whose releases nobody awaits sees no unhandled rejection, whatever becomes of the server', async () => {
    const program = async (options) => {
      const { Locks: Other } = require('latchkey');
      const locks = new Other({ name: 'quiet', store: { ...options, ttl: 500 } });
      const holds = [await locks.write('a'), await locks.read('b'), await locks.write(['c', 'd'])];
      holds.push(await locks.write('expires', { expiry: 1 }));
      await locks.write('expires', () => {});
      console.log('ready');
      process.stdin.once('data', () => {
        for (const hold of holds) {
          hold.downgrade();
          hold.release();
          hold.release();
          hold[Symbol.dispose ?? Symbol.for('nodejs.dispose')]();
        }
        process.stdin.destroy();
      });
    };
    const { spawn } = require('node:child_process');
    const source = `(${program})(${JSON.stringify(store())})`;
    const child = spawn(process.execPath, [...STRICT, '-e', source], { cwd: __dirname });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    const { once } = require('node:events');
    await once(child.stdout, 'data');
    await redis.kill();
    child.stdin.write('now');
    const [code] = await once(child, 'exit');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    await redis.startAgain();
    await redis.hasServed();
  });

  it('takes `await using`, which waits for the release', async () => {
    const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');
    const locks = new Locks({ name: 'using', store: store() });
    for (const keys of ['key', ['key', 'other']]) {
      const hold = await locks.write(keys);
      const disposed = hold[ASYNC_DISPOSE]();
      assert.ok(disposed instanceof Promise);
      assert.equal(await disposed, undefined);
      assert.deepEqual(await locks.query(), { held: [], pending: [] });
    }
    locks.close();
  });

  it('that comes and goes, 16 times, leaves nothing', async () => {
    const program = async (options, number) => {
      const { Locks: Other } = require('latchkey');
      const locks = new Other({ name: 'many', store: options });
      await locks.write('key', () => {});
      await locks.read(`key ${number % 3}`, () => {});
      locks.close();
    };
    for (let i = 0; i < 16; i += 8) {
      await Promise.all(Array.from({ length: 8 }, (_, j) => lines(program, i + j)));
    }
    await untilNoSession();
    assert.deepEqual(
      (await redis.keys()).filter((key) => /:(h|q|o|s)\b.*many/.test(key)),
      [],
    );
  });
});

describe('a process without a store', () => {
  it('opens no socket and starts no thread, nor does one that has made nothing but the object', async (t) => {
    if (process.platform !== 'linux')
      return t.skip('counts threads and sockets in /proc, which only Linux has');
    const program = async () => {
      const fs = require('node:fs');
      const { threads } = require('./support/threads');
      const linkOf = (fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return '';
        }
      };
      const sockets = () =>
        fs
          .readdirSync('/proc/self/fd')
          .map(linkOf)
          .filter((link) => link.startsWith('socket:')).length;
      const before = [threads().length, sockets()];
      const { Locks: Other } = require('latchkey');
      await new Other().write('key', () => {});
      await new Other({ name: 'space' }).write(['a', 'b'], () => {});
      console.log(threads().length - before[0], sockets() - before[1]);
      // A store that is only named: nobody is called, whether or not anybody listens there.
      global.locks = new Other({ name: 'space', store: 'redis://127.0.0.1:1' });
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(sockets() - before[1]);
    };
    const { code, stdout, stderr } = await run(program);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '0 0\n0\n', stderr: '' });
  });
});
