// Subclasses, `instanceof`, and errors that are distinguished.

import latchkey, { Lock, LockError, LockExpiredError } from 'latchkey';
import { same } from './same.mjs';

class FromDualExport extends latchkey {
  readonly name = 'dual';
}

class FromLock extends Lock {
  constructor(readonly seconds: number) {
    super(seconds * 1000);
  }

  override readLock(...args: Parameters<Lock['readLock']>): void {
    super.readLock(...args);
  }
}

const subclassed: Lock[] = [new FromDualExport(10, console), new FromLock(10)];
subclassed[0]!.readLock('key', null, (release) => release());

export function narrow(value: unknown): void {
  if (value instanceof latchkey) same<typeof value, Lock>();
  if (value instanceof Lock) same<typeof value, Lock>();
  if (value instanceof LockError) same<typeof value, LockError>();
  if (value instanceof LockExpiredError) {
    same<typeof value, LockExpiredError>();
    const parents: [LockError, Error, NodeJS.ErrnoException] = [value, value, value];
    console.log(parents, value.key.length);
  }
}
