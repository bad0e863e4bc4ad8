//! One JavaScript thread (and one copy of the package in it): the spaces that it has open, and what it has
//! to learn.
//!
//! On private spaces nobody else operates, so that each operation's events are all for the port itself and
//! go back in the same call. What surely waits there JavaScript posts, without a call: each call takes that in first.
//! Named spaces are operated on by anybody: what others cause comes as messages. An operation on one reads those first, in
//! the moment in which it takes place: so the events of a key stand before JavaScript in the order in which they were
//! decided.

pub mod mailbox;
pub mod open_space;
pub mod waker;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use latchkey_engine::{Caller, Event, LockTable, Member, Message, Outcome, Own, Ticket, Time};
use napi::{Env, Error, Result, check_status, sys};

use crate::{
    crossing::raw_function::Call,
    crossing::stack::Stack,
    crossing::words::{self, Words},
    port::mailbox::{Address, Mailbox},
    port::open_space::{OpenSpace, Scope},
    port::waker::{Listener, Waker},
    process::clock::{self, Clock},
    process::timer::{self, AlarmNumber},
};

/// The port's own number of one of its spaces.
pub type SpaceNumber = u32;

/// It lives as long as one of its functions, and ends with the environment, or when JavaScript has lost all of them.
///
/// Invariant: `deadlines` holds `(t, s)` exactly for the private spaces `s` whose `deadline` is `t`;
/// the event loop is kept alive exactly while it is not empty or JavaScript `waits`; the `listener` is held exactly then and while a
/// space that is not private is open, of which there are `shared`. Something is `unwritten` only while the
/// array is full, except within a call.
pub struct Port {
    env: Env,
    pub words: Words,
    pub mailbox: Arc<Mailbox>,
    pub stack: Stack,
    alarm: AlarmNumber,
    is_kept_alive: Cell<bool>,
    listener: Listener,
    shared: Cell<usize>,
    has_ended: Cell<bool>,
    spaces: RefCell<BTreeMap<SpaceNumber, Rc<OpenSpace>>>,
    next_space: Cell<SpaceNumber>,
    deadlines: RefCell<BTreeSet<(Time, SpaceNumber)>>,
    /// Whether JavaScript waits for others: it says so itself.
    waits: Cell<bool>,
    /// What JavaScript has to learn and does not stand in the array yet.
    unwritten: RefCell<VecDeque<Message>>,
    /// How many of the posted entries have been taken in.
    taken: Cell<usize>,
}

impl Port {
    pub fn new(env: Env, words: Words, waker: Waker, listener: Listener, thread: u32) -> Rc<Self> {
        Rc::new(Self {
            env,
            words,
            mailbox: Arc::new(Mailbox::new(waker, thread)),
            stack: Stack::new(),
            alarm: timer::new_number(),
            is_kept_alive: Cell::new(false),
            listener,
            shared: Cell::new(0),
            has_ended: Cell::new(false),
            spaces: RefCell::default(),
            next_space: Cell::new(0),
            deadlines: RefCell::default(),
            waits: Cell::new(false),
            unwritten: RefCell::default(),
            taken: Cell::default(),
        })
    }

