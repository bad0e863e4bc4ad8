//! Events on their way to another thread, and the wake-up that announces them.

use std::sync::atomic::Ordering;

use crate::{
    Event,
    sync::{AtomicBool, Mutex, MutexGuard},
};

/// One event for a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number by which the reader knows the space.
    pub address: u32,
    /// What happened.
    pub event: Event,
}

/// Messages for one reader, put by any thread and taken all at once.
///
/// Invariant: while there are messages, the reader is on its way to them: either exactly one wake-up is under way, asked for
/// by the `put` that answered true and not yet answered by a `take`, or the reader has said by `poll` that it comes by
/// itself. `has_messages` is changed under the mutex, and true exactly while there are messages.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
    has_messages: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    messages: Vec<Message>,
    /// Whether a wake-up would be one too many.
    is_expected: bool,
}

impl Inbox {
    /// Adds a message. True if the reader has to be woken: since its last [`take`](Self::take), nobody has asked for
    /// that, and the reader has not said that it comes by itself.
    #[must_use = "a message that nobody is woken for is never read"]
    pub fn put(&self, message: Message) -> bool {
        let mut state = self.lock();
        state.messages.push(message);
        // Relaxed, as everywhere here: who reads the messages takes the mutex. Pairs with the load in `is_empty`, which what
        // its caller has seen orders after this.
        self.has_messages.store(true, Ordering::Relaxed);
        !std::mem::replace(&mut state.is_expected, true)
    }

    /// True if there are no messages. One that was put before something that the caller has seen since, such as what that
    /// `put`'s thread did next under another mutex, is always noticed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.has_messages.load(Ordering::Relaxed)
    }

    /// True if there are messages. The reader says with it that it will [`take`](Self::take) soon, whatever comes: until
    /// then nobody needs to wake it.
    pub fn poll(&self) -> bool {
        let mut state = self.lock();
        state.is_expected = true;
        !state.messages.is_empty()
    }

    /// All messages, in the order in which they were put.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        let mut state = self.lock();
        state.is_expected = false;
        self.has_messages.store(false, Ordering::Relaxed);
        std::mem::take(&mut state.messages)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("latchkey: an earlier fault left an inbox unusable")
    }
}
