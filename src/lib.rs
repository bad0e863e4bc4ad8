//! The addon: translates between Node-API and the lock engine. No lock logic lives here.
//!
//! Each JavaScript thread that loads the package opens a [port](port::Port) and gets its functions.
//! Numbers cross through one typed array that both sides keep (see [words]), because an argument
//! costs about 45 ns and a property read from an array next to nothing.

#![deny(clippy::undocumented_unsafe_blocks)]

mod background;
mod clock;
mod functions;
mod labels;
mod libraries;
mod mailbox;
mod open_space;
mod port;
mod query;
mod raw_function;
mod shared_space;
mod stack;
mod stored;
mod table;
mod timer;
mod waker;
mod words;

use std::{collections::hash_map::RandomState, hash::BuildHasher, sync::LazyLock};

pub use words::{Layout, layout};

use napi::bindgen_prelude::{Float64Array, Function, Object};
use napi::{Env, Result};
use napi_derive::napi;

/// Opens a port for the calling JavaScript thread and answers its functions: see `lib/port.js`,
/// their only caller.
///
/// `wake` is called, from the event loop and with no arguments, when the port has to call `collect`.
/// `thread` is Node's number of the thread.
///
/// # Errors
///
/// If the array has not the length that [`layout`] says.
#[napi(catch_unwind, ts_return_type = "object")]
pub fn open_port<'env>(
    env: &'env Env,
    words: Float64Array,
    wake: Function<(), ()>,
    thread: u32,
) -> Result<Object<'env>> {
    functions::open_port(env, words, wake, thread)
}

/// The version of the package that the addon belongs to.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Tells this addon from every other copy that the process has loaded: two that answer the same share all
/// named spaces.
#[napi]
pub fn identity() -> String {
    static IDENTITY: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    format!("{:016x}", *IDENTITY)
}

/// The files that the process has loaded as libraries, the first one first: among them are the addons of all copies.
#[napi(catch_unwind)]
pub fn loaded_libraries() -> Vec<String> {
    libraries::loaded()
}

/// Whether any thread has ever opened a named space of this addon.
#[napi]
pub fn has_named_spaces() -> bool {
    shared_space::has_named()
}
