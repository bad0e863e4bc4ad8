//! Events on their way to another thread, and the wake-up that announces them.

use crate::{
    Event,
    sync::{Mutex, MutexGuard},
};

/// One event for a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The number by which the reader knows the space.
    pub address: u32,
    /// What happened.
    pub event: Event,
}

/// Letters for one reader, put by any thread and taken all at once.
///
/// Invariant: while there are letters, exactly one wake-up is under way: asked for by the `put` that
/// answered true, and not yet answered by a `take`.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    letters: Vec<Letter>,
    wake_asked_for: bool,
}

impl Inbox {
    /// Adds a letter. True if the reader has to be woken: nobody has asked for that since its last
    /// [`take`](Self::take).
    #[must_use = "a letter that nobody is woken for is never read"]
    pub fn put(&self, letter: Letter) -> bool {
        let mut state = self.lock();
        state.letters.push(letter);
        !std::mem::replace(&mut state.wake_asked_for, true)
    }

    /// True if there are no letters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().letters.is_empty()
    }

    /// All letters, in the order in which they were put.
    #[must_use]
    pub fn take(&self) -> Vec<Letter> {
        let mut state = self.lock();
        state.wake_asked_for = false;
        std::mem::take(&mut state.letters)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("latchkey: an earlier fault left an inbox unusable")
    }
}
