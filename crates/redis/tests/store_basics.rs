//! What a store does while nothing is wrong: grants, order, answers.

mod support;

use std::time::Duration;

use latchkey_engine::{Answer, Event, Mode, Patience};
use support::{
    peer::LONG,
    program::{Program, TTL, two},
    proxy::{Cut, Proxy},
};

#[test]
fn a_free_key_is_granted_and_released() {
    let server = server!();
    let mut program = Program::start(&server.url());
    let (first, grant) = program.hold("a");
    assert!(grant.fence > 0 && !grant.recovered);
    assert_eq!(program.release(first), Answer::Done);
    let (second, later) = program.hold("a");
    assert!(later.fence > grant.fence);
    assert_eq!(program.release(second), Answer::Done);
    assert_eq!(program.unasked(), []);
}

#[test]
fn two_programs_are_granted_in_the_order_in_which_they_asked() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (held, _) = a.hold("k");
    let first = b.write("k");
    a.until_waiting("k", 1);
    let second = a.write("k");
    a.until_waiting("k", 2);
    let third = b.write("k");
    a.until_waiting("k", 3);
    let mut last = 0;
    assert_eq!(a.release(held), Answer::Done);
    last = risen(last, b.granted(first).fence);
    a.stays_silent_for(Duration::from_millis(50));
    assert_eq!(b.release(first), Answer::Done);
    last = risen(last, a.granted(second).fence);
    assert_eq!(a.release(second), Answer::Done);
    risen(last, b.granted(third).fence);
    assert_eq!(b.release(third), Answer::Done);
}

fn risen(before: u64, now: u64) -> u64 {
    assert!(now > before);
    now
}

#[test]
fn readers_share_and_one_behind_a_writer_waits() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (one, two) = (a.read("k"), b.read("k"));
    a.granted(one);
    b.granted(two);
    let writer = b.write("k");
    b.until_waiting("k", 1);
    let behind = a.read("k");
    b.until_waiting("k", 2);
    assert_eq!(a.release(one), Answer::Done);
    assert_eq!(b.release(two), Answer::Done);
    b.granted(writer);
    a.stays_silent_for(Duration::from_millis(50));
    b.space.downgrade(writer.ticket);
    assert_eq!(b.answer(writer), Answer::Done);
    a.granted(behind);
    assert_eq!(b.release(writer), Answer::Done);
    assert_eq!(a.release(behind), Answer::Done);
}

#[test]
fn one_that_does_not_wait_is_answered_at_once() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (held, _) = a.hold("k");
    let tried = b.ask("k", Mode::Write, Patience::None, None);
    assert!(matches!(b.next_event(tried), Event::TimedOut { .. }));
    assert_eq!(a.release(held), Answer::Done);
    let tried = b.ask("k", Mode::Write, Patience::None, None);
    b.granted(tried);
}

#[test]
fn one_that_waits_for_no_time_is_told_who_is_in_its_way() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let (mut a, mut b) = (Program::start_for(&server.url(), LONG), Program::start_for(&proxy.url(), LONG));
    let (held, _) = a.hold("k");
    let waiting = a.write("k");
    a.until_waiting("k", 1);
    let mut ask_for = |key, patience| {
        let asked = b.ask(key, Mode::Write, patience, None);
        (b.next_event(asked), b.space.blockers_of(asked.ticket))
    };
    let (event, blockers) = ask_for("k", Patience::For(Duration::ZERO));
    assert!(matches!(event, Event::TimedOut { .. }));
    let blockers = blockers.expect("the server was asked");
    assert_eq!((blockers.holders.len(), blockers.ahead), (1, Some(1)));
    let (event, blockers) = ask_for("k", Patience::None);
    assert!(matches!(event, Event::TimedOut { .. }) && blockers.is_none(), "a try asks nothing more");
    // Where the server cannot say it any more, the request ends all the same.
    proxy.cut_at(b"ZCARD", Cut::Before);
    let (event, _) = ask_for("k", Patience::For(Duration::ZERO));
    assert!(matches!(event, Event::TimedOut { .. }) && proxy.has_cut());
    let (event, blockers) = ask_for("free", Patience::For(Duration::ZERO));
    assert!(matches!(event, Event::Granted { .. }) && blockers.is_none());
    assert_eq!(a.release(held), Answer::Done);
    a.granted(waiting);
}

