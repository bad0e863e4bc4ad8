// Types of a hold: a granted request of `Locks`, in the process or on a store.

/** How a key is held: `'read'` is shared with other readers, `'write'` is alone. */
export type Mode = 'read' | 'write';

/**
 * A key that is yours, until you release it, it expires, or its thread ends. `Locks` makes it; with a function, it is
 * the function's argument, and is released for you.
 *
 * One that a store keeps is a {@link StoredHold}: a Hold that may be lost with the connection, and whose `release()` and
 * `downgrade()` give promises. It goes wherever a Hold does.
 *
 * For an array of keys it is all of them at once: one `release()` frees them all.
 *
 * **The trap:** nobody else releases a hold that you asked for without a function. Forgotten, it is held for ever,
 * unless it has an expiry; that its object is collected as garbage does not free it. Use `using`, `finally`, or better,
 * a function. And the methods need their object: write `() => hold.release()` where a callback is wanted.
 *
 * @example
 * const hold = await locks.write('settings');
 * try {
 *   await save(settings);
 * } finally {
 *   hold.release();
 * }
 *
 * @example
 * {
 *   using hold = await locks.write('settings'); // TypeScript 5.2, or Node 24 as it is
 *   await save(settings);
 * } // released here, also if save fails
 */
export declare class Hold<K extends string | readonly string[] = string> {
  private constructor();

  /**
   * The key, as the string it became: `'1'` for the key `1`. For an array of keys, all of them, each once, sorted by
   * their UTF-16 code units, and frozen.
   *
   * @example
   * await locks.write(['b', 'a', 'b'], (hold) => console.log(hold.key)); // [ 'a', 'b' ]
   */
  readonly key: K;

  /**
   * `'read'` or `'write'`; after {@link downgrade}, `'read'`. It stays what it was when the hold ends.
   *
   * @example
   * await locks.read('settings', (hold) => console.log(hold.mode)); // read
   */
  readonly mode: Mode;

  /**
   * A number that is greater than that of every earlier grant in the same space. A resource that remembers the highest
   * it has seen can refuse the late write of a holder whose key was taken away. For several keys, the highest of theirs.
   *
   * On a store it is the server's time of the grant in microseconds, or one more than the fence before; it grows over all
   * machines and restarts, may be kept in a database as a 64-bit integer, and is exact as a JavaScript number.
   *
   * **The trap:** without a store it counts for the life of the space, from 1 or, in spaces without a name, from any number. In a new process, or once all `Locks` of a
   * name have been closed, it starts again: do not keep it anywhere that lives longer.
   *
   * @example
   * await locks.write('settings', { expiry: 5000 }, async (hold) => {
   *   await store.writeUnlessOlder(settings, hold.fence);
   * });
   */
  readonly fence: number;

  /**
   * Whether the data may be half written: the last write hold of this key did not end by a release, but by its expiry, or
   * with its thread; on a store, also with its process or connection. It is true for every hold from then on, until a
   * write hold that saw it has been released or downgraded. For several keys: whether it is so for one of them. It does
   * not change while the hold lasts. A store remembers it for 30 days.
   *
   * **The trap:** whoever gets it in write mode and releases, says so that all is well. Mend the data first.
   *
   * @example
   * await locks.write('settings', async (hold) => {
   *   if (hold.recovered) await restoreBackup();
   *   await save(settings);
   * });
   */
  readonly recovered: boolean;

  /**
   * Aborts when the hold is taken away, before the next one is granted. Its reason is a `LockExpiredError`, or, on a store
   * that was not heard of for too long or has forgotten the hold, a `LockLostError`. Hand it to what the hold protects. A
   * release does not abort it. For several keys, the first that is taken away counts.
   *
   * Each read of this property looks at the clock, as {@link throwIfLost} does: what is found lost is aborted then. So read it
   * once, and then look at `aborted` and listen: `const { signal } = hold`.
   *
   * **The trap:** a signal that was kept in a variable aborts by its event only. Across threads and machines the event is
   * *sent* before the next one is granted; a thread whose event loop is blocked, or whose process was stopped, hears of it
   * late. Call {@link throwIfLost} before what must not be done late.
   *
   * @example
   * await locks.write('page', { expiry: 5000 }, async ({ signal }) => {
   *   const response = await fetch(url, { signal });
   *   await fs.promises.writeFile('page.html', await response.text(), { signal });
   * });
   */
  readonly signal: AbortSignal;

