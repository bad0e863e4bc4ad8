//! One process' use of a store: its own runtime, store and session, and its events.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use latchkey_engine::{Answer, Ask, Event, Grant, Member, Mode, Patience, Ticket};
use latchkey_redis::{Config, Options, Reason, Store, StoredKey, StoredSpace};
use tokio::runtime::{Builder, Runtime};

use super::{Server, peer::PATIENCE};

/// The lease of a program that is to keep what it holds, on a machine that may stand still for a second.
pub const TTL: Duration = Duration::from_secs(3);
/// The lease of a program that is to lose what it holds.
pub const BRIEF: Duration = Duration::from_secs(1);
pub const MEMBER: Member = Member(7);

pub struct Program {
    pub runtime: Option<Runtime>,
    pub store: Arc<Store>,
    pub space: StoredSpace,
    events: Receiver<Event>,
    /// Events that came while another one was waited for.
    seen: VecDeque<(Instant, Event)>,
    next_tag: u32,
}

/// A request, as its program knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub tag: u32,
    pub ticket: Ticket,
}

/// The configuration of a store of its own: within a process, those with the same options share one, so that no two here have
/// quite the same.
pub fn config(url: &str, change: impl FnOnce(&mut Options)) -> Config {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let mut options = Options { url: Some(url.into()), ttl: TTL, ..Options::default() };
    change(&mut options);
    options.connect_timeout += Duration::from_nanos(NUMBER.fetch_add(1, Ordering::Relaxed).into());
    Config::new(options).expect("good options")
}

/// Two programs of one server.
pub fn two(server: &Server, ttl: Duration) -> (Program, Program) {
    (Program::start_for(&server.url(), ttl), Program::start_for(&server.url(), ttl))
}

pub fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

impl Program {
    pub fn start(url: &str) -> Self {
        Self::start_with(config(url, |_| ()))
    }

    /// One that loses what it holds when it has been cut off for so long.
    pub fn start_for(url: &str, ttl: Duration) -> Self {
        Self::start_with(config(url, |options| options.ttl = ttl))
    }

