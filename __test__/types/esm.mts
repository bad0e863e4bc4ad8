// ES modules: default and named imports of all three entry points.

import latchkey, { lock, Lock, LockError, LockExpiredError, type Release } from 'latchkey';
import * as everything from 'latchkey';
import alock, { lock as namedLock, type Done } from 'latchkey/alock';
import RwLock, { Lock as NamedLock, type ReleaseCallback } from 'latchkey/rwlock-plus';

latchkey('key', (done) => done());
lock('key', (done) => done());
alock('key', (done) => done());
namedLock('key', (done) => done());
everything.lock('key', (done) => done());
everything.default('key', (done) => done());

const locks: Lock[] = [
  new latchkey(),
  new Lock(10000),
  new RwLock(null, null),
  new NamedLock(undefined, console),
  new everything.Lock(0),
  new everything.default(0),
];

const waiting: (Done | Release)[] = [];
const released: ReleaseCallback = (err) => {
  if (err instanceof LockExpiredError) waiting.length = 0;
  else if (err instanceof LockError) throw err;
};
for (const each of locks) each.readLock('key', released, (release) => waiting.push(release));
