//! Threads that share a space, as those of the addon do.

use std::{collections::VecDeque, time::Duration};

use latchkey_engine::{
    Ask, Event, Inbox, LockTable, Member, Members, Message, Mode, Outcome, Own, Patience, Recipient,
    Released, Requested, Sender, Space, Ticket, Time,
};
use loom::sync::{Arc, Condvar, Mutex};

pub const A: Member = Member(1);
pub const B: Member = Member(2);
pub const C: Member = Member(3);

/// A member's inbox and the event loop that sleeps until it is woken.
#[derive(Default)]
pub struct Mailbox {
    pub inbox: Inbox,
    wakes: Mutex<usize>,
    woken: Condvar,
}

impl Mailbox {
    /// Sleeps until a wake-up comes; in a model, one that never comes is a deadlock, which loom reports.
    pub fn sleep(&self) -> Vec<Event> {
        let mut wakes = self.wakes.lock().unwrap();
        while *wakes == 0 {
            wakes = self.woken.wait(wakes).unwrap();
        }
        *wakes -= 1;
        drop(wakes);
        self.read()
    }

    pub fn read(&self) -> Vec<Event> {
        self.inbox.take().into_iter().map(|message| message.event).collect()
    }
}

#[derive(Clone)]
pub struct Address(pub Arc<Mailbox>);

impl Recipient for Address {
    fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }

    fn wake(&self) {
        *self.0.wakes.lock().unwrap() += 1;
        self.0.woken.notify_one();
    }
}

impl Address {
    pub fn receive(&self, event: Event) {
        if self.0.inbox.put(Message { address: 0, event }) {
            self.wake();
        }
    }
}

/// A space that several members share.
pub struct Shared {
    pub space: Space,
    pub members: Members<Address>,
}

impl Shared {
    pub fn new(shards: u32) -> Arc<Self> {
        Arc::new(Self { space: Space::keeping(0, shards), members: Members::default() })
    }

    pub fn detach(&self, member: Member) {
        self.members.leave(member);
        let _nothing = self.space.detach(member, &mut self.members.sender(Time::ZERO, None));
    }

    /// Asserts that nobody holds or waits, and that nothing is remembered of the key of [`ask`].
    pub fn assert_nothing_left(&self) {
        assert_eq!(self.space.query(), []);
        let Requested::Granted(ticket, grant) =
            self.space.request(ask(0, Mode::Write), &mut Time::default()).result
        else {
            panic!("the key is free")
        };
        assert!(!grant.recovered);
        assert_eq!(self.space.release(ticket, &mut Time::default()).result, Released::HeldLast);
    }

    /// Does what is due when all holds with an expiry are overdue.
    pub fn expire(&self) {
        let _nothing = self.space.expire(&mut self.members.sender(Time::from(2 * EXPIRY), None));
    }
}

pub const EXPIRY: Duration = Duration::from_millis(1);

/// A request: of the key of one message, for ever.
pub fn ask(tag: u32, mode: Mode) -> Ask<'static> {
    Ask { member: Member(0), tag, key: (&[1]).into(), mode, expiry: None, patience: Patience::Forever }
}

/// What an operation answered, and which events its member had before that.
pub type Answered<T> = (T, Vec<Event>);

/// One thread's use of the space.
pub struct Participant {
    pub shared: Arc<Shared>,
    pub member: Member,
    pub mailbox: Arc<Mailbox>,
}

impl Participant {
    pub fn of(shared: &Arc<Shared>, member: Member) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        shared.members.join(member, Address(mailbox.clone()), 0);
        Self { shared: shared.clone(), member, mailbox }
    }

    fn operate<T>(
        &self,
        change: impl FnOnce(&Space, &mut Sender<'_, Address, Time>) -> Outcome<T>,
    ) -> Answered<T> {
        let messages = &mut VecDeque::new();
        let own = Own { member: self.member, address: 0, inbox: &self.mailbox.inbox, messages };
        let mut sender = self.shared.members.sender(Time::ZERO, Some(own));
        let Outcome { result, events, .. } = change(&self.shared.space, &mut sender);
        assert!(events.is_empty(), "all has been taken in");
        drop(sender);
        (result, messages.drain(..).map(|message| message.event).collect())
    }

    pub fn request(&self, ask: Ask<'_>) -> Answered<Requested> {
        self.operate(|space, sender| space.request(Ask { member: self.member, ..ask }, sender))
    }

    /// Asks for what nobody else's events can be about.
    pub fn ask(&self, ask: Ask<'_>) -> Ticket {
        let (requested, events) = self.request(ask);
        assert_eq!(events, []);
        requested.ticket().unwrap()
    }

    pub fn release(&self, ticket: Ticket) -> Answered<Released> {
        self.operate(|space, sender| space.release(ticket, sender))
    }

    pub fn give_back(&self, ticket: Ticket) -> Answered<Released> {
        self.operate(|space, sender| space.give_back(ticket, sender))
    }

    pub fn cancel(&self, ticket: Ticket) -> Answered<bool> {
        self.operate(|space, sender| space.cancel(ticket, sender))
    }

    pub fn downgrade(&self, ticket: Ticket) -> Answered<bool> {
        self.operate(|space, sender| space.downgrade(ticket, sender))
    }

    /// Sleeps until it is granted its key, and has no other event.
    pub fn await_grant(&self) {
        let events = self.mailbox.sleep();
        assert!(matches!(events[..], [Event::Granted { .. }]), "{events:?}");
    }
}

/// The tags of those who are granted their keys; panics at other events.
pub fn grants(events: &[Event]) -> Vec<u32> {
    let tag = |event: &Event| match *event {
        Event::Granted { tag, .. } => tag,
        other => panic!("{other:?}"),
    };
    events.iter().map(tag).collect()
}
