'use strict';
// What somebody has added to `Object.prototype`, as a fault in another package can, is no option of a lock object, nor of a
// call: a lock that is quietly not the one that was asked for excludes nobody. Options that are inherited from anything else
// count.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const vm = require('node:vm');
const { Lock, Locks } = require('latchkey');
const { freshName } = require('./support/scopes');
const { block } = require('./support/until');
const { turn, follow } = require('./support/follow');

/** Nothing listens there. */
const NOWHERE = 'redis://127.0.0.1:1';

/** What all objects have. */
const ofAll = Object.prototype;

/** Runs something that ends within the call while all objects have these properties. */
function whileAllHave(properties, run) {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(ofAll, name, { value, writable: true, configurable: true });
  }
  try {
    return run();
  } finally {
    for (const name of Object.keys(properties)) delete ofAll[name];
  }
}

/** Whether two lock objects of the promise API keep each other out. */
function exclude(one, other) {
  const hold = one.tryWrite('key');
  const second = other.tryWrite('key');
  hold.release();
  second?.release();
  return second === null;
}

/** The same for the callback classes. */
function excludeLock(one, other) {
  let granted = false;
  one.writeLock('key', null, (release) => {
    other.writeLock('key', null, (done) => {
      granted = true;
      done();
    });
    release();
  });
  return !granted;
}

const given = [
  ['no options', []],
  ['options that say nothing', [{}]],
];

for (const [what, args] of given) {
  describe(`a Locks with ${what}`, () => {
    it('is private, whatever name all objects have', () => {
      const name = freshName();
      const [one, other] = whileAllHave({ name }, () => [new Locks(...args), new Locks(...args)]);
      assert.equal(exclude(one, other), false);
    });

    it('connects to nothing, whatever store all objects have', () => {
      const locks = whileAllHave({ name: freshName(), store: NOWHERE }, () => new Locks(...args));
      const hold = locks.tryWrite('key');
      assert.equal(hold?.mode, 'write');
      hold.release();
    });

    it('takes nothing away, and lets any number wait, whatever all objects have', async () => {
      const locks = whileAllHave({ expiry: 1, maxPending: 0 }, () => new Locks(...args));
      const hold = locks.tryWrite('key');
      block(5);
      assert.equal(locks.tryWrite('key'), null);
      const next = follow(locks.write('key'));
      await turn();
      assert.equal(next.state, 'pending');
      hold.release();
      await next.settled;
      next.value.release();
    });
  });

  it(`a Lock with ${what} is private, whatever name and store all objects have`, () => {
    const all = { name: freshName(), store: NOWHERE };
    const [one, other] = whileAllHave(all, () => [new Lock(0, null, ...args), new Lock(0, null, ...args)]);
    assert.equal(excludeLock(one, other), false);
  });
}

describe('a named Locks', () => {
  it('is one of this process, whatever store all objects have', () => {
    const name = freshName();
    const locks = whileAllHave({ store: NOWHERE }, () => new Locks({ name }));
    assert.equal(exclude(locks, new Locks({ name })), true);
    locks.close();
  });

  it('has no options of the store that all objects have', () => {
    const all = { url: NOWHERE, master: 7, ttl: -1, password: 7, href: 'nowhere:', protocol: 'nowhere:' };
    const stores = [NOWHERE, new URL(NOWHERE), { url: NOWHERE }];
    for (const store of stores) {
      whileAllHave(all, () => new Locks({ name: freshName(), store })).close();
    }
    assert.throws(() => whileAllHave(all, () => new Locks({ name: freshName(), store: {} })), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });
});

it('a call waits as long as it takes, whatever time limit and signal all objects have', async () => {
  const locks = new Locks();
  const hold = locks.tryWrite('key');
  const all = { timeout: 0, signal: AbortSignal.abort(), expiry: 1 };
  const next = whileAllHave(all, () => follow(locks.write('key', {})));
  await turn();
  assert.equal(next.state, 'pending');
  hold.release();
  await next.settled;
  block(5);
  assert.equal(locks.tryWrite('key'), null);
  next.value.release();
});

it('what all objects of another realm have does not count, either', () => {
  const name = freshName();
  const options = vm.runInNewContext(`Object.prototype.name = ${JSON.stringify(name)}; ({})`);
  assert.equal(options.name, name);
  assert.equal(exclude(new Locks(options), new Locks(options)), false);
});

it('options that are inherited from anything else count', () => {
  const name = freshName();
  class Options {
    get name() {
      return name;
    }
  }
  const all = [new Options(), Object.create({ name }), Object.create({ __proto__: null, name })];
  const opened = all.map((options) => new Locks(options));
  for (const locks of opened) assert.equal(exclude(locks, new Locks({ name })), true);
  for (const locks of opened) locks.close();
});
