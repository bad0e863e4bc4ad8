'use strict';
// `read` and `write` of the promise API: with a function and without, what comes back, and that the key is free
// afterwards, however the function ends.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { Hold } = require('latchkey');
const { overScopesAndModes, TRY, assertFree } = require('./support/scopes');
const { errorOf, turn, follow } = require('./support/follow');

overScopesAndModes('a call with a function', (open, mode, { later }) => {
  it('gives the result of an async function, and releases', async () => {
    const locks = open();
    const result = await locks[mode]('key', async (hold) => {
      await turn();
      assert.equal((await locks.query()).held.length, 1);
      return { fence: hold.fence };
    });
    assert.ok(result.fence > 0);
    await assertFree(locks);
  });

  it('gives the result of a plain function, and releases', async () => {
    const locks = open();
    assert.equal(await locks[mode]('key', () => 42), 42);
    assert.equal(await locks[mode]('key', () => undefined), undefined);
    await assertFree(locks);
  });

  it('takes options before the function, null and undefined too', async () => {
    const locks = open();
    for (const options of [{}, { timeout: 10_000, expiry: 10_000 }, { signal: undefined }, undefined, null]) {
      assert.equal(await locks[mode]('key', options, () => 'result'), 'result');
    }
    await assertFree(locks);
  });

  it('waits for a thenable, as await does', async () => {
    const locks = open();
    // oxlint-disable-next-line unicorn/no-thenable -- it is what this is about
    const thenable = { then: (resolve) => setImmediate(resolve, 'result') };
    assert.equal(await locks[mode]('key', () => thenable), 'result');
    await assertFree(locks);
  });

  // A store answers later.
  if (!later) {
    it('starts the function before it returns, if the key is free', async () => {
      const locks = open();
      let started = false;
      const done = locks[mode]('key', () => (started = true));
      assert.equal(started, true);
      await done;
    });
  }

  it('hands the function the hold, and nothing else', async () => {
    await open()[mode]('key', (...args) => {
      assert.equal(args.length, 1);
      assert.ok(args[0] instanceof Hold);
      assert.equal(args[0].mode, mode);
      assert.equal(args[0].key, 'key');
    });
  });

  for (const waits of [false, true]) {
    const when = waits ? 'after a wait' : 'at once';
    const prepare = async (locks) => {
      if (!waits) return () => {};
      const hold = await locks.tryWrite('key');
      return () => hold.release();
    };

    it(`rejects with the very error that an async function rejects with, and releases (${when})`, async () => {
      const locks = open();
      const free = await prepare(locks);
      for (const reason of [new Error('mine'), 'text', undefined, null, 0]) {
        const call = locks[mode]('key', async () => {
          await turn();
          throw reason;
        });
        free();
        assert.equal(await errorOf(call), reason);
        await assertFree(locks);
      }
    });

    it(`rejects with the very error that a plain function throws, and releases (${when})`, async () => {
      const locks = open();
      const free = await prepare(locks);
      const reason = new Error('mine');
      const call = locks[mode]('key', () => {
        throw reason;
      });
      free();
      assert.equal(await errorOf(call), reason);
      await assertFree(locks);
    });
  }

  it('has released before its promise is settled', async () => {
    const locks = open();
    await locks[mode]('key', () => {});
    assert.notEqual(await locks.tryWrite('key'), null);
    await errorOf(locks[mode]('other', () => assert.fail()));
    assert.notEqual(await locks.tryWrite('other'), null);
  });

  it('lets the function release earlier, once', async () => {
    const locks = open();
    let next;
    await locks[mode]('key', async (hold) => {
      hold.release();
      next = await locks.tryWrite('key');
      assert.notEqual(next, null);
    });
    assert.equal(await locks.tryWrite('key'), null);
    next.release();
    await assertFree(locks);
  });

  it('does not take a hold that the function returns for a promise', async () => {
    const hold = await open()[mode]('key', (given) => given);
    assert.ok(hold instanceof Hold);
    hold.release();
  });
});

