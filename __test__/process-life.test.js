'use strict';
// What keeps a process alive, and what does not: an idle lock, a hold, and a waiter behind a hold without an
// expiry do not; a waiter behind an expiring hold does until it is served. And nothing starts before its need.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { lines, run } = require('./support/child');

/** Names the modules, for what a test does with both drop-ins. */
const BOTH = ['latchkey/alock', 'latchkey/rwlock-plus'];

describe('the process ends by itself', () => {
  it('with idle lock objects', async () => {
    const program = (alock, rwlock) => {
      require(alock);
      const Lock = require(rwlock);
      global.kept = [new Lock(), new Lock(60_000)];
      console.log('end');
    };
    assert.deepEqual(await lines(program, ...BOTH), ['end']);
  });

  it('with holds that nobody waits for', async () => {
    const program = (alock, rwlock) => {
      const Lock = require(rwlock);
      global.kept = [new Lock(), new Lock(60_000)];
      require(alock)('key', () => console.log('held'));
      for (const lock of global.kept) {
        lock.writeLock('written', assertNotCalled, () => console.log('held'));
        lock.readLock('read', assertNotCalled, () => console.log('held'));
        lock.readLock('read', assertNotCalled, () => console.log('held'));
      }
      function assertNotCalled() {
        console.log('called');
      }
    };
    assert.deepEqual(await lines(program, ...BOTH), Array(7).fill('held'));
  });

  it('with waiters behind holds without an expiry', async () => {
    const program = (alock, rwlock) => {
      const lock = new (require(rwlock))();
      const ask = [
        (fn) => require(alock)('key', fn),
        (fn) => lock.writeLock('key', null, fn),
        (fn) => lock.readLock('key', null, fn),
      ];
      for (const request of [ask[0], ask[0], ask[1], ask[1], ask[2]]) request(() => console.log('granted'));
    };
    assert.deepEqual(await lines(program, ...BOTH), ['granted', 'granted']);
  });

  it('as soon as nobody waits any more, however long the holds may still last', async () => {
    const program = () => {
      const { Lock } = require('latchkey');
      const lock = new Lock(60_000);
      lock.writeLock('key', null, (release) => setTimeout(release, 20));
      lock.writeLock('key', null, () => console.log('granted'));
    };
    const { code, stdout, ms } = await run(program);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'granted\n' });
    assert.ok(ms < 20_000, `took ${ms} ms`);
  });

  it('in the middle of everything, with process.exit()', async () => {
    const program = () => {
      const { Lock } = require('latchkey');
      const lock = new Lock(10);
      for (let i = 0; i < 100; i++) {
        lock.writeLock(i, null, () => {});
        lock.writeLock(i, null, () => i === 50 && process.exit(7));
      }
    };
    assert.equal((await run(program)).code, 7);
  });
});

describe('the process lives', () => {
  it('while somebody waits for a hold to expire, until all are served', async () => {
    const program = () => {
      const { Lock } = require('latchkey');
      const lock = new Lock(30);
      for (const n of [0, 1, 2, 3]) {
        lock.writeLock(
          'key',
          (error) => console.log(n, error.code),
          () => console.log(n, 'obtained'),
        );
      }
      process.on('exit', () => console.log('exit'));
    };
    assert.deepEqual(await lines(program), [
      ...['0 obtained', '0 ERR_LOCK_EXPIRED', '1 obtained', '1 ERR_LOCK_EXPIRED'],
      ...['2 obtained', '2 ERR_LOCK_EXPIRED', '3 obtained', 'exit'],
    ]);
  });

  it('and so does a worker thread', async () => {
    const program = () => {
      const { Worker } = require('node:worker_threads');
      const path = require.resolve('latchkey');
      const source = `
        const { Lock } = require(${JSON.stringify(path)});
        const lock = new Lock(30);
        lock.writeLock('key', (error) => console.log(error.code), () => {});
        lock.writeLock('key', null, () => console.log('next'));
        new Lock().writeLock('key', null, () => {});
      `;
      const worker = new Worker(source, { eval: true, stdout: true });
      worker.stdout.pipe(process.stdout);
      worker.on('exit', (code) => console.log('worker exit', code));
    };
    const printed = await lines(program);
    assert.deepEqual(printed.toSorted(), ['ERR_LOCK_EXPIRED', 'next', 'worker exit 0']);
  });

  it('without burning time: a long wait costs no processor', async () => {
    const program = () => {
      const { Lock } = require('latchkey');
      const lock = new Lock(1000);
      lock.writeLock('key', null, () => {});
      const before = process.cpuUsage();
      lock.writeLock('key', null, () => {
        const { user, system } = process.cpuUsage(before);
        console.log(user + system);
      });
    };
    const [micros] = await lines(program);
    assert.ok(Number(micros) < 300_000, `${micros} µs of processor time in one second of waiting`);
  });
});

describe('before its need', () => {
  it('no thread and no timer starts: not on require, and not for locks, holds and waiters without an expiry', async (t) => {
    if (process.platform !== 'linux') return t.skip('counts threads in /proc, which only Linux has');
    const program = async () => {
      const { threads } = require('./support/threads');
      const { until } = require('./support/until');
      const before = threads().length;
      const latchkey = require('latchkey');
      const lines = [];
      const look = (what) => lines.push([what, threads().length - before]);
      look('required');
      latchkey('key', () => {});
      latchkey('key', () => {});
      const lock = new latchkey.Lock();
      lock.writeLock('key', null, () => {});
      lock.writeLock('key', null, () => {});
      look('waiting without an expiry');
      const expiring = new latchkey.Lock(50);
      expiring.readLock('key', null, () => {});
      expiring.readLock('key', null, () => {});
      look('held with an expiry');
      expiring.writeLock('key', null, () => {});
      look('waiting for an expiry');
      // A thread takes its name when it begins to run.
      await until(() => threads().includes('latchkey'), 'the thread that watches expiries');
      console.log(JSON.stringify(lines));
    };
    assert.deepEqual(JSON.parse((await lines(program))[0]), [
      ['required', 0],
      ['waiting without an expiry', 0],
      ['held with an expiry', 0],
      ['waiting for an expiry', 1],
    ]);
  });
});
