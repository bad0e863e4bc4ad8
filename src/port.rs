//! One JavaScript thread (and one copy of the package in it): the spaces that it has open, and what it has
//! to be told.
//!
//! On private spaces nobody else operates, so that each operation's events are all for the port itself and
//! go back in the same call. What surely waits there JavaScript posts, without a call: each call takes that in first.
//! Named spaces are operated on by anybody: what others cause comes as letters. An operation on one reads those first, in
//! the moment in which it takes place: so the events of a key stand before JavaScript in the order in which they were
//! decided.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use latchkey_engine::{Caller, Events, Inbox, Letter, LockTable, Outcome, Own, Port as Member, Time};
use napi::{Env, Error, Result};

use crate::{
    clock::{self, Clock},
    mailbox::{Address, Mailbox},
    open_space::{OpenSpace, Scope},
    shared_space::SharedSpace,
    stack::Stack,
    timer::{self, AlarmNumber},
    waker::{KeepAlive, Waker},
    words::{self, Words},
};

/// The port's own number of one of its spaces.
pub type SpaceNumber = u32;

/// Invariant: `deadlines` holds `(t, s)` exactly for the private spaces `s` whose `deadline` is `t`;
/// the event loop is kept alive exactly while it is not empty or JavaScript `waits`. There is a `backlog` only while the
/// array is full, except within a call.
pub struct Port {
    pub words: Words,
    pub mailbox: Arc<Mailbox>,
    pub stack: Stack,
    alarm: AlarmNumber,
    keep_alive: KeepAlive,
    spaces: RefCell<BTreeMap<SpaceNumber, Rc<OpenSpace>>>,
    next_space: Cell<SpaceNumber>,
    deadlines: RefCell<BTreeSet<(Time, SpaceNumber)>>,
    /// Whether JavaScript waits for others: it says so itself.
    waits: Cell<bool>,
    /// What JavaScript has to be told and the array has no room for.
    backlog: RefCell<VecDeque<Letter>>,
    /// How many of the posted entries have been taken in.
    taken: Cell<usize>,
}

impl Port {
    pub fn new(words: Words, waker: Waker, thread: u32) -> Rc<Self> {
        Rc::new(Self {
            words,
            mailbox: Arc::new(Mailbox { inbox: Inbox::default(), waker, thread }),
            stack: Stack::new(),
            alarm: timer::new_number(),
            keep_alive: KeepAlive::new(),
            spaces: RefCell::default(),
            next_space: Cell::new(0),
            deadlines: RefCell::default(),
            waits: Cell::new(false),
            backlog: RefCell::default(),
            taken: Cell::default(),
        })
    }

    /// Adds a space to those that the port uses.
    pub fn open(&self, scope: Scope) -> Result<SpaceNumber> {
        static NEXT_MEMBER: AtomicU32 = AtomicU32::new(0);
        // Relaxed: only that each member gets another number matters.
        let member = Member(NEXT_MEMBER.fetch_add(1, Ordering::Relaxed));
        let number = self.next_space.get();
        let next = number.checked_add(1);
        self.next_space.set(next.ok_or_else(|| Error::from_reason("latchkey: too many locks were made"))?);
        if let Scope::Shared(shared) = &scope {
            shared.post.join(member, Address(Arc::clone(&self.mailbox)), number);
        }
        self.spaces.borrow_mut().insert(number, Rc::new(OpenSpace::new(scope, member)));
        Ok(number)
    }

    /// Ends the port's use of a space, and with it all that it holds or waits for there.
    pub fn close(&self, env: &Env, number: SpaceNumber) {
        let closed = self.spaces.borrow_mut().remove(&number);
        if let Some(open) = closed {
            self.keep_deadline(env, number, &open, None);
            self.leave(&open);
        }
    }

    pub fn space(&self, number: SpaceNumber) -> Result<Rc<OpenSpace>> {
        let spaces = self.spaces.borrow();
        let open = spaces.get(&number).ok_or_else(|| Error::from_reason("latchkey: this space is closed"))?;
        Ok(Rc::clone(open))
    }

    /// Makes the engine's next fences in a private space higher than those that JavaScript gave there.
    pub fn raise_fences(&self, open: &OpenSpace) {
        if let Some(local) = open.local() {
            local.raise_fences(self.words.with(|words| words[words::FENCE_FLOOR]) as u64);
        }
    }

    /// Takes in what JavaScript has posted, before anything else happens.
    pub fn take_in(&self) {
        let posted = self.words.with(|words| words::whole(words[words::POSTED])) as usize;
        if posted == 0 {
            return;
        }
        let mut recent: Option<(SpaceNumber, Rc<OpenSpace>)> = None;
        while self.taken.get() < posted {
            let entry = self.words.with(|words| words::posted(words, self.taken.get()));
            // First, so that one that cannot be taken in is not tried again.
            self.taken.set(self.taken.get() + 1);
            if recent.as_ref().is_none_or(|(number, _)| *number != entry.space) {
                // A closed space's is for nobody.
                recent = self.space(entry.space).ok().map(|open| (entry.space, open));
            }
            if let Some((_, open)) = &recent {
                open.take_in(&entry);
            }
        }
        self.taken.set(0);
        self.words.with(|words| words[words::POSTED] = 0.0);
    }

