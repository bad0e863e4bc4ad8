//! A thread's event loop watches a store's socket, so that the answer to its own request wakes it at once: else the
//! background thread is woken first, reads, and wakes it.
//!
//! Of all threads, the one that last asked something of the store watches. Nothing depends on it: where nobody watches, or
//! who does is busy, the background thread reads.

use std::{
    cell::{OnceCell, RefCell},
    os::fd::AsFd,
    ptr,
    rc::Rc,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use latchkey_redis::{Store, Watched};
use napi::bindgen_prelude::FunctionRef;
use napi::{Env, JsValue, sys};

use crate::{mailbox::Mailbox, uv::Poll};

/// The thread that watches: what of it a watch needs.
pub struct Watcher {
    env: Env,
    mailbox: Arc<Mailbox>,
    wake: FunctionRef<(), ()>,
    /// Its number, by which the store knows it. Not 0.
    number: u32,
}

impl Watcher {
    pub fn new(env: Env, mailbox: Arc<Mailbox>, wake: FunctionRef<(), ()>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // Relaxed: only that each gets another number matters.
        Self { env, mailbox, wake, number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Has JavaScript read its letters. Called from the event loop.
    fn wake(&self) {
        let raw = self.env.raw();
        let mut scope = ptr::null_mut();
        // SAFETY: on the environment's own thread, from its event loop, and while it is alive: when it ends, the poll
        // handle is closed first. The scope is closed after all that is in it.
        unsafe {
            sys::napi_open_handle_scope(raw, &mut scope);
            self.call();
            sys::napi_close_handle_scope(raw, scope);
        }
    }

    /// Calls `wake`, as an event loop calls a callback: what that has put off is run after it.
    fn call(&self) {
        let raw = self.env.raw();
        let Ok(wake) = self.wake.borrow_back(&self.env) else { return };
        let (mut receiver, mut result) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as in `wake`, in its scope; all that is written to lives here.
        unsafe {
            sys::napi_get_global(raw, &mut receiver);
            let context = ptr::null_mut();
            let status =
                sys::napi_make_callback(raw, context, receiver, wake.raw(), 0, ptr::null(), &mut result);
            if status != sys::Status::napi_ok {
                // `wake` does not throw. What was put off may have, or the thread is being terminated. It must not stay:
                // the next call of Node-API would stumble over it.
                sys::napi_get_and_clear_last_exception(raw, &mut result);
                // Does nothing where no JavaScript may run any more.
                sys::napi_fatal_exception(raw, result);
            }
        }
    }
}

/// One thread's watches: one for each store that it asks.
#[derive(Default)]
pub struct Watches {
    /// Unset where event loops cannot watch.
    watcher: OnceCell<Rc<Watcher>>,
    watches: RefCell<Vec<Rc<Watch>>>,
}

impl Watches {
    /// Says that the thread's event loop can watch sockets. Once.
    pub fn allow(&self, watcher: Watcher) {
        let _ = self.watcher.set(Rc::new(watcher));
    }

    /// The thread has asked something of `store`.
    pub fn take_over(&self, store: &Arc<Store>) {
        let Some(watcher) = self.watcher.get() else { return };
        let mut watches = self.watches.borrow_mut();
        if let Some(watch) = watches.iter().find(|watch| watch.is_of(store)) {
            return watch.take_over(store);
        }
        watches.retain(|watch| watch.is_needed());
        let watch = Watch::new(watcher, store);
        watch.take_over(store);
        watches.push(watch);
    }

    /// The thread ends.
    pub fn end(&self) {
        self.watches.take();
    }
}

/// One thread's watch on one store's socket.
struct Watch {
    watcher: Rc<Watcher>,
    store: Weak<Store>,
    /// The socket that it is about. It was tried with this one, at least.
    socket: RefCell<Weak<Watched>>,
    poll: RefCell<Option<Poll>>,
}

impl Watch {
    fn new(watcher: &Rc<Watcher>, store: &Arc<Store>) -> Rc<Self> {
        Rc::new(Self {
            watcher: Rc::clone(watcher),
            store: Arc::downgrade(store),
            socket: RefCell::default(),
            poll: RefCell::default(),
        })
    }

    fn is_of(&self, store: &Arc<Store>) -> bool {
        ptr::eq(self.store.as_ptr(), Arc::as_ptr(store))
    }

    /// False if its store is gone.
    fn is_needed(&self) -> bool {
        self.store.strong_count() > 0
    }

    /// The thread has asked something: it is the one to watch, from here on.
    fn take_over(self: &Rc<Self>, store: &Store) {
        let socket = store.socket();
        let Some(watched) = socket.upgrade() else { return };
        let is_ours = watched.watcher() == self.watcher.number;
        if !is_ours {
            watched.set_watcher(self.watcher.number);
        }
        if !socket.ptr_eq(&self.socket.borrow()) {
            self.begin(&watched);
        } else if !is_ours {
            // It may have been paused.
            self.poll.borrow().iter().for_each(Poll::resume);
        }
    }

    fn begin(self: &Rc<Self>, socket: &Arc<Watched>) {
        self.socket.replace(Arc::downgrade(socket));
        let file = socket.as_fd().try_clone_to_owned().ok();
        let watch = Rc::downgrade(self);
        let on_ready = move || {
            if let Some(watch) = watch.upgrade() {
                watch.read();
            }
        };
        let poll = file.and_then(|file| Poll::start(&self.watcher.env, file, on_ready));
        self.poll.replace(poll);
    }

    /// There is something to read.
    fn read(&self) {
        let (store, socket) = (self.store.upgrade(), self.socket.borrow().upgrade());
        let (Some(store), Some(socket)) = (store, socket) else { return self.end() };
        if socket.watcher() != self.watcher.number {
            return self.poll.borrow().iter().for_each(Poll::pause);
        }
        // What is told now need not wake this thread: it looks right away.
        self.watcher.mailbox.inbox.watch();
        store.read(&socket);
        drop(socket);
        // The connection has ended: there would be something to read for ever.
        if self.socket.borrow().strong_count() == 0 {
            self.end();
        }
        self.watcher.wake();
    }

    /// Watches no more.
    fn end(&self) {
        self.poll.take();
    }
}
