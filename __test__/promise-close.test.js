'use strict';
// `close()`: what waits fails with ERR_LOCK_CLOSED, what holds stays until it is released, later calls fail.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { LockClosedError, LockError, Locks } = require('latchkey');
const { overScopes, overScopesAndModes, freshName } = require('./support/scopes');
const { errorOf, turn, follow } = require('./support/follow');

overScopesAndModes('close', (open, mode) => {
  it('ends each wait with its own error', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const calls = [
      errorOf(locks[mode]('key', () => assert.fail('must not run'))),
      errorOf(locks[mode]('key')),
      errorOf(locks[mode]('key', { timeout: 60_000, signal: new AbortController().signal, label: 'mine' })),
    ];
    await turn();
    locks.close();
    const errors = await Promise.all(calls);
    assert.equal(new Set(errors).size, 3);
    for (const error of errors) {
      assert.ok(error instanceof LockClosedError && error instanceof LockError);
      const { name, code, key } = error;
      assert.deepEqual({ name, code, key }, { name: 'LockClosedError', code: 'ERR_LOCK_CLOSED', key: 'key' });
      assert.match(error.message, /'key'/);
    }
    assert.deepEqual(
      errors.map(({ label }) => label),
      [undefined, undefined, 'mine'],
    );
    hold.release();
  });

  it('fails every later call, and changes nothing more when it is called again', async () => {
    const locks = open();
    locks.close();
    assert.equal(locks.close(), undefined);
    const refused = { name: 'LockClosedError', code: 'ERR_LOCK_CLOSED' };
    await assert.rejects(locks[mode]('key'), refused);
    await assert.rejects(
      locks[mode]('key', () => assert.fail('must not run')),
      refused,
    );
    await assert.rejects(locks[mode](['a', 'b']), refused);
    await assert.rejects(async () => locks.tryRead('key'), refused);
    const labelled = { ...refused, key: 'a', label: 'mine' };
    await assert.rejects(async () => locks.tryWrite(['a'], { label: 'mine' }), labelled);
    await assert.rejects(async () => locks.query(), refused);
    locks.close();
  });

  it('fails later calls for no keys at all', async () => {
    const locks = open();
    locks.close();
    const refused = { name: 'LockClosedError', code: 'ERR_LOCK_CLOSED' };
    await assert.rejects(async () => locks.tryWrite([]), refused);
    await assert.rejects(locks[mode]([]), refused);
  });

  it('leaves holds as they are: they work until they are released', async () => {
    const locks = open({ expiry: 60_000 });
    const hold = await locks[mode]('key');
    const other = await locks.write('other');
    locks.close();
    assert.equal(hold.signal.aborted, false);
    assert.deepEqual([hold.key, hold.mode], ['key', mode]);
    other.downgrade();
    assert.equal(other.mode, 'read');
    hold.release();
    hold.release();
    assert.equal(hold.signal.aborted, false);
    other.release();
  });

  it('lets a function that runs come to its end', async () => {
    const locks = open();
    const result = await locks[mode]('key', async () => {
      locks.close();
      await turn();
      return 'result';
    });
    assert.equal(result, 'result');
  });
});

