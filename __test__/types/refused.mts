// What must not compile. Each line below `@ts-expect-error` has one fault.

import latchkey, { lock, Lock, LockError, LockExpiredError, type Logger } from 'latchkey';

const guarded = new Lock();
const maybe = process.env['KEY'];

// Keys: undefined, null and symbols.
// @ts-expect-error
latchkey(undefined, (done) => done());
// @ts-expect-error
latchkey(null, (done) => done());
// @ts-expect-error
latchkey(Symbol('key'), (done) => done());
// @ts-expect-error
latchkey(maybe, (done) => done());
// @ts-expect-error
lock(undefined, (done) => done());
// @ts-expect-error
lock(Symbol('key'), (done) => done());
// @ts-expect-error
guarded.readLock(undefined, null, (release) => release());
// @ts-expect-error
guarded.readLock(null, null, (release) => release());
// @ts-expect-error
guarded.writeLock(Symbol('key'), null, (release) => release());
// @ts-expect-error
guarded.writeLock(maybe, null, (release) => release());

// Functions: missing, not a function, or with more parameters than are given.
// @ts-expect-error
latchkey('key');
// @ts-expect-error
latchkey('key', 'fn');
// @ts-expect-error
latchkey((done) => done());
// @ts-expect-error
lock('key', null);
// @ts-expect-error
lock('key', (done: (value?: string) => void, more: string) => done(more));
// @ts-expect-error
guarded.readLock('key', (release) => release());
// @ts-expect-error
guarded.readLock('key', 'callback', (release) => release());
// @ts-expect-error
guarded.writeLock('key', null, null);
// @ts-expect-error
guarded.writeLock('key', null, (err: Error, release: () => void) => release());
// @ts-expect-error
guarded.writeLock(null, (release) => release());

// `done` takes nothing, and neither call gives anything back.
// @ts-expect-error
lock('key', (done) => done('argument'));
// @ts-expect-error
latchkey('key', (done) => done()).then();
// @ts-expect-error
export const given: object = guarded.readLock('key', null, (release) => release());

// The constructor: a timeout in milliseconds, a logger with `warn`.
// @ts-expect-error
new latchkey('10000');
// @ts-expect-error
new Lock('10000');
// @ts-expect-error
new Lock({ timeout: 10000 });
// @ts-expect-error
new Lock(10000, console.warn);
// @ts-expect-error
new Lock(10000, { info: console.info });
// @ts-expect-error
new Lock(10000, null, 'orders');
// @ts-expect-error
new Lock(10000, null, { name: 1 });
// @ts-expect-error
new Lock(10000, null, { expiry: 10000 });
// @ts-expect-error
new Lock(10000, null, { store: 'redis://localhost' });
// @ts-expect-error
new Lock(10000, null, { name: 'orders', store: 6379 });
// @ts-expect-error
new latchkey(10000, null, { name: 'orders', store: { host: 'localhost' } });
// @ts-expect-error
new latchkey(10000, { name: 'orders' });
// @ts-expect-error
export const logger: Logger = { warn: (message: number) => console.log(message) };
// @ts-expect-error
Lock(10000);
// @ts-expect-error
latchkey(10000);
// @ts-expect-error
new lock('key', () => {});

// Errors are made by latchkey, and say the same for ever.
// @ts-expect-error
new LockError();
// @ts-expect-error
new LockExpiredError();
// @ts-expect-error
export class Mine extends LockExpiredError {}
// @ts-expect-error
export const rename = (err: LockError) => (err.code = 'ERR_OTHER');
// @ts-expect-error
export const other = (err: LockExpiredError) => err.code === 'ERR_OTHER';

// Names that do not exist.
// @ts-expect-error
export const noValue = latchkey.Release;
// @ts-expect-error
export { MultiHold } from 'latchkey';
// @ts-expect-error
export { Locks } from 'latchkey/rwlock-plus';
// @ts-expect-error
export { Lock as NoLock } from 'latchkey/alock';
// @ts-expect-error
export { lock as noLock } from 'latchkey/rwlock-plus';
// @ts-expect-error
export * from 'latchkey/lib/apis/alock.js';
