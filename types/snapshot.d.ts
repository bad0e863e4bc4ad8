// Types of what `Locks.query()` answers.

import { type Mode } from './hold.js';
import { type LocksOptions, type TryOptions } from './locks.js';

/**
 * Who holds and who waits in a space, as `query()` saw it.
 *
 * @example
 * const { held, pending } = locks.query();
 * console.log(`${held.length} hold, ${pending.length} wait`);
 */
export interface LocksSnapshot {
  /** The holds. Those of one key stand together, in the order of their grants. */
  held: HeldEntry[];

  /** The waiting requests. Those of one key stand together, in the order of its queue. */
  pending: PendingEntry[];
}

/** One waiting request of a {@link LocksSnapshot}. */
export interface PendingEntry {
  /** As a string. An array of keys waits for one key at a time, and that one is named. */
  key: string;

  /** What it asks for. */
  mode: Mode;

  /**
   * When it asked; in a {@link HeldEntry}, when it was granted. Milliseconds, whole, to be compared with `Date.now()`.
   *
   * **The trap:** it is worked out from its age, so two queries may differ by a millisecond, or by how far the wall clock
   * was set in between.
   */
  since: number;

  /** The `worker_threads.threadId` of its thread; 0 is the main thread. */
  thread: number;

  /** Its {@link TryOptions.label}, if it has one. latchkey's own. */
  label?: string;

  /**
   * Where it was asked, a stack frame a line, if that is remembered ({@link LocksOptions.trace}), and in this thread, by this
   * object. latchkey's own.
   */
  trace?: string;
}

/** One hold of a {@link LocksSnapshot}. */
export interface HeldEntry extends PendingEntry {
  /** As `Hold.fence`. */
  fence: number;

  /** As `Hold.recovered`. */
  recovered: boolean;
}

/**
 * What `query()` answers on a store: every machine's holds and requests. Keys are looked at one after the other, each by
 * itself at one moment.
 *
 * @example
 * const { held } = await locks.query();
 * for (const { key, host, pid } of held) console.log(`${key} is held by process ${pid} on ${host}`);
 */
export interface StoredLocksSnapshot {
  /** The holds. Those of one key stand together, in the order of their grants. */
  held: StoredHeldEntry[];

  /** The waiting requests. Those of one key stand together, in the order of its queue. */
  pending: StoredPendingEntry[];

  /**
   * While the server grants nothing, since it has just started or taken over from another one: until when, in milliseconds,
   * whole, to be compared with `Date.now()`. Else it is not there.
   */
  frozenUntil?: number;
}

/** Whose a request or a hold in a store is. */
export interface StoredOwner {
  /** The name of its machine, as `os.hostname()` has it there. In a container that is most often the container's. */
  host: string;

  /** The number of its process there, `process.pid`. */
  pid: number;
}

/** One waiting request of a {@link StoredLocksSnapshot}. */
export interface StoredPendingEntry extends PendingEntry, StoredOwner {}

/** One hold of a {@link StoredLocksSnapshot}. */
export interface StoredHeldEntry extends HeldEntry, StoredOwner {}
