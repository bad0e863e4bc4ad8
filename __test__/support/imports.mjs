// An ES module that imports everything in every way.

import latchkey, { lock, Lock, LockError, LockExpiredError } from 'latchkey';
import alock, { lock as alockLock } from 'latchkey/alock';
import RwlockPlus, { Lock as RwlockPlusLock } from 'latchkey/rwlock-plus';
import * as everything from 'latchkey';

export const imported = {
  latchkey,
  lock,
  Lock,
  LockError,
  LockExpiredError,
  alock,
  alockLock,
  RwlockPlus,
  RwlockPlusLock,
  everything,
};
