'use strict';
// Every error that latchkey makes: classes of LockError for what happens to a lock, Node's own codes for
// bad input.

/** What happened to a lock, as an error; `code` says which, `key` to whom. */
class LockError extends Error {
  /**
   * @param {string} code
   * @param {string} key
   * @param {string} message
   */
  constructor(code, key, message) {
    super(message);
    this.code = code;
    this.key = key;
  }
}
nameClass(LockError, 'LockError');

/** The hold was older than its expiry and another request waited, so it was taken away. */
class LockExpiredError extends LockError {
  /** @param {string} key */
  constructor(key) {
    super('ERR_LOCK_EXPIRED', key, `Lock '${key}' timed out and was released automatically`);
  }
}
nameClass(LockExpiredError, 'LockExpiredError');

/**
 * Stack traces print the name that the prototype says. Not enumerable, as with built-in errors.
 *
 * @param {Function} errorClass
 * @param {string} name
 */
function nameClass(errorClass, name) {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} received
 * @param {unknown} [cause]
 */
function invalidType(name, expected, received, cause) {
  const message = `The "${name}" argument must be ${expected}. Received ${describe(received)}`;
  return Object.assign(new TypeError(message, cause === undefined ? undefined : { cause }), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} received
 */
function outOfRange(name, expected, received) {
  const message = `The value of "${name}" is out of range. It must be ${expected}. Received ${describe(received)}`;
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}

/** @param {string} message */
function invalidThis(message) {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_THIS' });
}

/** @param {unknown} value */
function describe(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') {
    const name = value.constructor?.name;
    return name ? `an instance of ${name}` : 'an object';
  }
  return `type ${typeof value} (${String(value)})`;
}

module.exports = { LockError, LockExpiredError, invalidType, outOfRange, invalidThis };
