//! The primitives that threads share: the standard library's, or loom's, which tries every interleaving.

#[cfg(not(loom))]
pub(crate) use std::{
    collections::hash_map::RandomState,
    sync::{
        Mutex, MutexGuard, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64},
    },
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, AtomicU64},
};

/// Loom repeats an execution step by step: a key must be in the same shard each time.
#[cfg(loom)]
pub(crate) type RandomState = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;
