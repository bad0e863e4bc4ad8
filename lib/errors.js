'use strict';
// Every error that latchkey makes: classes of LockError for what happens to a lock, Node's own codes for
// bad input.

/** So many holders are named at most where somebody has waited in vain. */
const MOST_HOLDERS = 10;

/** What happened to a lock, as an error; `code` says which, `key` to whom. */
class LockError extends Error {
  /**
   * @param {string} code
   * @param {string | undefined} key
   * @param {string} message
   */
  constructor(code, key, message) {
    super(message);
    this.code = code;
    this.key = key;
  }
}

/** The hold was older than its expiry and another request waited, so it was taken away. */
class LockExpiredError extends LockError {
  /**
   * @param {string} key
   * @param {number} age milliseconds
   * @param {number | null} expiry milliseconds; null where the message has to be that of the old package
   */
  constructor(key, age, expiry) {
    const reason =
      expiry === null
        ? ''
        : `: another request waited, and it had been held for ${toText(age)}, which is more than its expiry of ` +
          toText(expiry);
    // Programs look for the first half, as the old package wrote it.
    super('ERR_LOCK_EXPIRED', key, `Lock '${key}' timed out and was released automatically${reason}`);
    this.age = age;
  }
}

/**
 * The hold is not certain any more: the store has not renewed the lease in time, or does not know of the hold. Another one
 * may have the key.
 */
class LockLostError extends LockError {
  /**
   * @param {string} key
   * @param {string} trouble what is wrong with the store; empty if nothing is known to be
   */
  constructor(key, trouble) {
    const why =
      trouble === ''
        ? 'its lease has ended, or its store has forgotten it'
        : `its lease has ended while the store was away. ${trouble}`;
    super('ERR_LOCK_LOST', key, `Lock '${key}' was lost: ${why}`);
  }
}

/** The store was away, or refused to work. */
class StoreUnreachableError extends LockError {
  /**
   * @param {string | undefined} key
   * @param {string} reason
   */
  constructor(key, reason) {
    super('ERR_STORE_UNREACHABLE', key, reason);
  }
}

/** The store grants nothing yet, so that nobody knows whether the key is free. */
class StoreStartingError extends LockError {
  /**
   * @param {string} key
   * @param {string} reason
   * @param {number} wait milliseconds
   */
  constructor(key, reason, wait) {
    super('ERR_STORE_STARTING', key, `${reason} (for another ${toText(wait)})`);
    this.frozenUntil = toDate(wait);
  }
}

/** The request waited as long as its `timeout` allowed, and left the queue. */
class LockTimeoutError extends LockError {
  /**
   * @param {string} key
   * @param {number} timeout milliseconds
   * @param {import('./events/snapshot').Blockers | null} blockers who kept it waiting, if that is known
   * @param {StoreStartingError | null} starting what kept everybody waiting, if that is why
   */
  constructor(key, timeout, blockers, starting) {
    const reason =
      starting !== null ? `. ${starting.message}` : blockers === null ? '' : describeBlockers(blockers);
    super('ERR_LOCK_TIMEOUT', key, `Lock '${key}' was not granted within ${timeout} ms${reason}`);
    this.holders = blockers?.holders ?? [];
    this.ahead = blockers?.ahead;
    if (starting !== null) this.frozenUntil = starting.frozenUntil;
  }
}

/** The lock object was closed. */
class LockClosedError extends LockError {
  /** @param {string} [key] */
  constructor(key) {
    const consequence = key === undefined ? '' : `: '${key}' was not granted`;
    super('ERR_LOCK_CLOSED', key, `The locks have been closed${consequence}`);
  }
}

/** As many requests as `maxPending` allows wait already. */
class LockQueueFullError extends LockError {
  /**
   * @param {string} key
   * @param {number} maxPending
   */
  constructor(key, maxPending) {
    super(
      'ERR_LOCK_QUEUE_FULL',
      key,
      `Lock '${key}' was not granted: as many requests wait as maxPending allows (${maxPending})`,
    );
  }
}

/** Another version of the package is loaded, with a table of its own. */
class LockTwoCopiesError extends LockError {
  /**
   * @param {string} name
   * @param {import('./addon/native').Copy} first
   * @param {import('./addon/native').Copy} own
   */
  constructor(name, first, own) {
    const copies = [first, own]
      .map(({ version, addon }) => `${version} in ${folderOf(addon)}`)
      .join(', and ');
    super(
      'ERR_LOCK_TWO_COPIES',
      name,
      `The space '${name}' would be two locks of one name: latchkey ${copies}`,
    );
  }
}

/**
 * What a hold is that was taken away.
 *
 * @param {LockError} loss
 */
