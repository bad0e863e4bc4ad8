//! One JavaScript thread (and one copy of the package in it) as the engine sees it.
//!
//! A port owns private spaces: nobody else ever operates on them, so that each operation's events are all
//! for the port itself and go back in the same call.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use latchkey_engine::{Ask, Event, Events, Mode, Outcome, Port as PortNumber, Space, Time};
use napi::bindgen_prelude::{Float64Array, Function, FunctionCallContext, Object, ToNapiValue, Utf16String};
use napi::{Env, Error, Result};

use crate::{
    clock, registry, timer,
    waker::{KeepAlive, Waker},
    words::{self, LENGTH, Words},
};

/// The port's own number of one of its spaces.
type SpaceNumber = u32;

/// A private space, and when it has to be looked at next.
struct OpenSpace {
    space: Arc<Space>,
    deadline: Option<Time>,
}

/// Invariant: `deadlines` holds `(t, s)` exactly for the spaces whose `deadline` is `t`, and the event
/// loop is kept alive exactly while it is not empty.
struct Port {
    number: PortNumber,
    words: Words,
    waker: Arc<Waker>,
    keep_alive: KeepAlive,
    spaces: RefCell<BTreeMap<SpaceNumber, OpenSpace>>,
    next_space: Cell<SpaceNumber>,
    deadlines: RefCell<BTreeSet<(Time, SpaceNumber)>>,
    /// Events that did not fit into the array, for `readEvents`.
    backlog: RefCell<VecDeque<(SpaceNumber, Event)>>,
}

/// Opens a port and makes its functions: closures that carry it, since a call of one costs a
/// fraction of a class method's.
pub fn open<'env>(env: &'env Env, words: Float64Array, wake: Function<(), ()>) -> Result<Object<'env>> {
    let words = Words::new(words).ok_or_else(|| {
        Error::from_reason(format!("latchkey: openPort needs an array of {LENGTH} numbers"))
    })?;
    let port = Rc::new(Port::new(words, Waker::new(&wake)?));
    // Hooks run in the reverse order of their making: this one before the waker's own, which ends the
    // threadsafe function.
    env.add_env_cleanup_hook(Rc::clone(&port), |port| port.detach())?;

    let mut functions = Object::new(env)?;
    let mut define = Definer { env, port, functions: &mut functions };
    define.function("openSpace", |port, _| port.open_space())?;
    define.function("closeSpace", |port, call| port.close_space(call.env))?;
    define.function("request", |port, call| port.request(call))?;
    define.function("release", |port, call| port.release(call.env))?;
    define.function("expire", |port, call| port.expire(call.env))?;
    define.function("readEvents", |port, _| port.read_events())?;
    Ok(functions)
}

struct Definer<'a, 'env> {
    env: &'env Env,
    port: Rc<Port>,
    functions: &'a mut Object<'env>,
}

impl Definer<'_, '_> {
    /// napi-rs turns both an `Err` and a panic of the closure into a JavaScript error.
    fn function<T: ToNapiValue>(
        &mut self,
        name: &str,
        body: impl Fn(&Port, &FunctionCallContext) -> Result<T> + 'static,
    ) -> Result<()> {
        let port = Rc::clone(&self.port);
        let function =
            self.env.create_function_from_closure::<(), T, _>(name, move |call| body(&port, &call))?;
        self.functions.set(name, function)
    }
}

