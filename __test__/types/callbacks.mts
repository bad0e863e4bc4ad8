// What programs already hand to the locks must fit: Node callbacks, event listeners, async functions, loggers.

import { createReadStream, readFile, writeFile } from 'node:fs';
import { lock, Lock, type Key, type LockExpiredError } from 'latchkey';

lock('file', (done) => writeFile('file', 'text', done));
lock('file', (done) => void Promise.resolve().then(done, done));
lock('file', async (done) => done());

const guarded = new Lock(10000, {
  warn: (message: string, ...rest: unknown[]) => console.log(message, rest),
});

const stored = new Lock(10000, console, { name: 'orders', store: 'redis://localhost' });
stored.writeLock(
  'file',
  (err) => console.log(err?.code),
  (release) => release(),
);

const required = (err: Error | null, data: Buffer): void => console.log(err, data.length);
const optional = (err?: LockExpiredError | null, data?: Buffer): void => console.log(err?.key, data?.length);
const none = (): void => {};
const many = (...results: [string, number]): number => results.length;

guarded.readLock('file', required, (release) => readFile('file', release));
guarded.readLock('file', required, (release) => release());
guarded.readLock('file', optional, (release) => release(null, Buffer.from('text')));
guarded.readLock('file', none, (release) => release('anything', 2));
guarded.readLock('file', many, async (release) => release());
guarded.readLock('file', null, (release) =>
  createReadStream('file').on('end', release).once('error', release),
);
guarded.writeLock('file', undefined, (release) => void setTimeout(release, 1));
guarded.writeLock('file', (err, data) => console.log(err?.code, data), none);

// A key is whatever names a property, or turns into a string of its own.
class ObjectId {
  toString(): string {
    return '507f1f77bcf86cd799439011';
  }
}
const keys: Key[] = ['key', '', 1, NaN, 1n, true, new ObjectId(), new URL('file:///'), new Date(), ['a']];
for (const key of keys) lock(key, (done) => done());
