'use strict';
// What keeps a process alive in a named space: one that waits, because another thread may serve it; not a hold, not
// an idle object, and not a private wait without a limit.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { lines, run } = require('./support/child');

describe('the process ends by itself', () => {
  it('with idle objects and with holds, named and private', async () => {
    const program = async () => {
      const { Lock, Locks } = require('latchkey');
      global.kept = [new Locks({ name: 'a' }), new Locks({ name: 'b', expiry: 60_000 }), new Locks()];
      for (const locks of global.kept) {
        await locks.write('key');
        await locks.read(['a', 'b']);
        locks.tryRead('read', { expiry: 60_000 });
      }
      global.lock = new Lock(60_000, null, { name: 'a' });
      global.lock.writeLock('another key', null, () => console.log('held'));
      process.on('exit', () => console.log('exit'));
    };
    assert.deepEqual(await lines(program), ['held', 'exit']);
  });

  it('with a private wait that nothing can end but its own thread', async () => {
    const program = async () => {
      const { Locks } = require('latchkey');
      const locks = new Locks();
      await locks.write('key');
      locks.write('key', () => console.log('never'));
      locks.write('key', { timeout: Infinity, expiry: 60_000, signal: new AbortController().signal });
      console.log('end');
    };
    assert.deepEqual(await lines(program), ['end']);
  });

  it('as soon as the wait is over: granted, timed out, aborted or closed', async () => {
    const program = async () => {
      const { Locks } = require('latchkey');
      const report = (error) => console.log(error.code ?? error);
      const locks = new Locks({ name: 'space' });
      const other = new Locks({ name: 'space' });
      const hold = await locks.write('key', { expiry: 60_000 });
      const controller = new AbortController();
      const aborted = other.write('key', { signal: controller.signal, timeout: 60_000 }).catch(report);
      const timedOut = locks.write('key', { timeout: 20 }).catch(report);
      const closing = new Locks({ name: 'space' });
      const closed = closing.read('key', { timeout: 60_000 }).catch(report);
      other.write('key', { timeout: 60_000 }).then(() => console.log('granted'));
      timedOut.then(() => controller.abort('aborted'));
      aborted.then(() => closing.close());
      closed.then(() => hold.release());
    };
    const start = performance.now();
    assert.deepEqual(await lines(program), ['ERR_LOCK_TIMEOUT', 'aborted', 'ERR_LOCK_CLOSED', 'granted']);
    assert.ok(performance.now() - start < 20_000);
  });

  it('with process.exit() in the middle of everything', async () => {
    const program = async () => {
      const { Locks } = require('latchkey');
      const locks = new Locks({ name: 'space', expiry: 1 });
      let ended = 0;
      const count = () => ++ended === 40 && process.exit(7);
      for (let i = 0; i < 200; i++) {
        locks.write('key', () => new Promise((resolve) => setTimeout(resolve, 2))).then(count, count);
        locks.write(['key', 'other'], () => {}).then(count, count);
      }
    };
    assert.equal((await run(program)).code, 7);
  });
});

