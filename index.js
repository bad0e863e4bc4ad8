'use strict';
// The package itself is both drop-ins: called, it is alock's `lock`; constructed, it is rwlock-plus's `Lock`.

const lock = require('./lib/alock');
const Lock = require('./lib/rwlock-plus');
const STATE = require('./lib/state');
const { LockError, LockExpiredError } = require('./lib/errors');

/**
 * @this {any}
 * @param {any[]} args
 */
function latchkey(...args) {
  if (new.target) return Reflect.construct(Lock, args, new.target);
  // An ES5 subclass calls its parent on the new object: `Latchkey.call(this, timeout)`.
  if (this instanceof Lock && !Object.hasOwn(this, STATE)) return Reflect.apply(Lock, this, args);
  const [key, fn] = args;
  return lock(key, fn);
}
latchkey.prototype = Lock.prototype;

module.exports = latchkey;
module.exports.lock = lock;
module.exports.Lock = Lock;
module.exports.LockError = LockError;
module.exports.LockExpiredError = LockExpiredError;