overScopesAndModes('a call without a function', (open, mode, { later }) => {
  it('gives a hold, which stays until it is released', async () => {
    const locks = open();
    const hold = await locks[mode]('key');
    assert.ok(hold instanceof Hold);
    await turn();
    assert.equal(await locks.tryWrite('key'), null);
    hold.release();
    await assertFree(locks);
  });

  it('takes options, null and undefined too', async () => {
    const locks = open();
    for (const options of [{}, { timeout: 0 }, { expiry: 0 }, undefined, null]) {
      (await locks[mode]('key', options)).release();
      (await locks[mode]('key', options, undefined)).release();
    }
    await assertFree(locks);
  });

  // A store answers later.
  if (!later) {
    it('has the key before it returns, if it is free', async () => {
      const locks = open();
      const asked = locks[mode]('key');
      assert.equal((await locks.query()).held.length, 1);
      (await asked).release();
    });
  }

  it('always answers with a promise, never with a throw', async () => {
    const locks = open();
    const calls = [
      locks[mode](),
      locks[mode](null),
      locks[mode]('key', 'options'),
      locks[mode]('key', {}, 7),
    ];
    for (const call of calls) {
      assert.ok(call instanceof Promise);
      await errorOf(call);
    }
    await assertFree(locks);
  });
});

overScopesAndModes('a call that tries', (open, mode) => {
  it('gives a hold at once, if the key is free', async () => {
    const locks = open();
    const hold = await locks[TRY[mode]]('key');
    assert.ok(hold instanceof Hold);
    assert.equal(hold.mode, mode);
    hold.release();
    await assertFree(locks);
  });

  it('gives null at once, if a writer holds the key, and leaves nothing', async () => {
    const locks = open();
    const hold = await locks.tryWrite('key');
    assert.equal(await locks[TRY[mode]]('key'), null);
    assert.equal((await locks.query()).pending.length, 0);
    hold.release();
    await assertFree(locks);
  });

  it('takes an expiry, null and undefined for options', async () => {
    const locks = open();
    for (const options of [{}, { expiry: 10 }, { expiry: 0 }, { expiry: Infinity }, undefined, null]) {
      (await locks[TRY[mode]]('key', options)).release();
    }
    await assertFree(locks);
  });

  it('does not overtake one that waits', async () => {
    const locks = open();
    const reader = await locks.tryRead('key');
    const writer = follow(locks.write('key'));
    assert.equal(await locks[TRY[mode]]('key'), null);
    reader.release();
    await writer.settled;
    assert.equal(await locks[TRY[mode]]('key'), null);
    writer.value.release();
  });
});

overScopesAndModes('a key', (open, mode) => {
  it('becomes a string as a property name does', async () => {
    const locks = open();
    const objectId = { toString: () => 'abc' };
    const same = [
      [1, '1'],
      [true, 'true'],
      [5n, '5'],
      [objectId, 'abc'],
      [['a', 'b'].join(), 'a,b'],
    ];
    for (const [key, name] of same) {
      const hold = await locks[mode](key);
      assert.equal(hold.key, name);
      assert.equal(await locks.tryWrite(name), null);
      hold.release();
    }
  });

  it('is exact: no two different strings meet', async () => {
    const locks = open();
    const keys = [
      '',
      ' ',
      'é',
      'e\u0301',
      '\ud800',
      '\udc00',
      '\ufffd',
      '\ud83d\ude00',
      '\0',
      'a\0',
      'a',
      '__proto__',
    ];
    const holds = await Promise.all(keys.map((key) => locks[TRY[mode]](key)));
    assert.deepEqual(
      holds.map((hold) => hold?.key),
      keys,
    );
    for (const key of keys) assert.equal(await locks.tryWrite(key), null);
    const held = (await locks.query()).held.map(({ key }) => key);
    assert.deepEqual(held.toSorted(), keys.toSorted());
    holds.forEach((hold) => hold.release());
  });
});
