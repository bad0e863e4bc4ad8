'use strict';
// Order and exclusion on the promise API: first come, first served; neighbouring readers share; nobody overtakes.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { overScopes, overScopesAndModes, assertFree, exclusive, untilPending } = require('./support/scopes');
const { errorOf, turn, follow } = require('./support/follow');
const { deferred } = require('./support/until');
const { randomFrom, seed } = require('./support/random');

overScopes('requests for one key', (open) => {
  it('are granted in the order in which they were made, functions and holds alike', async () => {
    const locks = open();
    const log = [];
    const first = await locks.write('key');
    const calls = [];
    for (let i = 0; i < 100; i++) {
      const mode = i % 3 === 0 ? 'read' : 'write';
      if (i % 2 === 0) calls.push(locks[mode]('key', () => void log.push(i)));
      else calls.push(locks[mode]('key').then((hold) => (log.push(i), hold.release())));
    }
    first.release();
    await Promise.all(calls);
    assert.deepEqual(log, [...log.keys()]);
    assert.equal(log.length, 100);
  });

  it('write one at a time', async () => {
    const locks = open();
    const work = exclusive();
    await Promise.all(Array.from({ length: 50 }, () => locks.write('key', work)));
  });

  it('read together, as many as stand next to each other', async () => {
    const locks = open();
    const log = [];
    const hold = await locks.write('key');
    // Nobody ends before all of the group have begun, and then not at once: somebody else might come in meanwhile.
    const calls = [['r1', 'r2'], ['w3'], ['r4', 'r5', 'r6'], ['w7']].flatMap((group) => {
      const { promise: all, resolve } = deferred();
      let begun = 0;
      const work = (name) => async () => {
        log.push(name);
        if (++begun === group.length) resolve();
        await all;
        await turn();
        await turn();
        log.push(`/${name}`);
      };
      return group.map((name) => locks[name[0] === 'r' ? 'read' : 'write']('key', work(name)));
    });
    hold.release();
    await Promise.all(calls);
    assert.deepEqual(log, [
      ...['r1', 'r2', '/r1', '/r2', 'w3', '/w3'],
      ...['r4', 'r5', 'r6', '/r4', '/r5', '/r6', 'w7', '/w7'],
    ]);
  });

  it('a reader behind a waiting writer waits, though only readers hold', async () => {
    const locks = open();
    const reader = await locks.read('key');
    const writer = follow(locks.write('key'));
    const late = follow(locks.read('key'));
    await turn();
    assert.deepEqual([writer.state, late.state], ['pending', 'pending']);
    assert.equal(await locks.tryRead('key'), null);
    reader.release();
    await writer.settled;
    await turn();
    assert.equal(late.state, 'pending');
    writer.value.release();
    await late.settled;
    late.value.release();
  });

  it('keep nobody else waiting: other keys are free', async () => {
    const locks = open();
    const hold = await locks.write('a');
    const waiting = follow(locks.write('a'));
    assert.equal(await locks.write('b', () => 'ran'), 'ran');
    hold.release();
    await waiting.settled;
    waiting.value.release();
  });
});

overScopes('a random program', (open) => {
  it('keeps order and exclusion for each key, with limits, aborts, expiries and downgrades', async (t) => {
    t.diagnostic(`seed ${seed}`);
    const random = randomFrom(seed);
    const locks = open();
    /** Per key: [fence, number] of each grant. */
    const grants = new Map();
    /** Per key: those that hold it for sure. One that may expire can be gone without knowing it yet. */
    const holders = new Map();
    let asked = 0;
    const enter = (key, number, hold, mayExpire) => {
      grants.set(key, [...(grants.get(key) ?? []), [hold.fence, number]]);
      // Taken away before its function could begin.
      if (hold.signal.aborted) return;
      const others = holders.get(key) ?? new Set();
      if (hold.mode === 'write') assert.equal(others.size, 0, `${number} writes beside others`);
      else assert.ok([...others].every(({ mode }) => mode === 'read'));
      if (!mayExpire) holders.set(key, others.add(hold));
    };
    const call = async () => {
      const key = `key ${random.below(4)}`;
      const mode = random.pick(['read', 'write']);
      const controller = new AbortController();
      const options = {
        signal: controller.signal,
        timeout: random.pick([0, 1, Infinity, Infinity, Infinity]),
        expiry: random.pick([0, 0, 0, 1]),
      };
      const number = asked++;
      if (random.chance(0.1)) setImmediate(() => controller.abort('aborted'));
      const turns = random.below(4);
      const downgrades = random.chance(0.3);
      try {
        await locks[mode](key, options, async (hold) => {
          enter(key, number, hold, options.expiry > 0);
          for (let i = 0; i < turns; i++) {
            await turn();
            if (downgrades) hold.downgrade();
          }
          holders.get(key)?.delete(hold);
        });
        return 'done';
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        return error.code ?? error;
      }
    };
    const ended = {};
    for (let round = 0; round < 20; round++) {
      for (const how of await Promise.all(Array.from({ length: 50 }, call)))
        ended[how] = (ended[how] ?? 0) + 1;
    }
    t.diagnostic(JSON.stringify(ended));
    assert.ok(ended.done > 0 && ended.ERR_LOCK_TIMEOUT > 0 && ended.aborted > 0);
    await assertFree(locks);
    // Whoever asked later got the higher fence: nobody was overtaken.
    for (const list of grants.values()) {
      const numbers = list.toSorted(([a], [b]) => a - b).map(([, number]) => number);
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(list.map(([fence]) => fence)).size, list.length);
    }
  });
});

overScopesAndModes('requests that leave by the thousand', (open, mode) => {
  it('leave nothing: time limits, aborts and grants in turn', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const controller = new AbortController();
    const calls = [];
    for (let i = 0; i < 3000; i++) {
      if (i % 3 === 0) calls.push(errorOf(locks[mode]('key', { timeout: 1 })));
      else if (i % 3 === 1) calls.push(errorOf(locks[mode]('key', { signal: controller.signal })));
      else calls.push(locks[mode]('key', () => {}));
    }
    await Promise.all(calls.filter((_, i) => i % 3 === 0));
    controller.abort();
    await Promise.all(calls.filter((_, i) => i % 3 === 1));
    await untilPending(locks, 1000);
    hold.release();
    await Promise.all(calls);
    await assertFree(locks);
    const next = await locks.tryWrite('key');
    assert.equal(next.recovered, false);
    next.release();
  });
});
