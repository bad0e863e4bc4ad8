//! What a store does when something breaks: nothing is granted twice, nobody is stuck, and whoever lost a hold is notified.

mod support;

use std::time::{Duration, Instant};

use latchkey_engine::{Answer, Event, Mode, Patience};
use latchkey_redis::Reason;
use support::{
    Server,
    program::{Asked, BRIEF, Program, TTL, command, follow_in_order, queue_up, two},
    proxy::{Cut, Proxy},
};

/// What a lease may take to end, on a busy machine.
const SLACK: Duration = Duration::from_secs(1);

/// Two programs, of which the first reaches the server through a proxy.
fn two_with_proxy(server: &Server, ttl: Duration) -> (Proxy, Program, Program) {
    let proxy = Proxy::start(server.port());
    let a = Program::start_for(&proxy.url(), ttl);
    (proxy, a, Program::start_for(&server.url(), ttl))
}

/// `a` holds the key "k", and `b` waits for it.
fn contend(a: &mut Program, b: &mut Program) -> (Asked, Asked) {
    let (held, _) = a.hold("k");
    let waiting = b.write("k");
    b.until_waiting("k", 1);
    (held, waiting)
}

/// What every fault has to leave behind: a lock that works, in both programs.
fn still_works(a: &mut Program, b: &mut Program) {
    for program in [a, b] {
        let (held, _) = program.hold("k");
        assert_eq!(program.release(held), Answer::Done);
    }
}

/// `b`, which waited, is granted the key and releases it, and then it works as ever.
fn goes_on(a: &mut Program, b: &mut Program, waiting: Asked) {
    b.granted(waiting);
    assert_eq!(b.release(waiting), Answer::Done);
    still_works(a, b);
}

#[test]
fn a_killed_holder_is_followed_within_its_lease_and_a_beat() {
    let server = server!();
    let (mut a, mut b) = two(&server, BRIEF);
    let (_, waiting) = contend(&mut a, &mut b);
    let died = Instant::now();
    a.kill();
    let (at, _) = b.next_event_at(waiting);
    println!("granted {:?} after the death", at - died);
    assert!(at - died < BRIEF + SLACK, "{:?}", at - died);
    assert_eq!(b.release(waiting), Answer::Done);
    let (_, grant) = b.hold("k");
    assert!(!grant.recovered);
}

#[test]
fn a_killed_holders_key_is_recovered() {
    let server = server!();
    let (mut a, mut b) = two(&server, BRIEF);
    a.hold("k");
    let waiting = b.write("k");
    a.kill();
    assert!(b.granted(waiting).recovered);
}

#[test]
fn a_killed_waiter_is_passed_over() {
    let server = server!();
    let (mut a, mut b) = two(&server, BRIEF);
    let mut c = Program::start_for(&server.url(), BRIEF);
    let (held, _) = a.hold("k");
    b.write("k");
    a.until_waiting("k", 1);
    let behind = c.write("k");
    a.until_waiting("k", 2);
    b.kill();
    // At once, if the lease has ended by then; else when it does.
    assert_eq!(a.release(held), Answer::Done);
    c.granted(behind);
}

#[test]
fn a_suspended_holder_learns_that_it_lost_before_anything_else() {
    let server = server!();
    let (mut a, mut b) = two(&server, BRIEF);
    let (held, grant) = a.hold("k");
    let waiting = b.write("k");
    b.until_waiting("k", 1);
    a.suspend(BRIEF * 2);
    let taken_over = b.granted(waiting);
    assert!(taken_over.recovered && taken_over.fence > grant.fence);
    assert!(matches!(a.next_event(held), Event::Lost { .. }));
    assert_eq!(b.release(waiting), Answer::Done);
    still_works(&mut a, &mut b);
}

#[test]
fn a_holder_that_is_cut_off_learns_that_it_lost_before_the_next_is_granted() {
    let server = server!();
    let (proxy, mut a, mut b) = two_with_proxy(&server, BRIEF);
    let (held, waiting) = contend(&mut a, &mut b);
    proxy.swallow(true);
    let (lost_at, event) = a.next_event_at(held);
    assert!(matches!(event, Event::Lost { .. }));
    let (granted_at, _) = b.next_event_at(waiting);
    assert!(lost_at < granted_at);
    proxy.swallow(false);
    proxy.cut();
    assert_eq!(b.release(waiting), Answer::Done);
    still_works(&mut a, &mut b);
}

#[test]
fn a_release_that_cannot_be_sent_ends_as_unreachable() {
    let server = server!();
    let (proxy, mut a, mut b) = two_with_proxy(&server, BRIEF);
    let (held, _) = a.hold("k");
    proxy.refuse(true);
    proxy.cut();
    let started = Instant::now();
    assert_eq!(a.release(held), Answer::Unreachable);
    assert!(started.elapsed() < BRIEF);
    b.hold("k");
}

