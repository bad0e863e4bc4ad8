//! What a process keeps although its connection breaks: all that it holds, and its places in the queues, as long as
//! the break is shorter than the lease; and that it knows by the clock when the lease is over.

mod support;

use std::{thread, time::Duration};

use latchkey_engine::{Answer, Event, Mode, Patience, Safety};
use redis::Commands;
use support::{
    Server,
    program::{Asked, BRIEF, Program, TTL, config, until},
    proxy::Proxy,
};

/// How long the network carries nothing: long enough to swallow whatever is sent while a connection is opened.
const HOLE: Duration = Duration::from_millis(200);

/// Cuts the connection and swallows all that the next attempt says.
fn swallow_one_attempt(proxy: &Proxy) {
    let before = proxy.opened();
    proxy.swallow(true);
    proxy.cut();
    until("an attempt is made", || proxy.opened() > before);
    thread::sleep(HOLE);
    proxy.swallow(false);
}

fn keeps_its_hold(ttl: Duration, connect_timeout: Duration) {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut a = Program::start_with(config(&proxy.url(), |options| {
        options.ttl = ttl;
        options.connect_timeout = connect_timeout;
    }));
    let (held, _) = a.hold("k");
    swallow_one_attempt(&proxy);
    a.stays_silent_for(ttl + ttl / 2);
    assert_eq!(a.release(held), Answer::Done);
}

#[test]
fn a_hole_that_swallows_one_attempt_to_connect_costs_no_hold() {
    keeps_its_hold(TTL, Duration::from_secs(5));
}

#[test]
fn nor_does_it_where_the_first_server_is_waited_for_as_long_as_a_lease() {
    keeps_its_hold(Duration::from_secs(2), Duration::from_secs(2));
}

/// What the server keeps of a request that waits is its place, for as long as the lease lasts.
#[test]
fn a_hole_that_swallows_one_attempt_to_connect_costs_no_place_in_the_queue() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let (mut a, mut b) = (Program::start(&proxy.url()), Program::start(&server.url()));
    let (held, _) = b.hold("k");
    let first = a.write("k");
    b.until_waiting("k", 1);
    let second = b.write("k");
    b.until_waiting("k", 2);
    swallow_one_attempt(&proxy);
    thread::sleep(TTL + TTL / 2);
    assert_eq!(b.release(held), Answer::Done);
    a.granted(first);
    assert!(!b.has_event(second));
}

/// However the attempts fall: the connection comes back, as long as enough of the lease is left for one. The last beat may be a
/// third of a lease old when the hole begins.
#[test]
fn a_hole_up_to_three_quarters_of_the_lease_costs_no_hold() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut a = Program::start(&proxy.url());
    let (held, _) = a.hold("k");
    proxy.swallow(true);
    proxy.cut();
    thread::sleep(TTL / 4 * 3 - TTL / 3);
    proxy.swallow(false);
    a.stays_silent_for(TTL + TTL / 2);
    assert_eq!(a.release(held), Answer::Done);
}

/// To clear takes a step for each page of the dead one's requests. Each of them is a sign that the server lives.
#[test]
fn the_clearing_of_a_dead_peers_many_requests_does_not_cost_the_connection() {
    const REQUESTS: usize = 10_000;
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut clearer = Program::start(&proxy.url());
    let mut peer = Program::start(&server.url());
    let (held, _) = clearer.hold("k");
    let asked: Vec<_> = (0..REQUESTS).map(|number| peer.write(&format!("k{number}"))).collect();
    for asked in asked {
        peer.granted(asked);
    }
    proxy.delay(60);
    peer.kill();
    until("all of the dead one is cleared", || owners(&server) <= 1 || proxy.opened() > 1);
    assert_eq!(proxy.opened(), 1, "the connection was given up");
    clearer.stays_silent_for(TTL / 3);
    assert_eq!(clearer.release(held), Answer::Done);
}

/// How long the hold is certain, if it is.
fn left(program: &Program, held: Asked) -> Option<Duration> {
    match program.space.safety_of(held.ticket) {
        Safety::For(left) => Some(left),
        Safety::Over => None,
        Safety::Endless => panic!("no lease is endless"),
    }
}

#[test]
fn a_hold_is_certain_for_no_longer_than_its_lease_and_its_expiry() {
    let server = server!();
    let mut a = Program::start(&server.url());
    let (held, _) = a.hold("k");
    let expiring = a.ask("other", Mode::Write, Patience::Forever, Some(TTL / 6));
    a.granted(expiring);
    assert!(left(&a, held).is_some_and(|left| left < TTL && left > TTL / 2));
    assert!(left(&a, expiring).is_some_and(|left| left <= TTL / 6));
    thread::sleep(TTL / 6);
    assert_eq!(left(&a, expiring), Some(Duration::ZERO), "overdue, and nobody waits");
    thread::sleep(TTL);
    assert!(left(&a, held).is_some_and(|left| left > TTL / 2), "the lease was renewed");
}

#[test]
fn a_process_that_was_stopped_knows_by_the_clock_that_its_lease_is_over() {
    let server = server!();
    let mut a = Program::start_for(&server.url(), BRIEF);
    let (held, _) = a.hold("k");
    let go_on = a.halt();
    thread::sleep(BRIEF);
    assert_eq!(left(&a, held), None);
    assert!(!a.has_event(held));
    drop(go_on);
    assert!(matches!(a.next_event(held), Event::Lost { .. }));
}

#[test]
fn no_hold_is_certain_by_the_lease_of_a_later_session_before_its_loss_was_delivered() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut a = Program::start_for(&proxy.url(), BRIEF);
    let (held, _) = a.hold("k");
    let waiting = a.write("k");
    proxy.swallow(true);
    proxy.cut();
    until("the lease is over", || left(&a, held).is_none());
    proxy.swallow(false);
    proxy.cut();
    until("another session has a lease", || left(&a, held).is_some());
    assert!(a.has_event(held));
    a.granted(waiting);
}

/// How many requests the server knows.
fn owners(server: &Server) -> usize {
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    // One is not a request: see PLACEHOLDER.
    connection.zcard::<_, usize>("{latchkey:0}:o").unwrap() - 1
}
