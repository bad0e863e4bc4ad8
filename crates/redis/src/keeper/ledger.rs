//! What the callers' threads and the keeper both look at: which requests still wait, how long holds are certain, what is
//! wrong, and whether there is much to do.
//!
//! A request leaves the list of those that wait exactly once. Whoever takes it out, the keeper with a grant or
//! a caller that changed its mind, decides what became of it; the other one finds it gone.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use latchkey_engine::{Safety, Ticket, Time};

use crate::{keeper::report::StoredBlockers, trouble::Trouble};

/// The number of an open space of a store.
pub(crate) type SpaceNumber = u32;

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
    /// Until when the session's holds are certain, in nanoseconds of [`clock`](crate::clock); 0: there is no session.
    trusted_until: AtomicU64,
    /// Until when the server grants nothing, likewise; 0: nobody knows of such a time.
    frozen_until: AtomicU64,
    /// Who kept those waiting that have timed out, until their callers ask; with their spaces.
    blockers: Mutex<HashMap<Number, (SpaceNumber, StoredBlockers)>>,
    /// When the holds that expire do, until they have ended.
    deadlines: Mutex<HashMap<Number, Time>>,
}

impl Ledger {
    /// A number for a request that begins to wait.
    pub fn enter(&self) -> Number {
        // Relaxed: only that each request gets another number matters.
        let number = Number(self.next.fetch_add(1, Ordering::Relaxed));
        self.waiting().insert(number);
        number
    }

    pub fn is_waiting(&self, number: Number) -> bool {
        self.waiting().contains(&number)
    }

    /// True if the request waited until now. It does not any more.
    pub fn take(&self, number: Number) -> bool {
        self.waiting().remove(&number)
    }

    /// The session's holds are certain until this time; `None`: it has ended. Its losses have been delivered before the next one's
    /// time is set.
    pub fn set_trusted_until(&self, time: Option<Time>) {
        // Release: whoever sees this time sees the events of all that was lost before; pairs with the Acquire in `safety_of`.
        self.trusted_until.store(time.map_or(0, Time::as_nanos), Ordering::Release);
    }

    /// Until when the server grants nothing, as far as is known; it may have come.
    pub fn frozen_until(&self) -> Time {
        // Relaxed, as in `set_frozen_until`: nothing else follows from it.
        Time::from_nanos(self.frozen_until.load(Ordering::Relaxed))
    }

    pub fn set_frozen_until(&self, time: Time) {
        self.frozen_until.store(time.as_nanos(), Ordering::Relaxed);
    }

    pub fn set_blockers(&self, number: Number, space: SpaceNumber, blockers: StoredBlockers) {
        self.blockers.lock().expect(FAULT).insert(number, (space, blockers));
    }

    /// Who kept a request waiting, to be asked once, when it has timed out.
    pub fn take_blockers(&self, number: Number) -> Option<StoredBlockers> {
        self.blockers.lock().expect(FAULT).remove(&number).map(|(_, blockers)| blockers)
    }

    /// Nobody is left in a space who could ask.
    pub fn drop_space(&self, space: SpaceNumber) {
        self.blockers.lock().expect(FAULT).retain(|_, (of, _)| *of != space);
    }

    pub fn set_deadline(&self, number: Number, deadline: Time) {
        self.deadlines.lock().expect(FAULT).insert(number, deadline);
    }

    pub fn unset_deadline(&self, number: Number) {
        self.deadlines.lock().expect(FAULT).remove(&number);
    }

    /// How long a hold is certain, if no event that has been delivered by now has ended it.
    pub fn safety_of(&self, number: Number, now: Time) -> Safety {
        // Acquire: pairs with the Release in `set_trusted_until`.
        let trusted_until = Time::from_nanos(self.trusted_until.load(Ordering::Acquire));
        if trusted_until <= now {
            return Safety::Over;
        }
        let deadline = self.deadlines.lock().expect(FAULT).get(&number).copied();
        Safety::For(now.until(deadline.map_or(trusted_until, |deadline| deadline.min(trusted_until))))
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
    fn a_hold_is_certain_until_the_lease_or_its_expiry_ends() {
        let ledger = Ledger::default();
        let (number, at) = (ledger.enter(), |nanos| Time::from_nanos(nanos));
        assert_eq!(ledger.safety_of(number, at(5)), Safety::Over, "there is no session");
        ledger.set_trusted_until(Some(at(100)));
        assert_eq!(ledger.safety_of(number, at(30)), Safety::For(at(30).until(at(100))));
        ledger.set_deadline(number, at(50));
        assert_eq!(ledger.safety_of(number, at(30)), Safety::For(at(30).until(at(50))));
        assert_eq!(
            ledger.safety_of(number, at(60)),
            Safety::For(at(0).until(at(0))),
            "overdue, and still held"
        );
        ledger.unset_deadline(number);
        assert_eq!(ledger.safety_of(number, at(99)), Safety::For(at(99).until(at(100))));
        assert_eq!(ledger.safety_of(number, at(100)), Safety::Over);
        ledger.set_trusted_until(None);
        assert_eq!(ledger.safety_of(number, at(30)), Safety::Over);
    }

    #[test]
    fn a_ticket_is_the_number_in_two_halves() {
        let number = Number(0x1_2345_6789_abcd);
        assert_eq!(Number::from(Ticket::from(number)), number);
    }
}
