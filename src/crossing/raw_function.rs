//! Native functions for the hot calls. A closure of napi-rs allocates a list for the arguments of every call,
//! and answers `undefined` by another call of Node-API; these do neither.

use std::{
    ffi::{CString, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    rc::Rc,
};

use napi::bindgen_prelude::{FromNapiValue, Function};
use napi::{Env, Error, JsError, Result, Status, check_status, sys};

use crate::{crossing::words, port::Port};

/// What a call does. It answers through the typed array.
pub type Body = fn(&Port, &Call) -> Result<()>;

/// One call: who makes it, and its first argument.
pub struct Call {
    pub env: Env,
    argument: Option<sys::napi_value>,
}

impl Call {
    /// The first argument; `None` if there is none.
    pub fn argument<T: FromNapiValue>(&self) -> Result<Option<T>> {
        // SAFETY: the value was given to the call that is running, in this environment.
        self.argument.map(|value| unsafe { T::from_napi_value(self.env.raw(), value) }).transpose()
    }
}

/// What a function carries.
struct Bound {
    port: Rc<Port>,
    body: Body,
    /// Whether nothing may happen unless there is room for what JavaScript does next.
    needs_room: bool,
}

/// Makes a function that runs `body` on `port`. An `Err` and a panic both become a JavaScript error. One that `needs_room` does
/// nothing, and says so, unless enough of the stack is known to be left.
pub fn create<'env>(
    env: &'env Env,
    name: &str,
    port: Rc<Port>,
    body: Body,
    needs_room: bool,
) -> Result<Function<'env, (), ()>> {
    let name = CString::new(name)?;
    let bound = Box::into_raw(Box::new(Bound { port, body, needs_room })).cast::<c_void>();
    let mut function = ptr::null_mut();
    // SAFETY: called on the environment's own thread. The name lives until the call returns, `bound` until the
    // finalizer frees it, which Node-API runs after the function's last call.
    unsafe {
        check_status!(sys::napi_create_function(
            env.raw(),
            name.as_ptr(),
            name.count_bytes() as isize,
            Some(invoke),
            bound,
            &mut function,
        ))?;
        check_status!(sys::napi_add_finalizer(
            env.raw(),
            function,
            bound,
            Some(finalize),
            ptr::null_mut(),
            ptr::null_mut(),
        ))?;
        Function::from_napi_value(env.raw(), function)
    }
}

/// Runs a function's body: what Node-API calls when JavaScript calls the function.
///
/// # Safety
///
/// Only for Node-API, as the callback of [`create`]: on the environment's own thread, while `info` lives, and before
/// [`finalize`].
unsafe extern "C" fn invoke(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let (mut count, mut argument, mut bound) = (1, ptr::null_mut(), ptr::null_mut());
    // SAFETY: Node-API calls this, with its own environment and the call that is running. All that it writes to lives
    // here, and there is room for the one argument that is asked for.
    let status =
        unsafe { sys::napi_get_cb_info(env, info, &mut count, &mut argument, ptr::null_mut(), &mut bound) };
    let result = if status == sys::Status::napi_ok {
        // SAFETY: this is the box that `create` bound to the function. It is freed with the function, which is alive
        // while it is called, and nobody ever borrows it mutably.
        let &Bound { ref port, body, needs_room } = unsafe { &*bound.cast::<Bound>() };
        if needs_room && !port.stack.has_room() {
            port.words[words::DONE].set(words::NO_ROOM);
            return ptr::null_mut();
        }
        let call = Call { env: Env::from_raw(env), argument: (count > 0).then_some(argument) };
        let whole = || {
            port.apply_posted();
            body(port, &call)
        };
        catch_unwind(AssertUnwindSafe(whole)).unwrap_or_else(|panic| Err(explain(&*panic)))
    } else {
        Err(Error::new(Status::from(status), "latchkey: a call could not be read"))
    };
    if let Err(error) = result {
        // SAFETY: the environment is that of the running call, on its own thread. Should JavaScript have thrown an error
        // meanwhile, that is the one that is thrown on.
        unsafe { JsError::from(error).throw_into(env) };
    }
    // `undefined`, to Node-API.
    ptr::null_mut()
}

fn explain(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::from_reason(text.unwrap_or("latchkey: a fault in the addon").to_owned())
}

/// Frees what a function carries: what Node-API calls once the function is collected, or its environment ends.
///
/// # Safety
///
/// Only for Node-API, as the finalizer of [`create`]: once, with the `bound` that was given there, and not before the last
/// [`invoke`] has returned.
unsafe extern "C" fn finalize(_: sys::napi_env, bound: *mut c_void, _: *mut c_void) {
    // SAFETY: `create` made this box and gave it away, Node-API finalizes each function once, and no call of it is running.
    drop(unsafe { Box::from_raw(bound.cast::<Bound>()) });
}
