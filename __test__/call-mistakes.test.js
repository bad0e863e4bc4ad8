'use strict';
// A method that is called without its object, and a signal that is none, are refused by the very call, with a code, and nothing
// is asked for.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Hold, Locks } = require('latchkey');
const { overScopes } = require('./support/scopes');
const { errorOf } = require('./support/follow');

/** What somebody may call a method on by mistake. */
const NOT_LOCKS = [undefined, null, 5, {}, Object.create(Locks.prototype), Locks.prototype];
const NOT_HOLDS = [undefined, null, 5, {}, Object.create(Hold.prototype), Hold.prototype];

const refusal = (message) => ({ name: 'TypeError', code: 'ERR_INVALID_THIS', message });

describe('a method of Locks without its object', () => {
  for (const method of ['read', 'write']) {
    it(`rejects: ${method}`, async () => {
      for (const value of NOT_LOCKS) {
        const call = Locks.prototype[method].call(value, 'key', () => assert.fail('must not run'));
        assert.ok(call instanceof Promise);
        const { name, code, message } = await errorOf(call);
        assert.deepEqual({ name, code, message }, refusal(`${method}() has to be called on a Locks`));
      }
    });
  }

  for (const method of ['tryRead', 'tryWrite', 'query', 'close']) {
    it(`throws: ${method}`, () => {
      for (const value of NOT_LOCKS) {
        const call = () => Locks.prototype[method].call(value, 'key');
        assert.throws(call, refusal(`${method}() has to be called on a Locks`));
      }
    });
  }

  it('is refused when it is taken from an object', async () => {
    const { write } = new Locks();
    assert.equal((await errorOf(write('key'))).code, 'ERR_INVALID_THIS');
  });
});

describe('a member of Hold without its object', () => {
  for (const method of ['release', 'downgrade', Symbol.dispose ?? Symbol.for('nodejs.dispose')]) {
    it(`throws: ${String(method)}`, () => {
      for (const value of NOT_HOLDS) {
        assert.throws(() => Hold.prototype[method].call(value), {
          name: 'TypeError',
          code: 'ERR_INVALID_THIS',
          message: /^(release|downgrade)\(\) has to be called on a Hold$/,
        });
      }
    });
  }

  for (const property of ['key', 'mode', 'fence', 'recovered', 'signal']) {
    it(`throws: ${property}`, () => {
      const { get } = Object.getOwnPropertyDescriptor(Hold.prototype, property);
      for (const value of NOT_HOLDS) {
        assert.throws(() => get.call(value), refusal(`${property} belongs to a Hold`));
      }
    });
  }

  it('does not release another one', () => {
    const locks = new Locks();
    const { release } = locks.tryWrite('key');
    assert.throws(release, { code: 'ERR_INVALID_THIS' });
    assert.equal(locks.tryWrite('key'), null);
  });
});

overScopes('a signal', (open) => {
  const whole = {
    aborted: false,
    addEventListener() {},
    removeEventListener() {},
    throwIfAborted() {},
  };
  for (const method of ['addEventListener', 'removeEventListener', 'throwIfAborted']) {
    it(`that has no ${method} is refused, and the error says so`, async () => {
      const locks = open();
      const { [method]: _, ...signal } = whole;
      for (const key of ['key', ['a', 'b']]) {
        const { name, code, message } = await errorOf(locks.write(key, { signal }));
        assert.deepEqual(
          { name, code, message },
          {
            name: 'TypeError',
            code: 'ERR_INVALID_ARG_TYPE',
            message: `The "options.signal" argument must be an AbortSignal: it has no method ${method}`,
          },
        );
      }
      assert.deepEqual(await locks.query(), { held: [], pending: [] });
    });
  }

  it('that is the controller is refused, and the error says so', async () => {
    const locks = open();
    const error = await errorOf(locks.write('key', { signal: new AbortController() }));
    assert.equal(
      error.message,
      'The "options.signal" argument must be an AbortSignal: this is an AbortController, which has it as its signal',
    );
  });
});
