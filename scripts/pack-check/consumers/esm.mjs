// The same package from an ES module: default and named imports. The name it was installed under is filled in
// by install.js, because an import needs to know it before the program runs.
import assert from 'node:assert/strict';
import latchkey, { Lock, LockError, LockExpiredError, lock } from 'PACKAGE';
import alock, { lock as alockLock } from 'PACKAGE/alock';
import RwLock, { Lock as RwLockLock } from 'PACKAGE/rwlock-plus';

assert.equal(alock, lock);
assert.equal(alockLock, lock);
assert.equal(RwLock, Lock);
assert.equal(RwLockLock, Lock);
assert.equal(latchkey.lock, lock);
assert.ok(new latchkey() instanceof Lock);
assert.ok(LockExpiredError.prototype instanceof LockError);

latchkey('key', (done) => {
  console.log('default import');
  done();
});
new Lock().readLock(
  'key',
  (result) => console.log(`named import, ${result}`),
  (release) => release('released'),
);
