//! All requests of a process in one store, and what has to be found quickly among them: who waits for a lock, and when
//! something has to be done for which of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Index,
};

use latchkey_engine::Time;

use super::{Phase, Request};
use crate::{
    keeper::{
        ledger::Number,
        request::alarms::{Alarm, Alarms},
    },
    scripts::names::LockName,
};

/// Invariant: what stands here beside the requests agrees with them, each time a method returns:
///
/// - `queues` has a request, under its lock, exactly while it waits; no queue is empty.
/// - `alarms` has a request's limit and its poke exactly where it has them; only one that waits does.
/// - `waits` counts those that wait.
///
/// So a request's phase and its alarms are changed by these methods only. One that waited never waits again.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    all: BTreeMap<Number, Request>,
    queues: HashMap<LockName, BTreeSet<Number>>,
    alarms: Alarms,
    waits: usize,
}

impl Requests {
    /// Takes in a request that begins to wait.
    pub fn insert(&mut self, number: Number, request: Request) {
        self.queues.entry(request.lock.clone()).or_default().insert(number);
        self.waits += 1;
        self.all.insert(number, request);
    }

    pub fn remove(&mut self, number: &Number) -> Option<Request> {
        self.unset_alarms(number);
        let request = self.all.remove(number)?;
        if request.is_waiting() {
            self.unqueue(&request.lock, number);
        }
        Some(request)
    }

    pub fn set_phase(&mut self, number: Number, phase: Phase) {
        let Some(request) = self.all.get_mut(&number) else { return };
        let was_waiting = request.is_waiting();
        request.phase = phase;
        if was_waiting && !request.is_waiting() {
            let lock = request.lock.clone();
            self.unqueue(&lock, &number);
            self.unset_alarms(&number);
        }
    }

    /// Sets when a request that waits has waited long enough.
    pub fn set_limit(&mut self, number: Number, limit: Option<Time>) {
        let Some(request) = self.all.get_mut(&number).filter(|request| request.is_waiting()) else { return };
        self.alarms.replace(request.limit, limit, Alarm::Limit(number));
        request.limit = limit;
    }

    /// Sets when the lock of a request that waits has to be looked after.
    pub fn set_poke(&mut self, number: Number, time: Time) {
        let Some(request) = self.all.get_mut(&number).filter(|request| request.is_waiting()) else { return };
        self.alarms.replace(request.poke_at, Some(time), Alarm::Poke(number));
        request.poke_at = Some(time);
    }

    /// Takes out an alarm whose time has come.
    pub fn take_due(&mut self, now: Time) -> Option<Alarm> {
        let alarm = self.alarms.take_due(now)?;
        let (Alarm::Limit(number) | Alarm::Poke(number)) = alarm;
        if let Some(request) = self.all.get_mut(&number) {
            let time = if alarm == Alarm::Limit(number) { &mut request.limit } else { &mut request.poke_at };
            *time = None;
        }
        Some(alarm)
    }

    /// When the next alarm rings.
    pub fn next_alarm(&self) -> Option<Time> {
        self.alarms.next()
    }

