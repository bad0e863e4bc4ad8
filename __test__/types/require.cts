// CommonJS in TypeScript: `import x = require(...)`, and the types under the required name.

import latchkey = require('latchkey');
import alock = require('latchkey/alock');
import RwLock = require('latchkey/rwlock-plus');
import { Lock, LockExpiredError } from 'latchkey';

latchkey('key', (done: latchkey.Done) => done());
latchkey.lock('key', (done) => done());
alock('key', (done: alock.Done) => done());
alock.lock('key', (done) => done());

const locks: latchkey.Lock[] = [
  new latchkey(),
  new latchkey.Lock(10000, console),
  new RwLock(),
  new RwLock.Lock(),
];

// Under the name `rwlock-plus`, code uses the imported class as a type.
const asDualExport: latchkey = locks[0]!;
const asClass: RwLock = asDualExport;

const released: RwLock.ReleaseCallback = (err) => {
  const expired: latchkey.LockExpiredError | undefined = err instanceof LockExpiredError ? err : undefined;
  console.log(expired?.key);
};
const obtained: RwLock.LockObtainedCallback = (release: RwLock.Release) => release();
const key: RwLock.Key | alock.Key = 'key';
const logger: RwLock.Logger = { warn: (message) => console.log(message.length) };
asClass.writeLock(key, released, obtained);
new Lock(1, logger).writeLock(key, undefined, obtained);
