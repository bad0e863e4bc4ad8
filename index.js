'use strict';
// The package itself is both drop-ins: called, it is alock's `lock`; constructed, it is rwlock-plus's `Lock`.
// The promise API and the errors are its properties.

const lock = require('./lib/apis/alock');
const Lock = require('./lib/apis/rwlock-plus');
const STATE = require('./lib/apis/state');
const { Locks } = require('./lib/apis/locks');
const { Hold } = require('./lib/requests/hold');
const errors = require('./lib/errors');
const { invalidType } = errors;

/**
 * @this {any}
 * @param {any[]} args
 */
function latchkey(...args) {
  if (new.target) return Reflect.construct(Lock, args, new.target);
  // An ES5 subclass calls its parent on the new object: `Latchkey.call(this, timeout)`.
  if (this instanceof Lock && !Object.hasOwn(this, STATE)) return Reflect.apply(Lock, this, args);
  const [key, fn] = args;
  if (args.length < 2 && typeof key !== 'string')
    throw invalidType('fn', 'a function (or is `new` missing?)', fn);
  return lock(key, fn);
}
latchkey.prototype = Lock.prototype;

module.exports = latchkey;
module.exports.lock = lock;
module.exports.Lock = Lock;
module.exports.Locks = Locks;
module.exports.Hold = Hold;
module.exports.LockError = errors.LockError;
module.exports.LockExpiredError = errors.LockExpiredError;
module.exports.LockLostError = errors.LockLostError;
module.exports.LockTimeoutError = errors.LockTimeoutError;
module.exports.LockClosedError = errors.LockClosedError;
module.exports.LockQueueFullError = errors.LockQueueFullError;
module.exports.LockTwoCopiesError = errors.LockTwoCopiesError;
module.exports.StoreUnreachableError = errors.StoreUnreachableError;
