// The classes in `lib` have the members that are declared, neither more nor fewer, and of fitting types.

import { Hold, Locks } from 'latchkey';
import type { GrantMessage, HeldEntry, PendingEntry } from 'latchkey';
import type { Hold as ImplementedHold } from '../../lib/requests/hold.js';
import type { Locks as ImplementedLocks } from '../../lib/apis/locks.js';
import { same } from './same.mjs';

// The implementation's `Symbol.dispose` may be Node's own older symbol, and so has no name for the compiler.
type Named<T> = Exclude<keyof T, symbol>;
same<keyof ImplementedLocks, keyof Locks>();
same<Named<ImplementedHold>, Named<Hold>>();

declare const implemented: [ImplementedLocks, ImplementedHold, ImplementedHold];
export const declared: [Locks, Pick<Hold, Named<Hold>>, Pick<Hold<readonly string[]>, Named<Hold>>] =
  implemented;

// A thing has one name everywhere: in a hold, in a snapshot and in a message.
export const grant = (hold: Hold): Pick<GrantMessage, 'key' | 'mode' | 'fence' | 'recovered'> => hold;
export const listed = (entry: HeldEntry): Pick<Hold, 'key' | 'mode' | 'fence' | 'recovered'> & PendingEntry =>
  entry;
