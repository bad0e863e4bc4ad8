// The promise API on a store: what is a promise here and is none in the process, and what code takes both.

import { Hold, Locks } from 'latchkey';
import type {
  AcquireOptions,
  AnyLocks,
  HeldEntry,
  LocksOptions,
  PendingEntry,
  StoredHeldEntry,
} from 'latchkey';
import type {
  StoredHold,
  StoredLocks,
  StoredLocksOptions,
  StoredLocksSnapshot,
  StoredPendingEntry,
} from 'latchkey';
import type { StoreOptions } from 'latchkey';
import { same, typed } from './same.mjs';

type StoredHoldOfAll = StoredHold<readonly string[]>;

const name = 'orders';
const locks = new Locks({ name, store: 'redis://localhost' });
same<typeof locks, StoredLocks>();
declare const where: string | URL | StoreOptions;
const every = [
  new Locks({ name, store: { url: 'rediss://localhost', ca: Buffer.from('PEM'), ttl: 5000 } }),
  new Locks({ name, store: { sentinels: ['a', 'b:26379'], master: 'main', user: 'me', password: 'it' } }),
  new Locks({ name, store: { url: 'unix:///run/redis.sock', database: 1, namespace: 'app' } }),
  new Locks({ name, store: new URL('redis://localhost') }),
  new Locks({ name, store: { url: new URL('redis://localhost'), ttl: 5000 } }),
  new Locks({ name, store: where, expiry: 1000, maxPending: 10 }),
  new Locks({} as StoredLocksOptions),
];
same<(typeof every)[number], StoredLocks>();
same<keyof StoredLocks, keyof Locks>();
same<keyof StoredLocksOptions, keyof LocksOptions>();
same<
  keyof StoreOptions,
  | 'url'
  | 'sentinels'
  | 'master'
  | 'user'
  | 'password'
  | 'database'
  | 'ca'
  | 'cert'
  | 'key'
  | 'ttl'
  | 'connectTimeout'
  | 'commandTimeout'
  | 'namespace'
>();

// The same calls as in the process. Holds are stored ones.
const options: AcquireOptions = { signal: AbortSignal.timeout(1), timeout: 0, expiry: 0 };
const pair = ['a', 'b'] as const;
for (const call of ['read', 'write'] as const) {
  typed<Promise<number>>()(locks[call]('key', async () => 1 as number));
  typed<Promise<void>>()(locks[call]('key', (hold) => same<typeof hold, StoredHold>()));
  typed<Promise<string>>()(locks[call]('key', options, async () => String()));
  typed<Promise<StoredHold>>()(locks[call]('key', (hold) => hold));
  typed<Promise<StoredHold>>()(locks[call]('key'));
  typed<Promise<StoredHold>>()(locks[call]('key', options));
  typed<Promise<number>>()(locks[call](pair, () => 1 as number));
  typed<Promise<void>>()(locks[call](pair, null, (hold) => same<typeof hold, StoredHoldOfAll>()));
  typed<Promise<StoredHoldOfAll>>()(locks[call](['a', 1], { timeout: 1 }));
}

// What is answered at once in the process.
typed<Promise<StoredHold | null>>()(locks.tryRead('key'));
typed<Promise<StoredHold | null>>()(locks.tryWrite('key', { expiry: 1000 }));
typed<Promise<StoredHoldOfAll | null>>()(locks.tryRead(pair, null));
typed<Promise<StoredHoldOfAll | null>>()(locks.tryWrite(['a']));
typed<Promise<StoredLocksSnapshot>>()(locks.query());
same<StoredLocksSnapshot, { held: StoredHeldEntry[]; pending: StoredPendingEntry[] }>();
same<keyof StoredPendingEntry, keyof PendingEntry | 'host' | 'pid'>();
same<keyof StoredHeldEntry, keyof HeldEntry | 'host' | 'pid'>();
same<ReturnType<StoredLocks['close']>, void>();

same<keyof StoredHold, keyof Hold>();
same<StoredHold['release'], () => Promise<void>>();
same<StoredHold['downgrade'], () => Promise<void>>();
same<StoredHold[typeof Symbol.dispose], () => void>();
same<StoredHold[typeof Symbol.asyncDispose], () => Promise<void>>();
same<StoredHoldOfAll['key'], readonly string[]>();

// `using` does not wait for the answer, `await using` does.
export async function work(): Promise<number> {
  using one = await locks.write('key');
  await using two = await locks.read(pair);
  await using maybe = await locks.tryWrite('key');
  return one.fence + two.fence + (maybe?.fence ?? 0);
}

// A hold of a store goes wherever a hold goes, and both kinds of locks where either will do.
const guarded = async (hold: Hold): Promise<void> => void (await hold.release());
const update = async (any: AnyLocks): Promise<void> => {
  await any.write('key', options, guarded);
  await guarded(await any.read('key'));
  any.close();
};
export const done = Promise.all([
  update(locks),
  update(new Locks()),
  update(process.env['STORE'] ? new Locks({ name, store: process.env['STORE'] }) : new Locks({ name })),
]);

// Classes of one's own: in the process, with a URL, with options.
export class Orders extends Locks {
  constructor(suffix: string) {
    super({ name: `orders${suffix}` });
  }

  override close(): void {
    super.close();
  }
}
export class StoredOrders extends Locks<string> {
  constructor() {
    super({ name, store: 'redis://localhost' });
  }
}
export class LocatedOrders extends Locks<URL> {
  constructor() {
    super({ name, store: new URL('redis://localhost') });
  }
}
export class ConfiguredOrders extends Locks<StoreOptions> {
  constructor(readonly store: StoreOptions) {
    super({ name, store });
  }
}
typed<Hold | null>()(new Orders('').tryRead('key'));
typed<Promise<StoredHold | null>>()(new StoredOrders().tryRead('key'));
typed<Promise<StoredHold | null>>()(new ConfiguredOrders({ url: 'redis://localhost' }).tryRead('key'));
