//! One request of this process, from asking to end, and what the server still has to be asked of it; and all of them.

mod alarms;
mod requests;

use std::time::Duration;

use latchkey_engine::{Grant, Mode, Time};

pub(crate) use alarms::Alarm;
pub(crate) use requests::Requests;

use crate::{
    clock,
    keeper::command::Asked,
    scripts::{
        self, Purpose,
        names::{LockName, RequestId, SessionId},
    },
};

/// What a request is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It wants its key. `ticket`: its place in the server's queue, 0 if it is not known to have one.
    Waiting { ticket: u64 },
    /// It has its key, since `since`. `downgrades`: how many answers to downgrades its caller expects.
    Holding { grant: Grant, since: Time, downgrades: u8 },
    /// It has no use for its key any more, and the server may not know that yet.
    Leaving { purpose: Purpose, owed: u8 },
}

/// What the server has to be asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Acquire,
    Reclaim,
    Downgrade,
    Release,
}

/// The server learns all of it in the order in which it happened: what is asked of a request goes out at once, behind what is under
/// way of it, whose answers then come too late to matter. Only an acquire waits for the answer to the one before
/// (`is_asking`), since that may say that the request has to begin anew.
#[derive(Debug)]
pub(crate) struct Request {
    pub asked: Asked,
    pub lock: LockName,
    pub mode: Mode,
    /// As the two alarms: changed by [`Requests`] only.
    phase: Phase,
    pub need: Option<Need>,
    /// True while the answer to its acquire is not here.
    pub is_asking: bool,
    /// What goes along with it when it is sent for the first time.
    pub others: Vec<Asked>,
    /// True if it went along with another one: it never waits, and is never sent again.
    pub is_along: bool,
    /// True once the server may have heard of it.
    pub is_sent: bool,
    /// True once the server that this connection reaches has shown that it knows of the hold. Another one may have missed it.
    pub is_confirmed: bool,
    /// The server said that it expired before it said that it was granted.
    pub expired_early: bool,
    /// True once the server has been asked who keeps it waiting, since its time is over.
    pub has_asked_who: bool,
    /// How often it had to begin anew, with another id. Wide, so that no id ever comes again: the server remembers one that
    /// expired for an hour, and would answer the same of it at once.
    pub attempt: u64,
    /// When its alarms ring.
    limit: Option<Time>,
    poke_at: Option<Time>,
}

impl Request {
    pub fn new(asked: Asked, lock: LockName) -> Self {
        Self {
            mode: asked.mode,
            asked,
            lock,
            phase: Phase::Waiting { ticket: 0 },
            need: Some(Need::Acquire),
            is_asking: false,
            others: Vec::new(),
            is_along: false,
            is_sent: false,
            is_confirmed: false,
            expired_early: false,
            has_asked_who: false,
            attempt: 0,
            limit: None,
            poke_at: None,
        }
    }

    pub fn id(&self, session: &SessionId) -> RequestId {
        RequestId { session: session.clone(), number: self.asked.number.0, attempt: self.attempt }
    }

    /// What the scripts are given of it.
    pub fn describe(&self, session: &SessionId) -> scripts::Asked {
        scripts::Asked {
            id: self.id(session),
            lock: self.lock.clone(),
            mode: self.mode,
            expiry: self.asked.expiry,
            asker: self.asked.asker.clone(),
        }
    }

    /// Whether this may be asked before an answer has come.
    pub fn may_ask(&self, need: Need) -> bool {
        need != Need::Acquire || !self.is_asking
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    /// Its place in the server's queue; 0 if it is not known to have one.
    pub fn ticket(&self) -> u64 {
        if let Phase::Waiting { ticket } = self.phase { ticket } else { 0 }
    }

    pub fn is_holding(&self) -> bool {
        matches!(self.phase, Phase::Holding { .. })
    }

    /// True if it is asked for by itself, for the first time, and waits: others may be asked for in one question with it.
    pub fn may_go_with_others(&self) -> bool {
        let is_new = self.need == Some(Need::Acquire) && !self.is_sent && self.is_waiting();
        is_new && self.asked.is_patient() && self.others.is_empty()
    }

    /// Whether it may be one question with another one, which is sent just now.
    pub fn is_like(&self, other: &Self) -> bool {
        let how = |of: &Self| (of.mode, of.asked.expiry);
        self.may_go_with_others() && how(self) == how(other) && self.asked.asker == other.asked.asker
    }

    /// Why it is to be released, if it is.
    pub fn to_release(&self) -> Option<Purpose> {
        match self.phase {
            Phase::Leaving { purpose, .. } if self.need == Some(Need::Release) => Some(purpose),
            _ => None,
        }
    }

    /// True if the server may not know of its hold.
    pub fn is_unconfirmed(&self) -> bool {
        self.is_holding() && !self.is_confirmed
    }

    /// Its caller expects one more answer to a downgrade. False if it holds nothing.
    pub fn owe_downgrade(&mut self) -> bool {
        let Phase::Holding { downgrades, .. } = &mut self.phase else { return false };
        *downgrades = downgrades.saturating_add(1);
        true
    }

    /// How much of its expiry is left of a hold that began at `since`.
    pub fn expiry_left(&self, since: Time, now: Time) -> Duration {
        self.asked.expiry.unwrap_or_default().saturating_sub(clock::since(since, now))
    }

    /// Has it ask again, as what the server takes for another request.
    pub fn begin_anew(&mut self) {
        self.attempt += 1;
        // That was said of the one before.
        self.expired_early = false;
        self.need = Some(Need::Acquire);
    }

    /// The connection has ended: whatever was on its way is asked again on the next one. A hold is said again
    /// even to the same server, since the message that it expired may have been lost.
    pub fn start_over(&mut self) {
        self.is_asking = false;
        self.is_confirmed = false;
        self.expired_early = false;
        self.need = Some(match self.phase {
            Phase::Waiting { .. } => Need::Acquire,
            Phase::Holding { .. } => Need::Reclaim,
            Phase::Leaving { .. } => Need::Release,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use latchkey_engine::{Member, Patience};

    use super::*;
    use crate::{keeper::ledger::Number, scripts::Asker};

    pub(super) fn request(number: u64) -> Request {
        let asked = Asked {
            number: Number(number),
            space: 0,
            member: Member(0),
            tag: 0,
            asker: Asker::default(),
            key: [u16::from(b'k')].as_slice().into(),
            mode: Mode::Write,
            expiry: None,
            patience: Patience::Forever,
            at: Time::ZERO,
        };
        Request::new(asked, LockName::new(&[], &[]))
    }

    #[test]
    fn no_id_comes_again_however_often_requests_begin_anew() {
        let session = SessionId::random();
        let mut ids = HashSet::new();
        for number in 0..3 {
            let mut request = request(number);
            for _ in 0..1000 {
                assert!(ids.insert(request.id(&session).to_string()));
                request.begin_anew();
            }
        }
    }
}
