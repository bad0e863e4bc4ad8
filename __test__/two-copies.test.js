'use strict';
// The package installed twice: copies of one version are the same named lock, copies of two versions are never silently
// two locks of one name. Each program has a process of its own: which copy was first is the process' own business.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run, ROOT } = require('./support/child');
const {
  BINARY,
  OTHER_VERSION,
  copyPackage,
  renumberBinary,
  renumberJavaScript,
  version,
} = require('./support/package-copy');

let folder;
/** A copy of the same version, and one of another. */
let same;
let other;

before(() => {
  folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'latchkey-two-copies-'));
  same = copyPackage(path.join(folder, 'same'));
  other = copyPackage(path.join(folder, 'other'));
  renumberJavaScript(other);
  renumberBinary(path.join(other, 'native', BINARY));
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs a program that prints what it saw as JSON. */
async function seenBy(program, ...args) {
  const { code, stdout, stderr } = await run(program, ...args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** A worker that opens the named space from a copy, and says each time it is asked whether it gets the key. */
const worker = `
  const { workerData, parentPort } = require('node:worker_threads');
  let outcome;
  try {
    const locks = new (require(workerData).Locks)({ name: 'orders' });
    outcome = locks.tryWrite('key') === null ? 'locked out' : 'holds';
    if (outcome === 'locked out') locks.write('key', (hold) => parentPort.postMessage('served'));
  } catch (error) {
    outcome = error.code;
  }
  parentPort.postMessage(outcome);
`;

describe('two copies of one version', () => {
  it('are one named lock in one thread, and private ones are apart', async () => {
    const seen = await seenBy(
      (...folders) => {
        const [first, second] = folders.map((each) => require(each).Locks);
        const locks = [new first({ name: 'orders' }), new second({ name: 'orders' })];
        const apart = [new first(), new second()];
        const hold = locks[0].tryWrite('key');
        const seen = { apart: apart.map((each) => each.tryWrite('key') !== null) };
        seen.during = locks[1].tryWrite('key');
        locks[1].write('key', (next) => {
          seen.order = next.fence > hold.fence;
          console.log(JSON.stringify(seen));
        });
        hold.release();
      },
      ROOT,
      same,
    );
    assert.deepEqual(seen, { apart: [true, true], during: null, order: true });
  });

  it('are one lock by the callback API, too', async () => {
    const seen = await seenBy(
      (...folders) => {
        const [first, second] = folders.map((each) => new (require(each).Lock)(0, null, { name: 'orders' }));
        const seen = [];
        first.writeLock('key', null, (release) => {
          second.writeLock('key', null, () => {
            seen.push('second');
            console.log(JSON.stringify(seen));
          });
          seen.push('first');
          release();
        });
      },
      ROOT,
      same,
    );
    assert.deepEqual(seen, ['first', 'second']);
  });

  for (const [where, own, others] of [
    ['the copy is in the worker', () => ROOT, () => same],
    ['the copy is in the main thread', () => same, () => ROOT],
  ]) {
    it(`are one named lock when ${where}`, async () => {
      const seen = await seenBy(withWorker, worker, own(), others());
      assert.deepEqual(seen, ['locked out', 'released', 'served']);
    });
  }

  it('are one named lock in a worker that was started before the first lock object', async () => {
    assert.deepEqual(await seenBy(withEarlyWorker, worker, ROOT, same, ROOT), ['holds', 'locked out']);
    assert.deepEqual(await seenBy(withEarlyWorker, worker, same, ROOT, same), ['holds', 'locked out']);
  });

  it('are one named lock when the one that was loaded later makes the first lock object', async () => {
    assert.deepEqual(await seenBy(withEarlyWorker, worker, ROOT, ROOT, same), ['holds', 'locked out']);
    assert.deepEqual(await seenBy(withEarlyWorker, worker, ROOT, same, same), ['holds', 'locked out']);
  });

  it('are one named lock in two workers of a main thread that has none', async () => {
    assert.deepEqual(await seenBy(twoWorkers, worker, ROOT, same), ['holds', 'locked out']);
  });
});

describe('copies of two versions', () => {
  it('refuse a named space, naming both folders', async () => {
    const [promise, callback] = await seenBy(
      (first, second) => {
        const { Locks } = require(first);
        new Locks({ name: 'orders' });
        const later = require(second);
        const seen = [
          () => new later.Locks({ name: 'orders' }),
          () => new later.Lock(0, null, { name: 'orders' }),
        ].map((open) => {
          try {
            return open();
          } catch (error) {
            const { name, code, key, message } = error;
            const own = error instanceof later.LockTwoCopiesError && error instanceof later.LockError;
            return { name, code, key, message, own };
          }
        });
        console.log(JSON.stringify(seen));
      },
      ROOT,
      other,
    );
    const { message, ...rest } = promise;
    assert.deepEqual(rest, {
      name: 'LockTwoCopiesError',
      code: 'ERR_LOCK_TWO_COPIES',
      key: 'orders',
      own: true,
    });
    for (const part of [`${version} in ${ROOT},`, `${OTHER_VERSION} in ${other}`, "'orders'"])
      assert.ok(message.includes(part), `${part} is missing in: ${message}`);
    assert.deepEqual(callback, promise);
  });

  it('leave private spaces alone, and named ones of the first copy', async () => {
    const seen = await seenBy(
      (first, second) => {
        const one = require(first);
        const named = new one.Locks({ name: 'orders' });
        const two = require(second);
        const seen = [];
        one('key', () => seen.push('alock'));
        two('key', () => seen.push('alock, apart'));
        new two.Lock().writeLock('key', null, () => seen.push('rwlock-plus'));
        const hold = new two.Locks().tryWrite('key');
        seen.push(hold.mode);
        seen.push(named.tryWrite('key').mode, named.tryWrite('key'));
        seen.push(new one.Locks({ name: 'more orders' }).tryWrite('key').mode);
        console.log(JSON.stringify(seen));
      },
      ROOT,
      other,
    );
    const expected = ['alock', 'alock, apart', 'rwlock-plus', 'write', 'write', null, 'write'];
    assert.deepEqual(seen, expected);
  });

  it('leave the private spaces of the later copy its expiries and time limits', async () => {
    const seen = await seenBy(
      async (first, second) => {
        require(first);
        const { Locks } = require(second);
        const locks = new Locks({ expiry: 5 });
        const lost = await locks.write('key');
        const recovered = await locks.write('key', (hold) => hold.recovered);
        const holder = locks.tryWrite('key', { expiry: 0 });
        const { code } = await locks.write('key', { timeout: 5 }).catch((error) => error);
        holder.release();
        console.log(JSON.stringify([lost.signal.reason.code, recovered, code]));
      },
      ROOT,
      other,
    );
    assert.deepEqual(seen, ['ERR_LOCK_EXPIRED', true, 'ERR_LOCK_TIMEOUT']);
  });

  it('refuse it in a worker, too', async () => {
    assert.deepEqual(await seenBy(withWorker, worker, ROOT, other), ['ERR_LOCK_TWO_COPIES', 'released']);
  });

  it('refuse it in a worker that was started before the first lock object', async () => {
    assert.deepEqual(await seenBy(withEarlyWorker, worker, ROOT, other, ROOT), [
      'ERR_LOCK_TWO_COPIES',
      'holds',
    ]);
  });

  it('refuse it in the second of two workers of a main thread that has none', async () => {
    assert.deepEqual(await seenBy(twoWorkers, worker, ROOT, other), ['holds', 'ERR_LOCK_TWO_COPIES']);
  });
});

/** The program: this thread holds, a worker asks, this thread releases. */
function withWorker(source, own, others) {
  const { Worker } = require('node:worker_threads');
  const hold = new (require(own).Locks)({ name: 'orders' }).tryWrite('key');
  const seen = [];
  const asker = new Worker(source, { eval: true, workerData: others });
  asker.on('message', (message) => {
    seen.push(message);
    if (seen.length > 1) return;
    hold.release();
    seen.push('released');
  });
  asker.on('exit', () => console.log(JSON.stringify(seen)));
}

/** The program: this thread loads a copy; a worker asks first, with another copy; then this thread, with a third. */
function withEarlyWorker(source, loaded, others, own) {
  const { Worker } = require('node:worker_threads');
  require(loaded);
  require(own);
  const stays = `${source}; setInterval(() => {}, 1000);`;
  new Worker(stays, { eval: true, workerData: others }).once('message', (first) => {
    const hold = new (require(own).Locks)({ name: 'orders' }).tryWrite('key');
    console.log(JSON.stringify([first, hold === null ? 'locked out' : 'holds']));
    process.exit();
  });
}

/** The program: one worker after the other asks; this thread never loads the package. */
function twoWorkers(source, ...folders) {
  const { Worker } = require('node:worker_threads');
  const seen = [];
  const ask = (i) => {
    // It stays, with all that it holds.
    const stays = `${source}; setInterval(() => {}, 1000);`;
    new Worker(stays, { eval: true, workerData: folders[i] }).on('message', (message) => {
      seen.push(message);
      if (seen.length === 1) return ask(1);
      console.log(JSON.stringify(seen));
      process.exit();
    });
  };
  ask(0);
}
