//! How other threads call a port: one weak threadsafe function.
//!
//! A threadsafe function keeps its event loop alive while it is referenced. This one starts
//! unreferenced and is referenced exactly while a request waits for something that time brings.

use std::cell::Cell;

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status, sys};

type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Calls one port's wake function from any thread.
pub struct Waker(Wake);

impl Waker {
    pub fn new(wake: &Function<(), ()>) -> Result<Self> {
        Ok(Self(wake.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?))
    }

    /// Has the port's thread call its wake function soon. Does nothing once its environment has ended.
    pub fn wake(&self) {
        // The queue is unbounded, so the only refusal is that of an environment that is closing.
        self.0.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

/// Whether a port's waker keeps the event loop alive. Belongs to the port's own thread.
pub struct KeepAlive(Cell<bool>);

impl KeepAlive {
    pub const fn new() -> Self {
        Self(Cell::new(false))
    }

    pub fn set(&self, env: &Env, waker: &Waker, alive: bool) {
        if self.0.replace(alive) == alive {
            return;
        }
        let function = waker.0.raw();
        // SAFETY: called on the thread that owns `env`, while one of its functions runs: the environment is
        // alive, and so is its threadsafe function, which only the environment's end finalizes.
        let status = unsafe {
            if alive {
                sys::napi_ref_threadsafe_function(env.raw(), function)
            } else {
                sys::napi_unref_threadsafe_function(env.raw(), function)
            }
        };
        debug_assert_eq!(status, sys::Status::napi_ok, "both calls fail only for a null argument");
    }
}
