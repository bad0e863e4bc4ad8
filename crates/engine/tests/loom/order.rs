//! In which order a thread is notified of what several threads decide. Each of these fails if events are put into the inboxes after
//! the shard's mutex has been freed.

use latchkey_engine::{Ask, Event, Mode, Patience, Released, Requested};
use loom::{sync::Arc, thread};

use crate::member::{A, B, C, EXPIRY, Participant, Shared, ask, grants};

const TRY: Patience = Patience::None;

/// Keys of different shards, of two.
const X: [u16; 1] = [0];
const Y: [u16; 1] = [2];

/// B's hold is overdue, and C waits behind it.
fn overdue() -> (Arc<Shared>, Participant) {
    let shared = Shared::new(1);
    let [b, c] = [B, C].map(|member| Participant::of(&shared, member));
    b.ask(Ask { expiry: Some(EXPIRY), ..ask(1, Mode::Write) });
    c.ask(ask(0, Mode::Write));
    (shared, b)
}

#[test]
fn events_of_two_threads_come_in_the_order_in_which_they_were_decided() {
    loom::model(|| {
        let (shared, b) = overdue();
        b.ask(ask(2, Mode::Write));
        let timer = {
            let shared = shared.clone();
            thread::spawn(move || shared.expire())
        };
        shared.detach(C);
        timer.join().unwrap();
        let events = b.mailbox.read();
        assert_eq!(events[0], Event::Expired { member: B, tag: 1 });
        assert_eq!(grants(&events[1..]), [2]);
    });
}

#[test]
fn who_is_granted_a_key_has_been_notified_of_its_loss() {
    loom::model(|| {
        let (shared, b) = overdue();
        let timer = {
            let shared = shared.clone();
            thread::spawn(move || shared.expire())
        };
        shared.detach(C);
        let (requested, events) = b.request(Ask { patience: TRY, ..ask(2, Mode::Write) });
        // Else C left before anything was due, and B still has the key.
        if requested != Requested::Refused {
            assert_eq!(events, [Event::Expired { member: B, tag: 1 }]);
        }
        timer.join().unwrap();
        assert_eq!(b.mailbox.read(), [], "a hold ends once");
    });
}

#[test]
fn a_cancel_that_comes_too_late_finds_the_grant() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b] = [A, B].map(|member| Participant::of(&shared, member));
        let holder = a.ask(ask(0, Mode::Write));
        let waiting = b.ask(ask(1, Mode::Write));
        let releasing = thread::spawn(move || a.release(holder));
        let (cancelled, events) = b.cancel(waiting);
        let expected: &[u32] = if cancelled { &[] } else { &[1] };
        assert_eq!(grants(&events), expected);
        releasing.join().unwrap();
        assert_eq!(b.mailbox.read(), []);
    });
}

#[test]
fn a_hold_that_is_given_back_was_granted_before() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b, c] = [A, B, C].map(|member| Participant::of(&shared, member));
        let [holder, waiting, _] = [&a, &b, &c].map(|member| member.ask(ask(1, Mode::Write)));
        let releasing = thread::spawn(move || a.release(holder));
        let (given_back, events) = b.give_back(waiting);
        releasing.join().unwrap();
        if given_back == Released::NotHeld {
            assert_eq!(events, [], "it waited still");
            assert_eq!(grants(&b.mailbox.read()), [1]);
        } else {
            assert_eq!(grants(&events), [1]);
            c.await_grant();
        }
    });
}

#[test]
fn who_joins_the_readers_after_a_downgrade_has_been_notified_of_those_before() {
    loom::model(|| {
        let shared = Shared::new(1);
        let [a, b] = [A, B].map(|member| Participant::of(&shared, member));
        let holder = a.ask(ask(0, Mode::Write));
        b.ask(ask(1, Mode::Read));
        let downgrading = thread::spawn(move || a.downgrade(holder));
        let (requested, events) = b.request(Ask { patience: TRY, ..ask(2, Mode::Read) });
        let expected: &[u32] = if requested == Requested::Refused { &[] } else { &[1] };
        assert_eq!(grants(&events), expected);
        assert_eq!(downgrading.join().unwrap(), (true, vec![]));
    });
}

#[test]
fn several_requests_of_one_member_on_several_shards_are_notified_each_in_time() {
    loom::model(|| {
        let shared = Shared::new(2);
        let [a, b] = [A, B].map(|member| Participant::of(&shared, member));
        let holders = [&X, &Y].map(|key| a.ask(Ask { key: key.into(), ..ask(0, Mode::Write) }));
        assert_ne!(holders[0].index % 2, holders[1].index % 2, "the keys are in different shards");
        let asked = [(1, &X), (2, &X), (3, &Y)];
        let waiting = asked.map(|(tag, key)| b.ask(Ask { key: key.into(), ..ask(tag, Mode::Read) }));
        let ending = thread::spawn(move || a.shared.detach(A));

        let (cancelled_y, mut events) = b.cancel(waiting[2]);
        assert_eq!(events.iter().any(|event| grants(&[*event]) == [3]), !cancelled_y);
        let (cancelled_x, events_then) = b.cancel(waiting[1]);
        events.extend(events_then);
        assert_eq!(events.iter().any(|event| grants(&[*event]) == [2]), !cancelled_x);

        ending.join().unwrap();
        events.extend(b.mailbox.read());
        let mut of_x = grants(&events);
        of_x.retain(|&tag| tag != 3);
        assert_eq!(of_x, if cancelled_x { vec![1] } else { vec![1, 2] });
    });
}
