//! Sleeps, in the background, until a deadline comes, and rings the alarm of whoever waits for it.
//!
//! It starts when the first alarm is set and not before. It knows alarms and times, no locks.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use latchkey_engine::Time;
use tokio::{sync::Notify, time};

use crate::{process::background, process::clock};

/// Somebody who has something to do at a certain time.
pub trait Alarm: Send + Sync + 'static {
    /// Called in the background, once for each time that was set.
    fn ring(self: Arc<Self>);
}

/// The owner's number of an alarm, of those that [`new_number`] gave out.
pub type AlarmNumber = u64;

/// A number that nobody else has.
pub fn new_number() -> AlarmNumber {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Relaxed: only that each owner gets another number matters.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// When to ring which alarm.
///
/// Invariant: `times` and `alarms` hold the same pairs of time and number.
#[derive(Default)]
struct Due {
    times: BTreeSet<(Time, AlarmNumber)>,
    alarms: HashMap<AlarmNumber, (Time, Weak<dyn Alarm>)>,
}

struct Timer {
    due: Mutex<Due>,
    /// Fired when the earliest time has become earlier than the one it sleeps until.
    sooner: Notify,
}

static TIMER: OnceLock<Timer> = OnceLock::new();

/// Sets an alarm. Each owner has one: an earlier time replaces it, a later one does not, since its owner
/// looks for itself what comes next when it rings. An alarm that is no longer needed is left to ring, as long as its
/// owner lives: once in vain costs less than taking it back each time.
///
/// Fails if the system refuses the background its thread.
pub fn ring_at(time: Time, number: AlarmNumber, alarm: &Arc<impl Alarm>) -> io::Result<()> {
    let timer = started()?;
    let mut due = timer.due();
    if let Some(&(set, _)) = due.alarms.get(&number) {
        if set <= time {
            return Ok(());
        }
        due.times.remove(&(set, number));
    }
    due.times.insert((time, number));
    due.alarms.insert(number, (time, Arc::downgrade(alarm) as Weak<dyn Alarm>));
    if due.times.first() == Some(&(time, number)) {
        timer.sooner.notify_one();
    }
    Ok(())
}

/// The owner ends: takes back its alarm, if one is set.
pub fn forget(number: AlarmNumber) {
    if let Some(timer) = TIMER.get() {
        let mut due = timer.due();
        if let Some((time, _)) = due.alarms.remove(&number) {
            due.times.remove(&(time, number));
        }
    }
}

/// True once an alarm has been set.
pub fn is_started() -> bool {
    TIMER.get().is_some()
}

fn started() -> io::Result<&'static Timer> {
    if let Some(timer) = TIMER.get() {
        return Ok(timer);
    }
    let background = background::handle()?;
    Ok(TIMER.get_or_init(|| {
        background.spawn(async { TIMER.wait().run().await });
        Timer { due: Mutex::default(), sooner: Notify::new() }
    }))
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
            for alarm in self.take_due(clock::now()) {
                // A fault in one space must not stop the clock of all others. Those who use it learn of it:
                // its table is unusable from now on, and says so.
                let _ = catch_unwind(AssertUnwindSafe(|| alarm.ring()));
            }
        }
    }

    /// Takes out all alarms whose time has come.
    fn take_due(&self, now: Time) -> Vec<Arc<dyn Alarm>> {
        let mut due = self.due();
        let mut ringing = Vec::new();
        while let Some(&(time, number)) = due.times.first().filter(|alarm| alarm.0 <= now) {
            due.times.remove(&(time, number));
            let alarm = due.alarms.remove(&number);
            ringing.extend(alarm.and_then(|(_, alarm)| alarm.upgrade()));
        }
        ringing
    }
}
