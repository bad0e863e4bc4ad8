//! A space of one thread: keys by numbers, holds that were granted outside, and requests that are left without a call.

use std::{collections::BTreeMap, time::Duration};

use latchkey_engine::{Ask, Grant, KeyName, KeySlot, LocalSpace, LockTable, Member, Mode, Patience};

use crate::model::{KeyModel, Kind, Model, Request, Wish, admit, take};

pub const MEMBER: Member = Member(7);

#[derive(Default)]
pub struct Local {
    space: LocalSpace,
    /// The numbers of the keys that have one.
    numbers: BTreeMap<u16, u32>,
    /// Which of the first numbers no key has. The last one is used first.
    free: Vec<u32>,
    /// Who holds a key without the engine's knowledge. Then it knows nobody else there, either.
    outside: BTreeMap<u16, Vec<Request>>,
    /// Those of the holders that nothing distinguishes, once the engine counts them, by tag.
    counted: Vec<u32>,
}

impl Kind for Local {
    fn locks(&self) -> &dyn LockTable {
        &self.space
    }

    fn keeps_idle(&self) -> usize {
        0
    }

    fn gives_deadlines_of_all(&self) -> bool {
        true
    }

    /// Asks or, if the request surely waits and it may be `posted`, posts of it.
    fn ask(model: &mut Model<Self>, key: u16, wish: Wish, posted: bool) {
        model.hand_over(key);
        let name = model.name(key);
        let ask = model.ask_for(wish, name);
        if posted && wish.patience == Patience::Forever && model.surely_waits(key, wish.mode) {
            let ticket = model.kind.space.append(&ask).expect("its key has a number");
            model.arrived(key, &ask, Some(ticket));
        } else {
            let outcome = model.kind.space.request(ask, &mut { model.now });
            model.answered(key, &ask, outcome);
        }
    }

    /// Ends a hold, wherever it is.
    fn release(model: &mut Model<Self>, tag: usize, unused: bool) {
        let (key, _) = model.asked[tag];
        let outside = model.kind.outside.get_mut(&key).and_then(|holders| take(holders, tag as u32));
        if outside.is_some() {
            return;
        }
        if model.kind.counted.contains(&(tag as u32)) {
            model.release_counted(key, tag);
        } else {
            model.release_ticket(tag, unused);
        }
    }

    fn downgrade(model: &mut Model<Self>, tag: usize) {
        let (key, _) = model.asked[tag];
        let mut outside = model.kind.outside.get_mut(&key).into_iter().flatten();
        match outside.find(|hold| hold.tag == tag as u32) {
            Some(hold) => hold.mode = Mode::Read,
            None => model.downgrade_ticket(tag),
        }
    }
}

impl Local {
    /// The key's number: as long as it is in use, always the same.
    fn name(&mut self, key: u16, keys: &BTreeMap<u16, KeyModel>) -> KeyName<'static> {
        if !self.numbers.contains_key(&key) {
            self.free_idle(keys);
            let number = self.free.pop().unwrap_or(self.numbers.len() as u32);
            self.numbers.insert(key, number);
        }
        KeyName::Slot(KeySlot { index: self.numbers[&key], generation: 0 })
    }

    /// Takes the numbers from the keys that are not in use.
    fn free_idle(&mut self, keys: &BTreeMap<u16, KeyModel>) {
        self.numbers.retain(|key, number| {
            let in_use = keys.get(key).is_some_and(KeyModel::is_remembered);
            self.free.extend((!in_use).then_some(*number));
            in_use
        });
    }
}

impl Model<Local> {
    /// To be called before each step.
    pub fn begin(&mut self) {
        // Whoever grants outside says how far the fences there have come.
        self.kind.space.raise_fences(self.last_fence);
    }

    fn name(&mut self, key: u16) -> KeyName<'static> {
        self.kind.name(key, &self.keys)
    }

    /// Whether nobody has to look at the clock for that: a hold that expires may be overdue, but does not count before
    /// somebody waits.
    fn surely_waits(&self, key: u16, mode: Mode) -> bool {
        let Some(state) = self.keys.get(&key) else { return false };
        let may_expire = state.holders.iter().any(|holder| holder.expiry.is_some());
        !state.waiters.is_empty() || (!may_expire && !state.could_hold(mode))
    }

    /// Grants a key without the engine, if the engine does not know it and its holders there admit that.
    pub fn grant_outside(&mut self, key: u16, mode: Mode, expiry: Option<Duration>, counted: bool) {
        let holders = self.kind.outside.entry(key).or_default();
        if self.keys.get(&key).is_some_and(KeyModel::is_remembered) || !admit(holders, mode) {
            return;
        }
        let tag = self.asked.len() as u32;
        self.asked.push((key, None));
        self.last_fence += 1;
        let grant = Some(Grant { fence: self.last_fence, recovered: false });
        // The engine knows nothing of one that it counts.
        let expiry = expiry.filter(|_| !counted);
        holders.push(Request { tag, member: MEMBER, mode, expiry, since: self.now, limit: None, grant });
        self.kind.counted.extend(counted.then_some(tag));
    }

    /// Has the engine take in whoever holds the key outside.
    pub fn hand_over(&mut self, key: u16) {
        let outside = self.kind.outside.remove(&key).unwrap_or_default();
        let Some(first) = outside.first() else { return };
        let ask = Ask { mode: first.mode, ..self.ask_about(key) };
        let (counted, known): (Vec<_>, Vec<_>) =
            outside.into_iter().partition(|hold| self.kind.counted.contains(&hold.tag));
        if !counted.is_empty() {
            self.kind.space.adopt_counted(&ask, counted.len() as u32);
        }
        for Request { tag, expiry, since, .. } in &known {
            let ask = Ask { tag: *tag, expiry: *expiry, ..ask };
            let ticket = self.kind.space.adopt(&ask, *since).expect("its key has a number");
            self.asked[*tag as usize].1 = Some(ticket);
        }
        self.keys.entry(key).or_default().holders.extend(counted.into_iter().chain(known));
    }

    /// What names only a key.
    fn ask_about(&mut self, key: u16) -> Ask<'static> {
        let key = self.name(key);
        Ask { member: MEMBER, tag: 0, key, mode: Mode::Read, expiry: None, patience: Patience::Forever }
    }

    /// Checks: the engine ends one of those that it counts, if there is any.
    fn release_counted(&mut self, key: u16, tag: usize) {
        let Some(state) = self.keys.get(&key) else { return };
        let is_counted = |holder: &Request| self.kind.counted.contains(&holder.tag);
        let any = state.holders.iter().any(is_counted);
        let is_held = state.holders.iter().any(|holder| holder.tag == tag as u32);
        if any && !is_held {
            // To the engine this would be the end of another one.
            return;
        }
        let ask = self.ask_about(key);
        let outcome = self.kind.space.release_counted(&ask, &mut self.now);
        self.released(key, tag, false, outcome);
    }
}
