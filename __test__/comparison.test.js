'use strict';
// What the README's table says of other packages, where a program can show it. The rest was read in their documentation.

const { describe, it } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const AsyncLock = require('async-lock');
const { Mutex, withTimeout } = require('async-mutex');
const { default: Redlock } = require('redlock');
const { Locks } = require('latchkey');
const { ROOT } = require('./support/child');
const { sleep } = require('./support/until');

/** Long enough for whatever does not wait for anybody. */
const MOMENT = 200;
const blocked = () => {
  let free = () => {};
  const gate = new Promise((resolve) => (free = resolve));
  return { gate, free };
};

describe("the README's table of other packages", () => {
  it('names the versions that are installed here', () => {
    for (const name of ['async-mutex', 'async-lock', 'redlock', 'redis-semaphore']) {
      const file = path.join(ROOT, 'node_modules', name, 'package.json');
      const { version } = JSON.parse(fs.readFileSync(file, 'utf8'));
      assert.ok(readme().includes(`${name} ${version.replace(/^v/, '')}`), `${name} ${version}`);
    }
  });

  it('a request that timed out stays in the queue of async-mutex and async-lock, and leaves that of latchkey', async () => {
    const mutex = new Mutex();
    const release = await mutex.acquire();
    await assert.rejects(withTimeout(mutex, 10).acquire());
    release();
    // The one that gave up was still in the queue, and has it now.
    assert.equal(mutex.isLocked(), true);

    const lock = new AsyncLock({ timeout: 10, maxPending: 1 });
    const first = blocked();
    const held = lock.acquire('key', () => first.gate, { timeout: 0 });
    await assert.rejects(
      lock.acquire('key', () => {}),
      /timed out/,
    );
    await assert.rejects(
      lock.acquire('key', () => {}),
      /Too many pending/,
    );
    first.free();
    await held;

    const locks = new Locks({ maxPending: 1 });
    const hold = await locks.write('key');
    for (const _ of [1, 2]) {
      await assert.rejects(locks.write('key', { timeout: 10 }), { code: 'ERR_LOCK_TIMEOUT' });
    }
    assert.equal(locks.query().pending.length, 0);
    hold.release();
  });

  it('arrays of keys in opposite orders wait for each other in async-lock, and not in latchkey', async () => {
    for (const { take, ends } of [
      { take: asyncLock(), ends: false },
      { take: latchkey(), ends: true },
    ]) {
      const first = blocked();
      const holders = [take('a', () => first.gate), take('b', () => first.gate)];
      const both = Promise.all([take(['a', 'b'], () => sleep(1)), take(['b', 'a'], () => sleep(1))]);
      first.free();
      await Promise.all(holders);
      const ended = await Promise.race([both.then(() => true), sleep(MOMENT).then(() => false)]);
      assert.equal(ended, ends);
    }
  });

  it('redlock asks again every 200 ms or so, unless its options say otherwise', () => {
    const { settings } = new Redlock([{}]);
    assert.deepEqual([settings.retryDelay, settings.retryJitter], [200, 100]);
  });
});

describe("the README's figures", () => {
  it('are those that a benchmark printed', () => {
    const section = readme().split('## Performance')[1].split('\n## ')[0];
    const rows = section.split('\n').filter((line) => line.startsWith('| ') && / [µnm]s /.test(line));
    const printed = ['results.md', 'results-store.md'].flatMap((name) =>
      fs.readFileSync(path.join(ROOT, 'benchmarks', name), 'utf8').split('\n'),
    );
    const cells = (line) => line.split('|').map((cell) => cell.trim());
    const missing = rows.filter((row) => {
      const figures = cells(row).filter((cell) => /^[\d.]+( [µnm]s)?$/.test(cell));
      assert.equal(figures.length, 3, row);
      return !printed.some((line) => figures.every((figure) => cells(line).includes(figure)));
    });
    assert.ok(rows.length > 5);
    assert.deepEqual(missing, []);
  });
});

function readme() {
  return fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
}

function asyncLock() {
  const lock = new AsyncLock();
  return (keys, fn) => lock.acquire(keys, fn);
}

function latchkey() {
  const locks = new Locks();
  return (keys, fn) => locks.write(keys, fn);
}
