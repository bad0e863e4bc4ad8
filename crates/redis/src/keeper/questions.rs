//! What the server is asked.

use std::time::Duration;

use latchkey_engine::Time;
use redis::RedisResult;

use super::Keeper;
use crate::{
    clock,
    keeper::{
        command::Asked,
        ledger::Number,
        report::Survey,
        request::{Need, Phase, Request},
    },
    scripts::{
        Acquired, Beat, Clearing, Downgraded, LockReport, Owner, PAGE, Purpose, Reclaimed, Released, Waiting,
        names::RequestId,
    },
};

/// About how many requests there may be questions on their way. More would make a beat wait too long behind them.
const WINDOW: usize = 256;

/// How many acquires or releases are one question at most. More would gain little, and make others wait behind it.
const MOST_AT_ONCE: usize = 64;

/// The number of a query of a store.
pub(super) type QueryNumber = u64;

/// A reply, with what it is the reply to.
pub(super) enum Reply {
    Acquired(Vec<Number>, RedisResult<Vec<Acquired>>),
    Released(Vec<Number>, RedisResult<Vec<Released>>),
    Downgraded(Number, RedisResult<Downgraded>),
    Reclaimed(Number, RedisResult<Option<Reclaimed>>),
    Poked(Number, RedisResult<Option<Duration>>),
    Beat(Time, RedisResult<Beat>),
    /// The clearing of a dead session is one step further, or over.
    Cleared(Clearing, RedisResult<Option<bool>>),
    /// A page of what the server believes this session to have.
    Swept(RedisResult<Vec<Owner>>),
    /// Requests that this process does not know have been released.
    Disowned(RedisResult<Vec<Released>>),
    /// Who holds the lock of a request whose time is over, and how many wait before it.
    Blockers(Number, RedisResult<(LockReport, Option<u64>)>),
    /// A caller's query is one step further.
    Surveyed(QueryNumber, RedisResult<Survey>),
}

impl Reply {
    /// About how many requests it is.
    pub fn requests(&self) -> usize {
        match self {
            Self::Acquired(numbers, _) | Self::Released(numbers, _) => numbers.len(),
            _ => 1,
        }
    }
}

impl Keeper {
    /// Asks the server what a request needs next, at the end of this turn, with others that may go with it, or as soon as there is
    /// room for it.
    pub(super) fn advance(&mut self, number: Number) {
        let (Some(request), Some(_)) = (self.requests.get(&number), self.connection.up()) else { return };
        let Some(need) = request.need.filter(|&need| request.may_ask(need)) else { return };
        if need != Need::Acquire && self.backlog.has_acquires() {
            // Those that are not willing to wait for its lock go before what is asked about it from now on, and so do those before them.
            let before = self.requests.unsent_to_last_try(&request.lock);
            before.into_iter().for_each(|number| self.backlog.push_before_holds(number));
        }
        self.backlog.push(number, need);
    }

    /// Whether a question can be sent at once.
    pub(super) fn has_room(&mut self) -> bool {
        self.backlog.is_empty() && self.is_window_open()
    }

    fn is_window_open(&mut self) -> bool {
        self.connection.up().is_some_and(|up| up.under_way() < WINDOW)
    }

    /// Sends what had to wait until there was room for it.
    pub(super) fn send_backlog(&mut self) {
        while self.is_window_open() {
            let Some(number) = self.backlog.pop() else { return };
            match self.requests.get(&number).and_then(Request::to_release) {
                Some(purpose) => self.send_releases(number, purpose),
                None => self.send(number),
            }
        }
    }

    /// Sends a release, and those of the same purpose that stand right behind it, as one question.
    fn send_releases(&mut self, first: Number, purpose: Purpose) {
        let (mut numbers, mut released) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(number) = next {
            let Some(request) = self.requests.get_mut(&number) else { break };
            request.need = None;
            numbers.push(number);
            released.push(Owner { id: request.id(&self.session.id), lock: request.lock.clone() });
            let goes_along = |number| {
                let request = self.requests.get(&number);
                request.and_then(Request::to_release) == Some(purpose)
            };
            next = if numbers.len() < MOST_AT_ONCE { self.backlog.pop_if(goes_along) } else { None };
        }
        let Some(up) = self.connection.up() else { return };
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        up.ask_about(numbers.len(), async move {
            Reply::Released(numbers, link.release(&mut commands, &released, purpose).await)
        });
    }