  /**
   * Throws if the hold was taken away, by all that can be known at this moment: before what must not be done late. After a
   * release that came first, and while all is well, it does nothing.
   *
   * - In the process it is exact: it throws if, and only if, the hold has been taken away, though the event that says so is
   *   still to come. Past its {@link remaining} time a hold may still be yours, if nobody waits.
   * - On a store it also throws when the lease is over by this machine's clock, whether or not anybody knows yet. The clock
   *   runs on while the process is stopped or the machine sleeps.
   * - For several keys, it throws if one of them was taken away.
   *
   * **The trap:** it says how it is now. The process may be stopped right after it, so that what follows is late all the
   * same. A resource that must never be written late has to check the {@link fence}.
   *
   * @throws {LockExpiredError} `ERR_LOCK_EXPIRED` if it expired and somebody waited. It is the reason of {@link signal}.
   * @throws {LockLostError} `ERR_LOCK_LOST` on a store, if the lease is over, or the store has forgotten the hold.
   *
   * @example
   * await locks.write('mail:7', { expiry: 5000 }, async (hold) => {
   *   const mail = await render(7);
   *   hold.throwIfLost();
   *   await send(mail, { signal: hold.signal });
   * });
   */
  throwIfLost(): void;

  /**
   * How many milliseconds nobody can take the hold away, with fractions, by all that is known at this moment. `Infinity`
   * where it has no expiry and no store keeps it; 0 once it has ended, in any way.
   *
   * - Until its expiry ends, counted from the grant. After that it is 0, and the hold goes to the next one who wants the
   *   key: until then {@link throwIfLost} does not throw.
   * - On a store, also until the lease ends. A process that reaches its store renews the lease every third of `ttl`.
   * - For several keys, the least of theirs.
   *
   * **The trap:** on a store, an expiry is counted from when this process heard of the grant, which the network may have
   * delayed.
   *
   * @example
   * await locks.write('import', { expiry: 60_000 }, async (hold) => {
   *   for (const part of parts) {
   *     if (hold.remaining() < 5000) break; // the rest has its turn next time
   *     await load(part);
   *   }
   * });
   */
  remaining(): number;

  /**
   * Ends the hold; those who waited and can now have the key are granted. The first call counts; later ones, and any
   * after the hold has expired, do nothing, to anyone. It may be called after `Locks.close()` too.
   *
   * **The trap:** inside a function that was given to `read` or `write` it frees the key early; what the function does
   * after that is protected by nothing.
   *
   * @example
   * const hold = await locks.read('settings');
   * stream.on('close', () => hold.release());
   */
  release(): void;

  /**
   * Makes a write hold a read hold, in one step: readers at the head of the queue join it, and no writer slips in
   * between. Its fence and its expiry stay. On a read hold, or one that has ended, it does nothing.
   *
   * **The trap:** there is no way back. A reader that asks for the same key in write mode waits for itself.
   *
   * @example
   * await locks.write('settings', async (hold) => {
   *   await save(settings);
   *   hold.downgrade(); // others may read from here on
   *   await announce(settings);
   * });
   */
  downgrade(): void;

  /**
   * What `JSON.stringify` and `console.log` show.
   *
   * **The trap:** it has no time and no owner: `Locks.query()` has them.
   *
   * @example
   * console.log(JSON.stringify(hold)); // {"key":"a","mode":"write","fence":7,"recovered":false,"state":"held"}
   */
  toJSON(): HoldJson<K>;

  /**
   * Releases the hold, as {@link release} does: it is what `using` calls.
   *
   * **The trap:** `using` is syntax of TypeScript 5.2 and of Node 24. Without `await`, as in
   * `using hold = locks.write(key)`, it gets a promise, and throws a `TypeError`.
   *
   * @example
   * using hold = await locks.write('settings');
   */
  [Symbol.dispose](): void;

