//! What threads share, in every interleaving with a few preemptions: run with `npm run test:loom`.
//!
//! Each model lets a few threads work on one space, delivers events to inboxes as the addon does, and checks
//! at the end that nothing was lost, granted twice or left behind.
#![cfg(loom)]

use std::time::Duration;

use latchkey_engine::{
    Ask, Event, Inbox, Letter, Mode, Patience, Port, Post, Recipient, Released, Requested, Space, Ticket,
    Time, Usage,
};
use loom::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A port's inbox and the event loop that sleeps until it is woken.
#[derive(Default)]
struct Mailbox {
    inbox: Inbox,
    wakes: Mutex<usize>,
    woken: Condvar,
}

impl Mailbox {
    fn wake(&self) {
        *self.wakes.lock().unwrap() += 1;
        self.woken.notify_one();
    }

    /// Sleeps until a wake-up comes; in a model, one that never comes is a deadlock, which loom reports.
    fn sleep(&self) -> Vec<Letter> {
        let mut wakes = self.wakes.lock().unwrap();
        while *wakes == 0 {
            wakes = self.woken.wait(wakes).unwrap();
        }
        *wakes -= 1;
        drop(wakes);
        self.inbox.take()
    }
}

struct Address(Arc<Mailbox>);

impl Recipient for Address {
    fn receive(&self, letter: Letter) {
        if self.0.inbox.put(letter) {
            self.0.wake();
        }
    }
}

/// A space that several ports share.
struct Shared {
    space: Space,
    post: Post<Address>,
    /// How many threads are inside the write-held section.
    inside: AtomicUsize,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self { space: Space::new(1), post: Post::default(), inside: AtomicUsize::new(0) })
    }

    fn join(&self, port: Port) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox::default());
        self.post.join(port, Address(mailbox.clone()), 0);
        mailbox
    }

    fn ask(&self, port: Port, mode: Mode, expiry: Option<Duration>, now: Time) -> Requested {
        let ask = Ask { port, tag: port.0, key: (&[1]).into(), mode, expiry, patience: Patience::Forever };
        let outcome = self.space.request(ask, now);
        let own = self.post.send(outcome.events, Some(port));
        assert!(own.is_empty(), "each port of these models has one request");
        outcome.result
    }

    fn release(&self, port: Port, ticket: Ticket) {
        let outcome = self.space.release(ticket, Time::ZERO);
        assert_ne!(outcome.result, Released::NotHeld);
        let _own = self.post.send(outcome.events, Some(port));
    }

    fn detach(&self, port: Port) {
        self.post.leave(port);
        let outcome = self.space.detach(port, Time::ZERO);
        let _own = self.post.send(outcome.events, Some(port));
    }

    fn expire(&self, now: Time) {
        let outcome = self.space.expire(now);
        let _none = self.post.send(outcome.events, None);
    }

    /// Asks, waits for the grant, does the exclusive work, releases.
    fn write_once(&self, port: Port, mailbox: &Mailbox) {
        let requested = self.ask(port, Mode::Write, None, Time::ZERO);
        if let Requested::Waiting(_) = requested {
            let letters = mailbox.sleep();
            assert!(matches!(letters[..], [Letter { event: Event::Granted { .. }, .. }]), "{letters:?}");
        }
        // SeqCst: the model's own check, not part of what is checked.
        assert_eq!(self.inside.fetch_add(1, Ordering::SeqCst), 0, "two writers at once");
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.release(port, requested.ticket().unwrap());
    }
}

const A: Port = Port(1);
const B: Port = Port(2);
const C: Port = Port(3);

#[test]
fn no_letter_and_no_wake_up_is_lost() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::default());
        let writers: Vec<_> = [A, B]
            .map(|port| {
                let address = Address(mailbox.clone());
                thread::spawn(move || {
                    for tag in 0..2 {
                        let event = Event::TimedOut { port, tag };
                        address.receive(Letter { address: 0, event });
                    }
                })
            })
            .into();
        let mut letters = Vec::new();
        while letters.len() < 4 {
            letters.extend(mailbox.sleep());
        }
        for port in [A, B] {
            let tags = letters.iter().filter(|letter| letter.event.port() == port);
            let tags: Vec<_> = tags.map(|letter| letter.event).collect();
            assert_eq!(tags, [0, 1].map(|tag| Event::TimedOut { port, tag }), "each writer's in order");
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });
}

#[test]
fn no_letter_is_lost_to_a_reader_that_looks_itself_before_it_sleeps() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::default());
        let writer = {
            let address = Address(mailbox.clone());
            thread::spawn(move || {
                for tag in 0..2 {
                    address.receive(Letter { address: 0, event: Event::TimedOut { port: A, tag } });
                }
            })
        };
        let mut letters = Vec::new();
        for _ in 0..2 {
            if mailbox.inbox.watch() {
                letters.extend(mailbox.inbox.take());
            }
        }
        // The last look ends with reading, whatever it saw.
        letters.extend(mailbox.inbox.take());
        while letters.len() < 2 {
            letters.extend(mailbox.sleep());
        }
        let tags: Vec<_> = letters.into_iter().map(|letter| letter.event).collect();
        assert_eq!(tags, [0, 1].map(|tag| Event::TimedOut { port: A, tag }), "in order");
        writer.join().unwrap();
    });
}

