'use strict';
// A program that calls the library close to the end of the stack, and counts what is not in order afterwards:
// `node stack-end.js <api> <runs>` prints a line of JSON, [what, Result], for each of the API's scenarios. Run by
// delivery-stack-end.test.js.
//
// What Node breaks itself there, and nobody else can mend:
// - `AsyncResource.runInAsyncScope` may enter a scope and then have no room to leave it. On Node 20 that ends the
//   process ("async hook stack has become corrupted"), unless it runs with --no-force-async-hooks-checks.
// - A promise that is rejected there is rejected, but Node's own look for unhandled ones has no room: it says
//   "Exception in PromiseRejectCallback" on stderr.

const { Lock, Locks, lock: alock } = require('latchkey');
const { block } = require('./until');
const { turn, follow } = require('./follow');

/**
 * Where calls begin, in frames before the end: at each of the first ones, then here and there, up to some 120 KB. In no order: V8
 * compiles a function when it is first called, which needs more than to call it, and that is to happen at any of them.
 */
const COUNT = 120;
const PLACES = Array.from({ length: COUNT }, (_, i) => (7 * i) % COUNT).map(placeOf);
/** @param {number} i */
function placeOf(i) {
  if (i < 40) return i + 1;
  return i < 80 ? 10 * (i - 35) : 440 + 20 * (i - 79);
}

/** By how many words the first frame is moved at most, so that a call does not end at the same place each time. */
const SHIFTS = 32;
/** After so many turns of the event loop everything has happened that will. */
const TURNS = 10;
const EXPIRY = 2;

/**
 * @typedef {object} Result
 * @property {number} runs
 * @property {number} threw how many of the calls threw
 * @property {Record<string, number>} faults how many runs had what fault
 */

/**
 * A run: `call` is made near the end of the stack, `called` at once after it; `faults` says afterwards what is wrong, given what it threw.
 *
 * @typedef {{ call: () => void, called?: () => void, faults: (error: unknown) => Promise<string[]> }} Run
 */

/** Makes a run with a key of its own. @typedef {(key: string) => Run | Promise<Run>} Scenario */

/**
 * Makes a call so many frames before the end of the stack.
 *
 * @param {number} frames
 * @param {() => void} call
 * @returns {unknown} what it threw, or undefined
 */
function callNearEnd(frames, call) {
  let thrown;
  const descend = () => {
    let left = 0;
    try {
      left = descend() + 1;
    } catch {
      return 0;
    }
    if (left === frames) {
      try {
        call();
      } catch (error) {
        thrown = error;
      }
    }
    return left;
  };
  descend();
  return thrown;
}

/** Arguments take room on the stack. */
function shifted(shift, call) {
  const move = () => call();
  return move(...Array(shift).fill(0));
}

/** Who was not called, and whose release function nobody has, holds nothing once that is collected. */
async function collected() {
  await turn();
  globalThis.gc();
  await turn();
}

async function turnsUntil(condition) {
  for (let i = 0; i < TURNS && !condition(); i++) await turn();
}

/**
 * One who asks by a callback API.
 *
 * @param {boolean} [inside] whether it releases inside its callback
 */
function newCaller(inside = false) {
  const caller = {
    times: 0,
    notified: 0,
    threw: false,
    release: undefined,
    obtained(release) {
      caller.times++;
      caller.release = release;
      if (inside) release();
    },
    released() {
      caller.notified++;
    },
  };
  return caller;
}

/** The callback APIs under one shape; `notifies` says whether there is a release callback. */
const forClass = (lock) => ({
  write: (key, { released, obtained }) => lock.writeLock(key, released, obtained),
  read: (key, { released, obtained }) => lock.readLock(key, released, obtained),
  notifies: true,
});
const forAlock = () => ({ write: (key, { obtained }) => alock(key, obtained), notifies: false });

/**
 * What is wrong once each of them, in order, has been granted the key and has released it, or its call has thrown. `silent` need
 * not be called when it is released.
 */
async function faultsOf({ write, notifies }, key, callers, silent = null) {
  const faults = [];
  for (const caller of callers) {
    await turnsUntil(() => caller.times > 0 || caller.threw);
    if (caller.times === 0 && !caller.threw) faults.push('never served');
    if (caller.times > 1) faults.push('served twice');
    caller.release?.();
    if (!notifies || caller.times === 0) continue;
    await turnsUntil(() => caller.notified > 0);
    const isSilent = caller === silent && caller.notified === 0;
    if (caller.notified !== 1 && !isSilent) faults.push(`notified ${caller.notified} times of its end`);
  }
  const probe = newCaller();
  write(key, probe);
  await turnsUntil(() => probe.times > 0);
  if (probe.times === 0) faults.push('key held for ever');
  else probe.release();
  return faults;
}

