'use strict';
// One version of the package loaded more than once in a thread (a cleared require cache, vm contexts, two installed copies), and in
// several threads: each copy has private keys of its own, and works, expiry and all; a named space is one for all copies.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const latchkey = require('latchkey');
const { freshKey } = require('./support/apis');
const { freshName } = require('./support/scopes');
const { copyPackage } = require('./support/package-copy');
const { loadInContext } = require('./support/vm-package');
const { errorOf, turn, follow } = require('./support/follow');
const { deferred, until } = require('./support/until');
const { run, ROOT } = require('./support/child');

const ENTRY = require.resolve('latchkey');

/** Loads the package anew: no file of it, nor the addon, comes from the cache. */
function loadAgain() {
  for (const file of Object.keys(require.cache)) {
    const relative = path.relative(ROOT, file);
    if (/^(index\.js|lib|native)/.test(relative)) delete require.cache[file];
  }
  return require(ENTRY);
}

/** Asserts that a copy does all that the package does. */
async function assertWorks(copy) {
  const log = [];
  let release;
  copy('key', (done) => {
    release = done;
    log.push('alock first');
  });
  copy('key', (done) => {
    log.push('alock second');
    done();
  });
  release();
  const { promise, resolve } = deferred();
  const lock = new copy.Lock(20);
  lock.readLock(
    'key',
    (error) => log.push(error.code, error instanceof copy.LockExpiredError),
    () => {},
  );
  lock.writeLock('key', null, () => {
    log.push('next');
    resolve();
  });
  await promise;
  assert.deepEqual(log, ['alock first', 'alock second', 'ERR_LOCK_EXPIRED', true, 'next']);
  assert.throws(() => copy(null, () => {}), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** Asserts that each copy has keys of its own, and that they work at the same time. */
async function assertApart(...copies) {
  const granted = [];
  const key = freshKey();
  copies.forEach((copy, i) => {
    copy(key, () => granted.push(i));
  });
  assert.deepEqual(granted, [...copies.keys()]);
  await Promise.all(copies.map(assertWorks));
}

/** Asserts that two copies' named spaces are the same lock, in both directions, callback classes too. */
async function assertTogether(first, second) {
  const name = freshName();
  for (const [one, other] of [
    [first, second],
    [second, first],
  ]) {
    const [a, b] = [new one.Locks({ name }), new other.Locks({ name })];
    const lock = new other.Lock(null, null, { name });
    const hold = a.tryWrite('key');
    assert.equal(b.tryWrite('key'), null);
    const log = [];
    const call = follow(b.write('key', () => void log.push('Locks')));
    lock.writeLock('key', null, (release) => {
      log.push('Lock');
      release();
    });
    await turn();
    assert.equal(call.state, 'pending');
    assert.equal(a.query().pending.length, 2);
    hold.release();
    await call.settled;
    await until(() => log.length === 2, 'the other copy’s callback');
    assert.deepEqual(log, ['Locks', 'Lock']);
    // A hold that expires because the other copy waits.
    const finish = deferred();
    const lost = errorOf(a.write('key', { expiry: 5 }, () => finish.promise));
    assert.equal(await b.write('key', ({ recovered }) => recovered), true);
    finish.resolve();
    assert.equal((await lost).code, 'ERR_LOCK_EXPIRED');
    a.close();
    b.close();
  }
}

describe('copies in one thread have private keys of their own, and share a named space', () => {
  /** Asserts both of the package and two copies of it. */
  async function assertCopies(...copies) {
    const all = [latchkey, ...copies];
    assert.equal(new Set(all.map(({ Locks }) => Locks)).size, 3);
    await assertApart(...all);
    await assertTogether(all[0], all[1]);
    await assertTogether(all[1], all[2]);
  }

  it('when the require cache was cleared', () => assertCopies(loadAgain(), loadAgain()));

  it('when each has a vm context, as in Jest', () =>
    assertCopies(loadInContext(ENTRY), loadInContext(ENTRY)));

  describe('when they are installed in two places', () => {
    let folder;
    before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-copies-'))));
    after(() => fs.rmSync(folder, { recursive: true, force: true }));

    it('and neither knows of the other', () =>
      assertCopies(...['a', 'b'].map((name) => require(copyPackage(path.join(folder, name))))));
  });

  it('and a process that loaded it many times ends well, with waiters of each copy served first', async () => {
    const program = (entry) => {
      const { loadInContext: load } = require('./support/vm-package');
      for (let i = 0; i < 5; i++) {
        const { Lock } = load(entry);
        const lock = new Lock(20);
        lock.writeLock('key', null, () => {});
        lock.writeLock('key', null, () => console.log('served'));
      }
    };
    const { code, stdout, stderr } = await run(program, ENTRY);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'served\n'.repeat(5), stderr: '' });
  });
});

describe('copies in several threads', () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const latchkey = require(${JSON.stringify(ENTRY)});
    latchkey('held by each thread', () => parentPort.postMessage('alock'));
    const lock = new latchkey.Lock(20);
    lock.writeLock('key', (error) => parentPort.postMessage(error.code), () => {});
    lock.writeLock('key', null, () => parentPort.postMessage('next'));
  `;

  it('have keys of their own, and work at the same time, expiry and all', async () => {
    latchkey('held by each thread', () => {});
    const results = [1, 2, 3].map(() => {
      const messages = [];
      const worker = new Worker(source, { eval: true });
      worker.on('message', (message) => messages.push(message));
      return new Promise((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', () => resolve(messages));
      });
    });
    await assertWorks(latchkey);
    for (const messages of await Promise.all(results)) {
      assert.deepEqual(messages, ['alock', 'ERR_LOCK_EXPIRED', 'next']);
    }
  });
});
