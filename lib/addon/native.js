'use strict';
// Loads the native addon, or says in one error what is missing and what to do about it.
//
// A copy of the package that is loaded when its thread has another one of the same version loads the addon of that
// one: see copies.js, which the first lock object needs.

/** Knows where the addon of each platform is. In a release too, where the rest is bundled, `__dirname` is that of a folder of lib/. */
const LOADER = '../../native/binding.js';
/**
 * Where the first copy that a thread loads says for the others what its loader is: all of them have this object. In a text, since an
 * object would keep the realm alive in which it was made, which may be a vm context.
 */
const FIRST = Symbol.for('latchkey.first');

/**
 * @typedef {object} Copy
 * @property {string} version
 * @property {string} addon what to require
 */

/**
 * The copy whose loader that is.
 *
 * @param {string} addon
 * @returns {Copy}
 */
function copyOf(addon) {
  return {
    // Read only where it matters: where there are two copies.
    get version() {
      return require(`${addon.slice(0, -LOADER.length)}../../package.json`).version;
    },
    addon,
  };
}

// Not by `node:path`, which takes half a millisecond to load.
const own = copyOf(`${__dirname}/${LOADER}`);

/**
 * @param {'gnu' | 'musl'} libc of a Linux
 * @returns {string} the platform as the binary packages name it, such as `linux-x64-gnu`
 */
function platform(libc) {
  const { platform: os, arch } = process;
  if (os === 'linux') return `linux-${arch}-${libc}`;
  return os === 'win32' ? `win32-${arch}-msvc` : `${os}-${arch}`;
}

function isMusl() {
  const report = /** @type {any} */ (process.report?.getReport?.());
  return report !== undefined && report.header?.glibcVersionRuntime === undefined;
}

/** @param {string} addon */
function load(addon) {
  return loadDirectly(addon) ?? loadOrExplain(addon);
}

/**
 * Loads the binary from where it is on nearly all machines: one of the two folders where npm puts a package for this one,
 * or that where it was built. The generated loader, which knows all places, takes some milliseconds for that; to look for
 * the package by its name, or to have `require` find a file that may not be there, takes one or two.
 *
 * @param {string} loader
 */
function loadDirectly(loader) {
  if (!loader.endsWith(LOADER) || process.env.NAPI_RS_NATIVE_LIBRARY_PATH) return null;
  const root = loader.slice(0, -LOADER.length) + '../..';
  const name = platform('gnu');
  const npm = `@latchkey/native-${name}`;
  for (const folder of [`node_modules/${npm}`, `../${npm}`, 'native']) {
    try {
      /** @type {{ exports: any }} */
      const addon = { exports: {} };
      // What `require` does in the end.
      process.dlopen(addon, `${root}/${folder}/latchkey.${name}.node`);
      return addon.exports;
    } catch {
      // Not there, or not for this machine: the loader looks everywhere, and says what is wrong.
    }
  }
  return null;
}

/** @param {string} addon */
function loadOrExplain(addon) {
  try {
    return require(addon);
  } catch (error) {
    throw explain(platform(isMusl() ? 'musl' : 'gnu'), [...causes(error)]);
  }
}

/**
 * The generated loader tries several places, and chains one error per place, the first one innermost.
 *
 * @param {unknown} error
 * @returns {Generator<Error>}
 */
function* causes(error) {
  for (; error instanceof Error; error = error.cause) yield error;
}

/**
 * @param {string} name of the platform
 * @param {Error[]} failures
 */
function explain(name, failures) {
  const cause = failures.find(({ message }) => !/^(Cannot find|Unsupported)/.test(message));
  if (cause !== undefined) {
    const message = `latchkey's native binary for this platform (${name}) cannot be loaded: ${cause.message}`;
    return Object.assign(new Error(message, { cause }), { code: 'ERR_DLOPEN_FAILED' });
  }
  const message =
    `latchkey has no native binary for this platform (${name}). It comes with the optional package ` +
    `@latchkey/native-${name}: install again without --omit=optional (and without a lock file or ` +
    'node_modules from another platform), or build it from source with Rust: see the README.';
  return Object.assign(new Error(message, { cause: failures.at(-1) }), { code: 'ERR_LATCHKEY_NO_BINARY' });
}

/** @returns {{ first: Copy, binding: any }} the first copy of this thread, and this one's addon */
function loadOnce() {
  const loader = /** @type {string | undefined} */ (Reflect.get(process, FIRST));
  const first = loader === undefined ? own : copyOf(loader);
  const binding = load(first === own || first.version === own.version ? first.addon : own.addon);
  if (first === own) Reflect.defineProperty(process, FIRST, { value: own.addon, configurable: true });
  return { first, binding };
}

const { first, binding } = loadOnce();

module.exports = { binding, first, own, load };