impl Port {
    fn new(words: Words, waker: Waker) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self {
            // Relaxed: only that each port gets another number matters.
            number: PortNumber(NEXT.fetch_add(1, Ordering::Relaxed)),
            words,
            waker: Arc::new(waker),
            keep_alive: KeepAlive::new(),
            spaces: RefCell::default(),
            next_space: Cell::new(0),
            deadlines: RefCell::default(),
            backlog: RefCell::default(),
        }
    }

    fn open_space(&self) -> Result<SpaceNumber> {
        let number = self.next_space.get();
        self.next_space.set(
            number
                .checked_add(1)
                .ok_or_else(|| Error::from_reason("latchkey: this thread has opened 2^32 locks"))?,
        );
        let space = Arc::new(Space::new(1));
        registry::add(self.number, number, Arc::clone(&space));
        self.spaces.borrow_mut().insert(number, OpenSpace { space, deadline: None });
        Ok(number)
    }

    fn close_space(&self, env: &Env) -> Result<()> {
        let number = self.words.with(|words| words::whole(words[words::SPACE]));
        self.keep_deadline(env, number, None);
        self.spaces.borrow_mut().remove(&number);
        registry::remove(self.number, number);
        Ok(())
    }

    fn request(&self, call: &FunctionCallContext) -> Result<()> {
        let key: Utf16String = call.first_arg()?;
        let (number, ask) = self.words.with(|words| {
            let ask = Ask {
                port: self.number,
                tag: words::whole(words[words::TAG]),
                key: &key,
                mode: if words[words::MODE] == 0.0 { Mode::Read } else { Mode::Write },
                expiry: expiry(words[words::EXPIRY]),
            };
            (words::whole(words[words::SPACE]), ask)
        });
        let space = self.space(number)?;
        let outcome = space.request(ask, clock::now());
        let requested = self.answer(call.env, number, outcome);
        self.words.with(|words| words::write_requested(words, requested));
        Ok(())
    }

    fn release(&self, env: &Env) -> Result<()> {
        let (number, ticket) =
            self.words.with(|words| (words::whole(words[words::SPACE]), words::ticket(words)));
        let outcome = self.space(number)?.release(ticket, clock::now());
        let released = self.answer(env, number, outcome);
        self.words.with(|words| words::write_done(words, released));
        Ok(())
    }

    /// Takes away what is overdue in each space.
    fn expire(&self, env: &Env) -> Result<()> {
        let now = clock::now();
        while let Some(number) = self.due(now) {
            let outcome = self.space(number)?.expire(now);
            self.backlog.borrow_mut().extend(outcome.events.into_iter().map(|event| (number, event)));
            self.keep_deadline(env, number, outcome.next_deadline);
        }
        self.set_alarm();
        self.read_events()
    }

    /// A space with an overdue hold that another request waits for.
    fn due(&self, now: Time) -> Option<SpaceNumber> {
        let &(time, number) = self.deadlines.borrow().first()?;
        (time <= now).then_some(number)
    }

    /// Tells what did not fit into the array before.
    fn read_events(&self) -> Result<()> {
        let mut backlog = self.backlog.borrow_mut();
        self.words.with(|words| words::write_events(words, &mut Unread(&mut backlog)));
        Ok(())
    }

    fn space(&self, number: SpaceNumber) -> Result<Arc<Space>> {
        let spaces = self.spaces.borrow();
        let open = spaces.get(&number).ok_or_else(|| Error::from_reason("latchkey: this space is closed"))?;
        Ok(Arc::clone(&open.space))
    }

    /// Passes an operation's outcome on: its deadline to the timer, its events to JavaScript.
    fn answer<T>(&self, env: &Env, number: SpaceNumber, outcome: Outcome<T>) -> T {
        self.tell(number, outcome.events);
        self.keep_deadline(env, number, outcome.next_deadline);
        outcome.result
    }

    fn tell(&self, number: SpaceNumber, events: Events) {
        let mut events = events.into_iter().map(|event| (number, event));
        self.words.with(|words| words::write_events(words, &mut events));
        if events.len() > 0 {
            self.backlog.borrow_mut().extend(events);
        }
    }

    fn keep_deadline(&self, env: &Env, number: SpaceNumber, deadline: Option<Time>) {
        let mut spaces = self.spaces.borrow_mut();
        let Some(open) = spaces.get_mut(&number).filter(|open| open.deadline != deadline) else { return };
        let mut deadlines = self.deadlines.borrow_mut();
        if let Some(time) = std::mem::replace(&mut open.deadline, deadline) {
            deadlines.remove(&(time, number));
        }
        deadlines.extend(deadline.map(|time| (time, number)));
        self.keep_alive.set(env, &self.waker, !deadlines.is_empty());
        drop(deadlines);
        self.set_alarm();
    }

    fn set_alarm(&self) {
        // When no deadline is left, a timer that is already set may still fire: one idle wake-up costs less
        // than taking it back each time.
        let Some(&(time, _)) = self.deadlines.borrow().first() else { return };
        if timer::wake_at(time, self.number, &self.waker).is_err() {
            // The system refused the timer its thread. Until it gives one, the event loop looks itself, over
            // and over: slow, but nobody waits for ever.
            self.waker.wake();
        }
    }

    /// The thread ends: whatever it holds or waits for goes with it.
    fn detach(&self) {
        timer::forget(self.number);
        self.deadlines.borrow_mut().clear();
        let spaces = std::mem::take(&mut *self.spaces.borrow_mut());
        for number in spaces.into_keys() {
            registry::remove(self.number, number);
        }
    }
}

/// What is left of the backlog, taken from its front.
struct Unread<'a>(&'a mut VecDeque<(SpaceNumber, Event)>);

impl Iterator for Unread<'_> {
    type Item = (SpaceNumber, Event);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl ExactSizeIterator for Unread<'_> {}

fn expiry(milliseconds: f64) -> Option<Duration> {
    // What does not fit a duration is longer than any process lives: no expiry.
    (milliseconds > 0.0).then(|| Duration::try_from_secs_f64(milliseconds / 1000.0).ok()).flatten()
}
