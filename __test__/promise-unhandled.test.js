'use strict';
// No unhandled rejection and no uncaught exception is ever caused by the library itself: a program that does
// everything, and handles what it was given, ends well under --unhandled-rejections=strict.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { runWith } = require('./support/child');
const { useRedis, withoutRedis } = require('./support/redis');

const STRICT = ['--unhandled-rejections=strict', '--trace-warnings', '--throw-deprecation'];

describe('a program that does everything and handles what it is given', () => {
  const redis = useRedis();
  for (const kind of ['private', 'named', 'stored']) {
    it(`ends well (${kind})`, { skip: kind === 'stored' && withoutRedis }, async () => {
      const place = { private: {}, named: { name: 'space' }, stored: { name: 'space', store: redis.url } };
      const { code, signal, stdout, stderr } = await runWith(STRICT, everything, place[kind]);
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
      const { ended, bad } = JSON.parse(stdout);
      assert.deepEqual(bad, []);
      assert.deepEqual(Object.keys(ended).toSorted(), [
        ...['ERR_INVALID_ARG_TYPE', 'ERR_LOCK_CLOSED', 'ERR_LOCK_EXPIRED', 'ERR_LOCK_QUEUE_FULL'],
        ...['ERR_LOCK_TIMEOUT', 'ERR_OUT_OF_RANGE', 'aborted', 'done', 'mine'],
      ]);
    });
  }
});

/** The program. */
async function everything(place) {
  const { Locks } = require('latchkey');
  const bad = [];
  for (const event of [
    'unhandledRejection',
    'uncaughtException',
    'rejectionHandled',
    'warning',
    'multipleResolves',
  ]) {
    process.on(event, (what) => bad.push(`${event}: ${what}`));
  }
  const options = { maxPending: 6, ...place };
  const turn = () => new Promise(setImmediate);
  const ended = {};
  const calls = [];
  // Handled some turns later than they settle would be the program's own fault; at once is enough.
  const handle = (promise) => {
    calls.push(
      promise.then(
        (hold) => {
          hold?.release?.();
          ended.done = (ended.done ?? 0) + 1;
        },
        (error) => {
          const name = error.code ?? error.message ?? error;
          ended[name] = (ended[name] ?? 0) + 1;
        },
      ),
    );
  };
  for (let round = 0; round < 30; round++) {
    const locks = new Locks(options);
    const controller = new AbortController();
    const { signal } = controller;
    for (const key of ['key', ['a', 'key', 'b']]) {
      for (const mode of ['read', 'write']) {
        handle(locks[mode](key, { expiry: 1 }, turn));
        handle(locks[mode](key, { signal }, turn));
        handle(locks[mode](key, { signal }));
        handle(locks[mode](key, { timeout: 1 }, () => Promise.reject(new Error('mine'))));
        handle(locks[mode](key, () => Promise.reject(new Error('mine'))));
        handle(locks[mode](key, { timeout: 0 }));
        handle(locks[mode](null));
        handle(locks[mode](key, { timeout: -1 }));
      }
    }
    // Taken away while its function runs, which then fails, or not.
    handle(locks.write('late', { expiry: 1 }, () => new Promise((resolve) => setTimeout(resolve, 4))));
    handle(locks.write('late', { timeout: 1000 }));
    await turn();
    if (round % 2 === 0) controller.abort('aborted');
    if (round % 3 === 0) locks.close();
    else if (round % 3 === 1) setTimeout(() => locks.close(), 2);
    await new Promise((resolve) => setTimeout(resolve, 3));
    controller.abort('aborted');
  }
  await Promise.all(calls);
  await turn();
  console.log(JSON.stringify({ ended, bad }));
}

describe('a rejection', () => {
  it('is one: whoever handles the promise that was returned has handled all', async () => {
    const program = async () => {
      const { Locks } = require('latchkey');
      const locks = new Locks({ name: 'space' });
      const hold = locks.tryWrite('key');
      const call = locks.write(['key', 'other'], { timeout: 5 }, () => {});
      call.catch((error) => {
        console.log(error.code);
        hold.release();
      });
    };
    const { code, stdout, stderr } = await runWith(STRICT, program);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'ERR_LOCK_TIMEOUT\n', stderr: '' });
  });

  it('that nobody handles is the program’s: it is reported like any other', async () => {
    const program = () => {
      const { Locks } = require('latchkey');
      const locks = new Locks();
      locks.tryWrite('key');
      locks.write('key', { timeout: 5 });
    };
    const { code, stderr } = await runWith(STRICT, program);
    assert.equal(code, 1);
    assert.match(stderr, /LockTimeoutError: Lock 'key' was not granted within 5 ms/);
  });
});