    /// Has the port end with the environment, if it lives so long.
    pub fn end_with_environment(self: &Rc<Self>) -> Result<()> {
        let port = Rc::as_ptr(self).cast_mut().cast();
        // SAFETY: on the environment's own thread. The hook is what `environment_ends` expects, and `drop` removes it.
        check_status!(unsafe { sys::napi_add_env_cleanup_hook(self.env.raw(), Some(environment_ends), port) })
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
            shared.members.join(member, Address(Arc::clone(&self.mailbox)), number);
            self.shared.set(self.shared.get() + 1);
            self.keep_alive();
        }
        self.spaces.borrow_mut().insert(number, Rc::new(OpenSpace::new(number, scope, member)));
        Ok(number)
    }

    /// Ends the port's use of the space that a call is about, and with it all that it holds or waits for there.
    pub fn close(&self, _: &Call) -> Result<()> {
        let closed = self.spaces.borrow_mut().remove(&self.words.whole(words::SPACE));
        if let Some(open) = closed {
            self.keep_deadline(&open, None);
            self.leave(&open);
            if let Scope::Shared(_) = open.scope {
                self.shared.set(self.shared.get() - 1);
                self.keep_alive();
            }
        }
        Ok(())
    }

    fn space(&self, number: SpaceNumber) -> Result<Rc<OpenSpace>> {
        let spaces = self.spaces.borrow();
        let open = spaces.get(&number).ok_or_else(|| Error::from_reason("latchkey: this space is closed"))?;
        Ok(Rc::clone(open))
    }

    /// The space that a call is about.
    pub fn addressed(&self) -> Result<Rc<OpenSpace>> {
        let open = self.space(self.words.whole(words::SPACE))?;
        self.raise_fences(&open);
        Ok(open)
    }

    /// The request that a call is about, in that space.
    pub fn addressed_request(&self) -> Result<(Rc<OpenSpace>, Ticket)> {
        let open = self.addressed()?;
        let ticket = open.ticket(self.words.whole(words::TAG))?;
        Ok((open, ticket))
    }

    /// Makes the engine's next fences in a private space higher than those that JavaScript gave there.
    fn raise_fences(&self, open: &OpenSpace) {
        if let Scope::Thread(local) = &open.scope {
            local.raise_fences(self.words[words::FENCE_FLOOR].get() as u64);
        }
    }

    /// Takes in what JavaScript has posted, before anything else happens.
    pub fn apply_posted(&self) {
        let count = self.words.whole(words::POSTED) as usize;
        if count == 0 {
            return;
        }
        let mut recent: Option<Rc<OpenSpace>> = None;
        while self.taken.get() < count {
            let posted = self.words.posted(self.taken.get());
            // First, so that one that cannot be taken in is not tried again.
            self.taken.set(self.taken.get() + 1);
            let number = posted[words::POSTED_SPACE].get() as SpaceNumber;
            if recent.as_ref().is_none_or(|open| open.number != number) {
                // A closed space's is for nobody.
                recent = self.space(number).ok();
            }
            if let Some(open) = &recent {
                open.apply(posted);
            }
        }
        self.taken.set(0);
        self.words[words::POSTED].set(0.0);
    }

    /// Makes an operation, and passes on what comes of it: deadlines to the timer, others' events to them, the port's own
    /// to JavaScript.
    pub fn operate<T>(
        &self,
        open: &OpenSpace,
        change: impl FnOnce(&dyn LockTable, &mut dyn Caller) -> Outcome<T>,
    ) -> T {
        match &open.scope {
            Scope::Thread(local) => {
                let outcome = change(local, &mut Clock);
                self.write_own_events(open.number, &outcome.events);
                self.keep_deadline(open, outcome.next_deadline);
                outcome.result
            }
            Scope::Shared(shared) => {
                let mut messages = self.unwritten.borrow_mut();
                let inbox = &self.mailbox.inbox;
                let own = Own { member: open.member, address: open.number, inbox, messages: &mut messages };
                let outcome = change(shared.table.locks(), &mut shared.members.sender(Clock, Some(own)));
                drop(messages);
                self.write_events();
                if shared.set_alarm(outcome.next_deadline).is_err() {
                    // Without the timer's thread the port looks itself, over and over: slow, but nobody waits for ever.
                    self.mailbox.waker.wake();
                }
                outcome.result
            }
        }
    }

    /// Gathers what others have caused and what time has brought, for JavaScript to read.
    pub fn collect(&self, _: &Call) -> Result<()> {
        self.read_inbox();
        let now = clock::now();
        while let Some(number) = self.due(now) {
            let open = self.space(number)?;
            self.raise_fences(&open);
            self.operate(&open, |locks, caller| locks.expire(caller));
        }
        self.set_alarm();
        if !timer::is_started() {
            self.expire_shared();
        }
        self.words[words::STORE_EVENTS].set((!self.mailbox.store_events().is_empty()).into());
        Ok(())
    }

    /// Gathers what others have caused, for JavaScript to read.
    pub fn read_inbox(&self) {
        self.unwritten.borrow_mut().extend(self.mailbox.inbox.take());
        self.write_events();
    }

    /// Says whether messages lie in the inbox. Until the next `collect`, which JavaScript promises to make soon, nobody wakes
    /// it.
    pub fn poll(&self, _: &Call) -> Result<()> {
        self.words[words::DONE].set(self.mailbox.inbox.poll().into());
        Ok(())
    }

    /// JavaScript has read what stands in the array: puts there what follows.
    pub fn read_on(&self, _: &Call) -> Result<()> {
        self.words[words::EVENTS].set(0.0);
        self.words[words::MORE].set(0.0);
        self.write_events();
        Ok(())
    }

    /// JavaScript waits for others from now on, or not any more.
    pub fn set_waits(&self, _: &Call) -> Result<()> {
        self.waits.set(self.words[words::WAITS].get() != 0.0);
        self.keep_alive();
        Ok(())
    }

    /// JavaScript has tried how much of the stack is left.
    pub fn note_room(&self, _: &Call) -> Result<()> {
        self.stack.note(self.words.whole(words::ROOM) as usize);
        Ok(())
    }

    /// Puts what is `unwritten` into the array, as far as it fits.
    fn write_events(&self) {
        let mut unwritten = self.unwritten.borrow_mut();
        if !unwritten.is_empty() {
            let events = unwritten.iter().map(|Message { address, event }| (*address, event));
            let written = self.words.add_events(events);
            unwritten.drain(..written);
        }
    }

    /// Puts a private space's events into the array, and keeps as `unwritten` what does not fit. They are read where they are: to
    /// move one that was just written costs more than to write it.
    fn write_own_events(&self, number: SpaceNumber, events: &[Event]) {
        if !events.is_empty() {
            let written = self.words.add_events(events.iter().map(|event| (number, event)));
            for &event in &events[written..] {
                self.unwritten.borrow_mut().push_back(Message { address: number, event });
            }
        }
    }

    /// The port ends, once: whatever it holds or waits for goes with it. The environment may have ended, too.
    pub fn detach(&self) {
        self.has_ended.set(true);
        // Deno delivers a wake-up that is under way after it has freed the port's functions.
        self.words[words::ENVIRONMENT_ENDED].set(1.0);
        timer::forget(self.alarm);
        let spaces = std::mem::take(&mut *self.spaces.borrow_mut());
        spaces.values().for_each(|open| self.leave(open));
    }

    fn leave(&self, open: &OpenSpace) {
        if let Scope::Shared(shared) = &open.scope {
            // In this order: what the engine grants this member from here on, nobody learns of, and detach
            // frees it.
            shared.members.leave(open.member);
            shared.labels().retain(|&(member, _), _| member != open.member);
            let mut caller = shared.members.sender(Clock, None);
            let outcome = shared.table.locks().detach(open.member, &mut caller);
            // If it fails, whoever waits in the space has had no timer before, and looks itself.
            let _ = shared.set_alarm(outcome.next_deadline);
        }
    }

    /// Does the timer's work for the named spaces, while the system refuses the timer its thread.
    fn expire_shared(&self) {
        let spaces: Vec<_> = self.spaces.borrow().values().cloned().collect();
        for open in spaces.iter().filter(|open| matches!(open.scope, Scope::Shared(_))) {
            self.operate(open, |locks, caller| locks.expire(caller));
        }
    }

    /// A private space with something due.
    fn due(&self, now: Time) -> Option<SpaceNumber> {
        let &(time, number) = self.deadlines.borrow().first()?;
        (time <= now).then_some(number)
    }

    fn keep_deadline(&self, open: &OpenSpace, deadline: Option<Time>) {
        let before = open.deadline.replace(deadline);
        if before == deadline {
            return;
        }
        let mut deadlines = self.deadlines.borrow_mut();
        if let Some(time) = before {
            deadlines.remove(&(time, open.number));
        }
        deadlines.extend(deadline.map(|time| (time, open.number)));
        drop(deadlines);
        self.keep_alive();
        self.set_alarm();
    }

    /// Keeps alive what has to be, while JavaScript waits for others or for the clock, or others may have something for it.
    fn keep_alive(&self) {
        let is_awaited = self.waits.get() || !self.deadlines.borrow().is_empty();
        if self.is_kept_alive.replace(is_awaited) != is_awaited {
            self.mailbox.waker.keep_alive(&self.env, is_awaited);
        }
        self.listener.hold(is_awaited || self.shared.get() > 0);
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

impl Drop for Port {
    /// JavaScript has lost the port's functions, and they are collected: on the port's thread. Or the environment has ended.
    fn drop(&mut self) {
        if self.has_ended.get() {
            return;
        }
        let port = (&raw const *self).cast_mut().cast();
        // SAFETY: on the environment's own thread, which has not ended. Does nothing if the hook was not added.
        unsafe { sys::napi_remove_env_cleanup_hook(self.env.raw(), Some(environment_ends), port) };
        self.detach();
        self.listener.free();
    }
}

/// Ends a port with its environment.
///
/// # Safety
///
/// Only for Node-API, as the hook of [`Port::end_with_environment`].
unsafe extern "C" fn environment_ends(port: *mut c_void) {
    // SAFETY: the hook's port, which removes the hook when it is dropped. Nothing that `detach` does drops it.
    let port = unsafe { &*port.cast::<Port>() };
    // No panic may cross into C. What it has left undone are holds in a space that an earlier fault has made unusable.
    let _ = catch_unwind(AssertUnwindSafe(|| port.detach()));
}
