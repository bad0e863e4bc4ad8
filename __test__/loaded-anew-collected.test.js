'use strict';
// A copy of the package that was loaded anew, in a vm context as Jest makes one for each test file, or after the require cache was
// cleared, is collected with all that it brought, once the program has dropped it: and not while one of its requests waits.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const latchkey = require('latchkey');
const { collectUntil, gc } = require('./support/gc');
const { freshName } = require('./support/scopes');
const { until } = require('./support/until');
const { loadInContext } = require('./support/vm-package');
const { runWith } = require('./support/child');
const { useRedis, withoutRedis } = require('./support/redis');

const ENTRY = require.resolve('latchkey');
const COPIES = 40;

/**
 * A reference to the realm of a copy. It is the realm that is looked at, since Node 20 may call no finalizer any more, of whomever,
 * once a realm has gone that had some: rarely, and on a busy machine.
 */
function realmOf(copy) {
  return new WeakRef(Object.getPrototypeOf(copy));
}

/**
 * The program: loads and uses copies, each of which is dropped, and says how many realms were collected. A process of its own,
 * since what a test runner keeps of a test's promises is not ours.
 */
async function loadAndDrop(entry, count, options, closes) {
  const { collectUntil: collect } = require('./support/gc');
  const { loadInContext: load } = require('./support/vm-package');
  const collected = new Set();
  const registry = new FinalizationRegistry((number) => collected.add(number));
  // A function of its own, so that no variable keeps the last one.
  const useOne = async (number) => {
    const { Lock, Locks, lock } = load(entry);
    registry.register(Object.getPrototypeOf(Lock), number);
    lock('key', (release) => release());
    const old = new Lock(60_000);
    old.writeLock('key', null, (release) => {
      old.writeLock('key', null, (releaseNext) => releaseNext());
      release();
    });
    const locks = new Locks(options);
    const hold = await locks.write('key', { expiry: 60_000 });
    const next = locks.write('key', () => 'next');
    const late = await locks.write('key', { timeout: 1 }).catch(({ code }) => code);
    await hold.release();
    if (late !== 'ERR_LOCK_TIMEOUT' || (await next) !== 'next') throw new Error(`${late}, ${await next}`);
    if (closes) locks.close();
  };
  for (let i = 0; i < count; i++) await useOne(i);
  await collect(() => collected.size === count, `${count} realms to be collected`);
  console.log(JSON.stringify({ collected: collected.size, listeners: process.listenerCount('exit') }));
}

/** Asserts that all realms are collected in which the package was used with such options. */
async function assertCollected(options, closes) {
  const { code, stdout, stderr } = await runWith(
    ['--expose-gc'],
    loadAndDrop,
    ENTRY,
    COPIES,
    options,
    closes,
  );
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const { collected, listeners } = JSON.parse(stdout);
  assert.equal(collected, COPIES);
  // The stores learn of the end of the process from one listener, however many copies there were.
  assert.ok(listeners <= 1, `${listeners} listeners`);
}

describe(`${COPIES} vm contexts that have loaded the package are collected`, () => {
  it('where each lock object was private, and closed', () => assertCollected({}, true));

  it('where each lock object was private, and dropped', () => assertCollected({}, false));

  it('where each was named, and closed', () => assertCollected({ name: freshName() }, true));

  it('where each was named, and dropped', () => assertCollected({ name: freshName() }, false));

  describe('where each was stored', { skip: withoutRedis }, () => {
    const redis = withoutRedis === false ? useRedis() : undefined;

    it('and closed', () => assertCollected({ name: freshName(), store: redis?.url }, true));
  });
});

it('the first copy of a process is collected, too', async () => {
  const program = (entry) => {
    const { collectUntil } = require('./support/gc');
    const { loadInContext: load } = require('./support/vm-package');
    let collected = false;
    const registry = new FinalizationRegistry(() => (collected = true));
    (() => {
      const copy = load(entry);
      registry.register(Object.getPrototypeOf(copy));
      const locks = new copy.Locks({ name: 'space' });
      locks.tryWrite('key').release();
      locks.close();
    })();
    collectUntil(() => collected, 'the realm').then(() => console.log('collected'));
  };
  const { code, stdout, stderr } = await runWith(['--expose-gc'], program, ENTRY);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'collected\n', stderr: '' });
});

it('a copy that was loaded after the require cache was cleared is collected', async () => {
  const program = (entry) => {
    const { collectUntil } = require('./support/gc');
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    const use = () => {
      // Not this program's own `require`: Node keeps in the list of each module those that it has loaded.
      const copy = require('node:module').createRequire(entry)(entry);
      registry.register(copy.Locks);
      const locks = new copy.Locks({ name: 'space' });
      locks.tryWrite('key').release();
      locks.close();
      for (const file of Object.keys(require.cache)) delete require.cache[file];
    };
    for (let i = 0; i < 20; i++) use();
    collectUntil(() => collected === 20, 'all copies').then(() => console.log('collected'));
  };
  const { code, stdout, stderr } = await runWith(['--expose-gc'], program, ENTRY);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'collected\n', stderr: '' });
});

describe('a copy that the program has dropped while a request waits', () => {
  /** Collects what can be. */
  const collect = async () => {
    for (let i = 0; i < 5; i++) {
      gc();
      await new Promise(setImmediate);
    }
  };

  it('serves it when another one releases', async () => {
    const name = freshName();
    const locks = new latchkey.Locks({ name });
    const hold = locks.tryWrite('key');
    const log = [];
    let realm;
    (() => {
      const copy = loadInContext(ENTRY);
      realm = realmOf(copy);
      new copy.Locks({ name }).write('key', () => void log.push('served'));
    })();
    await collect();
    assert.notEqual(realm.deref(), undefined);
    hold.release();
    await until(() => log.length > 0, 'the other copy’s callback');
    assert.deepEqual(log, ['served']);
    await collectUntil(() => realm.deref() === undefined, 'the realm to be collected after that');
    locks.close();
  });

  it('serves it when a hold expires', async () => {
    const log = [];
    (() => {
      const { Lock } = loadInContext(ENTRY);
      const lock = new Lock(200);
      lock.writeLock(
        'key',
        ({ code }) => log.push(code),
        () => {},
      );
      lock.writeLock('key', null, () => log.push('served'));
    })();
    await collect();
    await until(() => log.length === 2, 'the expiry');
    assert.deepEqual(log, ['ERR_LOCK_EXPIRED', 'served']);
  });

  it('keeps a hold that it has not released, in a named space', async () => {
    const name = freshName();
    const locks = new latchkey.Locks({ name });
    (() => {
      const copy = loadInContext(ENTRY);
      new copy.Locks({ name }).tryWrite('key');
    })();
    await collect();
    assert.equal(locks.tryWrite('key'), null);
    locks.close();
  });
});
