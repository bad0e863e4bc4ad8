'use strict';
// Idle keys of a lock object are kept for a while, because programs use the same ones again: a bounded number of them, at any
// number of keys, swept at a cost that does not grow with it. Keys in use are never swept. For both sorts: thin keys, and
// those that are only counted.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { loadCopy, loadSweepingCopy } = require('./support/copies');
const { freshName } = require('./support/scopes');
const { block } = require('./support/until');
const { errorOf, follow, turn } = require('./support/follow');

const { latchkey, lib } = loadCopy();
const { Keys } = lib('keys');
const { ThinKey, ENGINE } = lib('thin');
const { PrivateSpace } = lib('private-space');
const { WRITE } = lib('request');
const { NEW } = lib('life');

const MILLION = 1_000_000;
const KEEP_IDLE = 1024;

/** Counts at how many keys the sweeps of `work` look. */
function lookedAt(work) {
  const { isIdle } = ThinKey.prototype;
  let count = 0;
  ThinKey.prototype.isIdle = function () {
    count++;
    return isIdle.call(this);
  };
  try {
    work();
  } finally {
    ThinKey.prototype.isIdle = isIdle;
  }
  return count;
}

const writer = () => ({ mode: WRITE, expiry: 0, state: NEW, previous: null, next: null });

/** Grants a thin key that has to admit the request. */
function grant(key, request) {
  assert.equal(key.admits(request.mode), true);
  key.grant(request);
}

/** Both sorts of holders under one shape: `take(name)` makes a free key held by a writer, `give` frees it. */
const sorts = [
  {
    name: 'listed',
    open() {
      const keys = new Keys(true);
      const take = (name) => {
        const key = keys.find(name);
        grant(key, writer());
        return key;
      };
      return { keys, take, give: (key) => key.release(key.last) };
    },
  },
  {
    name: 'counted',
    open() {
      const space = new PrivateSpace();
      const take = (name) => {
        const key = space.keys.find(name);
        assert.ok(key.admits(WRITE));
        key.take(WRITE);
        return key;
      };
      return { keys: space.keys, take, give: (key) => assert.equal(space.give(key), null) };
    },
  },
];

/** Asserts that `idle` counts the idle keys, and gives the number of all. */
function countKeys(keys) {
  const all = [...keys.some()];
  assert.equal(keys.idle, all.filter((key) => key.isIdle()).length);
  return all.length;
}

for (const { name, open } of sorts) {
  describe(`of a million keys with a ${name} holder`, () => {
    it('that are used one after another, no more than 1,024 idle ones are kept at any time', () => {
      const { keys, take, give } = open();
      let most = 0;
      const looked = lookedAt(() => {
        for (let i = 0; i < MILLION; i++) {
          give(take(`${i}`));
          most = Math.max(most, keys.map.size);
        }
      });
      assert.ok(most <= KEEP_IDLE + 1, `${most} were kept`);
      assert.ok(looked < 1.1 * MILLION, `sweeps looked at ${looked}`);
      countKeys(keys);
    });

    it('that are all held at once, none is swept, and their end costs a few looks each', () => {
      const { keys, take, give } = open();
      let held = [];
      const looked = lookedAt(() => {
        held = Array.from({ length: MILLION }, (_, i) => take(`${i}`));
        assert.equal(keys.map.size, MILLION);
        for (const key of held) give(key);
      });
      assert.ok(looked < 4 * MILLION, `sweeps looked at ${looked}`);
      assert.ok(countKeys(keys) <= KEEP_IDLE, `${keys.map.size} are kept`);
    });

    it('that come and go beside ten thousand that stay, each costs a few looks', () => {
      const { keys, take, give } = open();
      const stay = Array.from({ length: 10_000 }, (_, i) => take(`stays ${i}`));
      let most = 0;
      const looked = lookedAt(() => {
        for (let i = 0; i < MILLION; i++) {
          give(take(`goes ${i}`));
          most = Math.max(most, keys.map.size);
        }
      });
      assert.ok(looked < 4 * MILLION, `sweeps looked at ${looked}`);
      assert.ok(most <= 1.5 * stay.length + 1, `${most} were kept`);
      for (const [i, key] of stay.entries()) {
        assert.equal(keys.find(`stays ${i}`), key);
        assert.equal(key.admits(WRITE), false, 'it is held still');
        give(key);
      }
      countKeys(keys);
    });
  });

  it(`a key in regular use is not made anew each time (${name} holder)`, () => {
    const { keys, take, give } = open();
    const names = Array.from({ length: 1000 }, (_, i) => `${i}`);
    const first = names.map((each) => keys.find(each));
    for (const round of [1, 2, 3]) {
      for (const [i, each] of names.entries()) {
        const key = take(each);
        assert.equal(key, first[i], `in round ${round}`);
        give(key);
      }
    }
    assert.equal(countKeys(keys), names.length);
    assert.equal(keys.idle, names.length);
  });

  it(`a free key that has an event still to be delivered is kept until that is delivered (${name} holder)`, () => {
    const { keys, take, give } = open();
    const undelivered = take('undelivered');
    give(undelivered);
    undelivered.firstEvent = {};
    const useOthers = () => {
      for (let i = 0; i < 3 * KEEP_IDLE; i++) give(take(`${i}`));
    };
    useOthers();
    assert.equal(keys.map.get('undelivered'), undelivered);
    undelivered.firstEvent = null;
    useOthers();
    assert.equal(keys.map.has('undelivered'), false);
    countKeys(keys);
  });
}

