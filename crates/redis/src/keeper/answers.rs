//! What the server says: the replies to questions, and the pushes that nobody asked for.

use std::time::Duration;

use latchkey_engine::{Answer, Event, Grant, Mode};
use redis::{PushInfo, PushKind, RedisError, Value};

use super::{
    Keeper,
    connection_state::{ConnectionState, Incoming, Up},
    questions::Reply,
    timed_out,
};
use crate::{
    clock,
    keeper::{
        ledger::Number,
        request::{Need, Phase},
    },
    scripts::{Acquired, Downgraded, Purpose, Push, Reclaimed, Released},
    trouble::{Reason, Trouble},
};

/// A lock is looked after a little after its deadline: the server counts whole milliseconds.
const AFTER_DEADLINE: Duration = Duration::from_millis(1);

impl Keeper {
    pub(super) fn take_event(&mut self, event: Incoming) {
        if let Some(up) = self.connection.up() {
            up.heard();
        }
        match event {
            Incoming::Joined(result) => self.joined(result),
            Incoming::Push(Some(push)) => self.pushed(push),
            Incoming::Push(None) => {
                self.hang_up(Some(Trouble::new(Reason::Unreachable, "the connection was closed")))
            }
            Incoming::Reply(reply) => self.replied(reply),
            Incoming::Closed => self.connection = ConnectionState::idle(),
        }
    }

    fn pushed(&mut self, push: PushInfo) {
        match push.kind {
            PushKind::Disconnection => self.take_event(Incoming::Push(None)),
            PushKind::Message => {
                if let Some(Value::BulkString(message)) = push.data.get(1)
                    && let Some(push) = Push::parse(message)
                {
                    self.handle_message(push);
                }
            }
            _ => {}
        }
    }

    fn handle_message(&mut self, push: Push) {
        let (Push::Granted(id, _) | Push::Expired(id) | Push::Head(id, _)) = &push;
        let Some(number) = self.number_of(id) else {
            // The server knows of a request that this process has ended: it went back in time.
            if matches!(push, Push::Granted(..)) && id.session == self.session.id {
                self.sweep();
            }
            return;
        };
        match push {
            Push::Granted(_, grant) => self.grant(number, grant),
            Push::Expired(_) => self.expired(number),
            Push::Head(_, wait) => self.set_poke(number, wait),
        }
    }

    fn replied(&mut self, reply: Reply) {
        match reply {
            Reply::Acquired(numbers, Ok(answers)) => {
                numbers.into_iter().zip(answers).for_each(|(number, answer)| self.acquired(number, answer));
            }
            Reply::Released(numbers, Ok(answers)) => {
                numbers.into_iter().zip(answers).for_each(|(number, answer)| self.released(number, answer));
            }
            Reply::Downgraded(number, Ok(answer)) => self.downgraded(number, answer),
            Reply::Reclaimed(number, Ok(answer)) => self.reclaimed(number, answer),
            Reply::Poked(number, Ok(Some(wait))) => self.set_poke(number, wait),
            Reply::Beat(sent, Ok(answer)) => self.beaten(sent, answer),
            Reply::Swept(Ok(page)) => self.swept(page),
            Reply::Cleared(clearing, Ok(end)) => self.cleared(clearing, end),
            Reply::Poked(_, Ok(None)) | Reply::Disowned(Ok(_)) => {}
            Reply::Surveyed(number, result) => self.surveyed(number, result),
            Reply::Blockers(number, answer) => self.known_who(number, answer),
            Reply::Acquired(numbers, Err(error)) => {
                numbers.into_iter().for_each(|number| self.refuse(number, &error));
            }
            Reply::Released(numbers, Err(error)) => self.not_done(&numbers, &error),
            Reply::Downgraded(number, Err(error)) => self.not_done(&[number], &error),
            Reply::Disowned(Err(error))
            | Reply::Reclaimed(_, Err(error))
            | Reply::Poked(_, Err(error))
            | Reply::Beat(_, Err(error))
            | Reply::Cleared(_, Err(error))
            | Reply::Swept(Err(error)) => self.hang_up(Some(Trouble::from(&error))),
        }
    }

    /// An acquire has failed. Whether it was carried out is not known.
    fn refuse(&mut self, number: Number, error: &RedisError) {
        let trouble = Trouble::from(error);
        if !trouble.reason.is_refusal() {
            return self.hang_up(Some(trouble));
        }
        let reason = trouble.reason;
        self.note(Some(trouble));
        let Some(request) = self.requests.get_mut(&number) else { return };
        request.is_asking = false;
        if request.is_waiting() {
            self.fail(number, reason);
        }
    }

