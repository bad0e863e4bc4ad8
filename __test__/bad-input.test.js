'use strict';
// Bad input is a TypeError or RangeError with a code, thrown by the very call, and changes nothing. Keys have a
// file of their own.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { inspect } = require('node:util');
const latchkey = require('latchkey');
const { apis, lasting, notifying, overApis, overModes, freshKey } = require('./support/apis');
const { hold } = require('./support/queue');

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

const NOT_FUNCTIONS = [undefined, null, true, 0, 1, 'text', '', Symbol('s'), 1n, {}, [], /regexp/];

overModes('a callback that is no function', [...apis, lasting], (api, mode) => {
  for (const bad of NOT_FUNCTIONS) {
    it(`is refused: ${inspect(bad)}`, () => {
      const locks = api.open();
      const key = freshKey();
      hold(locks, mode, key)();
      assert.throws(() => locks[mode](key, bad), TYPE);
      hold(locks, 'write', key)();
    });
  }

  it('is refused on a held key, too, and nobody waits then', () => {
    const locks = api.open();
    const key = freshKey();
    const release = hold(locks, 'write', key);
    // Waits, so that the engine has been asked.
    let granted = 0;
    locks.write(key, (releaseNext) => {
      granted++;
      releaseNext();
    });
    assert.throws(() => locks[mode](key, 'text'), TYPE);
    release();
    assert.equal(granted, 1);
    hold(locks, 'write', key)();
  });
});

overModes('a release callback that is no function', [...notifying, lasting], (api, mode) => {
  for (const bad of [true, 1, 'text', Symbol('s'), 1n, {}, []]) {
    it(`is refused: ${inspect(bad)}`, () => {
      const locks = api.open();
      assert.throws(() => locks[mode]('key', assert.fail, bad), TYPE);
      hold(locks, 'write', 'key')();
    });
  }
});

overApis('a constructor', notifying, (api) => {
  for (const bad of ['', '100', true, 5n, {}, [], new Date(), Symbol('s'), () => 5]) {
    it(`refuses as a timeout: ${inspect(bad)}`, () => {
      assert.throws(() => api.open({ expiry: bad }), TYPE);
    });
  }

  for (const bad of [-1, -0.001, -Infinity, NaN]) {
    it(`refuses as a timeout: ${bad}`, () => assert.throws(() => api.open({ expiry: bad }), RANGE));
  }

  for (const bad of [{}, 'text', 5, true, () => {}, Symbol('s'), { warn: 'text' }, { error() {} }]) {
    it(`refuses as a logger: ${inspect(bad)}`, () => {
      assert.throws(() => api.open({ expiry: 5, logger: bad }), TYPE);
    });
  }

  it('refuses what cannot even say its name', () => {
    const nameless = Object.defineProperty(() => {}, 'name', { value: Symbol('name') });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const bad of [nameless, proxy]) assert.throws(() => api.open({ expiry: bad }), TYPE);
  });

  it('takes as a logger what has a function warn, wherever it has it from', () => {
    class Logger {
      warn() {}
    }
    const callable = Object.assign(() => {}, { warn() {} });
    for (const logger of [console, new Logger(), callable, null, undefined, false]) api.open({ logger });
  });

  it('takes as a timeout any number from 0', () => {
    for (const expiry of [0, -0, Number.MIN_VALUE, 0.5, 1, 2 ** 31, 2 ** 53, Number.MAX_VALUE, Infinity]) {
      api.open({ expiry });
    }
  });
});

describe('an error about bad input', () => {
  it('names the argument, what it must be, and what it was', () => {
    const lock = new latchkey.Lock();
    const message = (act) => {
      try {
        act();
      } catch (error) {
        return error.message;
      }
      return assert.fail('was accepted');
    };
    assert.match(
      message(() => latchkey('key')),
      /"fn".*function.*undefined/,
    );
    assert.match(
      message(() => latchkey(null, () => {})),
      /"key".*string.*null/,
    );
    assert.match(
      message(() => lock.readLock('key', () => {})),
      /"lockObtainedCallback".*function.*undefined/,
    );
    assert.match(
      message(() => lock.writeLock('key', 5, () => {})),
      /"releaseCallback".*function or null.*5/,
    );
    assert.match(
      message(() => new latchkey.Lock('100')),
      /"timeout".*number.*string \('100'\)/,
    );
    assert.match(
      message(() => new latchkey.Lock(-1)),
      /"timeout".*0 or more.*-1/,
    );
    assert.match(
      message(() => new latchkey.Lock(1, {})),
      /"logger".*warn.*Object/,
    );
    assert.match(
      message(() => new latchkey(class Timeout {})),
      /"timeout".*number.*function Timeout/,
    );
  });
});

describe('a method without its object', () => {
  for (const method of ['readLock', 'writeLock']) {
    for (const self of [undefined, null, {}, 5, latchkey.Lock.prototype]) {
      it(`is refused: ${method} of ${self === latchkey.Lock.prototype ? 'the prototype' : String(self)}`, () => {
        assert.throws(() => latchkey.Lock.prototype[method].call(self, 'key', null, assert.fail), {
          name: 'TypeError',
          code: 'ERR_INVALID_THIS',
        });
      });
    }
  }

  it('is refused: the constructor without new', () => {
    assert.throws(() => latchkey.Lock(100), { name: 'TypeError', code: 'ERR_INVALID_THIS' });
  });
});
