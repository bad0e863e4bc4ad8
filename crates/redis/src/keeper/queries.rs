//! What callers want to know of a space.
//!
//! A query waits for a connection until its limit, and then for as long as the server keeps answering. If the connection
//! ends before the report is complete, the next one begins it anew, within the same limit.

use std::collections::HashMap;

use latchkey_engine::Time;
use redis::RedisResult;

use super::{Keeper, questions::Reply};
use crate::{
    clock,
    keeper::{
        command::{Answer, SpaceNumber},
        report::Survey,
    },
    trouble::{Reason, StoreError, Trouble},
};

/// The number of a query of a store.
pub(super) type QueryNumber = u64;

#[derive(Default)]
pub(super) struct Queries {
    next: QueryNumber,
    all: HashMap<QueryNumber, Query>,
}

struct Query {
    space: SpaceNumber,
    answer: Answer,
    /// Until when it waits for a connection.
    limit: Time,
    /// True while the server works on it.
    is_sent: bool,
}

impl Queries {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The earliest limit of those that wait for a connection.
    pub fn next_limit(&self) -> Option<Time> {
        self.all.values().filter(|query| !query.is_sent).map(|query| query.limit).min()
    }

    /// The connection has ended.
    pub fn start_over(&mut self) {
        self.all.values_mut().for_each(|query| query.is_sent = false);
    }
}

impl Keeper {
    pub(super) fn query(&mut self, space: SpaceNumber, answer: Answer) {
        let limit = clock::now().after(self.config.options().connect_timeout);
        self.queries.all.insert(self.queries.next, Query { space, answer, limit, is_sent: false });
        self.queries.next += 1;
        self.send_queries();
    }

    /// Sends the queries that wait for a connection, if there is one.
    pub(super) fn send_queries(&mut self) {
        if self.line.up().is_none() {
            return;
        }
        let mut surveys = Vec::new();
        self.queries.all.retain(|&number, query| {
            // Where the space is gone, so is everybody who wanted to know.
            let Some(space) = self.spaces.get(&query.space) else { return false };
            if !std::mem::replace(&mut query.is_sent, true) {
                surveys.push((number, Survey::new(space.name.clone())));
            }
            true
        });
        surveys.into_iter().for_each(|(number, survey)| self.survey(number, survey));
    }

    fn survey(&mut self, number: QueryNumber, mut survey: Survey) {
        let Some(up) = self.line.up() else { return };
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
                Err(StoreError { address: self.config.address(), trouble })
            }
        };
        if let Some(query) = self.queries.all.remove(&number) {
            // Nobody may be left who wants to know.
            let _ = query.answer.send(report);
        }
    }

    /// Ends the queries that wait for a connection: those whose limit has come by `now`, or all.
    pub(super) fn fail_queries(&mut self, now: Option<Time>) {
        let trouble =
            self.ledger.trouble().unwrap_or_else(|| Trouble::new(Reason::Unreachable, "no answer in time"));
        let is_over = |query: &Query| !query.is_sent && now.is_none_or(|now| query.limit <= now);
        for (_, query) in self.queries.all.extract_if(|_, query| is_over(query)) {
            let error = StoreError { address: self.config.address(), trouble: trouble.clone() };
            let _ = query.answer.send(Err(error));
        }
    }
}