#[test]
fn a_short_outage_loses_nothing() {
    let server = server!();
    let (proxy, mut a, mut b) = two_with_proxy(&server, TTL);
    let (held, _) = a.hold("k");
    let queue = queue_up(&mut a, &mut b);
    for _ in 0..5 {
        proxy.cut();
        a.stays_silent_for(Duration::from_millis(100));
    }
    assert_eq!(a.release(held), Answer::Done);
    b.granted(queue[0]);
    follow_in_order(&mut a, &mut b, queue);
}

#[test]
fn a_grant_that_happened_during_an_outage_is_delivered_after_it() {
    let server = server!();
    let (proxy, mut a, mut b) = two_with_proxy(&server, TTL);
    let (held, _) = b.hold("k");
    let waiting = a.write("k");
    b.until_waiting("k", 1);
    proxy.refuse(true);
    proxy.cut();
    assert_eq!(b.release(held), Answer::Done);
    b.until_waiting("k", 0);
    proxy.refuse(false);
    a.granted(waiting);
}

#[test]
fn an_expiry_that_happened_during_an_outage_is_delivered_after_it() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut a = Program::start_for(&proxy.url(), Duration::from_secs(10));
    let mut b = Program::start(&server.url());
    let held = a.ask("k", Mode::Write, Patience::Forever, Some(Duration::from_millis(100)));
    a.granted(held);
    proxy.refuse(true);
    proxy.cut();
    let waiting = b.write("k");
    b.granted(waiting);
    proxy.refuse(false);
    assert!(matches!(a.next_event(held), Event::Expired { .. }));
}

#[test]
fn one_that_asked_anew_does_not_keep_those_before_it_from_being_served() {
    let server = server!();
    let (proxy, mut a, mut b) = two_with_proxy(&server, Duration::from_secs(60));
    let (held, _) = b.hold("k");
    let brief = a.ask("k", Mode::Write, Patience::Forever, Some(Duration::from_millis(20)));
    b.until_waiting("k", 1);
    let next = b.ask("k", Mode::Write, Patience::Forever, Some(Duration::from_secs(1)));
    b.until_waiting("k", 2);
    let last = a.write("k");
    b.until_waiting("k", 3);
    proxy.refuse(true);
    proxy.cut();
    // The first of `a` is granted and expires, and nobody can notify it.
    b.release(held);
    b.granted(next);
    proxy.refuse(false);
    b.until_waiting("k", 2);
    // It stands behind the other one now, which has to see to the expiry.
    a.granted(last);
    assert!(matches!(b.next_event(next), Event::Expired { .. }));
    a.release(last);
    a.granted(brief);
}

/// Cuts the connection at a command, before or after the server ran it, while two programs contend.
fn cut_at(what: &[u8], cut: Cut) {
    let server = server!();
    let (proxy, mut a, mut b) = two_with_proxy(&server, TTL);
    still_works(&mut a, &mut b);
    proxy.cut_at(what, cut);
    let mut last = 0;
    let mut round = 0;
    while !proxy.has_cut() || round < 20 {
        round += 1;
        let (held, grant) = a.hold("k");
        assert!(grant.fence > last && !grant.recovered);
        let waiting = b.write("k");
        assert_eq!(a.release(held), Answer::Done);
        last = b.granted(waiting).fence;
        assert!(last > grant.fence);
        assert_eq!(b.release(waiting), Answer::Done);
    }
    let (held, _) = a.hold("k");
    // It is exclusive: nobody else is granted while it lasts.
    let waiting = b.write("k");
    b.stays_silent_for(Duration::from_millis(100));
    assert_eq!(a.release(held), Answer::Done);
    b.granted(waiting);
    assert_eq!((a.unasked(), b.unasked()), (vec![], vec![]));
}

/// What stands in the call of an acquire, and in no other: the mode.
const ACQUIRE: &[u8] = b"\r\nw\r\n";
/// What stands in the call of a release: its purpose.
const RELEASE: &[u8] = b"\r\nnormal\r\n";

/// What stands in a beat: who sends it.
fn beat() -> Vec<u8> {
    format!("\r\n{}|", std::process::id()).into_bytes()
}

#[test]
fn a_connection_cut_before_an_acquire_is_run() {
    cut_at(ACQUIRE, Cut::Before);
}

#[test]
fn a_connection_cut_after_an_acquire_was_run() {
    cut_at(ACQUIRE, Cut::After);
}

#[test]
fn a_connection_cut_before_a_release_is_run() {
    cut_at(RELEASE, Cut::Before);
}

#[test]
fn a_connection_cut_after_a_release_was_run() {
    cut_at(RELEASE, Cut::After);
}

#[test]
fn a_connection_cut_before_a_beat_is_run() {
    cut_at(&beat(), Cut::Before);
}

