'use strict';
// Fresh copies of the package, each with its own lib/ and its own port: with thin locks, or with an engine that decides
// everything. Whatever LATCHKEY_THIN says to the tests themselves.

const path = require('node:path');
const { ROOT } = require('./child');

/** The files of lib/ by their names; `require` loads one of the copy. */
const inside = (name) => path.join(ROOT, 'lib', `${name}.js`);

/**
 * Loads the package anew.
 *
 * @param {{ thin: boolean, prepare?: (require: (name: string) => any) => void }} how `prepare` may change what a file of lib
 *   exports before the others load
 * @returns {{ latchkey: any, alock: any, lib: (name: string) => any }}
 */
function loadCopy({ thin, prepare = () => {} }) {
  const before = process.env.LATCHKEY_THIN;
  const cached = takeFromCache();
  process.env.LATCHKEY_THIN = thin ? 'on' : 'off';
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
    if (before === undefined) delete process.env.LATCHKEY_THIN;
    else process.env.LATCHKEY_THIN = before;
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

/**
 * A copy whose lock objects, of either sort, sweep their idle keys whenever one more comes to rest, or nearly so.
 */
function loadSweepingCopy() {
  return loadCopy({
    thin: true,
    prepare(require) {
      // Both sorts of keys are built on this one.
      const keys = require('keys');
      keys.Keys = class extends keys.Keys {
        maxIdle = 1;

        sweep() {
          super.sweep();
          this.maxIdle = 1;
        }
      };
    },
  });
}

/**
 * A copy that writes down each call of the engine, as `name` or `name(key)`. `crossings()` gives those since it was last
 * asked.
 *
 * @param {boolean} thin
 */
function loadWatchedCopy(thin) {
  let crossings = [];
  const watched = (name, call) => {
    return (...args) => {
      const [first] = args;
      // How much of the stack is left is no question to the engine.
      if (!/[rR]oom$/.test(name)) crossings.push(typeof first === 'string' ? `${name}(${first})` : name);
      return call(...args);
    };
  };
  const copy = loadCopy({
    thin,
    prepare(require) {
      const native = require('native');
      const { binding } = native;
      const openPort = (...args) => {
        const functions = Object.entries(binding.openPort(...args));
        return Object.fromEntries(functions.map(([name, call]) => [name, watched(name, call)]));
      };
      // Not the addon's own object, which all copies share.
      native.binding = { ...binding, openPort };
    },
  });
  const take = () => {
    const taken = crossings;
    crossings = [];
    return taken;
  };
  return { ...copy, crossings: take };
}

module.exports = { loadCopy, loadSweepingCopy, loadWatchedCopy };