/** Somebody asks for a key; `holders` have it, or wait for it. @returns {Run} */
function ask(api, key, holders) {
  const caller = newCaller();
  for (const holder of holders) api.write(key, holder);
  return {
    call: () => api.write(key, caller),
    faults(error) {
      caller.threw = error !== undefined;
      return faultsOf(api, key, [...holders, caller]);
    },
  };
}

/** The holder releases, and `waiters` move up. @returns {Run} */
function release(api, key, mode, waiters) {
  const holder = newCaller();
  api.write(key, holder);
  for (const waiter of waiters) api[mode](key, waiter);
  return {
    call: () => holder.release(),
    faults(error) {
      // One that throws has changed nothing. Else this changes nothing.
      if (error !== undefined) holder.release();
      // Of a thin key, the release callback may have had no room, and the hold has ended: the RangeError came out of the call.
      const silent = error !== undefined && waiters.length === 0 ? holder : null;
      return faultsOf(api, key, [holder, ...waiters], silent);
    },
  };
}

/** @returns {Record<string, Scenario>} */
function callbackScenarios(api) {
  const scenarios = {
    'a free key': (key) => ask(api, key, []),
    'a held key': (key) => ask(api, key, [newCaller()]),
    'a release, and nobody waits': (key) => release(api, key, 'write', []),
    'a release, and two wait': (key) => release(api, key, 'write', [newCaller(), newCaller()]),
    'a release, and three wait that release inside': (key) =>
      release(api, key, 'write', [newCaller(true), newCaller(true), newCaller(true)]),
  };
  if (api.read === undefined) return scenarios;
  const readers = (key) => release(api, key, 'read', [newCaller(), newCaller()]);
  return { ...scenarios, 'a release, and two readers wait': readers };
}

/** The same, and a key whose holder is overdue, so that the request ends its hold. */
function expiringScenarios(options) {
  const short = forClass(new Lock(EXPIRY, null, options));
  return {
    ...callbackScenarios(forClass(new Lock(60_000, null, options))),
    'an overdue key': (key) => {
      const holder = newCaller();
      short.write(key, holder);
      const run = ask(short, key, []);
      return {
        ...run,
        faults: async (error) => [...(await run.faults(error)), ...(await faultsOf(short, key, [holder]))],
      };
    },
  };
}

/** What is wrong with a key that nobody holds any more. */
function faultsOfKey(locks, key) {
  const hold = locks.tryWrite(key);
  hold?.release();
  return hold === null ? ['key held for ever'] : [];
}

/**
 * A promise call for a key that `holder` has, or nobody.
 *
 * @returns {Run}
 */
function askPromise(locks, key, withFn, holder) {
  let ran = 0;
  let promise;
  const withFunction = () => (promise = locks.write(key, () => void ran++));
  const withoutFunction = () => (promise = locks.write(key));
  const signal = holder?.signal;
  return {
    call: withFn ? withFunction : withoutFunction,
    // Its rejection is looked at later.
    called: () => void promise?.catch(() => {}),
    async faults(error) {
      const faults = [];
      // A call that threw has given no promise.
      const call = follow(error === undefined ? promise : Promise.resolve());
      // An overdue hold ends by the call.
      await turnsUntil(() => call.state !== 'pending');
      const early = holder !== undefined && error === undefined && call.state === 'fulfilled';
      if (early && !signal.aborted) faults.push('loss never reported');
      holder?.release();
      await turnsUntil(() => call.state !== 'pending');
      if (call.state === 'pending') faults.push('never settled');
      if (call.state === 'rejected' && !(call.value instanceof RangeError))
        faults.push(`rejected with ${call.value}`);
      if (call.state === 'fulfilled') call.value?.release();
      if (withFn && error === undefined && call.state === 'fulfilled' && ran !== 1)
        faults.push(`fn ran ${ran} times`);
      await turn();
      return [...faults, ...faultsOfKey(locks, key)];
    },
  };
}

/** @returns {Run} */
function tryPromise(locks, key) {
  let hold = null;
  return {
    call: () => (hold = locks.tryWrite(key)),
    async faults(error) {
      const faults = error === undefined && hold === null ? ['free key refused'] : [];
      hold?.release();
      await turn();
      return [...faults, ...faultsOfKey(locks, key)];
    },
  };
}

