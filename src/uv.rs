//! Libuv's poll handles: how an event loop is told to look at a file descriptor.
//!
//! Node exports libuv's functions to addons. Other runtimes have no such event loop, though some export functions of these
//! names: so they are looked up when they are needed, by a caller that knows that it runs in Node.

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_int, c_void},
    mem::transmute_copy,
    os::fd::{AsRawFd, OwnedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    rc::Rc,
    sync::OnceLock,
};

use napi::{Env, sys};

/// A `uv_handle_t` of the kind `uv_poll_t`.
type Handle = *mut c_void;
type OnReady = unsafe extern "C" fn(Handle, c_int, c_int);
type OnClosed = unsafe extern "C" fn(Handle);
type Hook = sys::napi_async_cleanup_hook_handle;

/// `uv_handle_type` of a poll handle, in every libuv 1.x so far: [`Functions::look_up`] asks the one that is here.
const UV_POLL: c_int = 8;
const UV_READABLE: c_int = 1;

struct Functions {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    set_data: unsafe extern "C" fn(Handle, *mut c_void),
    get_data: unsafe extern "C" fn(Handle) -> *mut c_void,
    init: unsafe extern "C" fn(*mut sys::uv_loop_s, Handle, c_int) -> c_int,
    start: unsafe extern "C" fn(Handle, c_int, OnReady) -> c_int,
    stop: unsafe extern "C" fn(Handle) -> c_int,
    unref: unsafe extern "C" fn(Handle),
    close: unsafe extern "C" fn(Handle, OnClosed),
    get_loop: unsafe extern "C" fn(sys::napi_env, *mut *mut sys::uv_loop_s) -> sys::napi_status,
}

impl Functions {
    /// `None` where one is missing, or where [`UV_POLL`] is something else: there no event loop looks at anything, and the
    /// background does.
    fn get() -> Option<&'static Self> {
        static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
        FUNCTIONS.get_or_init(Self::look_up).as_ref()
    }

    fn look_up() -> Option<Self> {
        // SAFETY: the types are those that libuv's and Node's headers declare for these names, unchanged since
        // libuv 1.19, and every Node that can load this addon has a later one.
        unsafe {
            let type_name: unsafe extern "C" fn(c_int) -> *const c_char = function(c"uv_handle_type_name")?;
            let name = type_name(UV_POLL);
            if name.is_null() || CStr::from_ptr(name) != c"poll" {
                return None;
            }
            Some(Self {
                handle_size: function(c"uv_handle_size")?,
                set_data: function(c"uv_handle_set_data")?,
                get_data: function(c"uv_handle_get_data")?,
                init: function(c"uv_poll_init")?,
                start: function(c"uv_poll_start")?,
                stop: function(c"uv_poll_stop")?,
                unref: function(c"uv_unref")?,
                close: function(c"uv_close")?,
                get_loop: function(c"napi_get_uv_event_loop")?,
            })
        }
    }
}

/// The function of this name; `None` if there is none.
///
/// # Safety
///
/// `F` is the type of that function's pointer.
unsafe fn function<F>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the name is a C string.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: both are pointers to that function, says the caller.
    (!symbol.is_null()).then(|| unsafe { transmute_copy(&symbol) })
}

/// A `uv_poll_t`'s, which nothing but libuv touches. It was a box, and is one again to be freed.
struct Memory(*mut [u64]);

