'use strict';
// The messages of the diagnostics channels are published after the events of the call have been delivered: a subscriber
// that looks finds them done, and one that uses the lock comes after them.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const { Lock, Locks } = require('latchkey');
const { ask } = require('./support/logged');
const { freshName } = require('./support/scopes');
const { EXPIRY, passExpiry, until } = require('./support/until');

/** Calls the listener for the first message of a channel. Gives how many there have been. */
function onFirst(t, name, listener) {
  const seen = { messages: 0 };
  const count = (message) => {
    if (seen.messages++ === 0) listener(message);
  };
  diagnostics.subscribe(name, count);
  t.after(() => diagnostics.unsubscribe(name, count));
  return seen;
}

/** A writer holds the key: gives its release function, and the log of all who ask. */
function holding(lock) {
  const log = [];
  let release;
  ask(lock, log, 'holder', 'writeLock', (given) => {
    release = given;
  });
  return { log, release };
}

for (const [scope, options] of [
  ['private', () => ({})],
  ['named', () => ({ name: freshName() })],
]) {
  describe(`an expiry (${scope})`, () => {
    it('that a call finds is published after the holder was notified', (t) => {
      const locks = new Locks(options());
      let notified;
      const seen = onFirst(t, 'latchkey:expire', () => (notified = hold.signal.aborted));
      const hold = locks.tryWrite('key', { expiry: EXPIRY });
      passExpiry();
      locks.tryWrite('key').release();
      assert.deepEqual([seen.messages, notified], [1, true]);
    });

    it('that makes its listener abort the one who was let in is followed by that abort, and by no grant', async (t) => {
      const locks = new Locks(options());
      const controller = new AbortController();
      const published = [];
      for (const name of ['expire', 'abort', 'grant', 'release']) {
        const note = ({ id }) => published.push(`${name} ${id}`);
        diagnostics.subscribe(`latchkey:${name}`, note);
        t.after(() => diagnostics.unsubscribe(`latchkey:${name}`, note));
      }
      const hold = locks.tryWrite('key', { expiry: EXPIRY });
      hold.signal.addEventListener('abort', () => controller.abort());
      await assert.rejects(locks.write('key', { signal: controller.signal }), { name: 'AbortError' });
      const [first] = published;
      const id = Number(first.split(' ')[1]);
      assert.deepEqual(published, [`grant ${id}`, `expire ${id}`, `abort ${id + 1}`]);
    });

    it('that the clock brings is published after the holder was notified', async (t) => {
      const locks = new Locks(options());
      let notified;
      const seen = onFirst(t, 'latchkey:expire', () => (notified = hold.signal.aborted));
      const hold = locks.tryWrite('key', { expiry: EXPIRY });
      (await locks.write('key')).release();
      assert.deepEqual([seen.messages, notified], [1, true]);
    });

    it('that a call finds: a subscriber’s own request comes after all losses', (t) => {
      const lock = new Lock(EXPIRY, null, options());
      const log = [];
      onFirst(t, 'latchkey:expire', () => ask(lock, log, 'subscriber', 'readLock'));
      ask(lock, log, 'first', 'readLock');
      ask(lock, log, 'second', 'readLock');
      passExpiry();
      ask(lock, log, 'newcomer', 'readLock');
      const order = ['first lost', 'second lost', 'subscriber granted'].map((line) => log.indexOf(line));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        log.join(),
      );
      assert.ok(!order.includes(-1), log.join());
    });

    it('that the clock brings: a subscriber’s own request comes after the grant of the next one', async (t) => {
      const lock = new Lock(EXPIRY, null, options());
      const log = [];
      onFirst(t, 'latchkey:expire', () => ask(lock, log, 'subscriber', 'readLock'));
      ask(lock, log, 'holder');
      ask(lock, log, 'next', 'readLock');
      await until(() => log.includes('subscriber granted'), 'the subscriber');
      assert.deepEqual(log, ['holder granted', 'holder lost', 'next granted', 'subscriber granted']);
    });

    it('that a call finds: a subscriber’s tryRead does not see a key whose holder knows nothing', (t) => {
      const locks = new Locks(options());
      let early;
      onFirst(t, 'latchkey:expire', () => {
        const hold = locks.tryRead('key');
        early = hold !== null && holds.some(({ signal }) => !signal.aborted);
        hold?.release();
      });
      const holds = [1, 2].map(() => locks.tryRead('key', { expiry: EXPIRY }));
      passExpiry();
      locks.tryRead('key').release();
      assert.equal(early, false);
    });
  });

  describe(`a grant (${scope})`, () => {
    it('to one who waited is published after the callback was called', (t) => {
      const lock = new Lock(null, null, options());
      const { log, release } = holding(lock);
      onFirst(t, 'latchkey:grant', () => log.push('published'));
      ask(lock, log, 'next');
      release();
      const order = ['next granted', 'published'].map((line) => log.indexOf(line));
      assert.ok(order[0] !== -1 && order[0] < order[1], log.join());
    });

    it('to readers that waited is published after all callbacks were called', (t) => {
      const lock = new Lock(null, null, options());
      const { log, release } = holding(lock);
      onFirst(t, 'latchkey:grant', () => ask(lock, log, 'subscriber', 'readLock'));
      ask(lock, log, 'first', 'readLock');
      ask(lock, log, 'second', 'readLock');
      release();
      const order = ['first granted', 'second granted', 'subscriber granted'];
      assert.deepEqual(
        log.filter((line) => order.includes(line)),
        order,
      );
    });
  });
}
