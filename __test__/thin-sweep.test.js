'use strict';
// Idle thin keys are kept for a while, because programs use the same ones again: a bounded number of them, at any number of
// keys, swept at a cost that does not grow with it. Keys in use are never swept.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { loadCopy } = require('./support/copies');
const { freshName } = require('./support/reaches');
const { block } = require('./support/until');
const { errorOf, watch, turn } = require('./support/watch');

const { latchkey, lib } = loadCopy({ thin: true });
const { ThinKeys, ThinKey, ENGINE } = lib('thin');
const { usage } = lib('native');

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

function take(keys, name) {
  const key = keys.find(name);
  assert.equal(key.take(true), true);
  return key;
}

const inMap = (keys) => [...keys.all()].length;

describe('of a million keys', () => {
  it('that are used one after another, no more than 1,024 idle ones are kept at any time', () => {
    const keys = new ThinKeys(true);
    let most = 0;
    const looked = lookedAt(() => {
      for (let i = 0; i < MILLION; i++) {
        take(keys, `${i}`).give();
        most = Math.max(most, keys.map.size);
      }
    });
    assert.ok(most <= KEEP_IDLE + 1, `${most} were kept`);
    assert.ok(looked < 1.1 * MILLION, `sweeps looked at ${looked}`);
  });

  it('that are all held at once, none is swept, and their end costs a few looks each', () => {
    const keys = new ThinKeys(true);
    let held = [];
    const looked = lookedAt(() => {
      held = Array.from({ length: MILLION }, (_, i) => take(keys, `${i}`));
      assert.equal(inMap(keys), MILLION);
      for (const key of held) key.give();
    });
    assert.ok(looked < 4 * MILLION, `sweeps looked at ${looked}`);
    assert.ok(inMap(keys) <= KEEP_IDLE, `${inMap(keys)} are kept`);
  });

  it('that come and go beside ten thousand that stay, each costs a few looks', () => {
    const keys = new ThinKeys(true);
    const stay = Array.from({ length: 10_000 }, (_, i) => take(keys, `stays ${i}`));
    let most = 0;
    const looked = lookedAt(() => {
      for (let i = 0; i < MILLION; i++) {
        take(keys, `goes ${i}`).give();
        most = Math.max(most, keys.map.size);
      }
    });
    assert.ok(looked < 4 * MILLION, `sweeps looked at ${looked}`);
    assert.ok(most <= 1.5 * stay.length + 1, `${most} were kept`);
    for (const [i, key] of stay.entries()) {
      assert.equal(keys.find(`stays ${i}`), key);
      assert.equal(key.take(true), false, 'it is held still');
      key.give();
    }
  });

  it('of a named space it is the same', () => {
    const keys = new ThinKeys(false);
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
  });
});

it('a key in regular use is not made anew each time', () => {
  const keys = new ThinKeys(true);
  const names = Array.from({ length: 1000 }, (_, i) => `${i}`);
  const first = names.map((name) => keys.find(name));
  for (const round of [1, 2, 3]) {
    for (const [i, name] of names.entries()) {
      const key = take(keys, name);
      assert.equal(key, first[i], `in round ${round}`);
      key.give();
    }
  }
});

describe('while a hundred thousand other keys come and go', () => {
  for (const name of [undefined, freshName()]) {
    describe(name === undefined ? 'in a private space' : 'in a named space', () => {
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
        const before = usage();
        const holder = locks.tryWrite('key');
        const controller = new AbortController();
        const leaving = errorOf(locks.write('key', { signal: controller.signal }));
        const staying = watch(locks.write('key'));
        others(locks);
        controller.abort(new Error('enough'));
        assert.equal((await leaving).message, 'enough');
        holder.release();
        await staying.settled;
        staying.value.release();
        const { holds, waiting, keys } = usage();
        assert.deepEqual(
          { holds, waiting, keys },
          { holds: before.holds, waiting: before.waiting, keys: before.keys },
        );
      });
    });
  }
});
