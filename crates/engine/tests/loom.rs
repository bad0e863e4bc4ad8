//! What threads share, in every interleaving with a few preemptions: run with `npm run test:loom`.
//!
//! Each model lets a few threads work on one space, as the addon does, and checks at the end that nothing was lost, granted
//! twice or left behind. Those in [`order`] check in which order a thread is notified.
#![cfg(loom)]

#[path = "loom/member.rs"]
mod member;
#[path = "loom/order.rs"]
mod order;

use latchkey_engine::{Ask, Event, Member, Mode, Released, Requested};
use loom::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use member::{A, Address, B, C, EXPIRY, Mailbox, Participant, Shared, ask, grants};

/// Asks, waits for the grant, does the exclusive work, releases. `inside`: how many are at work.
fn write_once(member: &Participant, inside: &AtomicUsize) {
    let (requested, events) = member.request(ask(0, Mode::Write));
    assert_eq!(events, []);
    if !matches!(requested, Requested::Granted(..)) {
        member.await_grant();
    }
    // SeqCst: the model's own check, not part of what is checked.
    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two writers at once");
    inside.fetch_sub(1, Ordering::SeqCst);
    assert_ne!(member.release(requested.ticket().unwrap()).0, Released::NotHeld);
}

fn timed_out(member: Member, tag: u32) -> Event {
    Event::TimedOut { member, tag, ahead: 0 }
}

#[test]
fn no_message_and_no_wake_up_is_lost() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::default());
        let writers = [A, B].map(|member| {
            let address = Address(mailbox.clone());
            thread::spawn(move || (0..2).for_each(|tag| address.receive(timed_out(member, tag))))
        });
        let mut events = Vec::new();
        while events.len() < 4 {
            events.extend(mailbox.sleep());
        }
        for member in [A, B] {
            let of_member: Vec<_> = events.iter().copied().filter(|event| event.member() == member).collect();
            assert_eq!(of_member, [0, 1].map(|tag| timed_out(member, tag)), "each writer's in order");
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });
}

#[test]
fn no_message_is_lost_to_a_reader_that_looks_itself_before_it_sleeps() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::default());
        let address = Address(mailbox.clone());
        let writer = thread::spawn(move || (0..2).for_each(|tag| address.receive(timed_out(A, tag))));
        let mut events = Vec::new();
        for _ in 0..2 {
            if mailbox.inbox.poll() {
                events.extend(mailbox.read());
            }
        }
        // The last look ends with reading, whatever it saw.
        events.extend(mailbox.read());
        while events.len() < 2 {
            events.extend(mailbox.sleep());
        }
        assert_eq!(events, [0, 1].map(|tag| timed_out(A, tag)), "in order");
        writer.join().unwrap();
    });
}

#[test]
fn writers_exclude_each_other_and_each_is_served() {
    loom::model(|| {
        let shared = Shared::new(1);
        let inside = Arc::new(AtomicUsize::new(0));
        let [a, b] = [A, B].map(|member| Participant::of(&shared, member));
        let other = {
            let inside = inside.clone();
            thread::spawn(move || write_once(&b, &inside))
        };
        write_once(&a, &inside);
        other.join().unwrap();
        shared.assert_nothing_left();
    });
}

#[test]
fn a_member_that_ends_while_another_asks_leaves_it_the_key() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b] = [A, B].map(|member| Participant::of(&shared, member));
        a.ask(ask(0, Mode::Write));
        let ending = thread::spawn(move || a.shared.detach(A));
        write_once(&b, &AtomicUsize::new(0));
        ending.join().unwrap();
        // The writer that saw `recovered` healed the key.
        shared.assert_nothing_left();
    });
}

#[test]
fn a_waiter_that_ends_while_it_is_granted_frees_the_key_for_the_next() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b, c] = [A, B, C].map(|member| Participant::of(&shared, member));
        let [holder, _, waiting] = [&a, &b, &c].map(|member| member.ask(ask(0, Mode::Write)));
        let ending = thread::spawn(move || b.shared.detach(B));
        assert_ne!(a.release(holder).0, Released::NotHeld);
        ending.join().unwrap();
        c.await_grant();
        assert_ne!(c.release(waiting).0, Released::NotHeld);
        shared.assert_nothing_left();
    });
}

#[test]
fn an_expiry_that_races_with_the_holders_end_grants_once() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b] = [A, B].map(|member| Participant::of(&shared, member));
        a.ask(Ask { expiry: Some(EXPIRY), ..ask(0, Mode::Write) });
        let waiting = b.ask(ask(0, Mode::Write));
        let timer = thread::spawn(move || a.shared.expire());
        shared.detach(A);
        timer.join().unwrap();
        b.await_grant();
        assert_ne!(b.release(waiting).0, Released::NotHeld);
        shared.assert_nothing_left();
    });
}

#[test]
fn an_expiry_that_races_with_a_release_ends_the_hold_once() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b] = [A, B].map(|member| Participant::of(&shared, member));
        let holder = a.ask(Ask { expiry: Some(EXPIRY), ..ask(0, Mode::Write) });
        b.ask(ask(0, Mode::Write));
        let timer = {
            let shared = shared.clone();
            thread::spawn(move || shared.expire())
        };
        let (released, events) = a.release(holder);
        timer.join().unwrap();
        let expired = Event::Expired { member: A, tag: 0 };
        assert_eq!(events, if released == Released::NotHeld { vec![expired] } else { vec![] }, "never both");
        assert_eq!(a.mailbox.read(), []);
        b.await_grant();
    });
}

#[test]
fn two_members_that_end_at_once_leave_nothing() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b, c] = [A, B, C].map(|member| Participant::of(&shared, member));
        let _readers = [&a, &b].map(|member| member.ask(ask(0, Mode::Read)));
        let waiting = c.ask(ask(0, Mode::Write));
        let ending = thread::spawn(move || b.shared.detach(B));
        shared.detach(A);
        ending.join().unwrap();
        c.await_grant();
        assert_ne!(c.release(waiting).0, Released::NotHeld);
        shared.assert_nothing_left();
    });
}

#[test]
fn who_waits_on_two_shards_is_woken_for_both() {
    loom::model(|| {
        let shared = Shared::new(2);
        let [a, b, c] = [A, B, C].map(|member| Participant::of(&shared, member));
        // Of different shards.
        let keys: [(_, &[u16; 1]); 2] = [(a, &[0]), (c, &[2])];
        let held = keys.map(|(holder, key)| {
            let ticket = holder.ask(Ask { key: key.into(), ..ask(0, Mode::Write) });
            b.ask(Ask { key: key.into(), ..ask(key[0].into(), Mode::Write) });
            (holder, ticket)
        });
        let releasing = held.map(|(holder, ticket)| thread::spawn(move || holder.release(ticket)));
        let mut events = Vec::new();
        while events.len() < 2 {
            events.extend(grants(&b.mailbox.sleep()));
        }
        events.sort_unstable();
        assert_eq!(events, [0, 2]);
        for thread in releasing {
            assert_eq!(thread.join().unwrap(), (Released::Held, vec![]));
        }
    });
}

#[test]
fn nothing_is_put_into_an_inbox_whose_member_has_left() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b] = [A, B].map(|member| Participant::of(&shared, member));
        let holder = a.ask(ask(0, Mode::Write));
        b.ask(ask(1, Mode::Write));
        let releasing = thread::spawn(move || a.release(holder));
        shared.members.leave(B);
        let _events_before = b.mailbox.read();
        releasing.join().unwrap();
        assert_eq!(b.mailbox.read(), []);
    });
}
