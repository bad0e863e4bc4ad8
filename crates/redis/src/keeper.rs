//! The one task that owns a store's connection and all its state.
//!
//! Callers send it commands, the server sends answers and pushes, and time passes: it takes one of these after the
//! other, so nothing here is locked, and nothing changes while the task looks at it. It never waits inside a step: that may be
//! taken by a caller's own thread ([`Stepper`](crate::callers::stepper::Stepper)).
//!
//! - `command`, `ledger`, `report`: what callers and the task both know: commands, who still waits, answers to queries
//! - `request`, `session`: what the task remembers
//! - `commands`: what is done for each command
//! - `questions`: what the server is asked, and `backlog`: what has to wait for that
//! - `queries`: what callers want to know of a space
//! - `answers`: what it says
//! - `blockers`: who keeps a request waiting whose time is over
//! - `connection_state`: the connection and its beats, from one generation to the next
//! - `time`: what is done because its time has come
//! - `watchers`: who wants to know of the connection and the session

mod answers;
mod backlog;
mod blockers;
pub(crate) mod command;
mod commands;
mod connection_state;
pub(crate) mod event;
pub(crate) mod ledger;
mod queries;
mod questions;
pub(crate) mod report;
mod request;
mod session;
mod time;
mod watchers;

use std::{
    collections::HashMap,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, mpsc::Receiver},
    task::Poll,
    time::Duration,
};

use latchkey_engine::{Answer, Event, Events, Key, Member};
use tokio::{
    task::yield_now,
    time::{Instant, Sleep, sleep},
};

use self::{backlog::Backlog, connection_state::ConnectionState, queries::Queries, watchers::Watchers};
use crate::{
    clock,
    connection::address::Config,
    keeper::{
        command::{Asked, Command, Deliver},
        event::StoreEvent,
        ledger::{Ledger, Number, SpaceNumber},
        request::{Need, Phase, Request, Requests},
        session::Session,
    },
    scripts::{Purpose, names::Bucket},
    trouble::{Reason, StoreError, Trouble},
};

/// How many commands are taken before the server is listened to again.
const COMMANDS_AT_ONCE: usize = 256;

/// So many things are done before others get their turn: it may be a caller's thread that does them.
const TURNS_AT_ONCE: u32 = 32;

/// When so many requests are under way, the next ones are worth collecting, to be sent in one go.
const MANY_REQUESTS: usize = 16;

/// An alarm that is late by no more than this is left as it is. Two readings of the clocks may differ by so much.
const TOO_LATE: Duration = Duration::from_micros(100);

/// Invariant, whenever the task waits for its next step:
///
/// - A request is in `requests` until its last event has been delivered and the server needs to know nothing more of it; or, before
///   it is sent, among the `others` of the one that it goes along with.
/// - While the connection is up, what the server has to be asked of a request next ([`Request::need`]) is on its way once the question
///   before it has been answered, or its number is in `backlog`. While it is not, `backlog` is empty.
/// - All that holds or leaves does so by `session`: of what an earlier one had, the end has been delivered. Until when it is certain,
///   `ledger` says to everybody, and nobody is left in `requests` who holds for longer.
/// - The connection is idle, or being closed, once nothing is asked for and no space is open.
pub(crate) struct Keeper {
    config: Config,
    bucket: Arc<Bucket>,
    ledger: Arc<Ledger>,
    commands: Receiver<Command>,
    /// False once nobody is left who could send a command.
    has_callers: bool,
    spaces: HashMap<SpaceNumber, OpenSpace>,
    requests: Requests,
    backlog: Backlog,
    session: Session,
    connection: ConnectionState,
    /// The run id of the last server that answered; `None` before one has.
    known_run: Option<String>,
    /// The highest fence or ticket that a server has sent; 0: none. Each beat says it, so that none falls below it, whatever
    /// became of the server and its clock.
    known_tick: u64,
    queries: Queries,
    watchers: Watchers,
    /// True once its process is about to end.
    is_shut_down: bool,
}

/// A space that a caller has opened.
struct OpenSpace {
    name: Key,
    deliver: Deliver,
}

/// That a request has not been granted in time, or was refused.
fn timed_out(member: Member, tag: u32) -> Event {
    Event::TimedOut { member, tag, ahead: 0 }
}

/// The next command, once there is one. A command wakes nobody: whoever sends it sees to it that the keeper is polled.
async fn next_command(commands: &mut Receiver<Command>) -> Command {
    poll_fn(move |_| commands.try_recv().map_or(Poll::Pending, Poll::Ready)).await
}

impl Keeper {
    pub fn new(config: Config, ledger: Arc<Ledger>, commands: Receiver<Command>) -> Self {
        // A single server keeps all locks in one bucket.
        let bucket = Arc::new(Bucket::new(&config.options().namespace, 0, 1));
        Self {
            config,
            bucket,
            ledger,
            commands,
            has_callers: true,
            spaces: HashMap::new(),
            requests: Requests::default(),
            backlog: Backlog::default(),
            session: Session::new(),
            connection: ConnectionState::idle(),
            known_run: None,
            known_tick: 0,
            queries: Queries::default(),
            watchers: Watchers::default(),
            is_shut_down: false,
        }
    }

    pub async fn run(mut self) {
        let mut alarm = pin!(sleep(Duration::ZERO));
        for turn in (0..TURNS_AT_ONCE).cycle() {
            if turn + 1 == TURNS_AT_ONCE {
                yield_now().await;
            }
            self.mind_time(clock::now());
            self.update_connection(clock::now());
            if self.is_over() {
                return;
            }
            self.send_backlog();
            self.mind_callers();
            self.set_alarm(alarm.as_mut());
            tokio::select! {
                command = next_command(&mut self.commands) => self.hear(command),
                event = self.connection.next_event() => self.take_event(event),
                () = &mut alarm => {}
            }
        }
    }