    /// Makes an operation, and passes on what comes of it: deadlines to the timer, others' events to them, the port's own
    /// to JavaScript.
    pub fn operate<T>(
        &self,
        env: &Env,
        number: SpaceNumber,
        open: &OpenSpace,
        change: impl FnOnce(&dyn LockTable, &mut dyn Caller) -> Outcome<T>,
    ) -> T {
        let Some(shared) = open.shared() else {
            let outcome = change(open.locks(), &mut Clock);
            self.tell_own(number, outcome.events);
            self.keep_deadline(env, number, open, outcome.next_deadline);
            return outcome.result;
        };
        let result = self.operate_named(number, open, shared, change);
        self.tell();
        result
    }

    /// Makes an operation on a space that is not private. What the port has to be told is in the backlog then.
    fn operate_named<T>(
        &self,
        number: SpaceNumber,
        open: &OpenSpace,
        shared: &Arc<SharedSpace>,
        change: impl FnOnce(&dyn LockTable, &mut dyn Caller) -> Outcome<T>,
    ) -> T {
        let letters = &mut *self.backlog.borrow_mut();
        let own = Own { port: open.member, address: number, inbox: &self.mailbox.inbox, letters };
        let mut caller = shared.post.sender(Clock, Some(own));
        let outcome = change(shared.table.locks(), &mut caller);
        if shared.set_alarm(outcome.next_deadline).is_err() {
            // Without the timer's thread the port looks itself, over and over: slow, but nobody waits for ever.
            self.mailbox.waker.wake();
        }
        outcome.result
    }

    /// Gathers what others have caused and what time has brought, for JavaScript to read.
    pub fn collect(&self, env: &Env) -> Result<()> {
        self.backlog.borrow_mut().extend(self.mailbox.inbox.take());
        self.tell();
        let now = clock::now();
        while let Some(number) = self.due(now) {
            let open = self.space(number)?;
            self.raise_fences(&open);
            let outcome = open.locks().expire(&mut Clock);
            self.tell_own(number, outcome.events);
            self.keep_deadline(env, number, &open, outcome.next_deadline);
        }
        self.set_alarm();
        if !timer::is_started() {
            self.expire_named();
        }
        self.tell();
        Ok(())
    }

    /// Says whether letters lie in the inbox. Until the next `collect`, which JavaScript promises to make soon, nobody wakes
    /// it.
    pub fn watch(&self) {
        let has_letters = self.mailbox.inbox.watch();
        self.words.with(|words| words::write_done(words, words::flag(has_letters)));
    }

    /// JavaScript has read what stands in the array: puts there what follows.
    pub fn read_on(&self) {
        self.words.with(words::write_no_events);
        self.tell();
    }

    /// JavaScript waits for others from now on, or not any more.
    pub fn set_waits(&self, env: &Env, waits: bool) {
        self.waits.set(waits);
        self.keep_alive(env);
    }

    /// Puts the backlog into the array, as far as it fits.
    fn tell(&self) {
        let mut backlog = self.backlog.borrow_mut();
        if !backlog.is_empty() {
            self.words.with(|words| words::write_events(words, &mut Backlog(&mut backlog)));
        }
    }

    /// Puts a private space's events into the array, and into the backlog what does not fit.
    fn tell_own(&self, number: SpaceNumber, events: Events) {
        if !events.is_empty() {
            let mut letters = events.into_iter().map(|event| Letter { address: number, event });
            self.words.with(|words| words::write_events(words, &mut letters));
            self.backlog.borrow_mut().extend(letters);
        }
    }

    /// The thread ends: whatever it holds or waits for goes with it.
    pub fn detach(&self) {
        // Deno delivers a wake-up that is under way after it has freed the port's functions.
        self.words.with(words::write_ended);
        timer::forget(self.alarm);
        let spaces = std::mem::take(&mut *self.spaces.borrow_mut());
        spaces.values().for_each(|open| self.leave(open));
    }

    fn leave(&self, open: &OpenSpace) {
        if let Some(shared) = open.shared() {
            // In this order: what the engine grants this member from here on, nobody is told of, and detach
            // frees it.
            shared.post.leave(open.member);
            shared.labels.leave(open.member);
            let mut caller = shared.post.sender(Clock, None);
            let outcome = shared.table.locks().detach(open.member, &mut caller);
            // If it fails, whoever waits in the space has had no timer before, and looks itself.
            let _ = shared.set_alarm(outcome.next_deadline);
        }
    }

    /// Does the timer's work for the named spaces, while the system refuses the timer its thread.
    fn expire_named(&self) {
        let spaces: Vec<_> = self.spaces.borrow().iter().map(|(&n, open)| (n, Rc::clone(open))).collect();
        for (number, open) in spaces {
            if let Some(shared) = open.shared() {
                self.operate_named(number, &open, shared, |locks, caller| locks.expire(caller));
            }
        }
    }

    /// A private space with something due.
    fn due(&self, now: Time) -> Option<SpaceNumber> {
        let &(time, number) = self.deadlines.borrow().first()?;
        (time <= now).then_some(number)
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
        let alive = self.waits.get() || !self.deadlines.borrow().is_empty();
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

/// The backlog, taken from its front.
struct Backlog<'a>(&'a mut VecDeque<Letter>);

impl Iterator for Backlog<'_> {
    type Item = Letter;

    fn next(&mut self) -> Option<Letter> {
        self.0.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl ExactSizeIterator for Backlog<'_> {}