    /// The connection has ended: the next one's server says anew when to poke.
    pub fn start_over(&mut self) {
        for (&number, request) in &mut self.all {
            self.alarms.replace(request.poke_at.take(), None, Alarm::Poke(number));
            request.start_over();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn get(&self, number: &Number) -> Option<&Request> {
        self.all.get(number)
    }

    pub fn get_mut(&mut self, number: &Number) -> Option<&mut Request> {
        self.all.get_mut(number)
    }

    pub fn numbers(&self) -> impl Iterator<Item = Number> {
        self.all.keys().copied()
    }

    pub fn values(&self) -> impl Iterator<Item = &Request> {
        self.all.values()
    }

    /// Whether the server may have heard of one of them.
    pub fn is_any_sent(&self) -> bool {
        self.all.values().any(|request| request.is_sent)
    }

    /// Whether one of them is over when the session's holds are not certain any more: one that does not wait.
    pub fn need_trust(&self) -> bool {
        self.waits < self.all.len()
    }

    pub fn is_any_waiting(&self) -> bool {
        self.waits > 0
    }

    /// All that wait.
    pub fn waiting(&self) -> impl Iterator<Item = Number> {
        self.queues.values().flatten().copied()
    }

    /// The first of those that wait for a lock.
    pub fn first(&self, lock: &LockName) -> Option<Number> {
        self.queues.get(lock)?.first().copied()
    }

    /// Those for a lock that have not been sent, which are the last ones, up to the last one of them that is not willing to wait.
    pub fn unsent_to_last_try(&self, lock: &LockName) -> Vec<Number> {
        let queue = self.queues.get(lock).into_iter().flatten().rev().copied();
        let unsent = queue.take_while(|number| !self.all[number].is_sent);
        let mut all: Vec<_> = unsent.skip_while(|number| self.all[number].asked.is_patient()).collect();
        all.reverse();
        all
    }

    /// The first one that waits for each lock.
    pub fn firsts(&self) -> impl Iterator<Item = Number> {
        self.queues.values().filter_map(|queue| queue.first().copied())
    }

    /// One that waited does not any more.
    fn unqueue(&mut self, lock: &LockName, number: &Number) {
        self.waits -= 1;
        let Some(queue) = self.queues.get_mut(lock) else { return };
        queue.remove(number);
        if queue.is_empty() {
            self.queues.remove(lock);
        }
    }

    fn unset_alarms(&mut self, number: &Number) {
        let Some(request) = self.all.get_mut(number) else { return };
        self.alarms.replace(request.limit.take(), None, Alarm::Limit(*number));
        self.alarms.replace(request.poke_at.take(), None, Alarm::Poke(*number));
    }
}

impl Index<&Number> for Requests {
    type Output = Request;

    fn index(&self, number: &Number) -> &Request {
        &self.all[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keeper::request::tests::request, scripts::Purpose};

    const LEAVING: Phase = Phase::Leaving { purpose: Purpose::Unused, owed: 0 };

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    fn two() -> (Requests, LockName) {
        let mut requests = Requests::default();
        for number in [1, 2] {
            requests.insert(Number(number), request(number));
        }
        let lock = requests[&Number(1)].lock.clone();
        (requests, lock)
    }

    #[test]
    fn one_is_queued_exactly_while_it_waits() {
        let (mut requests, lock) = two();
        assert_eq!(requests.first(&lock), Some(Number(1)));
        requests.set_phase(Number(1), Phase::Waiting { ticket: 7 });
        assert_eq!(requests.first(&lock), Some(Number(1)));
        requests.set_phase(Number(1), LEAVING);
        assert_eq!(requests.waiting().collect::<Vec<_>>(), [Number(2)]);
        requests.remove(&Number(2));
        assert!(!requests.is_any_waiting() && requests.first(&lock).is_none());
    }

    #[test]
    fn trust_is_needed_by_all_that_do_not_wait() {
        let (mut requests, _) = two();
        assert!(!requests.need_trust());
        requests.set_phase(Number(2), LEAVING);
        assert!(requests.need_trust());
        requests.remove(&Number(2));
        assert!(!requests.need_trust());
    }

    #[test]
    fn an_alarm_rings_once_and_for_one_that_waits_only() {
        let (mut requests, _) = two();
        requests.set_limit(Number(1), Some(at(5)));
        requests.set_poke(Number(1), at(9));
        requests.set_poke(Number(1), at(3));
        assert_eq!(requests.take_due(at(3)), Some(Alarm::Poke(Number(1))));
        assert_eq!((requests.take_due(at(3)), requests.next_alarm()), (None, Some(at(5))));
        requests.set_phase(Number(1), LEAVING);
        requests.set_limit(Number(1), Some(at(5)));
        assert_eq!(requests.next_alarm(), None);
        requests.set_poke(Number(2), at(1));
        requests.set_limit(Number(2), Some(at(2)));
        requests.start_over();
        assert_eq!(requests.next_alarm(), Some(at(2)));
        requests.remove(&Number(2));
        assert_eq!(requests.next_alarm(), None);
    }
}