    pub fn start_with(config: Config) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let store = Store::open(config, runtime.handle());
        let (sender, events) = channel();
        let space = store.space(&units("space"), 3, move |events| {
            for event in events {
                // The test may have ended.
                let _ = sender.send(event);
            }
        });
        Self { runtime: Some(runtime), store, space, events, seen: VecDeque::new(), next_tag: 0 }
    }

    /// Drops its space, as a process that has no more use for its locks: the session ends in order.
    pub fn close(&mut self) {
        let handle = self.runtime.as_ref().expect("the program runs").handle();
        // Nothing is asked of it.
        let other = Store::open(config("redis://localhost", |_| ()), handle);
        self.space = other.space(&[], 0, |_| ());
    }

    pub fn ask(&mut self, key: &str, mode: Mode, patience: Patience, expiry: Option<Duration>) -> Asked {
        self.next_tag += 1;
        let tag = self.next_tag;
        let key = units(key);
        let ask = Ask { member: MEMBER, tag, key: key.as_slice().into(), mode, expiry, patience };
        Asked { tag, ticket: self.space.request(ask) }
    }

    pub fn write(&mut self, key: &str) -> Asked {
        self.ask(key, Mode::Write, Patience::Forever, None)
    }

    pub fn read(&mut self, key: &str) -> Asked {
        self.ask(key, Mode::Read, Patience::Forever, None)
    }

    /// Asks for a write hold and waits for it.
    pub fn hold(&mut self, key: &str) -> (Asked, Grant) {
        let asked = self.write(key);
        let grant = self.granted(asked);
        (asked, grant)
    }

    pub fn granted(&mut self, asked: Asked) -> Grant {
        match self.next_event(asked) {
            Event::Granted { grant, .. } => grant,
            other => panic!("expected a grant, not {other:?}; trouble: {:?}", self.store.trouble()),
        }
    }

    pub fn failed(&mut self, asked: Asked) -> Reason {
        match self.next_event(asked) {
            Event::Failed { reason, .. } => Reason::from_number(reason).expect("a reason's number"),
            other => panic!("expected a failure, not {other:?}"),
        }
    }

    pub fn answer(&mut self, asked: Asked) -> Answer {
        match self.next_event(asked) {
            Event::Answered { answer, .. } => answer,
            other => panic!("expected an answer, not {other:?}"),
        }
    }

    /// Releases a hold and waits for the answer.
    pub fn release(&mut self, asked: Asked) -> Answer {
        self.space.release(asked.ticket, false);
        self.answer(asked)
    }

    /// Makes a write hold a read hold and waits for the answer.
    pub fn downgrade(&mut self, asked: Asked) -> Answer {
        self.space.downgrade(asked.ticket);
        self.answer(asked)
    }

    /// The next event of a request.
    pub fn next_event(&mut self, asked: Asked) -> Event {
        self.next_event_at(asked).1
    }

    /// The next event of a request, and when it came.
    pub fn next_event_at(&mut self, asked: Asked) -> (Instant, Event) {
        if let Some(place) = self.seen.iter().position(|(_, event)| tag(event) == asked.tag) {
            return self.seen.remove(place).expect("it was just found");
        }
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                panic!(
                    "no event of {asked:?}: {error}; seen {:?}; trouble {:?}",
                    self.seen,
                    self.store.trouble()
                )
            });
            let timed = (Instant::now(), event);
            if tag(&event) == asked.tag {
                return timed;
            }
            self.seen.push_back(timed);
        }
    }

    /// The next event of a request, for which faults may keep it waiting until they are over.
    pub fn next_event_despite_faults(&mut self, asked: Asked, are_over: &AtomicBool) -> Event {
        const LOOK: Duration = Duration::from_millis(100);
        while !are_over.load(Ordering::SeqCst) && !self.has_event(asked) {
            let event = self.events.recv_timeout(LOOK);
            self.seen.extend(event.ok().map(|event| (Instant::now(), event)));
        }
        self.next_event(asked)
    }

    /// True if a request has an event that nobody has asked for yet.
    pub fn has_event(&mut self, asked: Asked) -> bool {
        self.seen.extend(self.events.try_iter().map(|event| (Instant::now(), event)));
        self.seen.iter().any(|(_, event)| tag(event) == asked.tag)
    }

    /// The events that have come by now, and nobody has asked for.
    pub fn unasked(&mut self) -> Vec<Event> {
        self.seen.extend(self.events.try_iter().map(|event| (Instant::now(), event)));
        self.seen.drain(..).map(|(_, event)| event).collect()
    }

    /// Fails if an event comes within `time`.
    pub fn stays_silent_for(&mut self, time: Duration) {
        let unasked = self.unasked();
        assert!(unasked.is_empty(), "{} events, first {:?}", unasked.len(), unasked[0]);
        match self.events.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => {}
            other => panic!("expected silence, not {other:?}; trouble: {:?}", self.store.trouble()),
        }
    }

    pub fn query(&self) -> Vec<StoredKey> {
        self.block_on(self.space.query()).expect("a report")
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("the program runs").block_on(future)
    }

    /// Waits until so many requests wait for `key`, in all processes.
    pub fn until_waiting(&self, key: &str, count: usize) {
        let key = units(key);
        until("requests wait", || {
            let report = self.query();
            report.iter().find(|report| report.key.as_units() == key).map_or(0, |report| report.waiting.len())
                == count
        });
    }

    /// Ends the process as `kill -9` does: it says nothing to anybody.
    pub fn kill(mut self) {
        self.stop();
    }

    /// Stops the whole process for so long, as SIGSTOP does. Returns when it has stopped.
    pub fn suspend(&self, time: Duration) {
        self.stand_still(move || std::thread::sleep(time));
    }

    /// Has the runtime stand still until what is given back is dropped. What the test's own thread asks for is sent all the
    /// same, and what the server says is not read.
    pub fn halt(&self) -> Sender<()> {
        let (go_on, goes_on) = channel();
        self.stand_still(move || {
            let _ = goes_on.recv_timeout(PATIENCE);
        });
        go_on
    }

    /// Returns when the runtime has come to `wait`, which nothing else passes.
    fn stand_still(&self, wait: impl FnOnce() + Send + 'static) {
        let (stopped, has_stopped) = channel();
        self.runtime.as_ref().expect("the program runs").spawn(async move {
            stopped.send(()).expect("somebody waits for it");
            wait();
        });
        has_stopped.recv_timeout(PATIENCE).expect("the runtime runs");
    }

    fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::ZERO);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn tag(event: &Event) -> u32 {
    match *event {
        Event::Granted { tag, .. }
        | Event::Expired { tag, .. }
        | Event::TimedOut { tag, .. }
        | Event::Lost { tag, .. }
        | Event::Failed { tag, .. }
        | Event::Answered { tag, .. } => tag,
    }
}

/// Three wait for the key "k", which `a` holds: `b`, `a` and `b` again.
pub fn queue_up(a: &mut Program, b: &mut Program) -> [Asked; 3] {
    let mut wait = |of_a, place| {
        let asked = if of_a { a.write("k") } else { b.write("k") };
        b.until_waiting("k", place);
        asked
    };
    [wait(false, 1), wait(true, 2), wait(false, 3)]
}

/// Those who queued up are granted it in that order, once the first of them has it.
pub fn follow_in_order(a: &mut Program, b: &mut Program, [first, second, third]: [Asked; 3]) {
    assert_eq!(b.release(first), Answer::Done);
    follow(a, second, b, third);
    assert_eq!(a.release(second), Answer::Done);
    b.granted(third);
}

/// `next` is granted to `a`, and not before it `behind` to `b`.
pub fn follow(a: &mut Program, next: Asked, b: &mut Program, behind: Asked) {
    until("one of them has an event", || a.has_event(next) || b.has_event(behind));
    assert!(!b.has_event(behind), "it overtook the one before it");
    a.granted(next);
}

/// Sends the server one command, on a connection of its own.
pub fn command(server: &Server, words: &[&str]) {
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]).exec(&mut connection).unwrap();
}

/// How many scripts the server has run since the last call.
pub fn scripts_run(server: &Server) -> u64 {
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut connection).unwrap();
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut connection).unwrap();
    let evalsha = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    evalsha.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

/// Looks until something has come true.
pub fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < limit, "it did not come true that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
