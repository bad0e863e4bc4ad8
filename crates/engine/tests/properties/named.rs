//! A space that threads share: keys by their texts and by slots, members that leave, and reports.

use std::collections::BTreeMap;

use latchkey_engine::{KeyName, KeySlot, LockTable, Member, Mode, Patience, Released, Requested, Space};

use crate::model::{KeyModel, Kind, Model, Request, Wish};

/// The key whose name is so long that it is not remembered when nobody uses it. The others' are short.
const LONG: u16 = 2;

pub struct Named {
    space: Space,
    keeps_idle: usize,
    shards: u32,
    /// The slot that each key was last known to have.
    slots: BTreeMap<u16, KeySlot>,
}

impl Named {
    /// A space in each of whose shards so many idle keys are remembered.
    pub fn new(keep_idle: usize, shards: u32) -> Self {
        let space = Space::keeping(keep_idle, shards);
        Self { space, keeps_idle: keep_idle * shards as usize, shards, slots: BTreeMap::new() }
    }
}

impl Kind for Named {
    fn locks(&self) -> &dyn LockTable {
        &self.space
    }

    fn keeps_idle(&self) -> usize {
        self.keeps_idle
    }

    fn gives_deadlines_of_all(&self) -> bool {
        self.shards == 1
    }

    /// Checks: a slot names its key while that is in use, and no key once it is forgotten.
    fn ask(model: &mut Model<Self>, key: u16, wish: Wish, by_slot: bool) {
        if by_slot && let Some(&slot) = model.kind.slots.get(&key) {
            let in_use = model.keys.get(&key).is_some_and(|state| state.is_remembered());
            if model.ask_by_name(key, wish, KeyName::Slot(slot)) {
                let is_kept = model.kind.keeps_idle > 0 && key != LONG;
                assert!(in_use || is_kept, "the slot of a forgotten key");
                return;
            }
            assert!(!in_use, "a slot names its key while that is in use");
        }
        let units = vec![key; if key == LONG { 1000 } else { 1 }];
        assert!(model.ask_by_name(key, wish, KeyName::Units(&units)), "its units name any key");
    }
}

impl Model<Named> {
    /// False if the name is no key's any more.
    fn ask_by_name(&mut self, key: u16, wish: Wish, name: KeyName<'_>) -> bool {
        let ask = self.ask_for(wish, name);
        let outcome = self.kind.space.request(ask, &mut { self.now });
        if outcome.result == Requested::Forgotten {
            return false;
        }
        self.kind.slots.extend(outcome.slot.map(|slot| (key, slot)));
        self.answered(key, &ask, outcome);
        true
    }

    pub fn detach(&mut self, member: Member) {
        let outcome = self.kind.space.detach(member, &mut { self.now });
        for state in self.keys.values_mut() {
            state.recovered |= state.holders.iter().any(|h| h.member == member && h.mode == Mode::Write);
            state.holders.retain(|request| request.member != member);
            state.waiters.retain(|request| request.member != member);
        }
        self.hear(outcome);
    }

    /// Of the keys that are not in use not more are remembered than were to be. To look changes nothing but the fences.
    pub fn check_idle(&mut self) {
        let mut known = 0;
        for (key, &slot) in &self.kind.slots {
            if self.keys.get(key).is_some_and(KeyModel::is_remembered) {
                continue;
            }
            let wish = Wish { member: Member(0), mode: Mode::Read, expiry: None, patience: Patience::None };
            let ask = self.ask_for(wish, KeyName::Slot(slot));
            match self.kind.space.request(ask, &mut { self.now }).result {
                Requested::Granted(ticket, grant) => {
                    self.last_fence = grant.fence;
                    assert_ne!(self.kind.space.release(ticket, &mut { self.now }).result, Released::NotHeld);
                    known += 1;
                }
                other => assert_eq!(other, Requested::Forgotten),
            }
        }
        assert!(known <= self.kind.keeps_idle, "more idle keys are remembered than were to be");
    }

    /// What a query answers is who holds and who waits, in order.
    pub fn check_query(&self) {
        let reports = self.kind.space.query().into_iter();
        let mut reports: BTreeMap<u16, _> =
            reports.map(|report| (report.key.as_units()[0], report)).collect();
        for (key, state) in self.keys.iter().filter(|(_, state)| !state.holders.is_empty()) {
            let report = reports.remove(key).expect("a held key is reported");
            let known = |r: &Request| (r.member, r.mode, r.since, r.grant);
            let requests = report.requests.iter().map(|r| (r.member, r.mode, r.since, r.grant));
            assert_eq!(report.waiting as usize, state.waiters.len());
            assert!(
                requests.eq(state.holders.iter().chain(&state.waiters).map(known)),
                "{:?}, not {state:?}",
                report.requests
            );
        }
        assert!(reports.is_empty(), "reported though nobody holds: {reports:?}");
    }
}
