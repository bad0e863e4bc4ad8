// The promise API: what each overload gives, for one key and for several, with options and without.

import { Hold, Locks } from 'latchkey';
import type { AcquireOptions, AnyLocks, HeldEntry, Key, LocksOptions, LocksSnapshot, Mode } from 'latchkey';
import type { PendingEntry, SingleKey, TryOptions } from 'latchkey';
import { same, typed } from './same.mjs';

type HoldOfAll = Hold<readonly string[]>;

const locks = new Locks();
const every = [
  new Locks(null),
  new Locks({}),
  new Locks({ name: 'orders', expiry: 1000, maxPending: Infinity }),
  new Locks({ name: null, store: null, expiry: undefined, maxPending: undefined }),
  new Locks({} as LocksOptions),
];
same<(typeof every)[number], Locks>();
typed<Locks>()(new Locks({ name: 'orders' }));
same<InstanceType<typeof Locks>, Locks>();
same<ConstructorParameters<typeof Locks>, [options?: LocksOptions | null]>();
same<
  keyof Locks,
  'read' | 'write' | 'tryRead' | 'tryWrite' | 'query' | 'isLocked' | 'countPending' | 'close' | 'toJSON'
>();

// With a function: T is what it returns, or what its promise resolves to.
const options: AcquireOptions = { signal: AbortSignal.timeout(1), timeout: 0, expiry: 0 };
const none = undefined as AcquireOptions | undefined;
const pair = ['a', 'b'] as const;
for (const call of ['read', 'write'] as const) {
  typed<Promise<number>>()(locks[call]('key', () => 1 as number));
  typed<Promise<number>>()(locks[call]('key', async () => 1 as number));
  typed<Promise<void>>()(locks[call]('key', () => {}));
  typed<Promise<void>>()(locks[call]('key', async (hold) => same<typeof hold, Hold>()));
  typed<Promise<string>>()(locks[call]('key', options, async () => String()));
  typed<Promise<string>>()(locks[call]('key', none, () => String()));
  typed<Promise<string>>()(locks[call]('key', null, () => String()));
  typed<Promise<Hold>>()(locks[call]('key', (hold) => hold));

  typed<Promise<number>>()(locks[call](['a', 1], () => 1 as number));
  typed<Promise<number>>()(locks[call](pair, async () => 1 as number));
  typed<Promise<void>>()(locks[call](pair, (hold) => same<typeof hold, HoldOfAll>()));
  typed<Promise<string>>()(locks[call]([], options, async () => String()));
  typed<Promise<void>>()(locks[call](pair, { timeout: 1 }, (hold) => same<typeof hold, HoldOfAll>()));
}
typed<Promise<{ name: string } | null>>()(
  locks.write('key', async () => (Math.random() > 0.5 ? { name: 'one' } : null)),
);
typed<Promise<unknown>>()(locks.write<unknown>('key', async () => 1));
typed<Promise<never>>()(
  locks.write('key', () => {
    throw new Error('no result');
  }),
);

// Without: a hold.
typed<Promise<Hold>>()(locks.read('key'));
typed<Promise<Hold>>()(locks.write('key', { signal: undefined, timeout: undefined, expiry: undefined }));
typed<Promise<Hold>>()(locks.write('key', none));
typed<Promise<Hold>>()(locks.write('key', null));
typed<Promise<HoldOfAll>>()(locks.read(pair));
typed<Promise<HoldOfAll>>()(locks.write(['a', 1n], { expiry: Infinity }));

// At once: a hold or null.
const expiry: TryOptions = { expiry: 1000 };
typed<Hold | null>()(locks.tryRead('key'));
typed<Hold | null>()(locks.tryWrite('key', expiry));
typed<HoldOfAll | null>()(locks.tryRead(pair, null));
typed<HoldOfAll | null>()(locks.tryWrite(['a'], expiry));

// A wrapper may take one key or several, with a function or without.
type HoldOfEither = Hold<string | readonly string[]>;
export function wrappers(
  key: string | string[],
  work: () => Promise<number>,
  perhaps?: () => Promise<number>,
): void {
  for (const call of ['read', 'write'] as const) {
    typed<Promise<number>>()(locks[call](key, work));
    typed<Promise<number>>()(locks[call](key, { timeout: 1 }, work));
    typed<Promise<void>>()(locks[call](key, (hold) => same<typeof hold, HoldOfEither>()));
    typed<Promise<HoldOfEither>>()(locks[call](key));
    typed<Promise<HoldOfEither>>()(locks[call](key, options));
    typed<Promise<number | HoldOfEither>>()(locks[call]('key', perhaps));
    typed<Promise<number | HoldOfEither>>()(locks[call](key, perhaps));
    typed<Promise<number | HoldOfEither>>()(locks[call](key, none, perhaps));
  }
}

// A key of no known type is one key.
declare const parsed: any;
typed<Promise<Hold>>()(locks.write(parsed));

const keys: SingleKey[] = ['key', 1, 1n, true, new Date(), new URL('file:///'), Buffer.from('key'), {}];
const anyKeys: Key[] = keys;
export const all = Promise.all([
  ...keys.map((key) => locks.read(key)),
  locks.read(anyKeys),
  locks.read(keys),
]);

same<Hold['key'], string>();
same<HoldOfAll['key'], readonly string[]>();
same<Hold['mode'], 'read' | 'write'>();
same<Mode, 'read' | 'write'>();
same<Hold['fence'], number>();
same<Hold['recovered'], boolean>();
same<Hold['signal'], AbortSignal>();
same<Hold['throwIfLost'], () => void>();
same<Hold['remaining'], () => number>();
same<Hold['release'], () => void>();
same<Hold['downgrade'], () => void>();
same<
  keyof Hold,
  | 'toJSON'
  | 'key'
  | 'mode'
  | 'fence'
  | 'recovered'
  | 'signal'
  | 'throwIfLost'
  | 'remaining'
  | 'release'
  | 'downgrade'
  | typeof Symbol.dispose
  | typeof Symbol.asyncDispose
>();
same<Hold[typeof Symbol.dispose], () => void>();
same<Hold[typeof Symbol.asyncDispose], () => Promise<void>>();
export function ends(value: unknown): void {
  if (value instanceof Hold) value.release();
  if (value instanceof Locks) same<typeof value, AnyLocks>();
}

// `using`, with and without a hold to dispose of.
export async function work(): Promise<number> {
  using one = await locks.write('key');
  using several = await locks.read(pair, { timeout: 10 });
  using maybe = locks.tryWrite('key');
  await using later = await locks.write('key');
  await using perhaps = locks.tryRead(pair);
  console.log(later, perhaps);
  return one.fence + several.key.length + (maybe?.fence ?? 0);
}

same<ReturnType<Locks['query']>, LocksSnapshot>();
same<ReturnType<Locks['close']>, void>();
same<LocksSnapshot, { held: HeldEntry[]; pending: PendingEntry[] }>();
same<keyof PendingEntry, 'key' | 'mode' | 'since' | 'thread' | 'label' | 'trace'>();
same<keyof HeldEntry, keyof PendingEntry | 'fence' | 'recovered'>();
same<keyof LocksOptions, 'name' | 'store' | 'expiry' | 'timeout' | 'maxPending' | 'trace'>();
same<keyof AcquireOptions, 'signal' | 'timeout' | 'expiry' | 'label'>();
same<keyof TryOptions, 'expiry' | 'label'>();

export class Noted extends Locks {
  closed = false;

  override close(): void {
    this.closed = true;
    super.close();
  }
}