#[test]
fn a_connection_cut_after_a_beat_was_run() {
    cut_at(&beat(), Cut::After);
}

fn cut_in_a_downgrade(cut: Cut) {
    let server = server!();
    let (proxy, mut a, mut b) = two_with_proxy(&server, TTL);
    let (held, _) = a.hold("k");
    // No beat is due soon: it is the next script.
    proxy.cut_at(b"EVALSHA", cut);
    assert_eq!(a.downgrade(held), Answer::Done);
    assert!(proxy.has_cut());
    let reader = b.ask("k", Mode::Read, Patience::None, None);
    b.granted(reader);
    let writer = b.ask("k", Mode::Write, Patience::None, None);
    assert!(matches!(b.next_event(writer), Event::TimedOut { .. }), "it reads");
    assert_eq!((a.release(held), b.release(reader)), (Answer::Done, Answer::Done));
    still_works(&mut a, &mut b);
}

#[test]
fn a_connection_cut_before_a_downgrade_is_run() {
    cut_in_a_downgrade(Cut::Before);
}

#[test]
fn a_connection_cut_after_a_downgrade_was_run() {
    cut_in_a_downgrade(Cut::After);
}

#[test]
fn a_server_that_is_away_for_longer_than_the_lease_ends_the_holds_and_not_the_waits() {
    let mut server = server!();
    let (mut a, mut b) = two(&server, BRIEF);
    let (held, waiting) = contend(&mut a, &mut b);
    server.kill();
    assert!(matches!(a.next_event(held), Event::Lost { .. }));
    server.start_again();
    goes_on(&mut a, &mut b, waiting);
}

#[test]
fn a_frozen_server_ends_the_holds_and_not_the_waits() {
    let server = server!();
    let (mut a, mut b) = two(&server, BRIEF);
    let (held, waiting) = contend(&mut a, &mut b);
    server.freeze();
    assert!(matches!(a.next_event(held), Event::Lost { .. }));
    b.stays_silent_for(Duration::from_millis(200));
    server.thaw();
    goes_on(&mut a, &mut b, waiting);
}

#[test]
fn a_paused_server_ends_the_holds_and_not_the_waits() {
    let server = server!();
    let (mut a, mut b) = two(&server, BRIEF);
    let (held, waiting) = contend(&mut a, &mut b);
    command(&server, &["CLIENT", "PAUSE", "2500", "ALL"]);
    assert!(matches!(a.next_event(held), Event::Lost { .. }));
    goes_on(&mut a, &mut b, waiting);
}

#[test]
fn scripts_that_are_forgotten_are_loaded_again() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (held, waiting) = contend(&mut a, &mut b);
    command(&server, &["SCRIPT", "FLUSH"]);
    assert_eq!(a.release(held), Answer::Done);
    goes_on(&mut a, &mut b, waiting);
}

#[test]
fn a_wait_with_a_limit_fails_as_unreachable_while_the_server_is_away() {
    let mut server = server!();
    let (mut a, mut b) = two(&server, TTL);
    a.hold("k");
    let limit = Patience::For(Duration::from_millis(500));
    let waiting = b.ask("k", Mode::Write, limit, None);
    server.kill();
    assert_eq!(b.failed(waiting), Reason::Unreachable);
    let tried = b.ask("k", Mode::Write, Patience::None, None);
    let trouble = b.store.trouble().expect("it is away").to_string();
    assert!(trouble.contains("127.0.0.1"), "{trouble}");
    assert_eq!(b.failed(tried), Reason::Unreachable);
}

#[test]
fn a_server_that_forgets_everything_while_it_runs_ends_the_holds() {
    let server = server!();
    let (mut a, mut b) = two(&server, BRIEF);
    let (held, _) = a.hold("k");
    // Older than a lease: whoever was there before the server started is over.
    a.stays_silent_for(BRIEF + Duration::from_millis(1500));
    command(&server, &["FLUSHALL"]);
    assert!(matches!(a.next_event(held), Event::Lost { .. }));
    still_works(&mut a, &mut b);
}

#[test]
fn a_server_that_forgets_everything_just_after_its_start_learns_all_again() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (held, _) = a.hold("k");
    command(&server, &["FLUSHALL"]);
    let waiting = b.write("k");
    b.stays_silent_for(TTL * 2);
    assert_eq!(a.release(held), Answer::Done);
    assert!(!b.granted(waiting).recovered);
}

#[test]
fn a_full_server_keeps_what_is_held() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    let (held, _) = a.hold("k");
    command(&server, &["CONFIG", "SET", "maxmemory", "1"]);
    a.stays_silent_for(TTL * 2);
    let refused = b.write("other");
    assert_eq!(b.failed(refused), Reason::Full);
    assert_eq!(a.release(held), Answer::Done);
    command(&server, &["CONFIG", "SET", "maxmemory", "0"]);
    still_works(&mut a, &mut b);
}