    /// Releases or a downgrade have failed. The server is asked again on the next connection. Where that does not help
    /// before somebody changes something, the caller does not wait for it, and a downgrade is given up.
    fn not_done(&mut self, numbers: &[Number], error: &RedisError) {
        let trouble = Trouble::from(error);
        let is_refusal = trouble.reason.is_refusal();
        self.hang_up(Some(trouble));
        if is_refusal {
            numbers.iter().for_each(|&number| self.answer_unreachable(number));
        }
    }

    fn answer_unreachable(&mut self, number: Number) {
        let Some(request) = self.requests.get(&number) else { return };
        let (owed, phase) = match request.phase() {
            Phase::Leaving { purpose, owed } => (owed, Phase::Leaving { purpose, owed: 0 }),
            Phase::Holding { grant, since, downgrades } => {
                (downgrades, Phase::Holding { grant, since, downgrades: 0 })
            }
            Phase::Waiting { .. } => return,
        };
        self.deliver_answers(request, owed, Answer::Unreachable);
        self.requests.set_phase(number, phase);
    }

    fn acquired(&mut self, number: Number, answer: Acquired) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        request.is_asking = false;
        match answer {
            Acquired::Granted(grant) => {
                let had_waited = matches!(request.phase(), Phase::Waiting { ticket: 1.. });
                let lock = request.lock.clone();
                self.grant(number, grant);
                // Its grant had been lost. The one behind it may have lost its own, too.
                if had_waited && let Some(next) = self.requests.first(&lock) {
                    self.send_again(next, Need::Acquire);
                }
            }
            Acquired::Queued { ticket, poke_in } => {
                self.known_tick = self.known_tick.max(ticket);
                if request.is_waiting() {
                    self.requests.set_phase(number, Phase::Waiting { ticket });
                    if let Some(wait) = poke_in {
                        self.set_poke(number, wait);
                    }
                }
            }
            Acquired::Busy => self.not_granted(number, None),
            Acquired::Frozen(wait) => self.not_granted(number, Some(wait)),
            // Nobody has heard of the grant that expired: it was lost with an old connection.
            Acquired::Expired if request.is_waiting() => {
                request.begin_anew();
                self.requests.set_phase(number, Phase::Waiting { ticket: 0 });
            }
            Acquired::Expired => {}
            Acquired::Lost => return self.lose_session(Answer::Lost),
            Acquired::Stale => return self.hang_up(None),
        }
        self.advance(number);
    }

    /// One that was not willing to wait has ended on the server. `frozen`: for how long that grants nothing to anybody.
    fn not_granted(&mut self, number: Number, frozen: Option<Duration>) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        request.is_sent = false;
        match (request.phase(), frozen) {
            (Phase::Leaving { .. }, _) => self.end(number, Answer::Done),
            (_, None) => self.end_late(number, clock::now()),
            (_, Some(wait)) => {
                self.set_frozen(wait);
                self.fail(number, Reason::Starting);
            }
        }
    }

    /// Remembers for how long the server grants nothing.
    pub(super) fn set_frozen(&self, wait: Duration) {
        self.ledger.set_frozen_until(clock::now().after(wait));
    }

    /// Keeps the places in the queue that the server has sent on a connection that is given up, and that were not taken in: its
    /// end is heard before the replies that came with it, and a process that was held up gives it up before it reads them.
    /// What else they say is asked again. But a place is lost with a server that forgets it, and the order with it.
    pub(super) fn keep_places(&mut self) {
        let replies = self.connection.up().map(Up::last_replies).unwrap_or_default();
        for reply in replies {
            if let Reply::Acquired(numbers, Ok(answers)) = reply {
                numbers.into_iter().zip(answers).for_each(|(number, answer)| self.keep_place(number, answer));
            }
        }
    }

    fn keep_place(&mut self, number: Number, answer: Acquired) {
        let Some(request) = self.requests.get(&number).filter(|request| request.is_waiting()) else { return };
        let ticket = match answer {
            Acquired::Queued { ticket, .. } => ticket,
            // The lock was free: it stands before all who came later. Fences and tickets are of one count.
            Acquired::Granted(grant) if request.ticket() == 0 => grant.fence,
            _ => return,
        };
        self.requests.set_phase(number, Phase::Waiting { ticket });
    }

    /// The connection has ended: refuses what went along with others and has not been answered. If it was granted, it is given back.
    pub(super) fn refuse_along(&mut self) {
        let is_along = |number: &Number| self.requests[number].is_along;
        let numbers: Vec<_> = self.requests.waiting().filter(is_along).collect();
        for number in numbers {
            self.end_wait(number, timed_out);
        }
    }

    /// A request holds its lock. It may be said twice.
    fn grant(&mut self, number: Number, grant: Grant) {
        self.known_tick = self.known_tick.max(grant.fence);
        let Some(request) = self.requests.get_mut(&number) else { return };
        if !request.is_waiting() {
            return;
        }
        let now = clock::now();
        if !self.session.is_trusted(now) {
            // Nobody can rely on it. The next beat says what became of the session.
            return self.hang_up(None);
        }
        let expired_early = request.expired_early;
        request.is_confirmed = true;
        // After a reconnect it may stand in the backlog, to ask again.
        request.need = None;
        if !self.ledger.take(number) {
            // The command that withdraws it is on its way here.
            return self.leave(number, Purpose::Unused, 0);
        }
        if let Some(expiry) = self.requests[&number].asked.expiry {
            self.ledger.set_deadline(number, now.after(expiry));
        }
        self.requests.set_phase(number, Phase::Holding { grant, since: now, downgrades: 0 });
        self.deliver(&self.requests[&number].asked, |member, tag| Event::Granted { member, tag, grant });
        if expired_early {
            self.expired(number);
        }
    }

    /// A hold has been taken away.
    fn expired(&mut self, number: Number) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        match request.phase() {
            // An expiry is delivered after its own grant, whichever way the two came.
            Phase::Waiting { .. } => request.expired_early = true,
            Phase::Holding { .. } => {
                if let Some(request) = self.remove(number) {
                    self.deliver(&request.asked, |member, tag| Event::Expired { member, tag });
                }
            }
            // The reply to its release will say so.
            Phase::Leaving { .. } => {}
        }
    }

    fn released(&mut self, number: Number, answer: Released) {
        match answer {
            Released::Released | Released::Left | Released::Gone => self.end(number, Answer::Done),
            Released::Expired => self.end(number, Answer::Expired),
            Released::Lost => self.lose_session(Answer::Lost),
        }
    }

    fn downgraded(&mut self, number: Number, answer: Downgraded) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        match answer {
            Downgraded::Reads => {
                request.mode = Mode::Read;
                // A release that came meanwhile answers for both.
                if let Phase::Holding { grant, since, downgrades } = request.phase() {
                    let grant = Grant { recovered: false, ..grant };
                    self.requests.set_phase(number, Phase::Holding { grant, since, downgrades: 0 });
                    self.deliver_answers(&self.requests[&number], downgrades, Answer::Done);
                }
            }
            // It is being said again, in more than one step, and downgraded behind that.
            Downgraded::Gone if request.is_unconfirmed() => {}
            Downgraded::Expired => self.gone(number, Answer::Expired),
            Downgraded::Gone => self.gone(number, Answer::Lost),
            Downgraded::Lost => self.lose_session(Answer::Lost),
        }
    }

    fn reclaimed(&mut self, number: Number, answer: Option<Reclaimed>) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        match answer {
            Some(Reclaimed::Kept) => request.is_confirmed = true,
            Some(Reclaimed::Expired) => self.gone(number, Answer::Expired),
            Some(Reclaimed::Lost) => self.gone(number, Answer::Lost),
            Some(Reclaimed::Stale) => self.hang_up(None),
            None if request.is_holding() => {
                request.need = Some(Need::Reclaim);
                self.advance(number);
            }
            None => {}
        }
    }

    /// The server does not have a hold any more, for a reason that concerns this hold alone.
    fn gone(&mut self, number: Number, answer: Answer) {
        let Some(request) = self.requests.get(&number) else { return };
        let Phase::Holding { downgrades, .. } = request.phase() else { return self.end(number, answer) };
        let Some(request) = self.remove(number) else { return };
        self.deliver_answers(&request, downgrades, answer);
        if downgrades == 0 {
            self.deliver(&request.asked, |member, tag| match answer {
                Answer::Expired => Event::Expired { member, tag },
                _ => Event::Lost { member, tag },
            });
        }
    }

    /// Has a waiting request's lock looked after in a while.
    fn set_poke(&mut self, number: Number, wait: Duration) {
        if wait.is_zero() {
            // The server has more to do for this lock than one script may.
            return self.poke(number);
        }
        self.requests.set_poke(number, clock::now().after(wait + AFTER_DEADLINE));
    }
}
