//! Who keeps a request waiting whose time is over, or who was in the way of one that was refused: the server is asked, once,
//! before the request ends. One that waits may still be granted meanwhile.

use std::time::Duration;

use latchkey_engine::{Patience, Time};
use redis::RedisResult;

use super::{Keeper, questions::Reply, timed_out};
use crate::{
    keeper::{ledger::Number, report::StoredBlockers, request::Request},
    scripts::LockReport,
    trouble::Trouble,
};

/// So long a request whose time is over waits for the answer. A server that is far away has answered by then; one that is
/// silent keeps nobody for longer.
const GRACE: Duration = Duration::from_millis(100);

impl Keeper {
    /// Ends a request whose time is over, or that has been refused, when the server has said who was in its way.
    pub(super) fn end_late(&mut self, number: Number, now: Time) {
        if !self.ask_who(number, now) {
            self.end_wait(number, timed_out);
        }
    }

    /// False if there is no room for that, it has been asked before, or nobody wants to know it of this one.
    fn ask_who(&mut self, number: Number, now: Time) -> bool {
        if !self.has_room() {
            return false;
        }
        let (Some(request), Some(up)) = (self.requests.get_mut(&number), self.connection.up()) else {
            return false;
        };
        let is_try = request.is_along || request.asked.patience == Patience::None;
        if is_try || std::mem::replace(&mut request.has_asked_who, true) {
            return false;
        }
        // All stand before one that never stood in the queue.
        let id = request.asked.is_patient().then(|| request.id(&self.session.id));
        let lock = request.lock.clone();
        let (link, mut commands) = (up.link.clone(), up.commands.clone());
        up.ask(
            async move { Reply::Blockers(number, link.blockers(&mut commands, &lock, id.as_ref()).await) },
        );
        self.requests.set_limit(number, Some(now.after(GRACE)));
        true
    }

    /// The server has said who keeps a request waiting.
    pub(super) fn known_who(&mut self, number: Number, answer: RedisResult<(LockReport, Option<u64>)>) {
        let blockers = match answer {
            Ok((report, ahead)) => Some(StoredBlockers::new(report, ahead)),
            Err(error) => {
                let trouble = Trouble::from(error);
                if !trouble.reason.is_refusal() {
                    return self.hang_up(Some(trouble));
                }
                None
            }
        };
        let Some(request) = self.requests.get(&number).filter(|request| Request::is_waiting(request)) else {
            return;
        };
        let (ledger, space) = (self.ledger.clone(), request.asked.space);
        self.end_wait(number, |member, tag| {
            // Before its caller learns that it may ask.
            if let Some(blockers) = blockers {
                ledger.set_blockers(number, space, blockers);
            }
            timed_out(member, tag)
        });
    }
}