impl Memory {
    fn handle(&self) -> Handle {
        self.0.cast()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw` in `Poll::start`, and libuv has no handle there: not yet, or not any more.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// What the event loop owns, from `uv_poll_init` until it has said that the handle is closed.
struct Owned {
    memory: Memory,
    /// Open as long as the handle.
    _file: OwnedFd,
    on_ready: Box<dyn Fn()>,
    is_open: Rc<Cell<bool>>,
    /// Closes the handle when the environment ends; which waits until that is done.
    hook: Cell<Hook>,
}

/// Looks at one file descriptor, and calls a function while there is something to read. It does not keep the event loop
/// alive. Belongs to the event loop's thread.
///
/// Invariant: while `is_open`, `handle` is a handle that libuv knows and that is not being closed.
pub struct Poll {
    handle: Handle,
    is_open: Rc<Cell<bool>>,
}

impl Poll {
    /// Begins to look. `None` if that is not possible here.
    pub fn start(env: &Env, file: OwnedFd, on_ready: impl Fn() + 'static) -> Option<Self> {
        let uv = Functions::get()?;
        let mut event_loop = ptr::null_mut();
        // SAFETY: called on the environment's thread, and the answer is written to a place that lives here.
        let status = unsafe { (uv.get_loop)(env.raw(), &mut event_loop) };
        if status != sys::Status::napi_ok {
            return None;
        }
        // SAFETY: it answers a size for each kind of handle.
        let words = unsafe { (uv.handle_size)(UV_POLL) }.div_ceil(size_of::<u64>());
        let descriptor = file.as_raw_fd();
        let owned = Box::new(Owned {
            memory: Memory(Box::into_raw(vec![0; words].into_boxed_slice())),
            _file: file,
            on_ready: Box::new(on_ready),
            is_open: Rc::new(Cell::new(true)),
            hook: Cell::new(ptr::null_mut()),
        });
        let handle = owned.memory.handle();
        // SAFETY: the loop runs on this thread; the handle's memory is large enough, aligned as much as any handle needs,
        // and lives until `closed`, unless libuv refuses it here. The descriptor is open as long.
        if unsafe { (uv.init)(event_loop, handle, descriptor) } != 0 {
            return None;
        }
        let poll = Self { handle, is_open: Rc::clone(&owned.is_open) };
        let owned = Box::into_raw(owned);
        // SAFETY: `init` has made the handle; its data is what `ready` and `closed` take it for. `owned` is freed by
        // `closed` only, which cannot run before this call of JavaScript returns.
        unsafe {
            (uv.set_data)(handle, owned.cast());
            (uv.unref)(handle);
            let mut hook = ptr::null_mut();
            // It fails only for a null argument.
            sys::napi_add_async_cleanup_hook(env.raw(), Some(clean_up), owned.cast(), &mut hook);
            (*owned).hook.set(hook);
        }
        poll.resume();
        Some(poll)
    }

    /// Looks again, after [`Poll::pause`].
    pub fn resume(&self) {
        if let Some(uv) = Functions::get().filter(|_| self.is_open.get()) {
            // SAFETY: the handle is open. It could only be refused if it were not.
            unsafe { (uv.start)(self.handle, UV_READABLE, ready) };
        }
    }

    /// Looks no more, for now.
    pub fn pause(&self) {
        if let Some(uv) = Functions::get().filter(|_| self.is_open.get()) {
            // SAFETY: the handle is open.
            unsafe { (uv.stop)(self.handle) };
        }
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        close(self.handle, &self.is_open);
    }
}

fn close(handle: Handle, is_open: &Cell<bool>) {
    if let Some(uv) = Functions::get().filter(|_| is_open.replace(false)) {
        // SAFETY: the handle was open until now, so it is closed once.
        unsafe { (uv.close)(handle, closed) };
    }
}

/// There is something to read.
///
/// # Safety
///
/// Only for libuv, as the callback of a handle that [`Poll::start`] has made.
unsafe extern "C" fn ready(handle: Handle, _status: c_int, _events: c_int) {
    let Some(uv) = Functions::get() else { return };
    // SAFETY: the handle's data, which lives until `closed`; that cannot run while this callback does.
    let owned = unsafe { &*(uv.get_data)(handle).cast::<Owned>() };
    // No panic may cross into C. What it has left undone, the runtime's thread does.
    let _ = catch_unwind(AssertUnwindSafe(&owned.on_ready));
}

/// The event loop has given a handle up.
///
/// # Safety
///
/// Only for libuv, as the callback of [`close`].
unsafe extern "C" fn closed(handle: Handle) {
    let Some(uv) = Functions::get() else { return };
    // SAFETY: `start` gave this box to the handle, which is closed once and not used any more.
    let owned = unsafe { Box::from_raw((uv.get_data)(handle).cast::<Owned>()) };
    // SAFETY: the hook is the handle's own, and removed only here.
    unsafe { sys::napi_remove_async_cleanup_hook(owned.hook.get()) };
}

/// The environment ends.
///
/// # Safety
///
/// Only for Node-API, as the hook that [`Poll::start`] has added: before [`closed`], which removes it.
unsafe extern "C" fn clean_up(_: Hook, owned: *mut c_void) {
    // SAFETY: what the hook was added for, which lives until `closed`.
    let owned = unsafe { &*owned.cast::<Owned>() };
    close(owned.memory.handle(), &owned.is_open);
}
