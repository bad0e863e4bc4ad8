// Types of a hold: a granted request of `Locks`.

/** How a key is held: `'read'` is shared with other readers, `'write'` is alone. latchkey's own. */
export type Mode = 'read' | 'write';

/**
 * A key that is yours, until you release it, it expires, or its thread ends. `Locks` makes it; with a function, it is
 * the function's argument, and is released for you. All of it is latchkey's own.
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
   * their UTF-16 code units, and frozen. latchkey's own.
   *
   * @example
   * await locks.write(['b', 'a', 'b'], (hold) => console.log(hold.key)); // [ 'a', 'b' ]
   */
  readonly key: K;

  /**
   * `'read'` or `'write'`; after {@link downgrade}, `'read'`. It stays what it was when the hold ends. latchkey's own.
   *
   * @example
   * await locks.read('settings', (hold) => console.log(hold.mode)); // read
   */
  readonly mode: Mode;

  /**
   * A number that is greater than that of every earlier grant in the same space. A resource that remembers the highest
   * it has seen can refuse the late write of a holder whose key was taken away. For several keys, the highest of theirs.
   * latchkey's own.
   *
   * **The trap:** it counts for the life of the space, from 1. In a new process, or once all `Locks` of a name have been
   * closed, it starts again: do not keep it anywhere that lives longer.
   *
   * @example
   * await locks.write('settings', { expiry: 5000 }, async (hold) => {
   *   await store.writeUnlessOlder(settings, hold.fence);
   * });
   */
  readonly fence: number;

  /**
   * Whether the data may be half written: the last write hold of this key did not end by a release, but by its expiry, or
   * with its thread. It is true for every hold from then on, until a write hold that saw it has been released or
   * downgraded. For several keys: whether it is so for one of them. It does not change while the hold lasts.
   * latchkey's own.
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
   * Aborts when the hold is taken away, with a `LockExpiredError` as its reason, before the next one is granted. Hand it
   * to what the hold protects. A release does not abort it. For several keys, the first that is taken away counts.
   * latchkey's own.
   *
   * **The trap:** across threads the message is *sent* before the next one is granted; a thread whose event loop is
   * blocked hears of it late. Where that matters, see {@link fence}.
   *
   * @example
   * await locks.write('page', { expiry: 5000 }, async ({ signal }) => {
   *   const response = await fetch(url, { signal });
   *   await fs.promises.writeFile('page.html', await response.text(), { signal });
   * });
   */
  readonly signal: AbortSignal;

  /**
   * Ends the hold; those who waited and can now have the key are granted. The first call counts; later ones, and any
   * after the hold has expired, do nothing, to anyone. It may be called after `Locks.close()` too.
   * latchkey's own.
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
   * between. Its fence and its expiry stay. On a read hold, or one that has ended, it does nothing. latchkey's own.
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
   * The same as {@link release}: it is what `using` calls. latchkey's own.
   *
   * **The trap:** `using` is syntax of TypeScript 5.2 and of Node 24. Without `await`, as in
   * `using hold = locks.write(key)`, it gets a promise, and throws a `TypeError`.
   *
   * @example
   * using hold = await locks.write('settings');
   */
  [Symbol.dispose](): void;
}

declare global {
  // Both are in Node's own types, and merge with them. They are here for programs that compile with neither those nor
  // the library `esnext.disposable`, or `dom`.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }

  interface AbortSignal {}
}
