'use strict';
// Loads the native addon, or says in one error what is missing and what to do about it.
//
// The loader that napi-rs generates knows all places where the addon may be. This one tries the likely ones before, because that
// takes 1.0 ms in place of 3.6 (`node benchmarks/loaders.js`), and it refuses an addon of another version.
//
// A copy of the package that is loaded when its thread has another one of the same version loads the addon of that
// one: see copies.js, which the first lock object needs.

const { existsSync } = require('node:fs');
const version = require('../version');

/** Where the generated loader is. In a release too, where the rest is bundled, `__dirname` is that of a folder of lib/. */
const LOADER = '/../../native/binding.js';
// Not by `node:path`, which takes half a millisecond to load.
const OWN_LOADER = `${__dirname}${LOADER}`;
/**
 * Where the first copy that a thread loads says for the others its version and its addon: all of them have this object. In a text,
 * since an object would keep the realm alive in which it was made, which may be a vm context.
 */
const FIRST = Symbol.for('latchkey.first');

/**
 * @typedef {object} Copy
 * @property {string} version
 * @property {string} addon its loader; in a program that was bundled, where the loader is a part of the program, the addon's file
 */

/** @typedef {typeof import('../../native/binding')} Binding what any copy's addon has */

/**
 * @param {Binding} binding any copy's
 * @returns {string[]} the addons of all copies that any thread of the process has loaded, the first one first
 */
function loadedAddons(binding) {
  return binding.loadedLibraries().filter((file) => /[\\/]latchkey\.[^\\/]+\.node$/.test(file));
}

/**
 * @param {Binding} binding
 * @returns {string | undefined} the file that it was loaded from
 */
function fileOf(binding) {
  return loadedAddons(binding).find((file) => requireFile(file).identity() === binding.identity());
}

/**
 * Loads what a bundler cannot know, and must not try to.
 *
 * @param {string} file
 * @returns {Binding}
 */
function requireFile(file) {
  return require('node:module').createRequire(file)(file);
}

/** @returns {string[]} this platform as the binary packages name it, such as `linux-x64-gnu`; the likelier one first */
function platforms() {
  const { platform: os, arch } = process;
  if (os === 'win32') return [`win32-${arch}-msvc`];
  if (os !== 'linux') return [`${os}-${arch}`];
  const [gnu, musl] = ['gnu', 'musl'].map((libc) => `linux-${arch}-${libc}`);
  // The linker that musl's programs start with. A glibc system may have it, too; there, musl's package is not installed.
  const linker = `/lib/ld-musl-${arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`;
  return existsSync(linker) ? [musl, gnu] : [gnu];
}

/** @param {string} addon the loader of a copy, or a file that is an addon */
function load(addon) {
  const binding = loadDirectly(addon) ?? loadOrExplain(addon);
  if (binding.version() !== version) throw wrongVersion(binding.version());
  return binding;
}

/**
 * Loads the binary from where it is on nearly all machines: one of the two folders where npm puts a package for this one,
 * or that where it was built. To look for the package by its name would take one or two milliseconds, and so would it to have
 * `require` find a file that may not be there.
 *
 * @param {string} addon
 */
function loadDirectly(addon) {
  for (const file of likelyFiles(addon)) {
    try {
      const loaded = { exports: /** @type {Binding} */ ({}) };
      // What `require` does in the end; it works in a single executable, too, whose `require` loads no file.
      process.dlopen(loaded, file);
      return loaded.exports;
    } catch {
      // Not there, or not for this machine: the generated loader looks everywhere, and says what is wrong.
    }
  }
  return null;
}

/** @param {string} addon */
function likelyFiles(addon) {
  if (process.env.NAPI_RS_NATIVE_LIBRARY_PATH) return [process.env.NAPI_RS_NATIVE_LIBRARY_PATH];
  if (!addon.endsWith(LOADER)) return [];
  const root = `${addon.slice(0, -LOADER.length)}/../..`;
  return platforms().flatMap((name) => {
    const npm = `@latchkey/native-${name}`;
    return [`node_modules/${npm}`, `../${npm}`, 'native'].map(
      (folder) => `${root}/${folder}/latchkey.${name}.node`,
    );
  });
}

/** @param {string} addon */
function loadOrExplain(addon) {
  try {
    // Named in full, so that bundlers and what traces files find it.
    return addon === OWN_LOADER ? require('../../native/binding.js') : requireFile(addon);
  } catch (error) {
    throw explain(platforms()[0], [...causes(error)]);
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
  const cause = failures.find(
    ({ message }) => !/^(Cannot find|Unsupported|No such built-in|require\.resolve)/.test(message),
  );
  if (cause !== undefined) {
    const message = `latchkey's native binary for this platform (${name}) cannot be loaded: ${cause.message}`;
    return Object.assign(new Error(message, { cause }), { code: 'ERR_DLOPEN_FAILED' });
  }
  const message = `latchkey has no native binary for this platform (${name}). ${remedy(name)}`;
  return Object.assign(new Error(message, { cause: failures.at(-1) }), { code: 'ERR_LATCHKEY_NO_BINARY' });
}

/** @param {string} name of the platform */
function remedy(name) {
  const file = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  if (file) return `NAPI_RS_NATIVE_LIBRARY_PATH says that it is '${file}', and there is no such file.`;
  if (!existsSync(OWN_LOADER)) {
    return (
      'It seems that a bundler has put latchkey into this program, without its binary. Have the bundler leave latchkey out ' +
      "(esbuild: --external:latchkey, webpack: externals, Next.js: serverExternalPackages: ['latchkey']) and install it " +
      'beside the program, or set NAPI_RS_NATIVE_LIBRARY_PATH to the binary of the package ' +
      `@latchkey/native-${name}: see docs/deploying.md.`
    );
  }
  return (
    `It comes with the optional package @latchkey/native-${name}: install again without --omit=optional (and without a ` +
    'lock file or node_modules from another platform), or build it from source with Rust: see the README.'
  );
}

/** @param {string} found */
function wrongVersion(found) {
  const message =
    `latchkey ${version} found the native binary of latchkey ${found}. Both have to be of one version: remove ` +
    'node_modules and install again, and let NAPI_RS_NATIVE_LIBRARY_PATH, if it is set, name a binary of this version.';
  return Object.assign(new Error(message), { code: 'ERR_LATCHKEY_VERSION_MISMATCH' });
}

/** @returns {{ first: Copy, own: Copy, binding: Binding }} the first copy of this thread, this one, and this one's addon */
function loadOnce() {
  const written = /** @type {string | undefined} */ (Reflect.get(process, FIRST));
  /** @type {Copy | undefined} */
  const first = written && JSON.parse(written);
  const binding = load(first?.version === version ? first.addon : OWN_LOADER);
  const own = { version, addon: existsSync(OWN_LOADER) ? OWN_LOADER : (fileOf(binding) ?? OWN_LOADER) };
  if (first === undefined) {
    Reflect.defineProperty(process, FIRST, { value: JSON.stringify(own), configurable: true });
  }
  return { first: first ?? own, own, binding };
}

const { first, own, binding } = loadOnce();

module.exports = { binding, first, own, load, loadedAddons, requireFile };
