//! One JavaScript thread (and one copy of the package in it): the spaces that it has open, and what it has
//! to be told.
//!
//! On private spaces nobody else operates, so that each operation's events are all for the port itself and
//! go back in the same call. Named spaces are operated on by anybody: what others cause comes as letters.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use latchkey_engine::{Event, Events, Inbox, Outcome, Port as Member, Time};
use napi::{Env, Error, Result};

use crate::{
    clock,
    mailbox::Mailbox,
    shared_space::SharedSpace,
    timer::{self, AlarmNumber},
    waker::{KeepAlive, Waker},
    words::{self, Words},
};
#[cfg(unix)]
use crate::{table::Table, watch::Watches};

/// The port's own number of one of its spaces.
pub type SpaceNumber = u32;

/// A space that the port uses.
pub struct OpenSpace {
    pub shared: Arc<SharedSpace>,
    /// Who the port is there: the engine counts each opening of a space as a port of its own, so that
    /// closing one ends what that one owns.
    pub member: Member,
    /// When a private space has to be looked at next.
    deadline: Cell<Option<Time>>,
    /// How many of a named space's queued requests are this member's, as far as JavaScript knows.
    waiting: Cell<isize>,
}

/// Invariant: `deadlines` holds `(t, s)` exactly for the private spaces `s` whose `deadline` is `t`;
/// `waiting` is the sum of the named spaces' `waiting`; the event loop is kept alive exactly while one of the
/// two is not empty.
pub struct Port {
    pub words: Words,
    pub mailbox: Arc<Mailbox>,
    alarm: AlarmNumber,
    keep_alive: KeepAlive,
    spaces: RefCell<BTreeMap<SpaceNumber, Rc<OpenSpace>>>,
    next_space: Cell<SpaceNumber>,
    deadlines: RefCell<BTreeSet<(Time, SpaceNumber)>>,
    waiting: Cell<isize>,
    /// Events that JavaScript has not read yet, by the space's number.
    backlog: RefCell<VecDeque<(SpaceNumber, Event)>>,
    #[cfg(unix)]
    pub watches: Watches,
}

impl Port {
    pub fn new(words: Words, waker: Waker, thread: u32) -> Self {
        Self {
            words,
            mailbox: Arc::new(Mailbox { inbox: Inbox::default(), waker, thread }),
            alarm: timer::new_number(),
            keep_alive: KeepAlive::new(),
            spaces: RefCell::default(),
            next_space: Cell::new(0),
            deadlines: RefCell::default(),
            waiting: Cell::new(0),
            backlog: RefCell::default(),
            #[cfg(unix)]
            watches: Watches::default(),
        }
    }

    /// Adds a space to those that the port uses.
    pub fn open(&self, shared: Arc<SharedSpace>) -> Result<SpaceNumber> {
        static NEXT_MEMBER: AtomicU32 = AtomicU32::new(0);
        // Relaxed: only that each member gets another number matters.
        let member = Member(NEXT_MEMBER.fetch_add(1, Ordering::Relaxed));
        let number = self.next_space.get();
        let next = number.checked_add(1);
        self.next_space.set(next.ok_or_else(|| Error::from_reason("latchkey: too many locks were made"))?);
        if !shared.is_private() {
            shared.post.join(member, Arc::clone(&self.mailbox), number);
        }
        let open = OpenSpace { shared, member, deadline: Cell::default(), waiting: Cell::default() };
        self.spaces.borrow_mut().insert(number, Rc::new(open));
        Ok(number)
    }

    /// Ends the port's use of a space, and with it all that it holds or waits for there.
    pub fn close(&self, env: &Env, number: SpaceNumber) {
        let closed = self.spaces.borrow_mut().remove(&number);
        if let Some(open) = closed {
            self.waiting.set(self.waiting.get() - open.waiting.get());
            self.keep_deadline(env, number, &open, None);
            self.leave(&open);
            self.keep_alive(env);
        }
    }

    pub fn space(&self, number: SpaceNumber) -> Result<Rc<OpenSpace>> {
        let spaces = self.spaces.borrow();
        let open = spaces.get(&number).ok_or_else(|| Error::from_reason("latchkey: this space is closed"))?;
        Ok(Rc::clone(open))
    }

    /// Makes the engine's next fences in a private space higher than those that JavaScript gave there.
    pub fn raise_fences(&self, open: &OpenSpace) {
        if let Some(engine) = open.shared.private() {
            engine.raise_fences(self.words.with(|words| words[words::FENCE_FLOOR]) as u64);
        }
    }

    /// Passes an operation's outcome on: deadlines to the timer, others' events to them, the port's own to
    /// JavaScript.
    pub fn answer<T>(&self, env: &Env, number: SpaceNumber, open: &OpenSpace, outcome: Outcome<T>) -> T {
        if !open.shared.is_private() {
            let (result, own) = open.shared.pass_on(outcome, Some((open.member, &self.mailbox)));
            own.as_slice().iter().for_each(|event| self.see(number, event));
            self.tell(number, own);
            self.words.with(|words| words::write_letters(words, !self.mailbox.inbox.is_empty()));
            self.keep_alive(env);
            #[cfg(unix)]
            if let Table::Store(stored) = &open.shared.table {
                self.watches.take_over(stored.store());
            }
            result
        } else {
            self.tell(number, outcome.events);
            self.keep_deadline(env, number, open, outcome.next_deadline);
            outcome.result
        }
    }

