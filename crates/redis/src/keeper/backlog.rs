//! The requests about which the server is to be asked something, while there is no room for it.

use std::collections::VecDeque;

use crate::keeper::{ledger::Number, request::Need};

/// Two lanes, each in the order of arrival: whoever asks for a lock goes behind all that makes one free, or keeps one. So
/// nobody's hand-over waits until this process has asked for all that it wants. But one that is not willing to wait for its lock goes,
/// with those that asked for this lock before it, before what makes it free later on: it finds it as it was when it was asked for.
///
/// A number may be here twice, or have nothing left to say: whoever takes it out looks at the request.
#[derive(Default)]
pub(super) struct Backlog {
    holds: VecDeque<Number>,
    acquires: VecDeque<Number>,
}

impl Backlog {
    pub fn is_empty(&self) -> bool {
        self.holds.is_empty() && self.acquires.is_empty()
    }

    pub fn push(&mut self, number: Number, need: Need) {
        let lane = if need == Need::Acquire { &mut self.acquires } else { &mut self.holds };
        lane.push_back(number);
    }

    pub fn has_acquires(&self) -> bool {
        !self.acquires.is_empty()
    }

    /// Has a request for a lock go before what makes locks free from now on.
    pub fn push_before_holds(&mut self, number: Number) {
        self.holds.push_back(number);
    }

    pub fn pop(&mut self) -> Option<Number> {
        self.holds.pop_front().or_else(|| self.acquires.pop_front())
    }

    /// The next one, if it is such a one.
    pub fn pop_if(&mut self, is_wanted: impl Fn(Number) -> bool) -> Option<Number> {
        let next = self.holds.front().or_else(|| self.acquires.front());
        next.filter(|&&number| is_wanted(number))?;
        self.pop()
    }

    pub fn clear(&mut self) {
        self.holds.clear();
        self.acquires.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_locks_free_goes_first_and_each_lane_keeps_its_order() {
        let mut backlog = Backlog::default();
        let needs = [Need::Acquire, Need::Release, Need::Acquire, Need::Downgrade, Need::Reclaim];
        for (number, need) in needs.into_iter().enumerate() {
            backlog.push(Number(number as u64), need);
        }
        let order: Vec<_> = std::iter::from_fn(|| backlog.pop()).map(|Number(number)| number).collect();
        assert_eq!(order, [1, 3, 4, 0, 2]);
    }
}
