//! The addon: translates between Node-API and the lock engine. No lock logic lives here.
//!
//! Each JavaScript thread that loads the package opens a [port](port::Port) and gets its functions.
//! Numbers cross through one typed array that both sides keep (see [`crossing::words`]), because an argument
//! costs about 45 ns and a property read from an array next to nothing.

#![deny(clippy::undocumented_unsafe_blocks)]

mod crossing;
mod port;
mod process;

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub use crossing::{
    open_port,
    words::{Layout, layout},
};

use latchkey_redis::Store;
use napi_derive::napi;

/// How long the end of a process may wait for the stores to hear of it. Else the leases do what is left.
const WITHIN: Duration = Duration::from_millis(250);

/// The version of the package that the addon belongs to.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Distinguishes this addon from every other copy that the process has loaded: two that answer the same share all
/// named spaces.
#[napi]
pub fn identity() -> String {
    static IDENTITY: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    format!("{:016x}", *IDENTITY)
}

/// The files that the process has loaded as libraries, the first one first: among them are the addons of all copies.
#[napi(catch_unwind)]
pub fn loaded_libraries() -> Vec<String> {
    process::libraries::loaded()
}

/// Whether any thread has ever opened a named space of this addon.
#[napi]
pub fn has_named_spaces() -> bool {
    process::shared_space::has_named()
}

/// The process ends: lets go of what it holds and waits for in any store. No function of a port, which it would keep alive.
#[napi(catch_unwind)]
pub fn end_sessions() {
    Store::shutdown_all(WITHIN);
}

/// Whether the caller is the first one that has to see to it that `end_sessions` is called.
#[napi]
pub fn needs_session_end() -> bool {
    static IS_SEEN_TO: AtomicBool = AtomicBool::new(false);
    // Relaxed: only that one of all callers is the first one matters.
    !IS_SEEN_TO.swap(true, Ordering::Relaxed)
}
