// Types of what is published on the diagnostics channels `latchkey:wait`, `latchkey:grant`, `latchkey:release`,
// `latchkey:expire`, `latchkey:lost`, `latchkey:timeout`, `latchkey:abort` and `latchkey:refuse` of `node:diagnostics_channel`, and,
// of a store's connection, on `latchkey:store-connect`, `latchkey:store-disconnect`, `latchkey:store-session-lost` and
// `latchkey:store-freeze`.
// `docs/diagnostics.md` says which message follows which. `Lock`, alock's function and `Locks` all publish, each in its own
// thread. Nobody who does not subscribe pays for them. All of it is
//
// The trap: a request that was made while nobody was subscribed to any of them stays silent, also later.

import { type Mode } from './hold.js';

/**
 * The message of `latchkey:wait`: a request could not be granted at once, and has joined the queue. One of several keys
 * is a request of its own.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:wait', (message) => {
 *   const { name, key } = message as WaitMessage;
 *   metrics.count('lock-wait', { name, key });
 * });
 */
export interface WaitMessage {
  /** The request's number in its thread: the same in all messages of one request. */
  readonly id: number;

  /** How far its space reaches: `'thread'` is private, `'process'` has a name, `'machines'` is in a store. */
  readonly scope: 'thread' | 'process' | 'machines';

  /** The name of the space; null for a private one. */
  readonly name: string | null;

  /** The `label` of the call, if it has one. */
  readonly label?: string;

  readonly key: string;

  /** **The trap:** once a hold has been downgraded, `'read'`. */
  readonly mode: Mode;
}

/**
 * The message of `latchkey:grant`: a request has become a hold.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:grant', (message) => {
 *   const { key, waited } = message as GrantMessage;
 *   if (waited > 1000) console.warn(`${key} was waited for ${waited} ms`);
 * });
 */
export interface GrantMessage extends WaitMessage {
  /** As the hold's `fence`. */
  readonly fence: number;

  /** As the hold's `recovered`. */
  readonly recovered: boolean;

  /** Milliseconds, with fractions, from the call until its own thread learned of the grant. */
  readonly waited: number;
}

/**
 * The message of `latchkey:release`: a hold was released.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:release', (message) => {
 *   const { key, held } = message as ReleaseMessage;
 *   histogram.record(key, held);
 * });
 */
export interface ReleaseMessage extends GrantMessage {
  /** Milliseconds, with fractions, from when its own thread learned of the grant until it learned of the end. */
  readonly held: number;
}

/**
 * The message of `latchkey:expire`: a hold was taken away, because it had outlived its expiry and another request
 * waited.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:expire', (message) => {
 *   const { key, held } = message as ExpireMessage;
 *   console.error(`${key} was taken away after ${held} ms`);
 * });
 */
export interface ExpireMessage extends ReleaseMessage {}

/**
 * The message of `latchkey:lost`: a hold of a store was lost, because its lease has ended or the store has forgotten it.
 *
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:lost', (message) => {
 *   const { key, held } = message as LostMessage;
 *   console.error(`${key} was lost after ${held} ms`);
 * });
 */
export interface LostMessage extends ReleaseMessage {}

/**
 * The message of `latchkey:timeout`: a request was not granted within its `timeout`.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:timeout', (message) => {
 *   const { key, waited } = message as TimeoutMessage;
 *   console.warn(`${key} was not granted within ${waited} ms`);
 * });
 */
export interface TimeoutMessage extends WaitMessage {
  /** Milliseconds, with fractions, from the call until it failed. */
  readonly waited: number;
}

/**
 * The message of `latchkey:abort`: the signal of a waiting request has aborted.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:abort', (message) => metrics.count('lock-abort', message));
 */
export interface AbortMessage extends TimeoutMessage {}

/**
 * The message of `latchkey:refuse`: a request was refused, before it waited or later.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:refuse', (message) => {
 *   const { key, code } = message as RefuseMessage;
 *   metrics.count('lock-refused', { key, code });
 * });
 */
export interface RefuseMessage extends TimeoutMessage {
  /** The `code` of its error; null for `tryRead` and `tryWrite`, which answer null if they would have to wait. */
  readonly code: string | null;
}

/**
 * The message of `latchkey:store-connect`: a store's server was reached, and knows this process. Each thread that has a lock
 * object open on the store publishes it once.
 *
 * **The trap:** a connection that stood before the thread's first lock object is not published there.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:store-connect', (message) => {
 *   const { store } = message as StoreMessage;
 *   console.log(`connected to ${store}`);
 * });
 */
export interface StoreMessage {
  /** The store's address, as its errors name it: no user, no password. */
  readonly store: string;
}

/**
 * The message of `latchkey:store-disconnect`: the connection has ended, and was not closed in order. Another one is tried as soon as
 * something is held, waited for or asked.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:store-disconnect', (message) => {
 *   const { reason } = message as StoreDisconnectMessage;
 *   if (reason !== null) console.warn(reason);
 * });
 */
export interface StoreDisconnectMessage extends StoreMessage {
  /** What is wrong, as the errors say it; null if the connection was given up for another reason, as after a lost session. */
  readonly reason: string | null;
}

/**
 * The message of `latchkey:store-session-lost`: the server has not renewed this process's lease in time, or does not know it. What
 * it held is lost, each hold with a message of its own (`latchkey:lost`), and what waits asks anew, at the tail.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:store-session-lost', (message) => {
 *   const { store, holds } = message as StoreSessionLostMessage;
 *   console.error(`${store}: ${holds} holds of this process are lost`);
 * });
 */
export interface StoreSessionLostMessage extends StoreMessage {
  /** How many holds were lost, of all threads of the process. */
  readonly holds: number;
}

/**
 * The message of `latchkey:store-freeze`: the server that has just been connected to grants nothing yet, since it has started, or
 * taken over from another one.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:store-freeze', (message) => {
 *   const { store, frozenUntil } = message as StoreFreezeMessage;
 *   console.warn(`${store} grants nothing for another ${frozenUntil - Date.now()} ms`);
 * });
 */
export interface StoreFreezeMessage extends StoreMessage {
  /** When it grants again, if nothing happens to it: milliseconds, whole, to be compared with `Date.now()`. */
  readonly frozenUntil: number;
}
