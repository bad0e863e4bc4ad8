'use strict';
// The package loaded more than once: copies of one version share their named spaces, in one thread and across
// threads; another version's copy refuses to open one, instead of being a second lock of the same name.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const latchkey = require('latchkey');
const support = require('./support/package-copy');
const { freshName } = require('./support/reaches');
const { loadInContext } = require('./support/vm-package');
const { errorOf, turn, watch } = require('./support/watch');
const { deferred, until } = require('./support/until');
const { run, ROOT } = require('./support/child');

const { BINARY, OTHER_VERSION, copyPackage, renumberBinary, renumberJavaScript, version } = support;

const ENTRY = require.resolve('latchkey');

/** Loads the package anew: no file of it comes from the cache. */
function loadAgain() {
  for (const file of Object.keys(require.cache)) {
    const relative = path.relative(ROOT, file);
    if (/^(index\.js|lib|native)/.test(relative)) delete require.cache[file];
  }
  return require(ENTRY);
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
    const call = watch(b.write('key', () => void log.push('Locks')));
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

describe('copies of one version in one thread are one lock in a named space', () => {
  let folder;
  before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-copies-'))));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('when the require cache was cleared, as in Jest', async () => {
    const [again, once] = [loadAgain(), loadAgain()];
    assert.notEqual(again.Locks, latchkey.Locks);
    await assertTogether(latchkey, again);
    await assertTogether(again, once);
  });

  it('when each has a vm context', async () => {
    await assertTogether(latchkey, loadInContext(ENTRY));
  });

  it('when they are installed in two places', async () => {
    const installed = require(copyPackage(path.join(folder, 'a')));
    assert.notEqual(installed.Locks, latchkey.Locks);
    await assertTogether(latchkey, installed);
    await assertTogether(installed, require(copyPackage(path.join(folder, 'b'))));
  });

  it('and so does a worker that loads another copy', async () => {
    const name = freshName();
    const locks = new latchkey.Locks({ name });
    const hold = locks.tryWrite('key');
    const source = `
      const { parentPort } = require('node:worker_threads');
      const { Locks } = require(${JSON.stringify(copyPackage(path.join(folder, 'c')))});
      const locks = new Locks({ name: ${JSON.stringify(name)} });
      parentPort.postMessage(locks.tryWrite('key') === null);
      locks.write('key', () => parentPort.postMessage('granted'));
    `;
    const messages = [];
    const worker = new Worker(source, { eval: true });
    worker.on('message', (message) => messages.push(message));
    await until(() => messages.length === 1 && locks.query().pending.length === 1, 'the worker to wait');
    assert.deepEqual(messages, [true]);
    hold.release();
    await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
    assert.deepEqual(messages, [true, 'granted']);
    locks.close();
  });
});

describe('a copy of another version', () => {
  let folder;
  let other;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-copies-'));
    other = copyPackage(path.join(folder, 'other'));
    renumberJavaScript(other);
    renumberBinary(path.join(other, 'native', BINARY));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('refuses a named space, naming both folders and versions', async () => {
    const { Lock, Locks, LockError, LockTwoCopiesError } = require(other);
    for (const open of [() => new Locks({ name: 'space' }), () => new Lock(null, null, { name: 'space' })]) {
      assert.throws(open, (error) => {
        assert.ok(error instanceof LockTwoCopiesError && error instanceof LockError);
        assert.equal(error.name, 'LockTwoCopiesError');
        assert.equal(error.code, 'ERR_LOCK_TWO_COPIES');
        for (const part of [ROOT, other, version, OTHER_VERSION, "'space'"]) {
          assert.ok(error.message.includes(part), `${part} is missing in: ${error.message}`);
        }
        return true;
      });
    }
  });

  it('does all the rest', async () => {
    const copy = require(other);
    const locks = new copy.Locks({ expiry: 5 });
    const lost = await locks.write('key');
    assert.equal(await locks.write('key', ({ recovered }) => recovered), true);
    assert.equal(lost.signal.reason.code, 'ERR_LOCK_EXPIRED');
    const hold = locks.tryWrite('key', { expiry: 0 });
    assert.equal((await errorOf(locks.write('key', { timeout: 5 }))).code, 'ERR_LOCK_TIMEOUT');
    hold.release();
    let done = 0;
    copy('key', (release) => (done++, release()));
    new copy.Lock().writeLock('key', null, (release) => (done++, release()));
    assert.equal(done, 2);
  });

  it('changes nothing for the first one', () => {
    require(other);
    const locks = new latchkey.Locks({ name: freshName() });
    locks.tryWrite('key').release();
    locks.close();
  });

  it('that a worker loads refuses too', async () => {
    const program = (first, second) => {
      const { Worker } = require('node:worker_threads');
      const { Locks } = require(first);
      new Locks({ name: 'space' });
      const source = `
        const { Locks } = require(${JSON.stringify(second)});
        try {
          new Locks({ name: 'space' });
          console.log('opened');
        } catch (error) {
          console.log(error.code);
        }
      `;
      new Worker(source, { eval: true });
    };
    const { code, stdout, stderr } = await run(program, ROOT, other);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'ERR_LOCK_TWO_COPIES\n', stderr: '' });
  });
});
