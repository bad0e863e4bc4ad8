//! How other threads call a port, and what that keeps alive: one weak threadsafe function.
//!
//! A threadsafe function keeps its event loop alive while it is referenced. This one starts
//! unreferenced and is referenced exactly while a request waits for something that time brings.
//!
//! It also keeps alive what it calls. That is no function of the package's own, but one that finds it by a weak reference: so a
//! copy of the package that nobody uses any more is collected, unless a [`Listener`] is held.

use std::{cell::Cell, ptr};

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, JsValue, Result, Status, check_status, sys};

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

    /// Has it keep the event loop alive, or not any more. To be called within a call of JavaScript.
    pub fn keep_alive(&self, env: &Env, alive: bool) {
        let change =
            if alive { sys::napi_ref_threadsafe_function } else { sys::napi_unref_threadsafe_function };
        // SAFETY: called on the thread that owns `env`, while one of its functions runs: the environment is
        // alive, and so is its threadsafe function, which only the environment's end finalizes.
        let status = unsafe { change(env.raw(), self.0.raw()) };
        debug_assert_eq!(status, sys::Status::napi_ok, "both calls fail only for a null argument");
    }
}

/// The function of the package that is to be called: with it, all of its copy of the package stays alive while it is held.
/// Belongs to the port's own thread.
pub struct Listener {
    env: Env,
    reference: sys::napi_ref,
    is_held: Cell<bool>,
}

impl Listener {
    /// Not held.
    pub fn new(env: Env, function: &Function<(), ()>) -> Result<Self> {
        let mut reference = ptr::null_mut();
        // SAFETY: called on the environment's own thread, with a function of it; the answer is written to a place that lives here.
        check_status!(unsafe { sys::napi_create_reference(env.raw(), function.raw(), 0, &mut reference) })?;
        Ok(Self { env, reference, is_held: Cell::new(false) })
    }

    /// To be called within a call of JavaScript, or not at all once the environment has ended.
    pub fn hold(&self, held: bool) {
        if self.is_held.replace(held) == held {
            return;
        }
        let mut count = 0;
        let change = if held { sys::napi_reference_ref } else { sys::napi_reference_unref };
        // SAFETY: on the environment's own thread, while it is alive, says the caller. The reference is freed by `free` only. The
        // count is 0 or 1, as `is_held` says.
        let status = unsafe { change(self.env.raw(), self.reference, &mut count) };
        debug_assert_eq!(
            status,
            sys::Status::napi_ok,
            "both fail only for a null argument or a count below 0"
        );
    }

    /// To be called once, and last, unless the environment has ended, which frees it itself.
    pub fn free(&self) {
        // SAFETY: on the environment's own thread, while it is alive, and nobody uses the reference after this, says the caller.
        unsafe { sys::napi_delete_reference(self.env.raw(), self.reference) };
    }
}
