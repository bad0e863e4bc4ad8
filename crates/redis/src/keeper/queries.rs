//! What callers want to know of a space: who holds and who waits, or when the server grants something.
//!
//! A query waits for a connection until its limit, and then for as long as the server keeps answering. If the connection
//! ends before the answer is complete, the next one begins it anew: a report within the same limit.

use std::collections::HashMap;

use latchkey_engine::Time;
use redis::RedisResult;

use super::Keeper;
use crate::{
    clock,
    keeper::{
        command::Responder,
        ledger::SpaceNumber,
        questions::{QueryNumber, Reply},
        report::{StoredKey, Survey},
    },
    trouble::{Reason, StoreError, Trouble},
};

#[derive(Default)]
pub(super) struct Queries {
    next: QueryNumber,
    all: HashMap<QueryNumber, Query>,
}

struct Query {
    space: SpaceNumber,
    wanted: Wanted,
    /// Until when it waits for a connection.
    limit: Time,
    /// True while the server works on it.
    is_sent: bool,
}

/// What is to be answered.
enum Wanted {
    Report(Responder<Vec<StoredKey>>),
    /// That the server grants. The beats say whether it does.
    Ready(Responder<()>),
}

impl Query {
    fn is_for_ready(&self) -> bool {
        matches!(self.wanted, Wanted::Ready(_))
    }

    /// Nobody may be left who wants to know.
    fn fail(self, error: StoreError) {
        match self.wanted {
            Wanted::Report(responder) => _ = responder.send(Err(error)),
            Wanted::Ready(responder) => _ = responder.send(Err(error)),
        }
    }
}

impl Queries {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The earliest limit of those that wait for a connection.
    pub fn next_limit(&self) -> Option<Time> {
        self.all.values().filter(|query| !query.is_sent).map(|query| query.limit).min()
    }

    /// Nobody is left in a space who wants to know.
    pub fn drop_space(&mut self, space: SpaceNumber) {
        self.all.retain(|_, query| query.space != space);
    }

    /// Whether somebody waits until the server grants.
    pub fn want_ready(&self) -> bool {
        self.all.values().any(Query::is_for_ready)
    }

    /// The connection has ended. Who waits until the server grants may have done so for long: the limit of those is this one.
    pub fn start_over(&mut self, limit: Time) {
        for query in self.all.values_mut().filter(|query| query.is_sent) {
            query.is_sent = false;
            if query.is_for_ready() {
                query.limit = limit;
            }
        }
    }
}

impl Keeper {
    pub(super) fn query(&mut self, space: SpaceNumber, responder: Responder<Vec<StoredKey>>) {
        self.enter_query(space, Wanted::Report(responder));
    }

    pub(super) fn ready(&mut self, space: SpaceNumber, responder: Responder<()>) {
        self.enter_query(space, Wanted::Ready(responder));
    }

    fn enter_query(&mut self, space: SpaceNumber, wanted: Wanted) {
        let limit = self.query_limit();
        self.queries.all.insert(self.queries.next, Query { space, wanted, limit, is_sent: false });
        self.queries.next += 1;
        // Behind what was asked for before it.
        self.send_backlog();
        self.send_queries();
    }

    /// Until when a query that begins now waits for a connection.
    pub(super) fn query_limit(&self) -> Time {
        clock::now().after(self.config.options().connect_timeout)
    }

    /// Sends the queries that wait for a connection, if there is one.
    pub(super) fn send_queries(&mut self) {
        if self.connection.up().is_none() {
            return;
        }
        let mut surveys = Vec::new();
        for (&number, query) in &mut self.queries.all {
            let is_new = !std::mem::replace(&mut query.is_sent, true);
            if let Some(space) = self.spaces.get(&query.space).filter(|_| is_new && !query.is_for_ready()) {
                surveys.push((number, Survey::new(space.name.clone())));
            }
        }
        surveys.into_iter().for_each(|(number, survey)| self.survey(number, survey));
    }

    fn survey(&mut self, number: QueryNumber, mut survey: Survey) {
        let Some(up) = self.connection.up() else { return };
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        up.ask(async move {
            let result = survey.step(&link, &mut commands).await;
            Reply::Surveyed(number, result.map(|()| survey))
        });
    }

    /// A query is one step further.
    pub(super) fn surveyed(&mut self, number: QueryNumber, result: RedisResult<Survey>) {
        let report = match result.map(Survey::finish) {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(survey)) => return self.survey(number, survey),
            Err(error) => {
                let trouble = Trouble::from(error);
                if !trouble.reason.is_refusal() {
                    return self.hang_up(Some(trouble));
                }
                Err(self.error(trouble))
            }
        };
        if let Some(Query { wanted: Wanted::Report(responder), .. }) = self.queries.all.remove(&number) {
            // Nobody may be left who wants to know.
            let _ = responder.send(report);
        }
    }

    /// The server has just said that it grants.
    pub(super) fn grants(&mut self) {
        for (_, query) in self.queries.all.extract_if(|_, query| query.is_for_ready()) {
            if let Wanted::Ready(responder) = query.wanted {
                let _ = responder.send(Ok(()));
            }
        }
    }

    /// Ends the queries that wait for a connection: those whose limit has come by `now`, or all.
    pub(super) fn fail_queries(&mut self, now: Option<Time>) {
        let trouble =
            self.ledger.trouble().unwrap_or_else(|| Trouble::new(Reason::Unreachable, "no answer in time"));
        let is_over = |query: &Query| !query.is_sent && now.is_none_or(|now| query.limit <= now);
        for (_, query) in self.queries.all.extract_if(|_, query| is_over(query)) {
            query.fail(StoreError { address: self.config.address(), trouble: trouble.clone() });
        }
    }
}
