//! What the scripts have to do, said as simply as can be: lists that are searched from one end to the other.

use std::collections::{BTreeMap, BTreeSet};

use latchkey_engine::Mode;
use latchkey_redis::{
    names::{RequestId, SessionId},
    scripts::Purpose,
};

#[derive(Clone, Debug)]
pub struct Request {
    pub id: RequestId,
    pub mode: Mode,
    /// Whether the hold is older than its expiry.
    pub overdue: bool,
}

#[derive(Debug, Default)]
pub struct Lock {
    pub holders: Vec<Request>,
    pub queue: Vec<Request>,
    pub recovered: bool,
}

/// What somebody has to be notified of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    Granted { id: RequestId, recovered: bool },
    Expired(RequestId),
}

#[derive(Debug, Default)]
pub struct Model {
    pub locks: BTreeMap<String, Lock>,
    pub dead: BTreeSet<SessionId>,
    pub expired: BTreeSet<RequestId>,
    /// Since they were last taken, in order.
    pub notices: Vec<Notice>,
}

impl Model {
    pub fn lock(&mut self, key: &str) -> &mut Lock {
        self.locks.entry(key.into()).or_default()
    }

    /// Asks. If it may not wait and is not granted, nothing is left of it.
    pub fn acquire(&mut self, key: &str, id: &RequestId, mode: Mode, waits: bool) {
        self.lock(key).queue.push(Request { id: id.clone(), mode, overdue: false });
        self.settle(key);
        if !waits {
            self.lock(key).queue.retain(|request| request.id != *id);
        }
    }

    /// Asks for several locks: for all if all are idle, else for the first one. Gives back whether they are.
    pub fn acquire_all(&mut self, keys: &[&str], ids: &[&RequestId], mode: Mode, waits: bool) -> bool {
        let all_idle = keys.iter().all(|key| self.is_idle(key));
        let asked = if all_idle { keys.len() } else { 1 };
        keys.iter().zip(ids).take(asked).for_each(|(key, id)| self.acquire(key, id, mode, waits));
        all_idle
    }

    pub fn is_idle(&mut self, key: &str) -> bool {
        let lock = self.lock(key);
        lock.holders.is_empty() && lock.queue.is_empty() && !lock.recovered
    }

    /// Ends a request. `None` if it has ended before, else whether it held.
    pub fn release(&mut self, key: &str, id: &RequestId, purpose: Purpose) -> Option<bool> {
        if self.end_hold(key, id, purpose) {
            self.settle(key);
            return Some(true);
        }
        let place = self.lock(key).queue.iter().position(|request| request.id == *id)?;
        self.lock(key).queue.remove(place);
        if place == 0 {
            self.settle(key);
        }
        Some(false)
    }

    pub fn downgrade(&mut self, key: &str, id: &RequestId) -> bool {
        let lock = self.lock(key);
        let Some(hold) = lock.holders.iter_mut().find(|hold| hold.id == *id) else { return false };
        if hold.mode == Mode::Write {
            hold.mode = Mode::Read;
            lock.recovered = false;
            self.settle(key);
        }
        self.holds(key, id)
    }

    /// Ends all that a dead session has, in the order in which the server lists it.
    pub fn clear(&mut self, session: &SessionId) {
        let mut owned: Vec<(String, RequestId)> = Vec::new();
        for (key, lock) in &self.locks {
            let requests = lock.holders.iter().chain(&lock.queue);
            let its = requests.filter(|request| request.id.session == *session);
            owned.extend(its.map(|request| (key.clone(), request.id.clone())));
        }
        owned.sort_by_key(|(_, id)| format!("{id}|"));
        for (key, id) in owned {
            if !self.end_hold(&key, &id, Purpose::Death) {
                self.lock(&key).queue.retain(|request| request.id != id);
            }
            self.settle(&key);
        }
        self.dead.remove(session);
    }

    pub fn holds(&self, key: &str, id: &RequestId) -> bool {
        self.locks.get(key).is_some_and(|lock| lock.holders.iter().any(|hold| hold.id == *id))
    }

    pub fn waits(&self, key: &str, id: &RequestId) -> bool {
        self.locks.get(key).is_some_and(|lock| lock.queue.iter().any(|request| request.id == *id))
    }

    pub fn settle(&mut self, key: &str) {
        while let Some(head) = self.lock(key).queue.first().cloned() {
            if self.dead.contains(&head.id.session) {
                self.lock(key).queue.remove(0);
                continue;
            }
            if !self.makes_room(key, head.mode) {
                return;
            }
            let lock = self.lock(key);
            let recovered = lock.recovered;
            let granted = lock.queue.remove(0);
            assert!(lock.holders.iter().all(|hold| hold.mode == Mode::Read && granted.mode == Mode::Read));
            self.notices.push(Notice::Granted { id: granted.id.clone(), recovered });
            self.lock(key).holders.push(granted);
        }
    }

    /// Whether the holders let one more in, once the overdue are gone, and those in the way who are dead.
    fn makes_room(&mut self, key: &str, mode: Mode) -> bool {
        let in_the_way = |hold: &Request| hold.mode == Mode::Write || mode == Mode::Write;
        let lock = self.lock(key);
        let is_overdue = lock.holders.iter().any(|hold| hold.overdue);
        let is_blocked = lock.holders.iter().any(in_the_way);
        if is_overdue || is_blocked {
            for hold in self.lock(key).holders.clone() {
                if self.dead.contains(&hold.id.session) {
                    self.end_hold(key, &hold.id, Purpose::Death);
                } else if hold.overdue {
                    self.end_hold(key, &hold.id, Purpose::Death);
                    self.expired.insert(hold.id.clone());
                    self.notices.push(Notice::Expired(hold.id));
                }
            }
        }
        !self.lock(key).holders.iter().any(in_the_way)
    }

    fn end_hold(&mut self, key: &str, id: &RequestId, purpose: Purpose) -> bool {
        let lock = self.lock(key);
        let Some(place) = lock.holders.iter().position(|hold| hold.id == *id) else { return false };
        if lock.holders.remove(place).mode == Mode::Write {
            lock.recovered = match purpose {
                Purpose::Normal => false,
                Purpose::Unused => lock.recovered,
                Purpose::Death => true,
            };
        }
        true
    }
}