overScopes('close', (open) => {
  for (const order of ['read write', 'write read', 'write read write read read', 'read read write read']) {
    for (const held of ['read', 'write']) {
      it(`ends all waits, none by a grant, with ${order} behind a ${held} hold`, async () => {
        const locks = open();
        const hold = await locks[held]('key');
        // Keeps what comes first from being granted beside a reader.
        const blocker = follow(locks.write('key'));
        const calls = order.split(' ').map((mode) => follow(locks[mode]('key', () => 'ran')));
        await turn();
        locks.close();
        await Promise.all([blocker, ...calls].map(({ settled }) => settled));
        assert.deepEqual(
          [blocker, ...calls].map(({ state, value }) => [state, value.code ?? value]),
          [blocker, ...calls].map(() => ['rejected', 'ERR_LOCK_CLOSED']),
        );
        hold.release();
      });
    }
  }

  it('from inside a function ends the waits behind it', async () => {
    const locks = open();
    let waiting;
    await locks.write('key', async () => {
      waiting = follow(locks.write('key'));
      locks.close();
    });
    await waiting.settled;
    assert.equal(waiting.value.code, 'ERR_LOCK_CLOSED');
  });

  it('does not let a hold be released twice by a late release', async () => {
    const locks = open();
    const hold = await locks.read('key');
    const writer = follow(locks.write('key'));
    const reader = follow(locks.read('key', (inner) => inner.signal.aborted));
    locks.close();
    hold.release();
    await Promise.all([writer.settled, reader.settled]);
    assert.equal(writer.value.code, 'ERR_LOCK_CLOSED');
    assert.equal(reader.value.code, 'ERR_LOCK_CLOSED');
  });
});

overScopes('10,000 waits on many keys', (open) => {
  it('all end by one close', async () => {
    const locks = open();
    const holds = await Promise.all(Array.from({ length: 100 }, (_, i) => locks.tryWrite(`key ${i}`)));
    const calls = Array.from({ length: 10_000 }, (_, i) =>
      follow(locks[i % 3 === 0 ? 'write' : 'read'](`key ${i % 100}`)),
    );
    locks.close();
    await Promise.all(calls.map(({ settled }) => settled));
    assert.ok(calls.every(({ value }) => value.code === 'ERR_LOCK_CLOSED'));
    await Promise.all(holds.map((hold) => hold.release()));
  });
});

describe('closing one of several users of a named space', () => {
  it('ends its own waits only, and the others move up', async () => {
    const name = freshName();
    const [a, b] = [new Locks({ name }), new Locks({ name })];
    const hold = await a.read('key');
    const ownWait = follow(a.write('key'));
    const othersReader = follow(b.read('key'));
    const othersWriter = follow(b.write('key'));
    await turn();
    assert.equal(othersReader.state, 'pending');
    a.close();
    await Promise.all([ownWait.settled, othersReader.settled]);
    assert.equal(ownWait.value.code, 'ERR_LOCK_CLOSED');
    assert.equal(othersReader.state, 'fulfilled');
    assert.equal(othersWriter.state, 'pending');
    // The hold of the closed one still excludes the writer.
    othersReader.value.release();
    await turn();
    assert.equal(b.query().held.length, 1);
    hold.release();
    await othersWriter.settled;
    assert.equal(othersWriter.value.mode, 'write');
    othersWriter.value.release();
    b.close();
  });

  it('never lets two in: a reader that was behind its writer does not run beside another’s writer', async () => {
    const name = freshName();
    const [a, b] = [new Locks({ name }), new Locks({ name })];
    const hold = await a.read('key');
    const log = [];
    const writer = follow(a.write('key', () => void log.push('writer of the closed one')));
    const reader = follow(a.read('key', () => void log.push('reader of the closed one')));
    a.close();
    hold.release();
    const next = b.tryWrite('key');
    await Promise.all([writer.settled, reader.settled]);
    assert.notEqual(next, null);
    assert.deepEqual(log, []);
    next.release();
    b.close();
  });

  it('the name starts anew, once all have closed and released', async () => {
    const name = freshName();
    const [a, b] = [new Locks({ name }), new Locks({ name })];
    for (let i = 0; i < 10; i++) a.tryWrite('key').release();
    const hold = b.tryWrite('key');
    assert.equal(hold.fence, 11);
    a.close();
    b.close();
    const still = new Locks({ name });
    assert.equal(still.tryWrite('key'), null, 'the hold of a closed one counts');
    still.close();
    hold.release();
    const anew = new Locks({ name });
    const first = anew.tryWrite('key');
    assert.equal(first.fence, 1);
    assert.equal(first.recovered, false);
    first.release();
    anew.close();
  });
});
