// Every entry point, without `using`, which needs the types that are missing here.

import { Hold, Lock, Locks, type AcquireOptions, type StoredHold } from 'latchkey';
import lock from 'latchkey/alock';
import RwLock from 'latchkey/rwlock-plus';

const locks = new Locks({ name: 'orders' });
const options: AcquireOptions = { timeout: 10, signal: undefined };
export const total: number = await locks.write('key', options, async (hold) => hold.fence);

const hold: Hold | null = locks.tryRead('key');
hold?.[Symbol.dispose]();

const stored = new Locks({ name: 'orders', store: { url: 'rediss://localhost', ca: new Uint8Array() } });
const storedHold: StoredHold | null = await stored.tryWrite('key');
await storedHold?.[Symbol.asyncDispose]();

declare const url: URL;
new Locks({ name: 'orders', store: url }).close();
// @ts-expect-error
new Locks({ name: 'orders', store: 6379 });

lock('key', (done) => done());
for (const each of [new Lock(), new RwLock(1, null, { name: 'orders' })]) {
  each.readLock('key', null, (release) => release());
}
