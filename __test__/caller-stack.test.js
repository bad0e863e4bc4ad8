'use strict';
// The errors of a lock have the stack of the program that asked, not one of latchkey's own: whoever reads a log finds the line
// that waited.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { overScopes } = require('./support/scopes');
const { block } = require('./support/until');

const LIB = path.join(__dirname, '..', 'lib') + path.sep;

/** Asserts that a function of this file, by its name, is in the stack, and at most so many frames of the package before it. */
function assertCaller(error, code, caller, most) {
  assert.equal(error.code, code, error.stack);
  const frames = error.stack.split('\n').filter((line) => /^ +at /.test(line));
  const place = frames.findIndex((line) => line.includes(` ${caller} `) && line.includes(__filename));
  assert.ok(place >= 0, `no frame of ${caller}:\n${error.stack}`);
  const own = frames.slice(0, place).filter((line) => line.includes(LIB));
  assert.ok(own.length <= most, `${own.length} frames of latchkey before it:\n${error.stack}`);
}

/** The ways to ask: with a function and without, for one key and for several. */
const WAYS = [
  ['a key', 'key', []],
  ['a key, with a function', 'key', [() => {}]],
  ['several keys', ['a', 'key'], []],
  ['several keys, with a function', ['a', 'key'], [() => {}]],
];

/** Calls it as a program does, and gives what it rejects with. */
async function thisFunctionAsks(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return assert.fail('did not reject');
}

for (const [way, key, fn] of WAYS) {
  overScopes(`the stack of an error of ${way}`, (open, { later }) => {
    it('names who waited for as long as the time limit allowed', async () => {
      const locks = open();
      const hold = await locks.write('key');
      const error = await thisFunctionAsks(() => locks.write(key, { timeout: 20 }, ...fn));
      assertCaller(error, 'ERR_LOCK_TIMEOUT', 'thisFunctionAsks', 2);
      await hold.release();
    });

    it('names who did not want to wait', async () => {
      const locks = open();
      const hold = await locks.write('key');
      const error = await thisFunctionAsks(() => locks.write(key, { timeout: 0 }, ...fn));
      assertCaller(error, 'ERR_LOCK_TIMEOUT', 'thisFunctionAsks', 3);
      await hold.release();
    });

    it('names who was refused, since too many wait', async () => {
      const locks = open({ maxPending: later ? 1 : 0 });
      const hold = await locks.write('key');
      const other = later ? locks.write('key').catch(() => {}) : null;
      const error = await thisFunctionAsks(() => locks.write(later ? 'key' : key, ...fn));
      assertCaller(error, 'ERR_LOCK_QUEUE_FULL', 'thisFunctionAsks', 3);
      locks.close();
      await other;
      await hold.release();
    });

    it('names who waited when the locks were closed', async () => {
      const locks = open();
      const hold = await locks.write('key');
      setImmediate(() => locks.close());
      const error = await thisFunctionAsks(() => locks.write(key, ...fn));
      assertCaller(error, 'ERR_LOCK_CLOSED', 'thisFunctionAsks', 3);
      await hold.release();
    });

    if (fn.length > 0) {
      it('names whose hold expired', async () => {
        const locks = open();
        const error = await thisFunctionAsks(() =>
          locks.write(key, { expiry: 1 }, async () => {
            block(5);
            await locks.write('key', () => {});
          }),
        );
        assertCaller(error, 'ERR_LOCK_EXPIRED', 'thisFunctionAsks', 3);
      });

      it('names whose hold expired, also if it had to wait', async () => {
        const locks = open();
        const hold = await locks.write('key');
        setImmediate(() => hold.release());
        const error = await thisFunctionAsks(() =>
          locks.write(key, { expiry: 1 }, async () => {
            block(5);
            await locks.write('key', () => {});
          }),
        );
        assertCaller(error, 'ERR_LOCK_EXPIRED', 'thisFunctionAsks', 3);
      });
    }
  });
}
