'use strict';
// Loads the native addon, or says in one error what is missing and what to do about it.

/** @returns {string} the platform as the binary packages name it, such as `linux-x64-gnu` */
function platform() {
  const { platform: os, arch } = process;
  if (os === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
  return os === 'win32' ? `win32-${arch}-msvc` : `${os}-${arch}`;
}

function isMusl() {
  const report = /** @type {any} */ (process.report?.getReport?.());
  return report !== undefined && report.header?.glibcVersionRuntime === undefined;
}

function load() {
  try {
    return require('../native/binding.js');
  } catch (cause) {
    const name = platform();
    const error = new Error(
      `latchkey has no native binary for this platform (${name}). It comes with the optional package ` +
        `@latchkey/native-${name}: install again without --omit=optional (and without a lock file or ` +
        'node_modules from another platform), or build it from source with Rust: see the README.',
      { cause },
    );
    throw Object.assign(error, { code: 'ERR_LATCHKEY_NO_BINARY' });
  }
}

module.exports = load();