describe('the process lives', () => {
  it('while it waits in a named space, until another thread serves it', async () => {
    const program = async () => {
      const { Worker } = require('node:worker_threads');
      const { Locks } = require('latchkey');
      const source = `
        const { parentPort } = require('node:worker_threads');
        const { Locks } = require(${JSON.stringify(require.resolve('latchkey'))});
        new Locks({ name: 'space' }).write('key').then((hold) => {
          parentPort.postMessage('holds');
          setTimeout(() => hold.release(), 100);
        });
      `;
      const worker = new Worker(source, { eval: true });
      worker.once('message', () => {
        // From here on only the wait keeps the main thread.
        worker.unref();
        new Locks({ name: 'space' }).write('key').then(() => console.log('granted'));
      });
    };
    assert.deepEqual(await lines(program), ['granted']);
  });

  it('and a worker’s event loop too', async () => {
    const program = async () => {
      const { Worker } = require('node:worker_threads');
      const { Locks } = require('latchkey');
      const locks = new Locks({ name: 'space' });
      const hold = await locks.write('key');
      const source = `
        const { parentPort } = require('node:worker_threads');
        const { Locks } = require(${JSON.stringify(require.resolve('latchkey'))});
        new Locks({ name: 'space' }).write('key').then((hold) => parentPort.postMessage(hold.fence));
        parentPort.postMessage('waits');
      `;
      const worker = new Worker(source, { eval: true });
      worker.on('message', (message) => {
        console.log(message);
        if (message === 'waits') setTimeout(() => hold.release(), 100);
      });
      worker.on('exit', (code) => console.log('worker exit', code));
    };
    assert.deepEqual(await lines(program), ['waits', '2', 'worker exit 0']);
  });

  it('until a grant has been delivered, though its event came during a call about another key', async () => {
    const program = async () => {
      const { Worker } = require('node:worker_threads');
      const { Locks } = require('latchkey');
      const flags = new Int32Array(new SharedArrayBuffer(8));
      const source = `
        const { parentPort, workerData: flags } = require('node:worker_threads');
        const { Locks } = require(${JSON.stringify(require.resolve('latchkey'))});
        const hold = new Locks({ name: 'space' }).tryWrite('key');
        parentPort.postMessage('holds');
        Atomics.wait(flags, 0, 0);
        hold.release();
        Atomics.store(flags, 1, 1);
        Atomics.notify(flags, 1);
      `;
      const worker = new Worker(source, { eval: true, workerData: flags });
      worker.once('message', () => {
        worker.unref();
        const locks = new Locks({ name: 'space' });
        locks.write('key').then(() => console.log('granted'));
        Atomics.store(flags, 0, 1);
        Atomics.notify(flags, 0);
        Atomics.wait(flags, 1, 0, 20_000);
        locks.tryWrite('another key').release();
      });
    };
    assert.deepEqual(await lines(program), ['granted']);
  });

  it('while it waits for a time limit or an expiry, private or named', async () => {
    const program = async () => {
      const { Locks } = require('latchkey');
      for (const options of [{}, { name: 'space' }]) {
        const locks = new Locks(options);
        await locks.write('key');
        await locks.write('key', { timeout: 50 }).catch((error) => console.log(error.code));
        const lost = await locks.write('other', { expiry: 50 });
        await locks.write('other');
        console.log(lost.signal.reason?.code);
      }
      console.log('end');
    };
    assert.deepEqual(await lines(program), [
      ...['ERR_LOCK_TIMEOUT', 'ERR_LOCK_EXPIRED', 'ERR_LOCK_TIMEOUT', 'ERR_LOCK_EXPIRED', 'end'],
    ]);
  });

  it('without burning time while it waits in a named space', async () => {
    const program = async () => {
      const { Locks } = require('latchkey');
      const locks = new Locks({ name: 'space' });
      await locks.write('key', { expiry: 1000 });
      const before = process.cpuUsage();
      await locks.write('key');
      const { user, system } = process.cpuUsage(before);
      console.log(user + system);
    };
    const [micros] = await lines(program);
    assert.ok(Number(micros) < 300_000, `${micros} µs of processor time in one second of waiting`);
  });
});

describe('before its need', () => {
  it('no thread starts: not for named spaces, holds, and waits without a limit', async (t) => {
    if (process.platform !== 'linux') return t.skip('counts threads in /proc, which only Linux has');
    const program = async () => {
      const { threads } = require('./support/threads');
      const { until } = require('./support/until');
      const before = threads().length;
      const { Locks } = require('latchkey');
      const locks = new Locks({ name: 'space' });
      const hold = await locks.write('key', { expiry: 60_000 });
      const free = await locks.write('free', { timeout: 60_000 });
      const other = await locks.write('other');
      locks.write('other').then((given) => given.release());
      const look = () => console.log(threads().length - before);
      look();
      locks.write('key').then((given) => given.release());
      look();
      // A thread takes its name when it begins to run.
      await until(() => threads().includes('latchkey'), 'the thread that watches expiries');
      [hold, free, other].forEach((each) => each.release());
    };
    assert.deepEqual(await lines(program), ['0', '1']);
  });
});
