'use strict';
// Program code can run while a request is being made: an init hook of async_hooks is called for each resource and promise that
// the request is given. Whatever it does to the key, nobody is lost, nobody shares, and those who asked keep their order.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { createHook } = require('node:async_hooks');
const alock = require('latchkey/alock');
const { Lock, Locks } = require('latchkey');
const { hold } = require('./support/queue');
const { turn } = require('./support/follow');

const LONG = 600_000;
/** More resources than any request makes at once. */
const RESOURCES = 20;

let keys = 0;

/**
 * `take(mode)` holds the key, and gives what releases it at once; `ask(mode, enter)` calls `enter(done, fence)` when it is let in,
 * which has to call `done`; only promises have fences. `early` says whether its resource is made before it asks.
 */
const apis = [
  { name: 'alock', modes: ['write'], early: true, open: () => callbacks({ write: alock }) },
  { name: 'rwlock-plus', modes: ['write', 'read'], early: true, open: () => ofLock(new Lock()) },
  {
    name: 'rwlock-plus with a timeout',
    modes: ['write', 'read'],
    early: true,
    open: () => ofLock(new Lock(LONG)),
  },
  { name: 'promises of a function', modes: ['write', 'read'], early: false, open: () => ofLocks(true) },
  { name: 'promises of a hold', modes: ['write', 'read'], early: false, open: () => ofLocks(false) },
];

function ofLock(lock) {
  return callbacks({
    read: (key, obtained, released = null) => lock.readLock(key, released, obtained),
    write: (key, obtained, released = null) => lock.writeLock(key, released, obtained),
  });
}

function callbacks(locks) {
  const key = `key ${keys++}`;
  return {
    take: (mode) => hold(locks, mode, key),
    // With a release callback, where the API has one: then a hold that may expire needs a context in any case.
    ask: (mode, enter) => locks[mode](key, enter, () => {}),
  };
}

function ofLocks(hasFunction) {
  const locks = new Locks();
  return {
    take(mode) {
      const taken = locks[mode === 'read' ? 'tryRead' : 'tryWrite']('key');
      return () => taken.release();
    },
    ask(mode, enter) {
      const run = ({ fence }) => new Promise((done) => enter(done, fence));
      if (hasFunction) void locks[mode]('key', run);
      else void locks[mode]('key').then((granted) => enter(() => granted.release(), granted.fence));
    },
  };
}

/**
 * Makes a request, and does something when so many resources or promises have been made for it, if there are so many.
 *
 * @returns {boolean} whether there were
 */
function during(nth, act, request) {
  let [left, active, failure] = [nth, true, null];
  const hook = createHook({
    init() {
      if (!active || left-- > 0) return;
      active = false;
      try {
        act();
      } catch (error) {
        // Out of here, it would end the process.
        failure = error;
      }
    },
  });
  hook.enable();
  try {
    request();
  } finally {
    hook.disable();
  }
  const acted = !active;
  active = false;
  if (failure !== null) throw failure;
  return acted;
}

/** Those who ask for a key, one after another, and what is seen of it. */
class Scene {
  constructor({ name, open }) {
    this.name = name;
    this.locks = open();
    this.log = [];
    this.inside = new Map();
    this.shared = [];
  }

  ask(who, mode) {
    this.locks.ask(mode, (done, fence) => {
      const others = [...this.inside.values()];
      if (others.length > 0 && (mode === 'write' || others.includes('write'))) this.shared.push(who);
      this.inside.set(who, mode);
      this.log.push({ who, mode, fence });
      this.inside.delete(who);
      done();
    });
  }

