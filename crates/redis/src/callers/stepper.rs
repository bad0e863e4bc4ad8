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

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            atomic::AtomicUsize,
            mpsc::{Receiver, RecvTimeoutError, Sender, channel},
        },
        thread,
        time::Duration,
    };

    use futures_util::FutureExt;
    use tokio::{
        runtime::{Builder, Runtime},
        time::{interval, sleep},
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn runtime() -> Runtime {
        Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    /// A task on a runtime, and what is disconnected when the runtime is done with it.
    fn start(
        runtime: &Runtime,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> (Arc<Stepper>, Receiver<()>) {
        let stepper = Stepper::new(task.boxed(), runtime.handle().clone());
        let background = stepper.clone().background();
        let (sender, ended) = channel();
        runtime.spawn(async move {
            let _until_then = sender;
            background.await;
        });
        (stepper, ended)
    }

    #[track_caller]
    fn await_end(ended: &Receiver<()>) {
        assert_eq!(ended.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    }

    /// Passes on what is left for it, up to the first `None`. The runtime's thread is kept busy with it, too.
    async fn pass_on<T>(mut left: Receiver<Option<T>>, to: Sender<T>) {
        let mut tick = interval(Duration::from_millis(1));
        loop {
            let left = &mut left;
            let next = poll_fn(move |_| left.try_recv().map_or(Poll::Pending, Poll::Ready));
            tokio::select! {
                item = next => match item {
                    Some(item) => to.send(item).unwrap(),
                    None => return,
                },
                _ = tick.tick() => {}
            }
        }
    }

    #[test]
    fn what_many_threads_leave_is_all_seen_in_the_order_of_each() {
        const THREADS: usize = 4;
        const EACH: usize = 500;
        let runtime = runtime();
        let ((sender, left), (to, seen)) = (channel(), channel());
        let (stepper, ended) = start(&runtime, pass_on(left, to));
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (sender, stepper) = (sender.clone(), stepper.clone());
                scope.spawn(move || {
                    for item in 0..EACH {
                        sender.send(Some((thread, item))).unwrap();
                        if item % 3 == 0 { stepper.wake_by_ref() } else { stepper.step() }
                    }
                });
            }
        });
        let mut next = [0; THREADS];
        for _ in 0..THREADS * EACH {
            let (thread, item) = seen.recv_timeout(PATIENCE).unwrap();
            assert_eq!(item, next[thread]);
            next[thread] += 1;
        }
        sender.send(None).unwrap();
        stepper.step();
        await_end(&ended);
    }

    /// As above, but with nothing else that would make good a wake-up that is lost.
    #[test]
    fn no_wake_up_is_lost() {
        let runtime = runtime();
        let ((sender, left), (to, seen)) = (channel(), channel());
        let task = poll_fn(move |_| {
            left.try_iter().for_each(|item| to.send(item).unwrap());
            Poll::Pending
        });
        let (stepper, _ended) = start(&runtime, task);
        for round in 0..200 {
            thread::scope(|scope| {
                for thread in 0..3 {
                    let (sender, stepper) = (sender.clone(), &stepper);
                    scope.spawn(move || {
                        sender.send(()).unwrap();
                        if (round + thread) % 2 == 0 { stepper.wake_by_ref() } else { stepper.step() }
                    });
                }
            });
            for _ in 0..3 {
                seen.recv_timeout(PATIENCE).unwrap();
            }
        }
    }

    #[test]
    fn a_step_is_taken_on_the_callers_thread() {
        let runtime = runtime();
        let (to, seen) = channel();
        let stepper = Stepper::new(
            poll_fn(move |_| {
                to.send(thread::current().id()).unwrap();
                Poll::Pending
            })
            .boxed(),
            runtime.handle().clone(),
        );
        stepper.step();
        assert_eq!(seen.try_recv(), Ok(thread::current().id()));
        stepper.end();
    }

    #[test]
    fn a_task_that_goes_on_by_itself_does_not_keep_its_caller() {
        let runtime = runtime();
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = polls.clone();
        let (stepper, ended) = start(
            &runtime,
            poll_fn(move |context| {
                if counted.fetch_add(1, Ordering::Relaxed) == 1000 {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            }),
        );
        stepper.step();
        await_end(&ended);
        assert_eq!(polls.load(Ordering::Relaxed), 1001);
    }

    #[test]
    fn a_task_that_asks_for_a_step_of_itself_gets_it() {
        let runtime = runtime();
        let (to, own) = channel::<Arc<Stepper>>();
        let mut polls = 0;
        let (stepper, ended) = start(
            &runtime,
            poll_fn(move |_| {
                polls += 1;
                own.try_iter().for_each(|stepper| stepper.step());
                if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
            }),
        );
        to.send(stepper.clone()).unwrap();
        to.send(stepper.clone()).unwrap();
        stepper.step();
        stepper.step();
        await_end(&ended);
    }

    #[test]
    fn a_task_is_not_polled_after_its_end() {
        let runtime = runtime();
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = polls.clone();
        let (to, left) = channel();
        let task = poll_fn(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            left.try_recv().map_or(Poll::Pending, Poll::Ready)
        });
        let (stepper, ended) = start(&runtime, task);
        to.send(()).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| stepper.step()));
            }
        });
        await_end(&ended);
        let until_then = polls.load(Ordering::Relaxed);
        stepper.step();
        stepper.wake_by_ref();
        assert_eq!(polls.load(Ordering::Relaxed), until_then);
    }

    #[test]
    fn a_panic_in_a_step_ends_the_task_and_not_its_caller() {
        let runtime = runtime();
        let ((sender, left), guard) = (channel(), Arc::new(()));
        let kept = guard.clone();
        let task = poll_fn(move |_| {
            let _kept = &kept;
            left.try_recv().map_or(Poll::Pending, |()| panic!("the test's own"))
        });
        let (stepper, ended) = start(&runtime, task);
        sender.send(()).unwrap();
        stepper.step();
        await_end(&ended);
        assert_eq!(Arc::strong_count(&guard), 1);
        assert!(sender.send(()).is_err());
        stepper.step();
    }

    #[test]
    fn a_task_ends_with_its_runtime() {
        let (runtime, guard) = (runtime(), Arc::new(()));
        let kept = guard.clone();
        let (stepper, ended) = start(&runtime, async move {
            sleep(PATIENCE).await;
            drop(kept);
        });
        stepper.step();
        thread::scope(|scope| {
            scope.spawn(|| (0..1000).for_each(|_| stepper.step()));
            drop(runtime);
        });
        await_end(&ended);
        assert_eq!(Arc::strong_count(&guard), 1);
        stepper.step();
        // Nobody owns it any more, its wakers neither.
        assert_eq!(Arc::strong_count(&stepper), 1);
    }
}
