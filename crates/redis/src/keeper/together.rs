//! Requests of several locks that are granted together, in one trip, or not at all.
//!
//! They are ordinary requests that do not wait. Where they cannot be sent as one, because there is no connection or no room,
//! each is sent alone: whoever asks for them gives back what was granted if not all were.

use latchkey_engine::{Answer, Grant};
use redis::RedisResult;

use super::{Keeper, questions::Reply};
use crate::{
    keeper::{command::Asked, ledger::Number, request::Need},
    scripts::{Acquired, AcquiredAll},
};

impl Keeper {
    pub(super) fn request_together(&mut self, all: Vec<Asked>) {
        // What this process has released before is free by then.
        self.send_backlog();
        let numbers: Vec<_> = all.into_iter().filter_map(|asked| self.enter(asked, true)).collect();
        if self.has_room(Need::Acquire) {
            self.send_together(numbers);
        } else {
            numbers.into_iter().for_each(|number| self.advance(number));
        }
    }

    fn send_together(&mut self, numbers: Vec<Number>) {
        let Some(up) = self.connection.up() else { return };
        let mut asked = Vec::with_capacity(numbers.len());
        for number in &numbers {
            let Some(request) = self.requests.get_mut(number) else { continue };
            request.need = None;
            request.sent();
            asked.push(request.describe(&self.session.id));
        }
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        up.ask(async move { Reply::AcquiredAll(numbers, link.acquire_all(&mut commands, &asked).await) });
    }

    pub(super) fn acquired_all(&mut self, numbers: Vec<Number>, answer: RedisResult<AcquiredAll>) {
        match answer {
            Ok(AcquiredAll::Granted(first)) => {
                for (number, fence) in numbers.into_iter().zip(first..) {
                    self.acquired(number, Acquired::Granted(Grant { fence, recovered: false }));
                }
            }
            Ok(AcquiredAll::Busy) => {
                numbers.into_iter().for_each(|number| self.acquired(number, Acquired::Busy));
            }
            Ok(AcquiredAll::Frozen(wait)) => {
                numbers.into_iter().for_each(|number| self.acquired(number, Acquired::Frozen(wait)));
            }
            Ok(AcquiredAll::Lost) => self.lose_session(Answer::Lost),
            Ok(AcquiredAll::Stale) => self.hang_up(None),
            Err(error) => numbers.into_iter().for_each(|number| self.refuse(number, &error)),
        }
    }
}