#[test]
fn writers_exclude_each_other_and_each_is_served() {
    loom::model(|| {
        let shared = Shared::new();
        let [a, b] = [A, B].map(|port| shared.join(port));
        let other = {
            let shared = shared.clone();
            thread::spawn(move || shared.write_once(B, &b))
        };
        shared.write_once(A, &a);
        other.join().unwrap();
        assert_eq!(shared.space.usage(), Usage::default());
    });
}

#[test]
fn a_port_that_ends_while_another_asks_leaves_it_the_key() {
    loom::model(|| {
        let shared = Shared::new();
        let [_, b] = [A, B].map(|port| shared.join(port));
        shared.ask(A, Mode::Write, None, Time::ZERO);
        let ending = {
            let shared = shared.clone();
            thread::spawn(move || shared.detach(A))
        };
        shared.write_once(B, &b);
        ending.join().unwrap();
        assert_eq!(shared.space.usage(), Usage::default(), "the writer that saw `recovered` healed the key");
    });
}

#[test]
fn a_waiter_that_ends_while_it_is_granted_frees_the_key_for_the_next() {
    loom::model(|| {
        let shared = Shared::new();
        let [_, _, c] = [A, B, C].map(|port| shared.join(port));
        let holder = shared.ask(A, Mode::Write, None, Time::ZERO);
        shared.ask(B, Mode::Write, None, Time::ZERO);
        let waiting = shared.ask(C, Mode::Write, None, Time::ZERO);
        let ending = {
            let shared = shared.clone();
            thread::spawn(move || shared.detach(B))
        };
        shared.release(A, holder.ticket().unwrap());
        ending.join().unwrap();
        let letters = c.sleep();
        assert!(matches!(letters[..], [Letter { event: Event::Granted { .. }, .. }]), "{letters:?}");
        shared.release(C, waiting.ticket().unwrap());
        assert_eq!(shared.space.usage(), Usage::default());
    });
}

#[test]
fn an_expiry_that_races_with_the_holders_end_grants_once() {
    loom::model(|| {
        let shared = Shared::new();
        let [_, b] = [A, B].map(|port| shared.join(port));
        shared.ask(A, Mode::Write, Some(Duration::from_millis(1)), Time::ZERO);
        let waiting = shared.ask(B, Mode::Write, None, Time::ZERO);
        let timer = {
            let shared = shared.clone();
            thread::spawn(move || shared.expire(Time::from(Duration::from_millis(2))))
        };
        shared.detach(A);
        timer.join().unwrap();
        let letters = b.sleep();
        assert!(matches!(letters[..], [Letter { event: Event::Granted { .. }, .. }]), "{letters:?}");
        shared.release(B, waiting.ticket().unwrap());
        assert_eq!(shared.space.usage(), Usage::default());
    });
}

#[test]
fn an_expiry_that_races_with_a_release_ends_the_hold_once() {
    loom::model(|| {
        let shared = Shared::new();
        let [a, b] = [A, B].map(|port| shared.join(port));
        let holder = shared.ask(A, Mode::Write, Some(Duration::from_millis(1)), Time::ZERO);
        shared.ask(B, Mode::Write, None, Time::ZERO);
        let timer = {
            let shared = shared.clone();
            thread::spawn(move || shared.expire(Time::from(Duration::from_millis(2))))
        };
        let outcome = shared.space.release(holder.ticket().unwrap(), Time::ZERO);
        let released = outcome.result != Released::NotHeld;
        let _own = shared.post.send(outcome.events, Some(A));
        timer.join().unwrap();
        let told = a.inbox.take();
        assert_eq!(released, told.is_empty(), "released, or told of the expiry: never both, never neither");
        assert_eq!(b.sleep().len(), 1, "the waiter is granted once");
    });
}

#[test]
fn two_ports_that_end_at_once_leave_nothing() {
    loom::model(|| {
        let shared = Shared::new();
        let [_, _, c] = [A, B, C].map(|port| shared.join(port));
        shared.ask(A, Mode::Read, None, Time::ZERO);
        shared.ask(B, Mode::Read, None, Time::ZERO);
        let waiting = shared.ask(C, Mode::Write, None, Time::ZERO);
        let ending = {
            let shared = shared.clone();
            thread::spawn(move || shared.detach(B))
        };
        shared.detach(A);
        ending.join().unwrap();
        assert_eq!(c.sleep().len(), 1);
        shared.release(C, waiting.ticket().unwrap());
        assert_eq!(shared.space.usage(), Usage::default());
    });
}
