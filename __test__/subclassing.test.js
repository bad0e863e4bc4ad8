'use strict';
// Subclasses work: `class extends`, and `util.inherits` with `Lock.call(this, timeout)`, of Lock and of the package
// itself, which is both a function and a class.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const util = require('node:util');
const latchkey = require('latchkey');
const { hold } = require('./support/queue');
const { block } = require('./support/until');

const BASES = { 'latchkey.Lock': latchkey.Lock, latchkey };

/** A class of today. */
function extended(Base) {
  return class FileLock extends Base {
    constructor(timeout, logger) {
      super(timeout, logger);
      this.own = 'field';
    }

    readLock(key, ...callbacks) {
      return super.readLock(`file:${key}`, ...callbacks);
    }

    both(key, obtained) {
      this.readLock(key, null, obtained);
    }
  };
}

/** A class of ten years ago. */
function inherited(Base) {
  function FileLock(timeout, logger) {
    Base.call(this, timeout, logger);
    this.own = 'field';
  }
  util.inherits(FileLock, Base);
  FileLock.prototype.readLock = function (key, released, obtained) {
    return Base.prototype.readLock.call(this, `file:${key}`, released, obtained);
  };
  FileLock.prototype.both = function (key, obtained) {
    this.readLock(key, null, obtained);
  };
  return FileLock;
}

/** A class of twenty years ago. */
function applied(Base) {
  function FileLock() {
    Base.apply(this, arguments);
    this.own = 'field';
  }
  FileLock.prototype = Object.create(Base.prototype);
  FileLock.prototype.constructor = FileLock;
  FileLock.prototype.readLock = function () {
    arguments[0] = `file:${arguments[0]}`;
    return Base.prototype.readLock.apply(this, arguments);
  };
  FileLock.prototype.both = function (key, obtained) {
    this.readLock(key, null, obtained);
  };
  return FileLock;
}

for (const [name, Base] of Object.entries(BASES)) {
  for (const make of [extended, inherited, applied]) {
    describe(`a subclass of ${name} (${make.name})`, () => subclass(Base, make(Base), make));
  }
}

function subclass(Base, FileLock, make) {
  it('makes instances of both', () => {
    const lock = new FileLock();
    assert.ok(lock instanceof FileLock);
    assert.ok(lock instanceof Base);
    assert.ok(lock instanceof latchkey);
    assert.equal(lock.constructor, FileLock);
    assert.equal(Object.getPrototypeOf(lock), FileLock.prototype);
    assert.deepEqual(Object.keys(lock), ['own']);
  });

  it('locks, each instance its own keys', () => {
    const log = [];
    const lock = new FileLock();
    let release;
    lock.writeLock('file:a', null, (given) => (release = given));
    lock.both('a', () => log.push('read'));
    new FileLock().both('a', () => log.push('another instance'));
    assert.deepEqual(log, ['another instance']);
    release();
    assert.deepEqual(log, ['another instance', 'read']);
  });

  it('hands its timeout and logger on', () => {
    const log = [];
    const lock = new FileLock(5, { warn: (message) => log.push(message) });
    lock.readLock(
      'a',
      (error) => log.push(error.key),
      () => {},
    );
    block(10);
    lock.writeLock('file:a', null, () => log.push('next'));
    assert.deepEqual(log, ["Lock 'file:a' timed out and was released automatically", 'file:a', 'next']);
  });

  it('is refused bad input by the constructor', () => {
    assert.throws(() => new FileLock('100'), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => new FileLock(-1), { code: 'ERR_OUT_OF_RANGE' });
  });

  it('can itself be subclassed', () => {
    const Deeper = make(FileLock);
    let granted = false;
    const lock = new Deeper();
    lock.writeLock('file:file:a', null, () => {});
    lock.both('a', () => (granted = true));
    assert.equal(granted, false, 'both subclasses have put their prefix before the key');
    assert.ok(lock instanceof Deeper && lock instanceof FileLock && lock instanceof Base);
  });
}

describe('a class that has a lock inside', () => {
  it('can use the package either way', () => {
    class Store extends Map {
      lock = new latchkey();

      change(key, fn) {
        this.lock.writeLock(key, null, (release) => {
          this.set(key, fn(this.get(key)));
          release();
        });
      }
    }
    const store = new Store([['count', 1]]);
    store.change('count', (n) => n + 1);
    assert.equal(store.get('count'), 2);
  });
});

describe('what an old program may do to an instance', () => {
  it('freeze it', () => {
    const lock = Object.freeze(new latchkey.Lock());
    lock.writeLock('key', null, (release) => release());
  });

  it('stand a proxy before it', () => {
    const lock = new Proxy(new latchkey.Lock(), {});
    const locks = { write: (key, obtained) => lock.writeLock(key, null, obtained) };
    hold(locks, 'write', 'key')();
  });
});
