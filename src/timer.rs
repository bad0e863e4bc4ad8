//! The thread that sleeps until a deadline comes, and wakes the port that waits for it.
//!
//! It starts when the first deadline is set and not before. It knows ports and times, no locks.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::{Arc, Mutex, MutexGuard, OnceLock, Weak},
    thread,
};

use latchkey_engine::{Port, Time};
use tokio::{runtime, sync::Notify, time};

use crate::{clock, waker::Waker};

/// When to wake whom.
///
/// Invariant: `times` and `ports` hold the same pairs of time and port.
#[derive(Default)]
struct Due {
    times: BTreeSet<(Time, Port)>,
    ports: HashMap<Port, (Time, Weak<Waker>)>,
}

struct Timer {
    due: Mutex<Due>,
    /// Fired when the earliest time has become earlier than the one the thread sleeps until.
    sooner: Notify,
}

static TIMER: OnceLock<Timer> = OnceLock::new();
/// Held while the thread is started, so that only one is.
static STARTING: Mutex<()> = Mutex::new(());

/// Has `waker` called at `time`. A port has one alarm: an earlier time replaces it, a later one does not,
/// since the port looks again for itself when it is woken.
pub fn wake_at(time: Time, port: Port, waker: &Arc<Waker>) -> io::Result<()> {
    let timer = started()?;
    let mut due = timer.due();
    if let Some((set, _)) = due.ports.get(&port) {
        if *set <= time {
            return Ok(());
        }
        let set = *set;
        due.times.remove(&(set, port));
    }
    due.times.insert((time, port));
    due.ports.insert(port, (time, Arc::downgrade(waker)));
    if due.times.first() == Some(&(time, port)) {
        timer.sooner.notify_one();
    }
    Ok(())
}

/// Forgets a port that has ended.
pub fn forget(port: Port) {
    if let Some(timer) = TIMER.get() {
        let mut due = timer.due();
        if let Some((time, _)) = due.ports.remove(&port) {
            due.times.remove(&(time, port));
        }
    }
}

/// True once the thread has been started.
pub fn is_started() -> bool {
    TIMER.get().is_some()
}

fn started() -> io::Result<&'static Timer> {
    if let Some(timer) = TIMER.get() {
        return Ok(timer);
    }
    let _one_at_a_time = STARTING.lock();
    if let Some(timer) = TIMER.get() {
        return Ok(timer);
    }
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    thread::Builder::new()
        .name("latchkey-timer".into())
        .spawn(move || runtime.block_on(async { TIMER.wait().run().await }))?;
    Ok(TIMER.get_or_init(|| Timer { due: Mutex::default(), sooner: Notify::new() }))
}

impl Timer {
    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().expect("latchkey: an earlier fault left the timer unusable")
    }

    async fn run(&self) {
        loop {
            let next = self.due().times.first().map(|&(time, _)| time);
            // `notify_one` leaves a permit when nobody waits, so a change between the look above and the
            // wait below is not missed.
            match next {
                None => self.sooner.notified().await,
                Some(next) => {
                    let instant = time::Instant::from_std(clock::instant_of(next));
                    let _ = time::timeout_at(instant, self.sooner.notified()).await;
                }
            }
            for waker in self.take_due(clock::now()) {
                waker.wake();
            }
        }
    }

    /// Takes out all alarms whose time has come.
    fn take_due(&self, now: Time) -> Vec<Arc<Waker>> {
        let mut due = self.due();
        let mut wakers = Vec::new();
        while let Some(&(time, port)) = due.times.first().filter(|alarm| alarm.0 <= now) {
            due.times.remove(&(time, port));
            let alarm = due.ports.remove(&port);
            wakers.extend(alarm.and_then(|(_, waker)| waker.upgrade()));
        }
        wakers
    }
}
