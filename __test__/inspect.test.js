'use strict';
// What `console.log`, `util.inspect` and `JSON.stringify` show of a Hold, a Locks and a Lock: what it is, and how it stands.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { format, inspect } = require('node:util');
const { Hold, Lock, Locks } = require('latchkey');
const { overScopes, freshName } = require('./support/scopes');
const { follow } = require('./support/follow');

overScopes('a hold', (open) => {
  it('shows key, mode, fence, whether the data may be half written, and its state', async () => {
    const locks = open();
    const hold = await locks.write('key', { label: 'mine' });
    const { fence } = hold;
    const json = { key: 'key', mode: 'write', fence, recovered: false, state: 'held', label: 'mine' };
    assert.deepEqual(JSON.parse(JSON.stringify(hold)), json);
    assert.equal(inspect(hold), `Hold ${inspect(json)}`);
    assert.equal(format('%o', hold), `Hold ${inspect(json)}`);
    assert.equal(inspect({ a: { b: { c: hold } } }).includes('[Hold]'), true);
    await hold.downgrade();
    assert.equal(hold.toJSON().mode, 'read');
    await hold.release();
    assert.equal(hold.toJSON().state, 'released');
  });

  it('of several keys shows them all', async () => {
    const hold = await open().read(['b', 'a']);
    const { fence } = hold;
    const json = { key: ['a', 'b'], mode: 'read', fence, recovered: false, state: 'held' };
    assert.deepEqual(hold.toJSON(), json);
    assert.equal(inspect(hold), `Hold ${inspect(json)}`);
    await hold.release();
    assert.equal(hold.toJSON().state, 'released');
  });

  it('shows that it was taken away', async () => {
    const locks = open();
    const hold = await locks.write('key', { expiry: 1 });
    const both = await locks.write(['a', 'b'], { expiry: 1 });
    await locks.write(['key', 'b'], () => {});
    assert.equal(hold.toJSON().state, 'expired');
    assert.equal(both.toJSON().state, 'expired');
    await both.release()?.catch(() => {});
  });
});

overScopes('a Locks', (open, { name: kind }) => {
  it('shows its name, its scope, whether it is open, and how many of its requests wait', async () => {
    const name = freshName();
    const locks = kind === 'private' ? open() : open({ name });
    const scope = { private: 'thread', named: 'process', stored: 'machines' }[kind];
    const json = { name: kind === 'private' ? null : name, scope, state: 'open', pending: 0 };
    assert.deepEqual(JSON.parse(JSON.stringify(locks)), json);
    assert.equal(inspect(locks), `Locks ${inspect(json)}`);
    const hold = await locks.write('key');
    const next = follow(locks.write('key'));
    assert.equal(locks.toJSON().pending, 1);
    locks.close();
    await next.settled;
    assert.deepEqual(locks.toJSON(), { ...json, state: 'closed' });
    await hold.release();
  });
});

describe('a subclass', () => {
  it('of Locks shows its own name and properties', () => {
    class Orders extends Locks {
      currency = 'EUR';
    }
    const shown = { name: null, scope: 'thread', state: 'open', pending: 0, currency: 'EUR' };
    assert.equal(inspect(new Orders()), `Orders ${inspect(shown)}`);
  });
});

describe('a Lock', () => {
  it('shows its name, its scope and its timeout', () => {
    const name = freshName();
    assert.equal(inspect(new Lock()), `Lock ${inspect({ name: null, scope: 'thread', timeout: null })}`);
    const shown = { name, scope: 'process', timeout: 10_000 };
    assert.equal(inspect(new Lock(10_000, null, { name })), `Lock ${inspect(shown)}`);
    assert.equal(JSON.stringify(new Lock()), '{}');
  });
});

it('what refers to itself is shown as deep as other objects are', () => {
  const locks = new Locks();
  const hold = locks.tryWrite('key');
  hold.request = { hold };
  const shown = inspect({ hold });
  assert.match(shown, /request: \{ hold: \[Hold\] \}/);
  assert.equal(shown.split('fence').length, 2, shown);
  hold.release();
});

it('a prototype, and what only inherits from it, can be shown', () => {
  for (const { prototype } of [Hold, Locks, Lock]) {
    assert.equal(typeof inspect(prototype), 'string');
    assert.equal(typeof inspect(Object.create(prototype)), 'string');
  }
});
