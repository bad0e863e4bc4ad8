'use strict';
// Keys are turned into strings as property names are; different strings never meet; what cannot be turned is
// refused, and changes nothing.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { apis, lasting, overApis, freshKey } = require('./support/apis');
const { hold } = require('./support/queue');

/** Whether two keys are one key. */
function meet(locks, a, b) {
  let granted = false;
  const release = hold(locks, 'write', a);
  locks.write(b, (releaseB) => {
    granted = true;
    releaseB();
  });
  const met = !granted;
  release();
  assert.ok(granted);
  return met;
}

class ObjectId {
  constructor(hex) {
    this.hex = hex;
  }

  toString() {
    return this.hex;
  }
}

/** Pairs that are one key, as they are one property. */
const SAME = [
  ['a string and itself', 'a', 'a'],
  ['a number and its digits', 1, '1'],
  ['an odd number', 1.5e300, '1.5e+300'],
  ['minus zero and zero', -0, '0'],
  ['NaN', NaN, 'NaN'],
  ['a bigint', 12345678901234567890n, '12345678901234567890'],
  ['true', true, 'true'],
  ['false', false, 'false'],
  ['an array', ['a', 'b'], 'a,b'],
  ['an empty array and the empty string', [], ''],
  ['two ObjectIds of one value', new ObjectId('5f1d7f'), new ObjectId('5f1d7f')],
  ['an ObjectId and its string', new ObjectId('5f1d7f'), '5f1d7f'],
  ['an object with toPrimitive', { [Symbol.toPrimitive]: (hint) => hint }, 'string'],
  ['an object whose toString gives a number', { toString: () => 7 }, '7'],
  ['an object whose toString gives no primitive', { toString: () => ({}), valueOf: () => 'value' }, 'value'],
  ['plain objects', {}, { other: 1 }],
  ['a String object', new String('text'), 'text'],
  ['a date', new Date(0), String(new Date(0))],
  ['a function', Math.max, 'function max() { [native code] }'],
  ['a regular expression', /a/g, '/a/g'],
];

/** Pairs that are two keys. */
const DIFFERENT = [
  ['letter case', 'a', 'A'],
  ['the empty string and a space', '', ' '],
  ['two lone surrogates', '\ud800', '\ud801'],
  ['a lone surrogate and the replacement character', '\ud800', '\ufffd'],
  ['a low and a high lone surrogate', '\udc00', '\ud800'],
  ['surrogates in a different order', '\ud83d\ude00', '\ude00\ud83d'],
  ['NUL and nothing', '\0', ''],
  ['a text cut at NUL', 'a\0b', 'a\0c'],
  ['composed and decomposed', 'é', 'e\u0301'],
  ['Latin-1 and its UTF-8 bytes', '\u00e9', '\u00c3\u00a9'],
  ['long keys that differ at their end', `${'x'.repeat(1e6)}a`, `${'x'.repeat(1e6)}b`],
  ['long keys that differ in length', 'x'.repeat(1e6), 'x'.repeat(1e6 + 1)],
  ['__proto__ and constructor', '__proto__', 'constructor'],
  ['1 and 1n + 1n', 1, 2n],
  ['two object ids', new ObjectId('5f1d7f'), new ObjectId('5f1d80')],
];

const NAMES_OF_OBJECTS = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'valueOf',
  'length',
  'prototype',
];

/** What is refused: no name of a property at all, or the name of a symbol's. */
const REFUSED = [
  ['undefined', undefined],
  ['null', null],
  ['a symbol', Symbol('s')],
  ['a well-known symbol', Symbol.iterator],
  ['an object without a prototype', Object.create(null)],
  ['an object that converts to a symbol', { [Symbol.toPrimitive]: () => Symbol('s') }],
  ['an object whose toString gives a symbol', { toString: () => Symbol('s') }],
  ['an object around a symbol', Object(Symbol('s'))],
  ['an object that converts to objects only', { toString: () => ({}), valueOf: () => [] }],
  ['an object whose toString throws', { toString: () => assert.fail('thrown by toString') }],
  ['a revoked proxy', revokedProxy({})],
  ['a revoked proxy of a function', revokedProxy(() => {})],
  ['an object that throws at every look', hostile()],
];

function revokedProxy(target) {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function hostile() {
  return new Proxy({}, { get: () => assert.fail('thrown by a getter') });
}

overApis('one key', apis, (api) => {
  for (const [name, a, b] of SAME) {
    it(name, () => assert.equal(meet(api.open(), a, b), true));
  }
});

overApis('two keys', apis, (api) => {
  for (const [name, a, b] of DIFFERENT) {
    it(name, () => assert.equal(meet(api.open(), a, b), false));
  }
});

overApis('a key that names a property of all objects', apis, (api) => {
  for (const name of NAMES_OF_OBJECTS) {
    it(`is a key like any other: ${name}`, () => {
      const locks = api.open();
      assert.equal(meet(locks, name, name), true);
      assert.equal(meet(locks, name, freshKey()), false);
    });
  }
});

overApis('an object as a key', apis, (api) => {
  it('is converted once, at the call', () => {
    let conversions = 0;
    const key = { toString: () => `key ${conversions++} of ${api.name}` };
    const release = hold(api.open(), 'write', key);
    release();
    assert.equal(conversions, 1);
  });
});

overApis('refused as a key, and nothing changed', [...apis, lasting], (api) => {
  for (const [name, key] of REFUSED) {
    it(name, () => {
      const locks = api.open();
      const waiter = freshKey();
      const release = hold(locks, 'write', waiter);
      locks.write(waiter, (releaseNext) => releaseNext());
      for (const mode of api.modes) {
        assert.throws(() => locks[mode](key, assert.fail), {
          name: 'TypeError',
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }
      release();
      for (const free of [waiter, ...textsOf(key)]) hold(locks, 'write', free)();
    });
  }
});

/** What a refused key might have been taken for. */
function textsOf(key) {
  try {
    return [String(key), Object.prototype.toString.call(key)];
  } catch {
    return ['undefined', 'null', '', '[object Object]'];
  }
}