    /// Lets the callers know whether to take steps themselves.
    fn mind_callers(&mut self) {
        let under_way = self.connection.up().map_or(0, |up| up.under_way());
        self.ledger.set_busy(under_way >= MANY_REQUESTS);
    }

    /// Has the task woken when there is something to do. An alarm that rings too early stays: another one, set by a
    /// caller's thread, would cost more than it saves.
    fn set_alarm(&self, alarm: Pin<&mut Sleep>) {
        let time = Instant::now() + clock::until(self.next_time());
        if alarm.is_elapsed() || time + TOO_LATE < alarm.deadline() {
            alarm.reset(time);
        }
    }

    fn hear(&mut self, first: Command) {
        self.obey(first);
        for _ in 1..COMMANDS_AT_ONCE {
            let Ok(command) = self.commands.try_recv() else { return };
            self.obey(command);
        }
    }

    /// True once nothing will ever be asked of it again, and the server knows that.
    fn is_over(&self) -> bool {
        let is_idle = self.requests.is_empty() && self.queries.is_empty();
        self.connection.is_idle() && (self.is_shut_down || (!self.has_callers && is_idle))
    }

    /// True if the server is needed for something.
    fn has_work(&self) -> bool {
        !self.requests.is_empty() || !self.queries.is_empty()
    }

    fn has_open_space(&self) -> bool {
        self.has_callers && !self.spaces.is_empty()
    }

    /// Delivers an event to the caller whose request it is.
    fn deliver(&self, asked: &Asked, event: impl FnOnce(Member, u32) -> Event) {
        let Some(OpenSpace { deliver, .. }) = self.spaces.get(&asked.space) else { return };
        let event = event(asked.member, asked.tag);
        // A fault of one listener must not end everybody's locks.
        let _ = catch_unwind(AssertUnwindSafe(|| deliver(Events::from([event]))));
    }

    /// Takes a request out for good: no event of it follows.
    fn remove(&mut self, number: Number) -> Option<Request> {
        let request = self.requests.remove(&number)?;
        if request.asked.expiry.is_some() {
            self.ledger.unset_deadline(number);
        }
        // What was to go along with it is not asked for any more.
        for other in request.others.iter().filter(|other| self.ledger.take(other.number)) {
            self.deliver(other, timed_out);
        }
        Some(request)
    }

    /// Ends a wait that could not be granted.
    fn fail(&mut self, number: Number, reason: Reason) {
        self.end_wait(number, |member, tag| Event::Failed { member, tag, reason: reason.number() });
    }

    /// Ends a wait, unless its caller has withdrawn it, and has it leave the server's queue.
    fn end_wait(&mut self, number: Number, event: impl FnOnce(Member, u32) -> Event) {
        if let Some(request) = self.requests.get(&number).filter(|_| self.ledger.take(number)) {
            self.deliver(&request.asked, event);
        }
        self.leave(number, Purpose::Unused, 0);
    }

    /// Has a request leave the server, whatever it is doing. `owed`: how many answers its caller expects.
    fn leave(&mut self, number: Number, purpose: Purpose, owed: u8) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        if !request.is_sent {
            self.remove(number);
            return;
        }
        request.need = Some(Need::Release);
        self.requests.set_phase(number, Phase::Leaving { purpose, owed });
        self.advance(number);
    }

    /// Ends a request that leaves, and gives its caller the answers that it expects.
    fn end(&mut self, number: Number, answer: Answer) {
        let Some(request) = self.remove(number) else { return };
        let Phase::Leaving { owed, .. } = request.phase() else { return };
        self.deliver_answers(&request, owed, answer);
    }

    /// Gives the caller the answers that it expects.
    fn deliver_answers(&self, request: &Request, owed: u8, answer: Answer) {
        for _ in 0..owed {
            self.deliver(&request.asked, |member, tag| Event::Answered { member, tag, answer });
        }
    }

    /// Begins another session. It holds nothing, and nobody may believe in what the last one held.
    fn begin_session(&mut self) -> Session {
        self.ledger.set_trusted_until(None);
        std::mem::replace(&mut self.session, Session::new())
    }

    /// The holds are not certain any more, or certainly gone. Whoever waits begins anew in another session.
    fn lose_session(&mut self, answer: Answer) {
        self.begin_session();
        let holds = self.requests.values().filter(|request| request.is_holding()).count();
        self.watchers.publish(&StoreEvent::SessionLost { holds });
        let numbers: Vec<_> = self.requests.numbers().collect();
        for number in numbers {
            let Some(request) = self.requests.get_mut(&number) else { continue };
            match request.phase() {
                Phase::Waiting { .. } => request.is_sent = false,
                Phase::Holding { .. } => {
                    if let Some(request) = self.remove(number) {
                        self.deliver(&request.asked, |member, tag| Event::Lost { member, tag });
                    }
                }
                Phase::Leaving { .. } => self.end(number, answer),
            }
        }
        self.hang_up(None);
    }

    /// What callers are given where something is wrong.
    fn error(&self, trouble: Trouble) -> StoreError {
        StoreError { address: self.config.address(), trouble }
    }

    /// Remembers what is wrong.
    fn note(&self, trouble: Option<Trouble>) {
        self.ledger.set_trouble(trouble);
    }
}
