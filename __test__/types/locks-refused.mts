// What must not compile with the promise API. Each line below `@ts-expect-error` has one fault.

import {
  Hold,
  Locks,
  LockClosedError,
  LockLostError,
  LockQueueFullError,
  LockTimeoutError,
  LockTwoCopiesError,
  StoreUnreachableError,
} from 'latchkey';
import type { AcquireOptions, GrantMessage, LocksSnapshot } from 'latchkey';

const locks = new Locks();
const work = async (): Promise<number> => 1;
const maybe = process.env['KEY'];

// The constructor's options: misspelt, or of a wrong type.
// @ts-expect-error
new Locks('orders');
// @ts-expect-error
new Locks({ Name: 'orders' });
// @ts-expect-error
new Locks({ name: 1 });
// @ts-expect-error
new Locks({ expiry: '1000' });
// @ts-expect-error
new Locks({ maxPending: true });
// @ts-expect-error
new Locks({ timeout: '1000' });
// @ts-expect-error
Locks();

// A call's options.
// @ts-expect-error
locks.write('key', { timeOut: 1 });
// @ts-expect-error
locks.write('key', { timeOut: 1 }, work);
// @ts-expect-error
locks.write('key', { timeout: '1' });
// @ts-expect-error
locks.write('key', { timeout: null }, work);
// @ts-expect-error
locks.read('key', { expiry: '1' }, work);
// @ts-expect-error
locks.read('key', { signal: new AbortController() }, work);
// @ts-expect-error
locks.read('key', { signal: null });
// @ts-expect-error
locks.read('key', { name: 'orders' });
// @ts-expect-error
locks.write(['a', 'b'], { timeOut: 1 });
// @ts-expect-error
locks.write(['a', 'b'], { maxPending: 1 }, work);
// @ts-expect-error
locks.write('key', 1000);
// @ts-expect-error
locks.write('key', 1000, work);
// @ts-expect-error
locks.tryWrite('key', { timeout: 1 });
// @ts-expect-error
locks.tryRead('key', { signal: AbortSignal.timeout(1) });
// @ts-expect-error
locks.tryRead(['a', 'b'], { timeout: 1 });
// @ts-expect-error
export const expiry: AcquireOptions = { expiry: 1000n };

// Functions: in the wrong place, not a function, or with more parameters than are given.
// @ts-expect-error
locks.write('key', work, { timeout: 1 });
// @ts-expect-error
locks.write('key', { timeout: 1 }, 'work');
// @ts-expect-error
locks.write('key', {}, null);
// @ts-expect-error
locks.write(work);
// @ts-expect-error
locks.write('key', (hold: Hold, done: () => void) => done());
// @ts-expect-error
locks.write('key', (hold: Hold<readonly string[]>) => hold.key.length);
// @ts-expect-error
locks.write(['a', 'b'], (hold: Hold) => hold.key.length);
// @ts-expect-error
locks.tryWrite('key', work);

// Keys.
// @ts-expect-error
locks.write();
// @ts-expect-error
locks.write(undefined, work);
// @ts-expect-error
locks.write(null);
// @ts-expect-error
locks.read(Symbol('key'));
// @ts-expect-error
locks.read(maybe, work);
// @ts-expect-error
locks.write(['a', maybe], work);
// @ts-expect-error
locks.write([Symbol('key')]);
// @ts-expect-error
locks.tryWrite([null]);
// @ts-expect-error
locks.tryRead(() => 'key');

// Results.
// @ts-expect-error
export const number: string = await locks.write('key', work);
// @ts-expect-error
export const fence = locks.write('key').fence;
// @ts-expect-error
export const always = locks.tryWrite('key').fence;

export async function using(): Promise<void> {
  // @ts-expect-error
  using promise = locks.write('key');
  console.log(promise);
}

// Holds and errors are made by latchkey, and are not for changing.
declare const hold: Hold<readonly string[]>;
// @ts-expect-error
new Hold();
// @ts-expect-error
export class Mine extends Hold {}
// @ts-expect-error
export type HoldOfNumber = Hold<number>;
// @ts-expect-error
hold.mode = 'read';
// @ts-expect-error
hold.key.push('c');
// @ts-expect-error
hold.release('early');
// @ts-expect-error
new LockTimeoutError('key', 1);
// @ts-expect-error
new LockClosedError();
// @ts-expect-error
new LockQueueFullError('key', 1);
// @ts-expect-error
new LockTwoCopiesError();
// @ts-expect-error
new LockLostError('key');
// @ts-expect-error
new StoreUnreachableError('key');

// What is answered and published.
// @ts-expect-error
export const fenceOfWaiting = (snapshot: LocksSnapshot): unknown => snapshot.pending[0]?.fence;
// @ts-expect-error
export const held = (message: GrantMessage): unknown => message.held;