    /// Counts a request that has joined a queue, or (`change` is -1) that waits no longer. One that waits in
    /// a named space keeps the event loop alive: others may serve it.
    pub fn count_waiting(&self, env: &Env, open: &OpenSpace, change: isize) {
        if !open.shared.is_private() {
            open.waiting.set(open.waiting.get() + change);
            self.waiting.set(self.waiting.get() + change);
            self.keep_alive(env);
        }
    }

    /// Gathers what others have caused and what time has brought, for JavaScript to read.
    pub fn collect(&self, env: &Env) -> Result<()> {
        for letter in self.mailbox.inbox.take() {
            self.note(letter.address, letter.event);
        }
        let now = clock::now();
        while let Some(number) = self.due(now) {
            let open = self.space(number)?;
            self.raise_fences(&open);
            let outcome = open.shared.table.locks().expire(&clock::now);
            outcome.events.into_iter().for_each(|event| self.note(number, event));
            self.keep_deadline(env, number, &open, outcome.next_deadline);
        }
        self.set_alarm();
        if !timer::is_started() {
            self.expire_named();
        }
        self.keep_alive(env);
        self.read_events();
        Ok(())
    }

    /// Says whether letters lie in the inbox, and whether a request waits for some. Until the next `collect`, which
    /// JavaScript promises to make soon, nobody wakes it.
    pub fn watch(&self) {
        let has_letters = self.mailbox.inbox.watch();
        self.words.with(|words| {
            words::write_letters(words, has_letters);
            words::write_done(words, self.waiting.get() > 0);
        });
    }

    /// Puts what JavaScript has not read yet into the array, as far as it fits.
    pub fn read_events(&self) {
        let mut backlog = self.backlog.borrow_mut();
        self.words.with(|words| words::write_events(words, &mut Unread(&mut backlog)));
    }

    /// The thread ends: whatever it holds or waits for goes with it.
    pub fn detach(&self) {
        #[cfg(unix)]
        self.watches.end();
        // Deno delivers a wake-up that is under way after it has freed the port's functions.
        self.words.with(words::write_ended);
        let spaces = std::mem::take(&mut *self.spaces.borrow_mut());
        spaces.values().for_each(|open| self.leave(open));
    }

    fn leave(&self, open: &OpenSpace) {
        if !open.shared.is_private() {
            // In this order: what the engine grants this member from here on, nobody is told of, and detach
            // frees it.
            open.shared.post.leave(open.member);
            let outcome = open.shared.table.locks().detach(open.member, &clock::now);
            let ((), _own) = open.shared.pass_on(outcome, None);
        }
    }

    /// Does the timer's work for the named spaces, while the system refuses the timer its thread.
    fn expire_named(&self) {
        let spaces: Vec<_> = self.spaces.borrow().iter().map(|(&n, open)| (n, Rc::clone(open))).collect();
        for (number, open) in spaces.into_iter().filter(|(_, open)| !open.shared.is_private()) {
            let outcome = open.shared.table.locks().expire(&clock::now);
            let ((), own) = open.shared.pass_on(outcome, Some((open.member, &self.mailbox)));
            own.into_iter().for_each(|event| self.note(number, event));
        }
    }

    /// A private space with something due.
    fn due(&self, now: Time) -> Option<SpaceNumber> {
        let &(time, number) = self.deadlines.borrow().first()?;
        (time <= now).then_some(number)
    }

    /// Writes a call's own events into the array; what does not fit follows with `readEvents`.
    fn tell(&self, number: SpaceNumber, events: Events) {
        if events.is_empty() {
            return self.words.with(words::write_no_events);
        }
        let mut events = events.into_iter().map(|event| (number, event));
        self.words.with(|words| words::write_events(words, &mut events));
        if events.len() > 0 {
            self.backlog.borrow_mut().extend(events);
        }
    }

    fn note(&self, number: SpaceNumber, event: Event) {
        self.see(number, &event);
        self.backlog.borrow_mut().push_back((number, event));
    }

    /// Keeps `waiting` true to what JavaScript is about to read.
    fn see(&self, number: SpaceNumber, event: &Event) {
        if matches!(event, Event::Granted { .. } | Event::TimedOut { .. } | Event::Failed { .. })
            && let Some(open) = self.spaces.borrow().get(&number).filter(|open| !open.shared.is_private())
        {
            open.waiting.set(open.waiting.get() - 1);
            self.waiting.set(self.waiting.get() - 1);
        }
    }

    fn keep_deadline(&self, env: &Env, number: SpaceNumber, open: &OpenSpace, deadline: Option<Time>) {
        let before = open.deadline.replace(deadline);
        if before == deadline {
            return;
        }
        let mut deadlines = self.deadlines.borrow_mut();
        if let Some(time) = before {
            deadlines.remove(&(time, number));
        }
        deadlines.extend(deadline.map(|time| (time, number)));
        drop(deadlines);
        self.keep_alive(env);
        self.set_alarm();
    }

    fn keep_alive(&self, env: &Env) {
        let alive = self.waiting.get() > 0 || !self.deadlines.borrow().is_empty();
        self.keep_alive.set(env, &self.mailbox.waker, alive);
    }

    fn set_alarm(&self) {
        let Some(&(time, _)) = self.deadlines.borrow().first() else { return };
        if timer::ring_at(time, self.alarm, &self.mailbox).is_err() {
            // Without the timer's thread the event loop looks itself, over and over: slow, but nobody waits
            // for ever.
            self.mailbox.waker.wake();
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
