'use strict';
/* oxlint-disable unicorn/no-thenable -- that is what this is about */
// A promise of `fn` that has a `then` of its own. What it comes to is what `await` makes of it, and the hold ends with it.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { overScopes, assertFree } = require('./support/scopes');
const { errorOf, follow } = require('./support/follow');

class MyPromise extends Promise {}

/** Its promises pass for plain ones: `await` looks at `constructor`, and does not call their `then`. */
class Pretender extends Promise {
  then() {
    throw new Error('own then');
  }
}
Pretender.prototype.constructor = Promise;

const own = () => {
  throw new Error('own then');
};

/** Ways to spoil a promise. */
const SPOILS = {
  'throws when it is called': (promise) => Object.assign(promise, { then: own }),
  'throws when it is read': (promise) => Object.defineProperty(promise, 'then', { get: own }),
  'is undefined': (promise) => Object.assign(promise, { then: undefined }),
  'is no function': (promise) => Object.assign(promise, { then: 'text' }),
  'never calls back': (promise) => Object.assign(promise, { then: () => {} }),
  'is that of a class which says it is Promise': (promise) =>
    Object.setPrototypeOf(promise, Pretender.prototype),
};

/** How a promise ends, as text: never by what `then` of its result does. */
async function endOf(run) {
  try {
    const value = await run();
    return typeof value === 'object' ? 'fulfilled: an object' : `fulfilled: ${value}`;
  } catch (error) {
    return `rejected: ${error.message}`;
  }
}

/** What `write` makes of it. The next request has a time limit, for a hold that never ends. */
async function endOfCall(locks, key, spoil) {
  const call = endOf(() => locks.write(key, () => spoil()));
  const next = await locks.write(key, { timeout: 2000 });
  await next.release();
  return call;
}

overScopes('a native promise whose own `then`', (open) => {
  for (const [how, spoil] of Object.entries(SPOILS)) {
    it(`${how} is released, and gives its own result`, async () => {
      const locks = open();
      assert.equal(
        await endOfCall(locks, 'key', () => spoil(Promise.resolve('result'))),
        'fulfilled: result',
      );
      await assertFree(locks);
    });

    it(`${how} is released, and gives its own error`, async () => {
      const locks = open();
      const fail = () => spoil(Promise.reject(new Error('mine')));
      assert.equal(await endOfCall(locks, 'key', fail), 'rejected: mine');
      await assertFree(locks);
    });

    it(`${how} is not released before it has ended`, async () => {
      const locks = open();
      let resolve;
      const promise = new Promise((given) => (resolve = given));
      const call = locks.write('key', () => spoil(promise));
      const refused = await errorOf(locks.write('key', { timeout: 10 }));
      assert.equal(refused.code, 'ERR_LOCK_TIMEOUT');
      resolve('late');
      const next = await locks.write('key', { timeout: 2000 });
      await next.release();
      assert.equal(await call, 'late');
      await assertFree(locks);
    });
  }

  it('spoils nothing where the function had to wait, or has several keys', async () => {
    const locks = open();
    const spoil = SPOILS['never calls back'];
    const hold = await locks.write('key');
    const calls = ['key', ['key', 'other']].map((key) =>
      locks.write(key, () => spoil(Promise.resolve('result'))),
    );
    await hold.release();
    const next = await locks.write('key', { timeout: 2000 });
    await next.release();
    assert.deepEqual(await Promise.all(calls), ['result', 'result']);
    await assertFree(locks);
  });
});

overScopes('a promise of a subclass, whose own `then` `await` calls', (open) => {
  for (const how of [
    'throws when it is called',
    'throws when it is read',
    'is undefined',
    'is no function',
  ]) {
    it(`${how} is released, and ends as \`await\` ends`, async () => {
      const locks = open();
      const make = () => SPOILS[how](MyPromise.resolve('result'));
      const awaited = await endOf(async () => await make());
      assert.equal(await endOfCall(locks, 'key', make), awaited);
      await assertFree(locks);
    });
  }
});

describe('a promise that `then` cannot follow', () => {
  /** The second reader of its `constructor` finds a class that makes no promises. */
  function unfollowable() {
    let reads = 0;
    const Spoiled = Object.defineProperty(class {}, Symbol.species, {
      get() {
        throw new Error('no species');
      },
    });
    return Object.defineProperty(Promise.resolve('result'), 'constructor', {
      get: () => (reads++ === 0 ? Promise : Spoiled),
    });
  }

  it('is awaited all the same, whether its call has waited or not, and the key is released', async () => {
    const locks = new Locks();
    const hold = locks.tryWrite('waited for');
    const calls = ['free', 'waited for'].map((key) => follow(locks.write(key, unfollowable)));
    hold.release();
    await Promise.all(calls.map(({ settled }) => settled));
    assert.deepEqual(
      calls.map(({ value }) => value),
      ['result', 'result'],
    );
    await assertFree(locks);
  });
});
