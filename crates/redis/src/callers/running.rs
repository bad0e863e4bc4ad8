//! How many stores of the process have not ended yet, for a process that wants to end after them.
//!
//! A store that nobody uses any more still has to end its session on the server: its task runs a little longer than
//! the [`Store`](crate::Store).

use std::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Duration,
};

static COUNT: Mutex<usize> = Mutex::new(0);
/// Notified when the count has become 0.
static NONE_LEFT: Condvar = Condvar::new();

fn count() -> MutexGuard<'static, usize> {
    COUNT.lock().expect("latchkey: an earlier fault left the count of stores unusable")
}

/// One that runs, until it is dropped.
pub(crate) struct Running(());

impl Running {
    pub fn start() -> Self {
        *count() += 1;
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut count = count();
        *count -= 1;
        if *count == 0 {
            NONE_LEFT.notify_all();
        }
    }
}

/// Returns once none runs any more, or after `limit`.
pub(crate) fn wait_for_none(limit: Duration) {
    let _ = NONE_LEFT.wait_timeout_while(count(), limit, |count| *count > 0);
}
