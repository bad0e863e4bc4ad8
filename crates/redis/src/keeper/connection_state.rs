//! The connection, from one generation to the next.

mod attempts;
mod beats;
mod join;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use latchkey_engine::{Answer, Time};
use redis::{PushInfo, aio::MultiplexedConnection};
use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

use self::join::{Joined, join};
use super::{Keeper, questions::Reply};
use crate::{
    clock,
    connection::wire::Wire,
    keeper::{event::StoreEvent, ledger::Number, request::Need},
    scripts::{Beat, Link, names::SessionId},
    trouble::{Reason, Trouble},
    who,
};

const FIRST_RETRY: Duration = Duration::from_millis(20);
const LAST_RETRY: Duration = Duration::from_millis(500);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How far the connection has got.
pub(super) enum ConnectionState {
    /// No connection. If there is work, the next attempt is made at `retry_at`.
    Idle { retry_at: Time, retry: Duration },
    /// An attempt is under way; should it fail, the next one waits for `retry`.
    Connecting { joining: BoxFuture<'static, Result<Box<Joined>, Trouble>>, retry: Duration },
    /// The server listens.
    Up(Box<Up>),
    /// The session is being ended.
    Closing(BoxFuture<'static, ()>),
}

/// A connection on which the session has been renewed.
pub(super) struct Up {
    pub link: Arc<Link>,
    pub commands: MultiplexedConnection,
    wire: Wire,
    pushes: UnboundedReceiver<PushInfo>,
    replies: FuturesUnordered<BoxFuture<'static, Reply>>,
    /// About how many requests these will be: several may be one question.
    under_way: usize,
    /// The dead sessions that this process clears.
    clearing: HashSet<SessionId>,
    /// Since when the server owes an answer, or since it last answered a whole question.
    silent_since: Option<Time>,
    /// When it last answered one of the many that a step of a clearing asks, in nanoseconds.
    heard_at: Arc<AtomicU64>,
    /// True while a beat is not answered yet.
    is_beating: bool,
    next_beat: Time,
    /// True if the last beat said that the server may have forgotten something.
    is_frozen: bool,
    /// When the next lease of another session may end.
    next_lapse: Option<Time>,
    /// When the oldest waiting request of each lock asks again: its grant may have been lost.
    confirm_at: Time,
    /// When all holds are said again, so that the server does not forget them.
    remind_at: Time,
}

/// What comes over the connection.
pub(super) enum Incoming {
    Joined(Result<Box<Joined>, Trouble>),
    Push(Option<PushInfo>),
    Reply(Reply),
    Closed,
}

impl ConnectionState {
    pub fn idle() -> Self {
        Self::Idle { retry_at: Time::ZERO, retry: FIRST_RETRY }
    }

    pub fn is_idle(&self) -> bool {
        matches!(self, Self::Idle { .. })
    }

    pub fn up(&mut self) -> Option<&mut Up> {
        if let Self::Up(up) = self { Some(up) } else { None }
    }

    /// The next thing that happens on the connection. Nothing is lost if the wait for it is given up.
    pub async fn next_event(&mut self) -> Incoming {
        match self {
            Self::Idle { .. } => std::future::pending().await,
            Self::Connecting { joining, .. } => Incoming::Joined(joining.await),
            Self::Up(up) => std::future::poll_fn(|context| up.poll_event(context)).await,
            Self::Closing(closing) => {
                closing.await;
                Incoming::Closed
            }
        }
    }
}

impl Up {
    /// Sends a question; its reply is one of the next events.
    pub fn ask(&mut self, question: impl Future<Output = Reply> + Send + 'static) {
        self.ask_about(1, question);
    }

    /// Sends a question about so many requests.
    pub fn ask_about(&mut self, requests: usize, question: impl Future<Output = Reply> + Send + 'static) {
        self.under_way += requests;
        self.silent_since.get_or_insert_with(clock::now);
        // Questions are sent in the order in which they are first polled: none may give way in between.
        self.replies.push(tokio::task::unconstrained(question).boxed());
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Incoming> {
        // What it reads is there for the next two.
        self.wire.poll(context);
        // Pushes first: a loss is sent before the grant that it makes possible, which may come as a reply.
        if let Poll::Ready(push) = self.pushes.poll_recv(context) {
            return Poll::Ready(Incoming::Push(push));
        }
        if let Poll::Ready(Some(reply)) = self.replies.poll_next_unpin(context) {
            self.under_way -= reply.requests();
            return Poll::Ready(Incoming::Reply(reply));
        }
        // It writes what questions that were just polled have said.
        self.wire.poll(context);
        Poll::Pending
    }

    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Since when the server owes an answer and has said nothing.
    fn silence(&self) -> Option<Time> {
        // Relaxed: it is stored by the task that reads it.
        let heard_at = Time::from_nanos(self.heard_at.load(Ordering::Relaxed));
        self.silent_since.map(|since| since.max(heard_at))
    }

    /// The server has said something.
    pub fn heard(&mut self) {
        self.silent_since = (!self.replies.is_empty()).then(clock::now);
    }

    /// The replies that have come by now and that nobody has taken in, of a connection that is given up.
    pub fn last_replies(&mut self) -> Vec<Reply> {
        let mut context = Context::from_waker(Waker::noop());
        self.wire.poll(&mut context);
        let mut replies = Vec::new();
        while let Poll::Ready(Some(reply)) = self.replies.poll_next_unpin(&mut context) {
            replies.push(reply);
        }
        replies
    }

    /// When a beat is due; `thaw`: when somebody wants to know whether the server grants.
    fn beat_due(&self, has_waiting: bool, thaw: Option<Time>) -> Time {
        let lapse = self.next_lapse.filter(|_| has_waiting);
        [lapse, thaw].into_iter().flatten().fold(self.next_beat, Time::min)
    }
}

impl Keeper {
    /// Connects, beats and disconnects as the time and the work demand it.
    pub(super) fn update_connection(&mut self, now: Time) {
        let is_closing = self.is_shut_down;
        let has_work = self.has_work();
        let is_needed = has_work || self.has_open_space();
        match &self.connection {
            ConnectionState::Idle { retry_at, retry } if has_work && !is_closing && *retry_at <= now => {
                let retry = *retry;
                self.connect(retry);
            }
            ConnectionState::Connecting { .. } if is_closing => self.connection = ConnectionState::idle(),
            ConnectionState::Up(_) if is_closing || !is_needed => self.close_session(),
            ConnectionState::Up(_) => self.update_up(now),
            _ => {}
        }
    }

    /// When the connection has to be looked at next.
    pub(super) fn next_connection_time(&self) -> Option<Time> {
        match &self.connection {
            ConnectionState::Idle { retry_at, .. } => self.has_work().then_some(*retry_at),
            ConnectionState::Up(up) => {
                let silence = up.silence().map(|since| since.after(self.patience()));
                let due = || up.beat_due(self.requests.is_any_waiting(), self.thaw());
                let beat = (!up.is_beating).then(due);
                [silence, beat, Some(up.confirm_at), Some(up.remind_at)].into_iter().flatten().min()
            }
            ConnectionState::Connecting { .. } | ConnectionState::Closing(_) => None,
        }
    }

    fn connect(&mut self, retry: Duration) {
        // One that nothing depends on is not worth asking for again after its lease has ended.
        let now = clock::now();
        if !self.requests.is_any_sent() && !self.session.is_trusted(now) {
            self.begin_session();
        }
        self.session.generation += 1;
        let (session, generation) = (self.session.id.clone(), self.session.generation);
        let is_new = !self.session.is_known();
        let known = (self.known_run.clone(), self.known_tick);
        let within = self.attempt_limit(now);
        let joining =
            join(self.config.clone(), self.bucket.clone(), session, generation, is_new, known, within);
        let joining = async move {
            let late = |_| Err(Trouble::new(Reason::Unreachable, "no answer in time"));
            timeout(within, joining).await.unwrap_or_else(late)
        };
        self.connection = ConnectionState::Connecting { joining: joining.boxed(), retry };
    }

    /// The attempt to connect has ended.
    pub(super) fn joined(&mut self, result: Result<Box<Joined>, Trouble>) {
        let Joined { connection, link, beat_sent, beat } = match result {
            Ok(joined) => *joined,
            Err(trouble) => return self.refused(trouble),
        };
        let Beat::Kept { frozen, .. } = beat else {
            return match beat {
                Beat::OtherLayout(layout) => self.refused(Trouble::new(Reason::Layout, layout)),
                _ => self.lose_session(Answer::Lost),
            };
        };
        let now = clock::now();
        let ttl = self.config.options().ttl;
        let run_id = link.run_id.clone();
        self.connection = ConnectionState::Up(Box::new(Up {
            link: Arc::new(link),
            commands: connection.commands,
            wire: connection.wire,
            pushes: connection.pushes,
            replies: FuturesUnordered::new(),
            under_way: 0,
            clearing: HashSet::new(),
            silent_since: None,
            heard_at: Arc::default(),
            is_beating: false,
            next_beat: now,
            is_frozen: true,
            next_lapse: None,
            confirm_at: now.after(ttl),
            remind_at: now.after(DAY),
        }));
        self.known_run = Some(run_id);
        self.note(None);
        self.watchers.publish(&StoreEvent::Connected);
        if !frozen.is_zero() {
            self.watchers.publish(&StoreEvent::Frozen(frozen));
        }
        self.beaten(beat_sent, beat);
        self.send_everything();
    }

    /// An attempt to connect has failed. Where waiting does not help, nobody waits.
    fn refused(&mut self, trouble: Trouble) {
        let reason = trouble.reason;
        self.hang_up(Some(trouble));
        if reason.is_refusal() {
            let waiting: Vec<_> = self.requests.waiting().collect();
            waiting.into_iter().for_each(|number| self.fail(number, reason));
            self.fail_queries(None);
        }
    }

    /// Ends the connection, if there is one. What was under way is sent again on the next.
    pub(super) fn hang_up(&mut self, trouble: Option<Trouble>) {
        self.keep_places();
        if self.connection.up().is_some() {
            let reason = trouble.clone().map(|trouble| self.error(trouble).to_string());
            self.watchers.publish(&StoreEvent::Disconnected { reason });
        }
        let now = clock::now();
        let retry = match self.connection {
            ConnectionState::Idle { retry, .. } | ConnectionState::Connecting { retry, .. } => retry,
            // It would refuse the same again.
            ConnectionState::Up(_) if trouble.as_ref().is_some_and(|trouble| trouble.reason.is_refusal()) => {
                LAST_RETRY
            }
            ConnectionState::Up(_) | ConnectionState::Closing(_) => FIRST_RETRY,
        };
        // A session that is being ended is let come to its end: nobody has to wait for its lease.
        if !matches!(self.connection, ConnectionState::Closing(_)) {
            self.connection = match &trouble {
                None => ConnectionState::idle(),
                Some(_) => ConnectionState::Idle {
                    retry_at: now.after(who::scatter(retry)),
                    retry: (retry * 2).min(self.longest_retry(now)),
                },
            };
        }
        if trouble.is_some() {
            self.note(trouble);
        }
        self.refuse_along();
        self.backlog.clear();
        self.queries.start_over(self.query_limit());
        self.requests.start_over();
    }

    /// Sends a new connection's server all that it has to know: first what is held, since it may have forgotten it.
    fn send_everything(&mut self) {
        let (holds, others): (Vec<_>, Vec<_>) =
            self.requests.numbers().partition(|number| self.requests[number].is_holding());
        holds.into_iter().chain(others).for_each(|number| self.advance(number));
        self.sweep();
        self.send_queries();
    }

    fn update_up(&mut self, now: Time) {
        let patience = self.patience();
        let (has_waiting, thaw) = (self.requests.is_any_waiting(), self.thaw());
        let ttl = self.config.options().ttl;
        let Some(up) = self.connection.up() else { return };
        if up.silence().is_some_and(|since| since.after(patience) <= now) {
            return self.hang_up(Some(Trouble::new(Reason::Unreachable, "no answer in time")));
        }
        if !up.is_beating && up.beat_due(has_waiting, thaw) <= now {
            self.beat(now);
        }
        let Some(up) = self.connection.up() else { return };
        if up.confirm_at <= now {
            up.confirm_at = now.after(ttl);
            let oldest: Vec<_> = self.requests.firsts().collect();
            oldest.into_iter().for_each(|number| self.send_again(number, Need::Acquire));
        }
        let Some(up) = self.connection.up() else { return };
        if up.remind_at <= now {
            up.remind_at = now.after(DAY);
            let holds: Vec<_> = self
                .requests
                .values()
                .filter(|request| request.is_holding())
                .map(|r| r.asked.number)
                .collect();
            holds.into_iter().for_each(|number| self.send_again(number, Need::Reclaim));
        }
    }

    pub(super) fn send_again(&mut self, number: Number, need: Need) {
        if let Some(request) = self.requests.get_mut(&number)
            && request.need.is_none()
            && request.may_ask(need)
        {
            request.need = Some(need);
            self.advance(number);
        }
    }

    /// How long a server that owes an answer may say nothing. A connection that is dead without saying so has to be
    /// given up early enough for another one to save the lease.
    fn patience(&self) -> Duration {
        let options = self.config.options();
        options.command_timeout.min(options.ttl / 3)
    }

    /// Ends the session on the server, and the connection.
    fn close_session(&mut self) {
        let session = self.begin_session();
        let ConnectionState::Up(up) = std::mem::replace(&mut self.connection, ConnectionState::idle()) else {
            return;
        };
        let Up { link, mut commands, mut wire, .. } = *up;
        let limit = self.config.options().command_timeout;
        let closing = async move {
            // If it fails, the lease ends the session.
            let _ = timeout(limit, wire.carry(link.end(&mut commands, &session.id))).await;
        };
        self.connection = ConnectionState::Closing(closing.boxed());
    }
}