    fn send(&mut self, number: Number) {
        let (Some(request), Some(up)) = (self.requests.get_mut(&number), self.connection.up()) else {
            return;
        };
        if request.need == Some(Need::Acquire) && request.is_waiting() {
            return self.send_acquire(number);
        }
        let Some(need) = request.need.take() else { return };
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        let asked = request.describe(&self.session.id);
        match (need, request.phase()) {
            (Need::Reclaim, Phase::Holding { grant, since, downgrades }) => {
                let left = request.expiry_left(since, clock::now());
                if downgrades > 0 {
                    // As far as the server knows, it is not downgraded.
                    request.need = Some(Need::Downgrade);
                }
                up.ask(async move {
                    Reply::Reclaimed(number, link.reclaim(&mut commands, &asked, grant, left).await)
                });
                self.advance(number);
            }
            (Need::Downgrade, Phase::Holding { .. }) => up.ask(async move {
                Reply::Downgraded(number, link.downgrade(&mut commands, &asked.id, &asked.lock).await)
            }),
            // The phase has changed since, and brings its own need with it.
            _ => {}
        }
    }

    /// Asks for a lock, and for others: those that are asked for along with it, or those that stand right behind it and are asked for in
    /// the same way.
    fn send_acquire(&mut self, number: Number) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        let mut numbers = vec![number];
        let others = std::mem::take(&mut request.others);
        let mut waiting = match request.ticket() {
            _ if !request.asked.is_patient() => Waiting::No,
            0 => Waiting::Yes,
            ticket => Waiting::Again(ticket),
        };
        if !others.is_empty() {
            numbers.extend(others.into_iter().filter_map(|other| self.enter_along(other)));
        } else if request.may_go_with_others() {
            self.add_alike(&mut numbers);
            waiting = if numbers.len() > 1 { Waiting::Each } else { waiting };
        }
        let mut all = Vec::with_capacity(numbers.len());
        for number in &numbers {
            let Some(request) = self.requests.get_mut(number) else { continue };
            request.need = None;
            request.is_asking = true;
            request.is_sent = true;
            all.push(request.describe(&self.session.id));
        }
        let Some(up) = self.connection.up() else { return };
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        up.ask_about(numbers.len(), async move {
            Reply::Acquired(numbers, link.acquire(&mut commands, &all, waiting).await)
        });
    }

    /// Takes in a request that goes along with another one. `None` if it has been withdrawn, or is about to be, or its space is gone.
    fn enter_along(&mut self, asked: Asked) -> Option<Number> {
        let number = asked.number;
        if !self.ledger.is_waiting(number) {
            return None;
        }
        self.enter(asked)?.is_along = true;
        Some(number)
    }

    /// Takes those out of the backlog that may be one question with the request that is in `numbers`, for other locks.
    fn add_alike(&mut self, numbers: &mut Vec<Number>) {
        while numbers.len() < MOST_AT_ONCE {
            let (requests, known) = (&self.requests, &*numbers);
            let goes_along = |number| {
                requests.get(&number).is_some_and(|request| {
                    request.is_like(&requests[&known[0]])
                        && known.iter().all(|other| requests[other].lock != request.lock)
                })
            };
            let Some(number) = self.backlog.pop_if(goes_along) else { return };
            numbers.push(number);
        }
    }

    /// Has the server look after a lock at whose head a request waits.
    pub(super) fn poke(&mut self, number: Number) {
        let (Some(request), Some(up)) = (self.requests.get(&number), self.connection.up()) else { return };
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        let lock = request.lock.clone();
        up.ask(async move { Reply::Poked(number, link.poke(&mut commands, &lock).await) });
    }

    /// Asks what the server believes this session to have. A server that took over from another one may have missed
    /// the last releases.
    pub(super) fn sweep(&mut self) {
        self.sweep_after(None);
    }

    fn sweep_after(&mut self, after: Option<RequestId>) {
        let session = self.session.id.clone();
        let Some(up) = self.connection.up() else { return };
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        up.ask(async move { Reply::Swept(link.list(&mut commands, Some(&session), after.as_ref()).await) });
    }

    /// One page of what the server believes this session to have: releases what this process does not know to have.
    pub(super) fn swept(&mut self, page: Vec<Owner>) {
        if let Some(last) = page.last().filter(|_| page.len() == PAGE) {
            self.sweep_after(Some(last.id.clone()));
        }
        let unknown: Vec<_> = page.into_iter().filter(|owner| self.number_of(&owner.id).is_none()).collect();
        let Some(up) = self.connection.up().filter(|_| !unknown.is_empty()) else { return };
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        up.ask(async move { Reply::Disowned(link.release(&mut commands, &unknown, Purpose::Unused).await) });
    }

    /// The request that has this id now.
    pub(super) fn number_of(&self, id: &RequestId) -> Option<Number> {
        let number = Number(id.number);
        let request = self.requests.get(&number)?;
        (request.id(&self.session.id) == *id).then_some(number)
    }
}
