'use strict';
// Which copy's addon keeps this thread's locks.
//
// Two installed copies of the package would be two separate tables, and a named space that is two locks of
// one name. So the first copy of a thread says where its addon is, here and to all workers started from here once it
// has a lock object; a later copy of the same version uses that addon, and one of another version gets a `conflict`.
// Not part of native.js because `node:worker_threads` takes as long to load as all the rest of the package.

const { getEnvironmentData, isMainThread, setEnvironmentData } = require('node:worker_threads');
const native = require('./native');
const { own, requireFile } = native;
const loadedAddons = () => native.loadedAddons(native.binding);

/** @typedef {import('./native').Copy} Copy */

/**
 * The copy that another thread has loaded before this one's, if this one's parent does not say.
 *
 * @returns {Copy | undefined}
 */
function loadedElsewhere() {
  // The main thread is nearly always the first one.
  if (isMainThread) return undefined;
  // Whoever opened one has looked.
  if (native.binding.hasNamedSpaces()) return undefined;
  const [addon] = loadedAddons();
  if (addon === undefined) return undefined;
  const other = requireFile(addon);
  return other.identity() === native.binding.identity() ? undefined : { version: other.version(), addon };
}

/**
 * The copy that keeps a named space of this one from being the only one of its name, if there is one.
 *
 * @returns {Copy | null}
 */
function findConflict() {
  if (chosen.conflict !== null) return chosen.conflict;
  for (const addon of loadedAddons()) {
    const other = requireFile(addon);
    // A copy that was loaded later refuses named spaces itself, and one that has none yet will.
    if (other.identity() !== chosen.binding.identity() && other.hasNamedSpaces()) {
      return { version: other.version(), addon };
    }
  }
  return null;
}

/** @returns {{ binding: import('./native').Binding, conflict: Copy | null }} */
function choose() {
  const written = /** @type {string | undefined} */ (getEnvironmentData('latchkey'));
  /** @type {Copy} */
  const first = written === undefined ? (loadedElsewhere() ?? native.first) : JSON.parse(written);
  // In a text, since an object would keep this realm alive, which may be a vm context.
  if (written === undefined) {
    const { version, addon } = first;
    setEnvironmentData('latchkey', JSON.stringify({ version, addon }));
  }
  if (first.version !== own.version) return { binding: native.binding, conflict: first };
  const isLoaded = first.addon === native.first.addon;
  return { binding: isLoaded ? native.binding : native.load(first.addon), conflict: null };
}

const chosen = choose();

module.exports = { binding: chosen.binding, own, findConflict };
