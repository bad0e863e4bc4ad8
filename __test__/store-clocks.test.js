'use strict';
// Two processes whose clocks differ by an hour, on one store: no client's clock enters, only how much time passes by it.
//
// What counts the time since a machine has started is shifted by a time namespace of Linux, which takes the right to make one;
// the time of day, which only JavaScript looks at, in JavaScript.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { Locks } = require('latchkey');
const { useRedis, withoutRedis, untilAsync } = require('./support/redis');
const { startPeer } = require('./support/peer');
const { sleep } = require('./support/until');

const HOUR = 3600;
const TTL = 1500;
const EXPIRY = 400;

/** Why no process can have another clock here; false if one can. */
function withoutClocks() {
  try {
    execFileSync('unshare', ['--time', '--boottime', HOUR, 'true'], { stdio: 'pipe' });
    return false;
  } catch (error) {
    return `a process with another clock cannot be started: ${error.message}`;
  }
}

describe('a process whose clocks are an hour ahead', { skip: withoutRedis || withoutClocks() }, () => {
  const redis = useRedis();
  const name = 'clocks';
  const store = () => ({ url: redis.url, ttl: TTL });

  /** Such a process, with locks. */
  async function startAhead() {
    const peer = startPeer({ ahead: HOUR });
    const uptime = await peer.run(
      ({ open, state, require: load }, space, options, ms) => {
        const now = Date.now;
        Date.now = () => now() + ms;
        state.locks = open(space, options);
        return load('node:fs').readFileSync('/proc/uptime', 'utf8');
      },
      name,
      store(),
      HOUR * 1000,
    );
    const ahead = parseFloat(uptime) - parseFloat(fs.readFileSync('/proc/uptime', 'utf8'));
    assert.ok(Math.abs(ahead - HOUR) < 60, `${ahead} s`);
    return peer;
  }

  it('takes turns with others, by rising fences', async () => {
    const locks = new Locks({ name, store: store() });
    const peer = await startAhead();
    const fences = [];
    for (let i = 0; i < 20; i++) {
      fences.push(await locks.write('turns', ({ fence }) => fence));
      fences.push(await peer.run(({ state }) => state.locks.write('turns', ({ fence }) => fence)));
    }
    assert.deepEqual(
      fences,
      fences.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(fences).size, 40);
    locks.close();
    await peer.kill();
  });

  it('keeps its hold for its expiry, and no longer, and lets others keep theirs', async () => {
    const locks = new Locks({ name, store: store() });
    const peer = await startAhead();
    const hold = (expiry) => peer.run(({ state }, ms) => void state.locks.write('k', { expiry: ms }), expiry);
    const untilHeld = () => untilAsync(async () => (await locks.query()).held.length === 1, 'a holder');
    const before = performance.now();
    await hold(EXPIRY);
    await untilHeld();
    const mine = await locks.write('k', { expiry: EXPIRY });
    assert.ok(performance.now() - before >= EXPIRY);
    const since = performance.now();
    const there = await peer.run(async ({ state }) => {
      const second = await state.locks.write('k');
      await second.release();
    });
    assert.equal(there, undefined);
    const took = performance.now() - since;
    assert.ok(took > EXPIRY / 2 && took < EXPIRY + 5000, `${took} ms`);
    assert.equal(mine.signal.aborted, true);
    locks.close();
    await peer.kill();
  });

  it('is beaten for as long as it lives, and not much longer', async () => {
    const locks = new Locks({ name, store: store() });
    const peer = await startAhead();
    await peer.run(async ({ state }) => void (state.hold = await state.locks.write('k')));
    const granted = locks.write('k');
    assert.equal(
      await Promise.race([granted, sleep(2 * TTL).then(() => 'late')]),
      'late',
      'its lease was not renewed',
    );
    await peer.kill();
    const killed = performance.now();
    const hold = await granted;
    assert.ok(performance.now() - killed < TTL + 5000);
    assert.equal(hold.recovered, true);
    await hold.release();
    locks.close();
  });
});
