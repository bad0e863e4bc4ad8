//! A task that whoever has something for it moves on itself, on its own thread.
//!
//! A thread that sleeps takes long to wake: to have the runtime's thread send a question costs more than to send it.
//! So a caller does both: it leaves its command where the task finds it, and polls the task ([`Stepper::step`]). For
//! what comes later, an answer or a deadline, the runtime's thread is woken as for any task: it runs
//! [`Stepper::background`].

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::{future::BoxFuture, task::AtomicWaker};
use tokio::runtime::Handle;

/// How often a task that keeps waking itself is polled before the runtime's thread has to go on with it.
const POLLS_AT_ONCE: usize = 4;

/// Nobody polls the task.
const IDLE: u8 = 0;
/// One thread polls it.
const POLLING: u8 = 1;
/// One thread polls it, and has to poll it again: it was woken meanwhile.
const WOKEN: u8 = 2;
/// It has come to its end.
const OVER: u8 = 3;

/// Invariant: only the thread that took `state` out of `IDLE` polls the task, until it puts `IDLE` or `OVER` there. A
/// wake-up while it does reaches that thread, as `WOKEN`; any other reaches the runtime's thread, by `background`.
/// So none is lost. `task` is `None` once the task has ended, or once `background` has, which needs to be before the
/// stepper can be freed: the task's wakers own it.
pub(crate) struct Stepper {
    state: AtomicU8,
    task: Mutex<Option<BoxFuture<'static, ()>>>,
    background: AtomicWaker,
    runtime: Handle,
}

impl Stepper {
    /// A task whose timers and sockets are `runtime`'s, which has to run [`Stepper::background`].
    pub fn new(task: BoxFuture<'static, ()>, runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(IDLE),
            task: Mutex::new(Some(task)),
            background: AtomicWaker::new(),
            runtime,
        })
    }

    /// Polls the task, so that it sees what the caller has left for it; if another thread polls it just now, has that
    /// one poll it again. Should the task panic, it ends, and the caller does not notice.
    pub fn step(self: &Arc<Self>) {
        let _context = self.runtime.enter();
        if self.wake_or(|state| if state == IDLE { Some(POLLING) } else { None }) == IDLE {
            self.poll();
        }
    }

    /// What the runtime has to run. It ends with the task; if it is dropped before, the task ends with it.
    pub async fn background(self: Arc<Self>) {
        let stepper = EndOnDrop(self);
        poll_fn(|context| {
            // First, so that no wake-up falls between this step and the next.
            stepper.0.background.register(context.waker());
            stepper.0.step();
            // Acquire: pairs with the Release in `end`.
            if stepper.0.state.load(Ordering::Acquire) == OVER { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Has the thread that polls the task poll it again; if there is none, changes the state as `otherwise` says.
    /// Gives back the state before.
    fn wake_or(&self, otherwise: impl Fn(u8) -> Option<u8>) -> u8 {
        let next = |state| if matches!(state, POLLING | WOKEN) { Some(WOKEN) } else { otherwise(state) };
        // Release: whoever polls next sees what the caller did before; pairs with the Acquires in `poll`. Acquire, if
        // that is the caller: it sees what the last one to poll has left; pairs with the Releases there.
        let before = self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next);
        before.unwrap_or_else(|state| state)
    }

    /// For the thread that has put `POLLING` there.
    fn poll(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        for _ in 0..POLLS_AT_ONCE {
            if self.poll_once(&mut context).is_ready() {
                return self.end();
            }
            // Release: what this thread has left, for the next one to poll; pairs with the Acquire in `wake_or`.
            let idle = self.state.compare_exchange(POLLING, IDLE, Ordering::Release, Ordering::Relaxed);
            if idle.is_ok() {
                return;
            }
            // Acquire: what was done before the wake-ups; pairs with the Release in `wake_or`.
            self.state.swap(POLLING, Ordering::Acquire);
        }
        // Both, as above.
        self.state.swap(IDLE, Ordering::AcqRel);
        self.background.wake();
    }

    fn poll_once(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(task) = task.as_mut() else { return Poll::Ready(()) };
        // After a panic it is in no state to go on.
        catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context))).unwrap_or(Poll::Ready(()))
    }

    fn end(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
        // Release: pairs with the Acquire in `background`.
        self.state.store(OVER, Ordering::Release);
        self.background.wake();
    }
}

impl Wake for Stepper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.wake_or(|_| None) == IDLE {
            self.background.wake();
        }
    }
}

/// Ends the task when the runtime drops the one that would be woken for it.
struct EndOnDrop(Arc<Stepper>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}
