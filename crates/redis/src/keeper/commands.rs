//! What is done for each command that a caller has left.

use latchkey_engine::{Patience, Time};

use super::{Keeper, OpenSpace};
use crate::{
    keeper::{
        command::{Asked, Command},
        ledger::Number,
        request::{Need, Phase, Request},
    },
    scripts::{Purpose, names::LockName},
};

impl Keeper {
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Open { space, name, deliver } => {
                self.spaces.insert(space, OpenSpace { name, deliver });
            }
            Command::Watch { space, thread, watch } => self.watchers.add(space, thread, watch),
            Command::Request { asked, others } => self.request(asked, others),
            Command::Cancel(number) => self.cancel(number),
            Command::Release { number, unused } => self.release(number, unused),
            Command::Downgrade(number) => self.downgrade(number),
            Command::Detach { space, member } => {
                self.detach(|asked| asked.space == space && asked.member == member)
            }
            Command::Query { space, responder } => self.query(space, responder),
            Command::Ready { space, responder } => self.ready(space, responder),
            Command::Drop(space) => {
                self.detach(|asked| asked.space == space);
                self.queries.drop_space(space);
                self.watchers.drop_space(space);
                self.ledger.drop_space(space);
                self.spaces.remove(&space);
            }
            Command::Leave => self.has_callers = false,
            Command::Shutdown => self.is_shut_down = true,
        }
    }

    fn request(&mut self, asked: Asked, others: Vec<Asked>) {
        let number = asked.number;
        if let Some(request) = self.enter(asked) {
            request.others = others;
            self.advance(number);
        }
    }

    /// Takes a request in. `None` if its space is gone.
    pub(super) fn enter(&mut self, asked: Asked) -> Option<&mut Request> {
        let space = self.spaces.get(&asked.space)?;
        let number = asked.number;
        let lock = LockName::new(space.name.as_units(), asked.key.as_units());
        let limit = self.limit(&asked);
        self.requests.insert(number, Request::new(asked, lock));
        self.requests.set_limit(number, limit);
        self.requests.get_mut(&number)
    }

    /// When a request has waited long enough. One that meets no server at all does not wait for ever: the
    /// address may be wrong.
    fn limit(&self, asked: &Asked) -> Option<Time> {
        let contact = asked.at.after(self.config.options().connect_timeout);
        let own = self.own_limit(asked);
        if self.known_run.is_some() { own } else { Some(own.map_or(contact, |own| own.min(contact))) }
    }

    pub(super) fn own_limit(&self, asked: &Asked) -> Option<Time> {
        match asked.patience {
            Patience::Forever => None,
            Patience::For(wait) if asked.is_patient() => Some(asked.at.after(wait)),
            Patience::For(_) | Patience::None => Some(asked.at.after(self.config.options().command_timeout)),
        }
    }

    fn cancel(&mut self, number: Number) {
        // Whatever was delivered of it before the caller took it from the ledger, it was not a grant.
        if self.requests.get(&number).is_some_and(Request::is_waiting) {
            self.leave(number, Purpose::Unused, 0);
        }
    }

    fn release(&mut self, number: Number, unused: bool) {
        // Gone: then its `Expired` or `Lost` is on its way to the caller.
        let Some(request) = self.requests.get(&number) else { return };
        let Phase::Holding { downgrades, .. } = request.phase() else { return };
        let purpose = if unused { Purpose::Unused } else { Purpose::Normal };
        self.leave(number, purpose, downgrades.saturating_add(1));
    }

    fn downgrade(&mut self, number: Number) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        if !request.owe_downgrade() {
            return;
        }
        // A hold that has to be said again first is downgraded when it is known to be there.
        if request.need.is_none() {
            request.need = Some(Need::Downgrade);
        }
        self.advance(number);
    }

    /// Ends the requests of callers that are gone.
    fn detach(&mut self, is_gone: impl Fn(&Asked) -> bool) {
        let numbers: Vec<_> = self
            .requests
            .values()
            .map(|request| &request.asked)
            .filter(|asked| is_gone(asked))
            .map(|a| a.number)
            .collect();
        for number in numbers {
            match self.requests[&number].phase() {
                Phase::Waiting { .. } => {
                    self.ledger.take(number);
                    self.leave(number, Purpose::Unused, 0);
                }
                Phase::Holding { .. } => self.leave(number, Purpose::Death, 0),
                Phase::Leaving { purpose, .. } => {
                    self.requests.set_phase(number, Phase::Leaving { purpose, owed: 0 })
                }
            }
        }
    }
}
