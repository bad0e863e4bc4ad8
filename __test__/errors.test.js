'use strict';
// The errors about a hold: classes with a code and the key, which print well.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { inspect } = require('node:util');
const { Lock, LockError, LockExpiredError } = require('latchkey');
const { block } = require('./support/until');

/** Lets a hold on `key` expire, and gives the error that its holder got. */
function expire(key) {
  const lock = new Lock(5);
  let error;
  lock.writeLock(
    key,
    (given) => (error = given),
    () => {},
  );
  block(10);
  lock.writeLock(key, null, (release) => release());
  return error;
}

describe('LockExpiredError', () => {
  it('is a LockError and an Error', () => {
    const error = expire('key');
    assert.ok(error instanceof LockExpiredError);
    assert.ok(error instanceof LockError);
    assert.ok(error instanceof Error);
    assert.equal(Object.prototype.toString.call(error), '[object Error]');
  });

  it('has a name, a code, a key and a message', () => {
    const { name, code, key, message } = expire('some key');
    assert.deepEqual(
      { name, code, key, message },
      {
        name: 'LockExpiredError',
        code: 'ERR_LOCK_EXPIRED',
        key: 'some key',
        message: "Lock 'some key' timed out and was released automatically",
      },
    );
  });

  it('matches what programs that use rwlock-plus look for', () => {
    assert.match(expire('key').message, /Lock 'key' timed out and was released automatically/);
    assert.match(expire('key').message, /released automatically/);
  });

  it('prints its name, its message and its code', () => {
    const error = expire('key');
    assert.equal(String(error), "LockExpiredError: Lock 'key' timed out and was released automatically");
    assert.match(error.stack, /^LockExpiredError: Lock 'key'/);
    assert.match(inspect(error), /LockExpiredError: Lock 'key'.*code: 'ERR_LOCK_EXPIRED'/s);
  });

  it('carries the key exactly, and as a string', () => {
    assert.equal(expire(1).key, '1');
    assert.equal(expire('\ud800').key, '\ud800');
    assert.equal(expire('a\0b').key, 'a\0b');
    assert.equal(expire("it's").message, "Lock 'it's' timed out and was released automatically");
  });

  it('is a new one each time', () => {
    assert.notEqual(expire('key'), expire('key'));
  });

  it('has a class that subclasses of Error behave like', () => {
    assert.equal(Object.getPrototypeOf(LockExpiredError), LockError);
    assert.equal(Object.getPrototypeOf(LockError), Error);
    assert.equal(LockError.name, 'LockError');
    assert.equal(LockError.prototype.name, 'LockError');
    assert.ok(!Object.keys(expire('key')).includes('name'));
  });
});