it('of a million keys of a named space it is the same', () => {
  const keys = new Keys(false);
  const stays = keys.find('stays');
  stays.enterEngine();
  let most = 0;
  const looked = lookedAt(() => {
    for (let i = 0; i < MILLION; i++) {
      const key = keys.find(`${i}`);
      assert.equal(key.state, ENGINE);
      key.enterEngine();
      key.leaveEngine();
      most = Math.max(most, keys.map.size);
    }
  });
  assert.ok(most <= KEEP_IDLE + 2, `${most} were kept`);
  assert.ok(looked < 1.1 * MILLION, `sweeps looked at ${looked}`);
  assert.equal(keys.find('stays'), stays);
  countKeys(keys);
});

it('`idle` is exact, whatever has happened to keys: held, shared, the engine’s, forgotten by it', () => {
  const space = new PrivateSpace();
  const { keys } = space;
  const [written, shared, counted, forgotten, free] = ['a', 'b', 'c', 'd', 'e'].map((each) =>
    keys.find(each),
  );
  const readers = [1, 2].map(() => ({ ...writer(), mode: 0 }));
  const isExact = (idle) => assert.deepEqual([countKeys(keys), keys.idle], [5, idle]);
  isExact(5);
  grant(written, writer());
  isExact(4);
  for (const reader of readers) grant(shared, reader);
  isExact(3);
  for (const _ of [1, 2]) counted.take(0);
  isExact(2);
  grant(forgotten, writer());
  space.inflate(forgotten);
  assert.equal(forgotten.state, ENGINE);
  isExact(1);
  forgotten.deflate();
  isExact(2);
  space.inflate(written);
  space.inflate(counted);
  shared.release(readers[0]);
  isExact(2);
  shared.release(readers[1]);
  isExact(3);
  written.deflate();
  counted.deflate();
  isExact(5);
  assert.equal(free.isIdle(), true);
});

it('a number that the engine knows a key by is given to no other key before the first one is swept, and then again', () => {
  const space = new PrivateSpace();
  const { keys } = space;
  const use = (names) => {
    const used = names.map((each) => keys.find(each));
    for (const key of used) {
      key.take(0);
      space.inflate(key);
    }
    const slots = used.map(({ slot }) => slot);
    for (const key of used) key.deflate();
    return slots;
  };
  const first = Array.from({ length: KEEP_IDLE }, (_, i) => `${i}`);
  assert.deepEqual(use(first), [...first.keys()]);
  assert.deepEqual(use(first), [...first.keys()], 'each keeps its own');
  assert.deepEqual(use(['one more']), [KEEP_IDLE]);
  // That was one too many, and all are swept.
  assert.equal(keys.map.size, 0);
  const again = use(first.map((each) => `other ${each}`));
  assert.equal(new Set(again).size, KEEP_IDLE);
  assert.ok(Math.max(...again) <= KEEP_IDLE, `${Math.max(...again)}`);
});

it('the copy with which the random programs run keeps next to no idle key', () => {
  const copy = loadSweepingCopy();
  const space = new (copy.lib('private-space').PrivateSpace)();
  for (let i = 0; i < 10; i++) {
    const key = space.keys.find(`${i}`);
    key.take(WRITE);
    assert.equal(space.give(key), null);
    assert.ok(space.keys.map.size <= 2, `${space.keys.map.size} keys`);
  }
});

describe('while a hundred thousand other keys come and go', () => {
  for (const name of [null, freshName()]) {
    describe(name === null ? 'in a private space' : 'in a named space', () => {
      const open = () => new latchkey.Locks({ name });
      const others = (locks) => {
        for (let i = 0; i < 100_000; i++) locks.tryWrite(`other ${i}`).release();
      };

      it('a hold keeps its key', () => {
        const locks = open();
        const writer = locks.tryWrite('written');
        const readers = [locks.tryRead('read'), locks.tryRead('read')];
        others(locks);
        assert.equal(locks.tryRead('written'), null);
        assert.equal(locks.tryWrite('read'), null);
        others(locks);
        for (const hold of [writer, ...readers]) hold.release();
        for (const key of ['written', 'read']) locks.tryWrite(key).release();
      });

      it('those who wait keep their places', async () => {
        const locks = open();
        const holder = locks.tryWrite('key');
        const log = [];
        const first = locks.write('key', () => log.push(1));
        others(locks);
        const second = locks.write('key', () => log.push(2));
        others(locks);
        await turn();
        assert.deepEqual(log, []);
        holder.release();
        await Promise.all([first, second]);
        assert.deepEqual(log, [1, 2]);
      });

      it('a recovered key stays so', () => {
        const locks = open();
        const lost = locks.tryWrite('half written', { expiry: 5 });
        block(10);
        locks.tryRead('half written').release();
        assert.equal(lost.signal.aborted, true);
        others(locks);
        const writer = locks.tryWrite('half written');
        assert.equal(writer.recovered, true);
        writer.release();
      });

      it('a request that is given up leaves nothing behind', async () => {
        const locks = open();
        const holder = locks.tryWrite('key');
        const controller = new AbortController();
        const leaving = errorOf(locks.write('key', { signal: controller.signal }));
        const staying = follow(locks.write('key'));
        others(locks);
        controller.abort(new Error('enough'));
        assert.equal((await leaving).message, 'enough');
        holder.release();
        await staying.settled;
        staying.value.release();
        assert.deepEqual(locks.query(), { held: [], pending: [] });
        const next = locks.tryWrite('key');
        assert.equal(next.recovered, false);
        next.release();
      });
    });
  }
});
