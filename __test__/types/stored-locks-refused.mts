// What must not compile with a store. Each line below `@ts-expect-error` has one fault.

import { Locks, type Hold, type StoredHold, type StoreOptions } from 'latchkey';

const name = 'orders';
const store = 'redis://localhost';
const locks = new Locks({ name, store });
const inProcess = new Locks({ name });

// The constructor's options: misspelt, of a wrong type, or without what a store needs.
// @ts-expect-error
new Locks({ store });
// @ts-expect-error
new Locks({ name: undefined, store });
// @ts-expect-error
new Locks({ name, store: 6379 });
// @ts-expect-error
new Locks({ name, store: process.env['STORE'] });
// @ts-expect-error
new Locks({ name, store, Expiry: 1000 });
// @ts-expect-error
new Locks({ name, store, ttl: 1000 });
// @ts-expect-error
new Locks({ name, store: { host: 'localhost' } });
// @ts-expect-error
new Locks({ name, store: { ttl: 1000 } });
// @ts-expect-error
new Locks({ name, store: { url: process.env['STORE'] } });
// @ts-expect-error
new Locks({ name, store: { sentinels: ['localhost'] } });
// @ts-expect-error
new Locks({ name, store: { url: store, sentinels: ['localhost'], master: 'main' } });
// @ts-expect-error
new Locks({ name, store: { url: store, TTL: 1000 } });
// @ts-expect-error
new Locks({ name, store: { url: store, ttl: '10s' } });
// @ts-expect-error
new Locks({ name, store: { url: store, database: '1' } });
// @ts-expect-error
new Locks({ name, store: { sentinels: 'localhost:26379', master: 'main' } });
// @ts-expect-error
new Locks({ name, store: { sentinels: [{ host: 'localhost', port: 26379 }], master: 'main' } });
// @ts-expect-error
export const options: StoreOptions = { url: store, ca: true };

// Promises that are taken for what they bring.
// @ts-expect-error
export const fence = locks.tryWrite('key')?.fence;
// @ts-expect-error
export const held = locks.query().held;
// @ts-expect-error
export const given: Hold | null = locks.tryRead('key');
// @ts-expect-error
export const snapshot = (await inProcess.query()).held[0]?.host;
export async function using(): Promise<void> {
  // @ts-expect-error
  await using promise = locks.tryWrite('key');
  // @ts-expect-error
  await using other = locks.write('key');
  console.log(promise, other);
}

// One scope in the place of the other.
// @ts-expect-error
export const wrongScope: Locks = locks;
// @ts-expect-error
export const wrongHold: StoredHold = await inProcess.write('key');
// @ts-expect-error
locks.write(['a', 'b'], (hold: StoredHold) => hold.key.length);
export class Orders extends Locks {
  constructor() {
    // @ts-expect-error
    super({ name, store });
  }
}
