'use strict';
// Node's own Web Locks, which all threads of the process share.

const locks = /** @type {any} */ (globalThis.navigator)?.locks;

const open = () => ({ run: (key, fn) => locks.request(key, fn) });

module.exports = {
  label: 'navigator.locks',
  open,
  missing: locks === undefined ? `Node ${process.versions.node} has none: 24 and newer have` : null,
};
