// Types of what is published on the diagnostics channels `latchkey:wait`, `latchkey:grant`, `latchkey:release` and
// `latchkey:expire` of `node:diagnostics_channel`. `Lock`, alock's function and `Locks` all publish, each in its own
// thread. Nobody who does not subscribe pays for them.
//
// The trap: a request that was made while nobody was subscribed to any of the four stays silent, also later.

import { type Mode } from './hold.js';

/**
 * The message of `latchkey:wait`: a request could not be granted at once, and has joined the queue. One of several keys
 * is a request of its own.
 *
 * @example
 * diagnostics_channel.subscribe('latchkey:wait', (message) => {
 *   const { space, key } = message as WaitMessage;
 *   metrics.count('lock-wait', { space, key });
 * });
 */
export interface WaitMessage {
  /** The name of the named space; null for a private one. */
  readonly space: string | null;

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
