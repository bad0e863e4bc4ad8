// The exact types behind each public name: a name that turned into `any`, or grew or lost a member, fails here.

import latchkey, { lock, Lock, LockError, LockExpiredError } from 'latchkey';
import type {
  Done,
  Key,
  LockObtainedCallback,
  LockOptions,
  Logger,
  Release,
  ReleaseCallback,
  StoredLockOptions,
  StoreOptions,
} from 'latchkey';
import alock from 'latchkey/alock';
import type * as alockTypes from 'latchkey/alock';
import RwLock from 'latchkey/rwlock-plus';
import type * as rwlockPlusTypes from 'latchkey/rwlock-plus';
import { same } from './same.mjs';

same<Key, string | number | bigint | boolean | object>();
same<Done, () => void>();
same<Release, (...args: any[]) => void>();
same<ReleaseCallback, (err?: any, ...results: any[]) => void>();
same<LockObtainedCallback, (release: Release) => void>();
same<Logger['warn'], (message: string) => void>();

same<Parameters<typeof latchkey>, [key: Key, fn: (done: Done) => void]>();
same<ReturnType<typeof latchkey>, void>();
same<
  ConstructorParameters<typeof latchkey>,
  [timeout?: number | null, logger?: Logger | null, options?: LockOptions | StoredLockOptions | null]
>();
same<InstanceType<typeof latchkey>, Lock>();
same<keyof latchkey, 'readLock' | 'writeLock'>();
same<
  keyof typeof latchkey,
  | 'lock'
  | 'Lock'
  | 'Locks'
  | 'Hold'
  | 'LockError'
  | 'LockExpiredError'
  | 'LockTimeoutError'
  | 'LockClosedError'
  | 'LockQueueFullError'
  | 'LockTwoCopiesError'
  | 'LockLostError'
  | 'StoreStartingError'
  | 'StoreUnreachableError'
  | 'prototype'
>();

same<Parameters<typeof lock>, [key: Key, fn: (done: Done) => void]>();
same<ReturnType<typeof lock>, void>();
same<keyof typeof lock, 'lock'>();
same<typeof lock, typeof latchkey.lock>();
same<typeof lock, typeof alock>();
same<typeof lock, typeof alock.lock>();
same<alockTypes.Key, Key>();
same<alockTypes.Done, Done>();

same<
  ConstructorParameters<typeof Lock>,
  [timeout?: number | null, logger?: Logger | null, options?: LockOptions | StoredLockOptions | null]
>();
same<LockOptions, { name?: string | null; store?: null }>();
same<StoredLockOptions, { name: string; store: string | URL | StoreOptions }>();
same<keyof Lock, 'readLock' | 'writeLock'>();
same<keyof typeof Lock, 'Lock' | 'prototype'>();
same<Lock['readLock'], Lock['writeLock']>();
same<
  Parameters<Lock['writeLock']>,
  [key: Key, releaseCallback: ReleaseCallback | null | undefined, lockObtainedCallback: LockObtainedCallback]
>();
same<ReturnType<Lock['writeLock']>, void>();
same<typeof Lock, typeof latchkey.Lock>();
same<typeof Lock, typeof RwLock>();
same<typeof Lock, typeof RwLock.Lock>();
same<rwlockPlusTypes.Lock, Lock>();
same<rwlockPlusTypes.Key, Key>();
same<rwlockPlusTypes.Release, Release>();
same<rwlockPlusTypes.ReleaseCallback, ReleaseCallback>();
same<rwlockPlusTypes.LockObtainedCallback, LockObtainedCallback>();
same<rwlockPlusTypes.LockOptions, LockOptions>();
same<rwlockPlusTypes.StoredLockOptions, StoredLockOptions>();
same<rwlockPlusTypes.Logger, Logger>();

same<typeof LockError, typeof latchkey.LockError>();
same<LockError['code'], string>();
same<LockError['key'], string | undefined>();
same<typeof LockExpiredError, typeof latchkey.LockExpiredError>();
same<Exclude<keyof LockExpiredError, keyof Error>, 'code' | 'key' | 'label' | 'trace' | 'age'>();
same<LockExpiredError['code'], 'ERR_LOCK_EXPIRED'>();
same<LockExpiredError['key'], string>();
same<latchkey.LockTimeoutError['code'], 'ERR_LOCK_TIMEOUT'>();
same<latchkey.LockTimeoutError['key'], string>();
same<latchkey.LockClosedError['code'], 'ERR_LOCK_CLOSED'>();
same<latchkey.LockClosedError['key'], string | undefined>();
same<latchkey.LockQueueFullError['code'], 'ERR_LOCK_QUEUE_FULL'>();
same<latchkey.LockQueueFullError['key'], string>();
same<latchkey.LockTwoCopiesError['code'], 'ERR_LOCK_TWO_COPIES'>();
same<latchkey.LockTwoCopiesError['key'], string>();
same<latchkey.LockLostError['code'], 'ERR_LOCK_LOST'>();
same<latchkey.LockLostError['key'], string>();
same<latchkey.StoreUnreachableError['code'], 'ERR_STORE_UNREACHABLE'>();
same<latchkey.StoreUnreachableError['key'], string | undefined>();