  /**
   * Releases the hold, as {@link release} does, and gives a promise: it is what `await using` calls. For a hold of a store it fulfils when the
   * store has answered, and rejects as {@link StoredHold.release} does; for any other, at once.
   *
   * **The trap:** there are two `await`s in it, one for the end and one for the beginning. Without the second one it gets a
   * promise, and throws a `TypeError`.
   *
   * @example
   * await using hold = await locks.write('settings');
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a {@link Hold} says of itself. */
export interface HoldJson<K extends string | readonly string[] = string> {
  /** As {@link Hold.key}. */
  key: K;

  /** As {@link Hold.mode}. */
  mode: Mode;

  /** As {@link Hold.fence}. */
  fence: number;

  /** As {@link Hold.recovered}. */
  recovered: boolean;

  /** `'held'`, or how it has ended, as far as this thread knows. */
  state: 'held' | 'released' | 'expired' | 'lost';

  /** The `label` of the call, if it has one. */
  label?: string;
}

/**
 * A {@link Hold} of a key in a store. It is yours on every machine, until you release it, it expires, its thread or
 * process ends, or the store has not been heard of for so long, or has forgotten so much, that somebody else may have the
 * key.
 *
 * **The trap:** a hold that depends on a network can be lost at any moment, also between {@link throwIfLost} and what is
 * done next. A resource that must never be written late has to check the {@link fence}.
 *
 * @example
 * const locks = new Locks({ name: 'orders', store: 'redis://redis.example' });
 * await locks.write('order:7', async (hold) => {
 *   const { fence } = hold;
 *   const { count } = await sql`UPDATE orders SET state = 'paid', fence = ${fence} WHERE id = 7 AND fence < ${fence}`;
 *   if (count === 0) throw new Error('order 7: a later holder has been here');
 *   hold.throwIfLost(); // what follows can check no fence
 *   await fetch(webhook, { method: 'POST', signal: hold.signal });
 * });
 */
export interface StoredHold<K extends string | readonly string[] = string> extends Hold<K> {
  /**
   * Ends the hold; the promise fulfils when the store has answered. The first call counts: later ones do nothing, to
   * anyone, and give the same promise. It may be called after `close()` too.
   *
   * - Whoever does not await it gets no unhandled rejection. The process lives until it is answered.
   * - If the connection is away, the release is sent on the next one, for as long as the lease lasts.
   *
   * **The trap:** until it has fulfilled, others still find the key held.
   *
   * @throws {LockExpiredError} `ERR_LOCK_EXPIRED`, as a rejection, if the hold had been taken away before.
   * @throws {LockLostError} `ERR_LOCK_LOST` if it had been lost before.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` if the release could not be sent until the lease was over. The
   *   hold has ended with the lease.
   *
   * @example
   * const hold = await locks.write('settings');
   * try {
   *   await save(settings);
   * } finally {
   *   await hold.release();
   * }
   */
  release(): Promise<void>;

  /**
   * Makes a write hold a read hold, in one step, with no other writer in between; the promise fulfils when the store has
   * answered. Nobody has to await it. On a read hold, or one that has ended, it does nothing.
   *
   * **The trap:** until it has fulfilled, readers may still be waiting.
   *
   * @throws What {@link release} rejects with, and when.
   *
   * @example
   * await locks.write('settings', async (hold) => {
   *   await save(settings);
   *   await hold.downgrade(); // others may read from here on, on every machine
   *   await announce(settings);
   * });
   */
  downgrade(): Promise<void>;

  /**
   * Releases the hold without waiting for the store's answer: it is what `using` calls. With `await using`, the block waits,
   * and throws if the hold had been lost.
   *
   * @example
   * using hold = await locks.read('settings'); // nobody has to know when it is free again
   */
  [Symbol.dispose](): void;
}

declare global {
  // All are in Node's own types, and merge with them. They are here for programs that compile with neither those nor
  // the library `esnext.disposable`, or `dom`.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }

  interface AbortSignal {}
}
