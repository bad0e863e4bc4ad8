'use strict';
// Loads the native addon, or says in one error what is missing and what to do about it.
//
// Two installed copies of the package would be two separate tables, and a named space that is two locks of
// one name. So the first copy that a thread loads says where its addon is, here and to all workers started
// from here; a later copy of the same version uses that addon, and one of another version gets a `conflict`.

const path = require('node:path');
const { getEnvironmentData, isMainThread, setEnvironmentData } = require('node:worker_threads');
const { version } = require('../package.json');

const LOADER = 'binding.js';

/**
 * @typedef {object} Copy
 * @property {string} version
 * @property {string} addon what to require
 */

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
 * Loads the binary from where it is on nearly all machines. The generated loader, which knows all of them, takes
 * some milliseconds for that.
 *
 * @param {string} addon
 */
function loadDirectly(addon) {
  if (path.basename(addon) !== LOADER || process.env.NAPI_RS_NATIVE_LIBRARY_PATH) return null;
  const name = platform('gnu');
  for (const place of [path.join(path.dirname(addon), `latchkey.${name}.node`), `@latchkey/native-${name}`]) {
    try {
      return require(place);
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

/** @returns {string[]} the addons of all copies that any thread of the process has loaded */
function loadedAddons() {
  const report = /** @type {any} */ (process.report?.getReport?.());
  const files = /** @type {string[]} */ (report?.sharedObjects ?? []);
  return files.filter((file) => /[\\/]latchkey\.[^\\/]+\.node$/.test(file));
}

/**
 * The copy that another thread has loaded already, if this one's parent does not say.
 *
 * @returns {Copy | undefined}
 */
function loadedElsewhere() {
  // A report takes some milliseconds, and the main thread is nearly always the first one.
  if (isMainThread) return undefined;
  const [addon] = loadedAddons();
  return addon === undefined ? undefined : { version: require(addon).version(), addon };
}

/**
 * The copy that keeps a named space of this one from being the only one of its name, if there is one.
 *
 * @returns {Copy | null}
 */
function findConflict() {
  if (loaded.conflict !== null) return loaded.conflict;
  for (const addon of loadedAddons()) {
    const other = require(addon);
    // A copy that was loaded later refuses named spaces itself, and one that has none yet will.
    if (other.identity() !== loaded.binding.identity() && other.hasNamedSpaces()) {
      return { version: other.version(), addon };
    }
  }
  return null;
}

/** @returns {{ binding: any, own: Copy, conflict: Copy | null }} */
function loadOnce() {
  const own = { version, addon: path.join(__dirname, '..', 'native', LOADER) };
  const first = /** @type {Copy | undefined} */ (getEnvironmentData('latchkey') ?? loadedElsewhere());
  if (getEnvironmentData('latchkey') === undefined) setEnvironmentData('latchkey', first ?? own);
  const agrees = first?.version === own.version;
  const binding = load(agrees ? first.addon : own.addon);
  return { binding, own, conflict: first === undefined || agrees ? null : first };
}

const loaded = loadOnce();

module.exports = { binding: loaded.binding, own: loaded.own, findConflict, usage: loaded.binding.usage };