/** @returns {Run} */
function releaseHold(locks, key, waiting) {
  const hold = locks.tryWrite(key);
  const calls = Array.from({ length: waiting }, () => follow(locks.write(key)));
  return {
    call: () => hold.release(),
    async faults(error) {
      if (error !== undefined) hold.release();
      const faults = [];
      for (const call of calls) {
        await turnsUntil(() => call.state !== 'pending');
        if (call.state === 'fulfilled') call.value.release();
        else faults.push('never served');
      }
      await turn();
      return [...faults, ...faultsOfKey(locks, key)];
    },
  };
}

/** A lock object is closed while two wait; if that throws, it is closed again. @returns {Run} */
function closeWaiting(options, key) {
  const locks = new Locks(options);
  const hold = locks.tryWrite(key);
  const calls = [1, 2].map(() => follow(locks.write(key)));
  return {
    call: () => locks.close(),
    async faults(error) {
      if (error !== undefined) locks.close();
      const isOver = () => calls.every(({ state }) => state === 'rejected');
      await turnsUntil(isOver);
      hold.release();
      return isOver() ? [] : ['never settled'];
    },
  };
}

/** @returns {Record<string, Scenario>} */
function promiseScenarios(options) {
  const locks = new Locks(options);
  const two = (key) => [`${key} a`, `${key} b`];
  return {
    'write(key) of a free key': (key) => askPromise(locks, key, false),
    'write(key, fn) of a free key': (key) => askPromise(locks, key, true),
    'write(key) of a held key': (key) => askPromise(locks, key, false, locks.tryWrite(key)),
    'write(key, fn) of a held key': (key) => askPromise(locks, key, true, locks.tryWrite(key)),
    'write(key) of an overdue key': (key) =>
      askPromise(locks, key, false, locks.tryWrite(key, { expiry: EXPIRY })),
    'write(key, fn) of an overdue key': (key) =>
      askPromise(locks, key, true, locks.tryWrite(key, { expiry: EXPIRY })),
    'write(keys) of free keys': (key) => askPromise(locks, two(key), false),
    'tryWrite of a free key': (key) => tryPromise(locks, key),
    'tryWrite of free keys': (key) => tryPromise(locks, two(key)),
    'hold.release, and nobody waits': (key) => releaseHold(locks, key, 0),
    'hold.release, and two wait': (key) => releaseHold(locks, key, 2),
    'close, and two wait': (key) => closeWaiting(options, key),
  };
}

/** By API, its scenarios; made when they are asked for. */
const apis = {
  alock: () => callbackScenarios(forAlock()),
  'rwlock-plus': () => callbackScenarios(forClass(new Lock())),
  'rwlock-plus with an expiry': () => expiringScenarios(),
  'a named Lock': () => callbackScenarios(forClass(new Lock(null, null, { name: 'callbacks' }))),
  'a named Lock with an expiry': () => expiringScenarios({ name: 'expiring callbacks' }),
  Locks: () => promiseScenarios(),
  'named Locks': () => promiseScenarios({ name: 'promises' }),
};

/**
 * @param {string} what the scenario's name
 * @param {Scenario} scenario
 * @param {number} runs
 * @returns {Promise<Result>}
 */
async function measure(what, scenario, runs) {
  const result = { runs, threw: 0, faults: {} };
  const count = (fault) => (result.faults[fault] = (result.faults[fault] ?? 0) + 1);
  // What a promise call cannot throw: the RangeError of a callback that had no room.
  const onUncaught = (error) => error instanceof RangeError || count(`uncaught ${error}`);
  const onUnhandled = (error) => count(`unhandled ${error}`);
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUnhandled);
  for (let done = 0; done < runs;) {
    const batch = [];
    const size = Math.min(PLACES.length, runs - done);
    for (let i = 0; i < size; i++) batch.push(await scenario(`${what} ${done + i}`));
    block(EXPIRY + 1);
    const calls = batch.map(({ call, called, faults }) => {
      const shift = (5 * Math.floor(done / PLACES.length)) % SHIFTS;
      const error = shifted(shift, () => callNearEnd(PLACES[done++ % PLACES.length], call));
      called?.();
      return { error, faults };
    });
    await collected();
    for (const { error, faults } of calls) {
      if (error !== undefined) result.threw++;
      if (error !== undefined && !(error instanceof RangeError)) count(`threw ${error}`);
      for (const fault of new Set(await faults(error))) count(fault);
    }
  }
  process.off('uncaughtException', onUncaught).off('unhandledRejection', onUnhandled);
  return result;
}

async function main([api, runs]) {
  for (const [what, scenario] of Object.entries(apis[api]())) {
    const result = await measure(what, scenario, Number(runs));
    process.stdout.write(`${JSON.stringify([what, result])}\n`);
  }
  // Whoever still waits does not keep it.
  process.stdout.write('', () => process.exit());
}

if (require.main === module) void main(process.argv.slice(2));

module.exports = { apis };
