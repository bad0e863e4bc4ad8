// CommonJS output from ES module syntax: `esModuleInterop`'s default imports.

import latchkey, { lock, Lock, LockError, LockExpiredError } from 'latchkey';
import alock, { lock as namedLock } from 'latchkey/alock';
import RwLock, { Lock as NamedLock } from 'latchkey/rwlock-plus';

for (const each of [latchkey, lock, alock, namedLock]) each('key', (done) => done());

const locks: Lock[] = [new latchkey(), new Lock(), new RwLock(), new NamedLock()];
for (const each of locks) each.writeLock('key', null, (release) => release());

const classes: Function[] = [LockError, LockExpiredError];
console.log(classes.length);
