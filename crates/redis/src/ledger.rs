//! What the callers' threads and the keeper both look at: which requests still wait, what is wrong, and whether there is
//! much to do.
//!
//! A request leaves the list of those that wait exactly once. Whoever takes it out, the keeper with a grant or
//! a caller that changed its mind, decides what became of it; the other one finds it gone.

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use latchkey_engine::Ticket;

use crate::trouble::Trouble;

/// The number of a request, in this process; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(pub u64);

impl From<Number> for Ticket {
    fn from(Number(number): Number) -> Self {
        Self { index: number as u32, generation: (number >> 32) as u32 }
    }
}

impl From<Ticket> for Number {
    fn from(ticket: Ticket) -> Self {
        Self(u64::from(ticket.generation) << 32 | u64::from(ticket.index))
    }
}

#[derive(Default)]
pub(crate) struct Ledger {
    next: AtomicU64,
    waiting: Mutex<HashSet<Number>>,
    trouble: Mutex<Option<Trouble>>,
    is_busy: AtomicBool,
}

impl Ledger {
    /// A number for a request that begins to wait.
    pub fn enter(&self) -> Number {
        // Relaxed: only that each request gets another number matters.
        let number = Number(self.next.fetch_add(1, Ordering::Relaxed));
        self.waiting().insert(number);
        number
    }

    /// True if the request waited until now. It does not any more.
    pub fn take(&self, number: Number) -> bool {
        self.waiting().remove(&number)
    }

    /// What is wrong with the store now, as far as is known.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().expect(FAULT).clone()
    }

    pub fn set_trouble(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().expect(FAULT) = trouble;
    }

    /// True while so many questions are under way that one more is better sent together with others.
    pub fn is_busy(&self) -> bool {
        // Relaxed, as in `set_busy`: only a hint.
        self.is_busy.load(Ordering::Relaxed)
    }

    pub fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, HashSet<Number>> {
        self.waiting.lock().expect(FAULT)
    }
}

const FAULT: &str = "latchkey: an earlier fault left what threads know of a store unusable";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_once() {
        let ledger = Ledger::default();
        let (first, second) = (ledger.enter(), ledger.enter());
        assert!(ledger.take(first));
        assert!(!ledger.take(first));
        assert!(ledger.take(second));
    }

    #[test]
    fn a_ticket_is_the_number_in_two_halves() {
        let number = Number(0x1_2345_6789_abcd);
        assert_eq!(Number::from(Ticket::from(number)), number);
    }
}
