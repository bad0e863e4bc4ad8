'use strict';
// An abort, or a close, that happens inside the very call that asks: in what the call notifies others of, in a subscriber of
// a diagnostics channel, in the signal's own methods. It ends the request as one that comes later does, and gives
// nobody a hold whose call has failed.

const { it, describe, beforeEach, afterEach } = require('node:test');
const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const { Lock, Locks } = require('latchkey');
const { bounded } = require('./support/bounded');
const { freshName, assertFree } = require('./support/scopes');
const { EXPIRY, passExpiry } = require('./support/until');
const { turn, follow } = require('./support/follow');

const mustNotRun = () => assert.fail('must not run');

/** What ends a request from outside: how, and as what it fails then. */
const ENDS = [
  { end: 'abort', act: ({ controller }) => controller.abort('not any more'), failure: 'not any more' },
  { end: 'close', act: ({ locks }) => bounded(() => locks.close()), failure: 'ERR_LOCK_CLOSED' },
];

/** How a call has failed, after all that is ready has happened. */
async function failureOf({ call }) {
  const followed = follow(call);
  await turn();
  assert.equal(followed.state, 'rejected', `it is ${followed.state}`);
  return followed.value?.code ?? followed.value;
}

/** A callback for the channel until the end of the test. */
function subscribe(t, name, listener) {
  diagnostics.subscribe(name, listener);
  t.after(() => diagnostics.unsubscribe(name, listener));
}

for (const { end, act, failure } of ENDS) {
  describe(`an ${end} inside the call that asks`.replace('an close', 'a close'), () => {
    /** Two objects of a named space, of which one is closed or its requests are aborted. */
    let place;
    beforeEach(() => {
      const name = freshName();
      const controller = new AbortController();
      const [locks, others] = [new Locks({ name }), new Locks({ name })];
      place = { name, locks, others, controller, options: { signal: controller.signal }, call: null };
    });
    afterEach(() => {
      place.locks.close();
      place.others.close();
    });

    /** Ends the request when the hold, which is overdue, is notified of its loss. */
    function actOnLoss(hold, where = place) {
      hold.signal.addEventListener('abort', () => act(where));
      passExpiry();
    }

    it('by a listener of a lost hold, where another hold is left', async () => {
      const { locks, others, options } = place;
      const [overdue, other] = [others.tryRead('key', { expiry: EXPIRY }), others.tryRead('key')];
      actOnLoss(overdue);
      place.call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf(place), failure);
      other.release();
      await assertFree(others);
    });

    it('by a listener of a lost hold, where the key is free then', async () => {
      const { locks, others, options } = place;
      actOnLoss(others.tryWrite('key', { expiry: EXPIRY }));
      place.call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf(place), failure);
      await assertFree(others);
    });

    it('by a listener of a lost hold, without a function', async () => {
      const { locks, others, options } = place;
      actOnLoss(others.tryWrite('key', { expiry: EXPIRY }));
      place.call = locks.write('key', options);
      assert.equal(await failureOf(place), failure);
      await assertFree(others);
    });

    it('by a listener of a lost hold, where readers and a writer wait behind', async () => {
      const { locks, others, options } = place;
      const [overdue, other] = [others.tryRead('key', { expiry: EXPIRY }), others.tryRead('key')];
      overdue.signal.addEventListener('abort', () => {
        // Behind the request that asks.
        place.behind = ['read', 'write'].map((mode) => follow(others[mode]('key')));
        act(place);
      });
      passExpiry();
      place.call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf(place), failure);
      const [reader, writer] = place.behind;
      assert.deepEqual([reader.state, writer.state], ['fulfilled', 'pending']);
      reader.value.release();
      other.release();
      await writer.settled;
      writer.value.release();
      await assertFree(others);
    });

    it('by the release callback of a Lock', async () => {
      const { name, locks, others, options } = place;
      new Lock(EXPIRY, null, { name }).writeLock(
        'key',
        () => act(place),
        () => {},
      );
      passExpiry();
      place.call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf(place), failure);
      await assertFree(others);
    });

    it('by a listener of a lost hold, in a private space', async () => {
      const { controller, options } = place;
      const locks = new Locks();
      const overdue = locks.tryRead('key', { expiry: EXPIRY });
      const other = locks.tryRead('key');
      actOnLoss(overdue, { locks, controller });
      const call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf({ call }), failure);
      other.release();
    });

    it('by a listener of a lost hold, in a private space, where the key is free then', async () => {
      const { controller, options } = place;
      const locks = new Locks();
      actOnLoss(locks.tryWrite('key', { expiry: EXPIRY }), { locks, controller });
      const call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf({ call }), failure);
    });

    it('by a subscriber of latchkey:wait', async (t) => {
      const { locks, others, options } = place;
      const hold = others.tryWrite('key');
      subscribe(t, 'latchkey:wait', () => act(place));
      place.call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf(place), failure);
      hold.release();
      await assertFree(others);
    });

    it('by a subscriber of latchkey:wait, in a private space', async (t) => {
      const { controller, options } = place;
      const locks = new Locks();
      const hold = locks.tryWrite('key');
      subscribe(t, 'latchkey:wait', () => act({ locks, controller }));
      const call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf({ call }), failure);
      hold.release();
    });

    it("by the signal's own addEventListener", async () => {
      const { locks, others, options } = place;
      const hold = others.tryWrite('key');
      const { signal } = options;
      signal.addEventListener = (...args) => {
        act(place);
        EventTarget.prototype.addEventListener.apply(signal, args);
      };
      place.call = locks.write('key', options, mustNotRun);
      assert.equal(await failureOf(place), failure);
      hold.release();
      await assertFree(others);
    });

    it('by a listener of a lost hold, while the last of several keys is asked for', async () => {
      const { locks, others, options } = place;
      actOnLoss(others.tryWrite('b', { expiry: EXPIRY }));
      place.call = locks.write(['a', 'b'], options, mustNotRun);
      assert.equal(await failureOf(place), failure);
      await assertFree(others);
    });
  });
}

describe('a close inside tryWrite', () => {
  for (const keys of ['key', ['another', 'key']]) {
    it(`gives no hold of a closed object (${keys})`, async () => {
      const name = freshName();
      const [locks, others] = [new Locks({ name }), new Locks({ name })];
      const overdue = others.tryWrite('key', { expiry: EXPIRY });
      overdue.signal.addEventListener('abort', () => locks.close());
      passExpiry();
      let hold = null;
      try {
        hold = locks.tryWrite(keys);
      } catch (error) {
        assert.equal(error.code, 'ERR_LOCK_CLOSED');
      }
      assert.equal(hold, null);
      await assertFree(others);
      others.close();
    });
  }
});