#[test]
fn one_that_has_waited_long_enough_leaves_and_those_behind_it_move_up() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let held = a.read("k");
    a.granted(held);
    let writer = b.ask("k", Mode::Write, Patience::For(Duration::from_millis(300)), None);
    b.until_waiting("k", 1);
    let reader = a.read("k");
    assert!(matches!(b.next_event(writer), Event::TimedOut { .. }));
    a.granted(reader);
}

#[test]
fn a_withdrawn_request_has_no_more_events() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (held, _) = a.hold("k");
    let waiting = b.write("k");
    a.until_waiting("k", 1);
    assert!(b.space.cancel(waiting.ticket));
    assert!(!b.space.cancel(waiting.ticket));
    a.until_waiting("k", 0);
    assert_eq!(a.release(held), Answer::Done);
    assert!(!a.space.cancel(held.ticket));
    b.stays_silent_for(Duration::from_millis(50));
    // Also one that the server grants in the same moment: the key is free again.
    for _ in 0..200 {
        let asked = b.write("k");
        if !b.space.cancel(asked.ticket) {
            b.granted(asked);
            b.release(asked);
        }
    }
    a.hold("k");
    assert_eq!(b.unasked(), []);
}

#[test]
fn a_hold_expires_when_and_only_when_another_program_waits() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let expiry = Some(Duration::from_millis(200));
    let held = a.ask("k", Mode::Write, Patience::Forever, expiry);
    a.granted(held);
    a.stays_silent_for(Duration::from_millis(400));
    let waiting = b.write("k");
    assert!(matches!(a.next_event(held), Event::Expired { .. }));
    assert!(b.granted(waiting).recovered);
    // Its release crosses the event: nothing more follows.
    a.space.release(held.ticket, false);
    assert_eq!(b.release(waiting), Answer::Done);
    a.stays_silent_for(Duration::from_millis(50));
}

#[test]
fn one_that_waits_is_granted_when_the_hold_before_it_expires() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let expiry = Duration::from_millis(400);
    let held = a.ask("k", Mode::Write, Patience::Forever, Some(expiry));
    a.granted(held);
    let started = std::time::Instant::now();
    let first = b.write("k");
    b.until_waiting("k", 1);
    let second = a.write("k");
    let (granted_at, _) = b.next_event_at(first);
    assert!(granted_at - started < expiry + Duration::from_millis(150), "{:?}", granted_at - started);
    assert!(matches!(a.next_event(held), Event::Expired { .. }));
    assert_eq!(b.release(first), Answer::Done);
    a.granted(second);
}

#[test]
fn what_a_thread_held_ends_as_by_death() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    a.hold("k");
    let waiting = b.write("k");
    b.until_waiting("k", 1);
    a.space.detach(support::program::MEMBER);
    assert!(b.granted(waiting).recovered);
    // It stays recovered when it is given back unused, and is whole after a normal release.
    b.space.release(waiting.ticket, true);
    assert_eq!(b.answer(waiting), Answer::Done);
    let (again, grant) = b.hold("k");
    assert!(grant.recovered);
    assert_eq!(b.release(again), Answer::Done);
    assert!(!b.hold("k").1.recovered);
    a.stays_silent_for(Duration::from_millis(50));
}

#[test]
fn a_report_says_who_holds_and_who_waits() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (_, grant) = a.hold("k");
    b.read("k");
    a.until_waiting("k", 1);
    let reports = b.query();
    let [report] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(report.holders[0].mode, Mode::Write);
    assert_eq!(report.holders[0].grant, grant);
    assert_eq!(report.waiting[0].mode, Mode::Read);
    assert!(
        report.holders[0].age >= report.waiting[0].age && report.waiting[0].age < Duration::from_secs(20)
    );
    for owner in [&report.holders[0].owner, &report.waiting[0].owner] {
        assert_eq!((owner.pid, owner.thread), (std::process::id(), 3));
        assert!(!owner.host.is_empty());
    }
}

#[test]
fn a_hold_lasts_longer_than_the_lease() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (held, _) = a.hold("k");
    let waiting = b.write("k");
    a.stays_silent_for(TTL * 3);
    b.stays_silent_for(Duration::ZERO);
    assert_eq!(a.release(held), Answer::Done);
    b.granted(waiting);
}
