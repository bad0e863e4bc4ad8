'use strict';
// A write hold excludes all others; a read hold excludes writers. Shown by many tasks that take turns at random.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { apis, overApis, freshKey } = require('./support/apis');
const { randomFrom, seed } = require('./support/random');

/** Watches who is inside, key by key. */
class Guard {
  constructor() {
    this.inside = new Map();
    this.mostReaders = 0;
  }

  enter(key, mode) {
    const inside = this.inside.get(key) ?? { read: 0, write: 0 };
    this.inside.set(key, inside);
    inside[mode]++;
    this.mostReaders = Math.max(this.mostReaders, inside.read);
    assert.ok(
      inside.write === 0 || (inside.write === 1 && inside.read === 0),
      `${key}: ${JSON.stringify(inside)}`,
    );
  }

  leave(key, mode) {
    this.inside.get(key)[mode]--;
  }
}

overApis('exclusion', apis, (api) => {
  it('holds among 3000 tasks on 5 keys that stay for a random while', async (t) => {
    t.diagnostic(`seed ${seed}`);
    const random = randomFrom(seed);
    const locks = api.open();
    const keys = Array.from({ length: 5 }, freshKey);
    const guard = new Guard();
    const wait = (turns, then) => (turns === 0 ? then() : setImmediate(wait, turns - 1, then));
    const task = () =>
      new Promise((resolve, reject) => {
        const key = random.pick(keys);
        const mode = random.pick(api.modes);
        const stay = random.below(3);
        const run = (release) => {
          guard.enter(key, mode);
          wait(stay, () => {
            guard.leave(key, mode);
            release();
            resolve();
          });
        };
        wait(random.below(50), () => {
          try {
            locks[mode](key, run);
          } catch (error) {
            reject(error);
          }
        });
      });
    await Promise.all(Array.from({ length: 3000 }, task));
    for (const inside of guard.inside.values()) assert.deepEqual(inside, { read: 0, write: 0 });
    if (api.modes.includes('read')) assert.ok(guard.mostReaders > 1, 'readers did share');
  });

  it('keeps a holder alone however long it stays', async () => {
    const locks = api.open();
    const key = freshKey();
    let balance = 0;
    const add = () =>
      new Promise((resolve) => {
        locks.write(key, async (release) => {
          const before = balance;
          await new Promise(setImmediate);
          balance = before + 1;
          release();
          resolve();
        });
      });
    await Promise.all(Array.from({ length: 200 }, add));
    assert.equal(balance, 200);
  });
});