  /** Asserts that these were let in, in this order, and that nobody has the key in the end. */
  async end(expected, what) {
    for (let i = 0; i < 3; i++) await turn();
    // Of readers that are let in together, the function of the one whose call has returned may be called first.
    const together = this.name.startsWith('promises') && this.log.some(({ mode }) => mode === 'read');
    const order = together ? this.log.toSorted((a, b) => a.fence - b.fence) : this.log;
    assert.deepEqual(
      order.map(({ who }) => who),
      expected,
      `${what}: in order`,
    );
    assert.deepEqual(this.shared, [], `${what}: alone`);
    this.locks.take('write')();
  }
}

/** Runs a scene for each API, mode of the holder and of the request, number of those who wait before, and resource. */
function overScenes(what, play) {
  describe(what, () => {
    for (const api of apis) {
      for (const held of api.modes) {
        for (const mode of api.modes) {
          it(`loses nobody, and keeps the order (${api.name}, ${mode} behind ${held})`, async (t) => {
            let acted = 0;
            for (const waiting of [0, 1, 3]) {
              for (let nth = 0; nth < RESOURCES; nth++) {
                const scene = new Scene(api);
                const release = scene.locks.take(held);
                const before = Array.from({ length: waiting }, (_, i) => `waiter ${i}`);
                // The first one writes, so that nobody is let in before the release.
                for (const [i, who] of before.entries())
                  scene.ask(who, i === 0 ? 'write' : (api.modes.at(-1 - (i % 2)) ?? 'write'));
                const label = `${waiting} wait, resource ${nth}`;
                if (!(await play({ api, scene, release, before, mode, held, nth, label }))) break;
                acted++;
              }
            }
            t.diagnostic(`${acted} scenes`);
            assert.ok(acted > 0 || (api.early && mode === 'read' && held === 'read'), 'the hook was called');
          });
        }
      }
    }
  });
}

overScenes('a hook that releases the key while a request is made', async (given) => {
  const { scene, release, before, mode, nth, label } = given;
  const acted = during(nth, release, () => scene.ask('asking', mode));
  if (!acted) release();
  await scene.end([...before, 'asking'], label);
  return acted;
});

overScenes('a hook that asks for the key itself while a request is made', async (given) => {
  const { api, scene, release, before, mode, nth, label } = given;
  const acted = during(
    nth,
    () => scene.ask('hook', mode),
    () => scene.ask('asking', mode),
  );
  release();
  const both = api.early ? ['hook', 'asking'] : ['asking', 'hook'];
  await scene.end([...before, ...(acted ? both : ['asking'])], label);
  return acted;
});

overScenes('a hook that asks for the key and releases it', async (given) => {
  const { api, scene, release, before, mode, nth, label } = given;
  const act = () => {
    scene.ask('hook', mode);
    release();
  };
  const acted = during(nth, act, () => scene.ask('asking', mode));
  if (!acted) release();
  const both = api.early ? ['hook', 'asking'] : ['asking', 'hook'];
  await scene.end([...before, ...(acted ? both : ['asking'])], label);
  return acted;
});

overScenes('a hook that releases the key and asks for it', async (given) => {
  const { api, scene, release, before, mode, nth, label } = given;
  const act = () => {
    release();
    scene.ask('hook', mode);
  };
  const acted = during(nth, act, () => scene.ask('asking', mode));
  if (!acted) release();
  const both = api.early ? ['hook', 'asking'] : ['asking', 'hook'];
  await scene.end([...before, ...(acted ? both : ['asking'])], label);
  return acted;
});

overScenes('a hook that fills the array with requests for another key', async (given) => {
  const { scene, release, before, mode, nth, label } = given;
  const lock = new Lock();
  const other = hold({ write: (key, obtained) => lock.writeLock(key, null, obtained) }, 'write', 'other');
  let served = 0;
  const act = () => {
    for (let i = 0; i < 600; i++) {
      lock.writeLock('other', null, (done) => {
        served++;
        done();
      });
    }
  };
  const acted = during(nth, act, () => scene.ask('asking', mode));
  release();
  await scene.end([...before, 'asking'], label);
  other();
  assert.equal(served, acted ? 600 : 0);
  return acted;
});