function lossName(loss) {
  return loss instanceof LockExpiredError ? 'expired' : 'lost';
}

/**
 * Who kept a request waiting, in words.
 *
 * @param {import('./events/snapshot').Blockers} blockers
 */
function describeBlockers({ holders, ahead }) {
  const parts = [];
  const [first, ...others] = holders;
  if (first !== undefined) {
    const { age, label } = first;
    const where = placeOf(first);
    const by = where === null ? '' : ` by ${where}`;
    const who = label === undefined ? by : ` by '${label}'${where === null ? '' : ` (${where})`}`;
    const more = holders.length < MOST_HOLDERS ? '' : ' or more';
    const rest = others.length === 0 ? '' : `, and by ${count(others.length, 'other')}${more}`;
    parts.push(`held for ${toText(age)}${who}${rest}`);
  }
  if (ahead !== undefined && ahead > 0) parts.push(`${count(ahead, 'request')} ahead`);
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

/**
 * Where a holder is, as seen from this thread; null if it is there, too.
 *
 * @param {import('../index').LockHolder} holder
 */
function placeOf({ thread, host, pid }) {
  const isOfProcess = host === undefined || (pid === process.pid && host === require('node:os').hostname());
  if (!isOfProcess) return `process ${pid} on ${host}`;
  return thread === require('node:worker_threads').threadId ? null : `thread ${thread}`;
}

/**
 * @param {number} number
 * @param {string} noun
 */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/**
 * A time as people write it.
 *
 * @param {number} milliseconds
 */
function toText(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${Math.round(milliseconds / 100) / 10} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

/**
 * When a time will have passed, to be compared with `Date.now()`: a whole number, not too early.
 *
 * @param {number} wait milliseconds
 */
function toDate(wait) {
  return Math.ceil(Date.now() + wait);
}

/**
 * The package that an addon belongs to.
 *
 * @param {string} addon
 */
function folderOf(addon) {
  const path = require('node:path');
  const folder = path.dirname(path.normalize(addon));
  return path.basename(folder) === 'native' ? path.dirname(folder) : folder;
}

const classes = {
  ...{ LockError, LockExpiredError, LockLostError, LockTimeoutError, LockClosedError, LockQueueFullError },
  ...{ LockTwoCopiesError, StoreStartingError, StoreUnreachableError },
};
// Stack traces print the name that the prototype says. Not enumerable, as with built-in errors.
for (const [name, { prototype }] of Object.entries(classes))
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} received
 * @param {unknown} [cause]
 */
function invalidType(name, expected, received, cause) {
  const options = cause === undefined ? undefined : { cause };
  return invalidOption(name, `must be ${expected}. Received ${describe(received)}`, options);
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} received
 */
function outOfRange(name, expected, received) {
  return rangeError(name, `${expected}. Received ${describe(received)}`);
}

/**
 * @param {string} name
 * @param {string} fault what is wrong with it, and what to do
 * @param {ErrorOptions} [options]
 */
function invalidOption(name, fault, options) {
  const message = `The "${name}" argument ${fault}`;
  return Object.assign(new TypeError(message, options), { code: 'ERR_INVALID_ARG_TYPE' });
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {boolean} [outOfRange] whether it is of the right kind, but too large or too small
 */
function wrongStoreOption(name, expected, outOfRange = false) {
  return outOfRange ? rangeError(name, expected) : invalidOption(name, `must be ${expected}`);
}

/**
 * @param {string} name
 * @param {string} expected
 */
function rangeError(name, expected) {
  const message = `The value of "${name}" is out of range. It must be ${expected}`;
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}

/** @param {string} message */
function invalidThis(message) {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_THIS' });
}

/** @param {unknown} value */
function describe(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function' || typeof value === 'object') return describeObject(value);
  return `type ${typeof value} (${typeof value === 'string' ? `'${value}'` : String(value)})`;
}

/** @param {Function | object} value */
function describeObject(value) {
  try {
    if (typeof value === 'function') return `function ${value.name}`;
    return `an instance of ${value.constructor.name}`;
  } catch {
    // No prototype, or one of the objects that throw at every look: a revoked proxy.
    return typeof value === 'function' ? 'a function' : 'an object';
  }
}

/**
 * Makes an error that no call can throw an uncaught exception, as one of a timer's callback is.
 *
 * @param {unknown} error
 */
function reportLater(error) {
  process.nextTick(() => {
    throw error;
  });
}

module.exports = {
  ...classes,
  ...{ invalidType, invalidOption, outOfRange, wrongStoreOption, invalidThis },
  ...{ MOST_HOLDERS, count, lossName, toText, toDate, reportLater },
};
