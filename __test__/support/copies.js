'use strict';
// Fresh copies of the package, each with its own lib/ and its own port, some of them changed for a test: one that writes down
// its calls of the engine, one that keeps no idle keys, one in which the engine decides everything.

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./child');

/** The files of lib/ by their names, which differ; `require` loads one of the copy. */
const FILES = new Map(
  fs
    .readdirSync(path.join(ROOT, 'lib'), { recursive: true })
    .filter((file) => file.endsWith('.js'))
    .map((file) => [path.basename(file, '.js'), path.join(ROOT, 'lib', file)]),
);
const inside = (name) => FILES.get(name);

/**
 * Loads the package anew.
 *
 * @param {(require: (name: string) => any) => void} [prepare] may change what a file of lib exports before the others load
 * @returns {{ latchkey: any, alock: any, lib: (name: string) => any }}
 */
function loadCopy(prepare = () => {}) {
  const cached = takeFromCache();
  try {
    prepare((name) => require(inside(name)));
    const latchkey = require(path.join(ROOT, 'index.js'));
    // What is loaded with the first lock, and with the first use of a name, belongs to this copy, too.
    new latchkey.Lock();
    latchkey('the first lock', (done) => done());
    void latchkey.Locks;
    // All of them are loaded by now.
    const modules = new Map(ours().map((file) => [file, require.cache[file]]));
    const lib = (name) => modules.get(inside(name)).exports;
    return { latchkey, alock: lib('alock'), lib };
  } finally {
    takeFromCache();
    Object.assign(require.cache, cached);
  }
}

/** The package's files that are in the cache; not the addon, which opens a port for each copy. */
function ours() {
  const isOurs = (file) => /^(index\.js|lib[\\/])/.test(path.relative(ROOT, file));
  return Object.keys(require.cache).filter(isOurs);
}

function takeFromCache() {
  const taken = {};
  for (const file of ours()) {
    taken[file] = require.cache[file];
    delete require.cache[file];
  }
  return taken;
}

/** A copy whose lock objects sweep their idle keys whenever one more comes to rest, or nearly so. */
function loadSweepingCopy() {
  return loadCopy((require) => {
    const keys = require('keys');
    keys.Keys = class extends keys.Keys {
      maxIdle = 1;

      sweep() {
        super.sweep();
        this.maxIdle = 1;
      }
    };
  });
}

/**
 * A copy that grants nothing without the engine.
 *
 * @param {{ posts: boolean }} how `posts`: whether it leaves word of what surely waits, or asks the engine each time
 */
function loadEngineCopy({ posts }) {
  return loadCopy((require) => {
    const thin = require('thin');
    thin.ThinKey = class extends thin.ThinKey {
      admits() {
        return false;
      }

      surelyWaits(mode) {
        return posts && super.surelyWaits(mode);
      }
    };
  });
}

/**
 * A copy that writes down each call of the engine, as `name` or `name(key)`. `crossings()` gives those since it was last
 * asked; `calls()` without those that other tests' lock objects and the event loop make: to open, to be collected, to look for
 * events.
 *
 * @param {(functions: Record<string, (...args: any[]) => any>, words: Float64Array, at: Record<string, number>) => object}
 *   [change] gives what is called instead of the port's functions, where it is something else; `words` is the shared array,
 *   and `at` says where things are in it
 */
function loadRecordedCopy(change = () => ({})) {
  let crossings = [];
  const recorded = (name, call) => {
    return (...args) => {
      const [first] = args;
      // How much of the stack is left is no question to the engine.
      if (!/[rR]oom$/.test(name)) crossings.push(typeof first === 'string' ? `${name}(${first})` : name);
      return call(...args);
    };
  };
  const copy = loadCopy((require) => {
    const native = require('native');
    const { binding } = native;
    const openPort = (words, ...rest) => {
      const functions = { ...binding.openPort(words, ...rest) };
      const changed = { ...functions, ...change(functions, words, binding.layout()) };
      return Object.fromEntries(Object.entries(changed).map(([name, call]) => [name, recorded(name, call)]));
    };
    // Not the addon's own object, which all copies share.
    native.binding = { ...binding, openPort };
  });
  const take = () => {
    const taken = crossings;
    crossings = [];
    return taken;
  };
  const calls = () => take().filter((call) => !/^(open|close|collect|poll)/.test(call));
  return { ...copy, crossings: take, calls };
}

module.exports = { loadCopy, loadSweepingCopy, loadEngineCopy, loadRecordedCopy };
