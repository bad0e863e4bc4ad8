//! Restarts of the server: what it has forgotten, it learns again.

mod support;

use std::{thread, time::Duration};

use latchkey_engine::{Answer, Event, Grant};
use support::{
    Server,
    program::{Asked, Program, TTL, config, follow, follow_in_order, queue_up, two, until},
    proxy::{Cut, Proxy},
};

/// Less than what is left of a lease when the server dies, and most of it.
const LATE: Duration = Duration::from_millis(700);

#[test]
fn a_server_that_is_started_again_without_its_data_keeps_holds_and_order() {
    let server = server!();
    restarted(server);
}

#[test]
fn a_server_that_is_started_again_with_its_data_keeps_holds_and_order() {
    let server = server!("--appendonly", "yes", "--appendfsync", "always");
    restarted(server);
}

fn restarted(mut server: Server) {
    let (mut a, mut b) = two(&server, TTL);
    let hold = a.hold("k");
    let queue = queue_up(&mut a, &mut b);
    server.kill();
    server.start_again();
    goes_on_in_order(&mut a, &mut b, hold, queue);
}

/// After a restart, `a` holds, and the queue stands as before.
fn goes_on_in_order(a: &mut Program, b: &mut Program, (held, grant): (Asked, Grant), queue: [Asked; 3]) {
    // Nobody is granted while the server may have forgotten a holder, nor while the old one holds.
    b.stays_silent_for(TTL * 2);
    a.stays_silent_for(Duration::ZERO);
    assert_eq!(a.release(held), Answer::Done);
    let next = b.granted(queue[0]);
    assert!(next.fence > grant.fence && !next.recovered);
    follow_in_order(a, b, queue);
}

#[test]
fn a_place_that_is_read_together_with_the_end_of_the_connection_is_kept() {
    let server = server!();
    let a = Program::start_for(&server.url(), TTL);
    place_read_late(server, a, Duration::ZERO);
}

#[test]
fn a_place_that_is_read_after_the_time_for_an_answer_is_kept() {
    const BRIEF: Duration = Duration::from_millis(100);
    let server = server!();
    let a = Program::start_with(config(&server.url(), |options| options.command_timeout = BRIEF));
    place_read_late(server, a, BRIEF * 2);
}

/// The server gives `a` its place in the queue and dies, and `a` does not get to read before it has been dead for `late`.
fn place_read_late(mut server: Server, mut a: Program, late: Duration) {
    let mut b = Program::start_for(&server.url(), TTL);
    let hold = a.hold("k");
    let first = b.write("k");
    b.until_waiting("k", 1);
    let halt = a.halt();
    let second = a.write("k");
    b.until_waiting("k", 2);
    let third = b.write("k");
    b.until_waiting("k", 3);
    server.kill();
    thread::sleep(late);
    drop(halt);
    server.start_again();
    goes_on_in_order(&mut a, &mut b, hold, [first, second, third]);
}

#[test]
fn one_that_was_granted_and_had_not_read_it_stays_the_first() {
    let mut server = server!();
    let (mut a, mut b) = two(&server, TTL);
    a.hold("other");
    let halt = a.halt();
    let first = a.write("k");
    until("it holds", || b.query().len() == 2);
    let second = b.write("k");
    b.until_waiting("k", 1);
    server.kill();
    drop(halt);
    server.start_again();
    follow(&mut a, first, &mut b, second);
    assert_eq!(a.release(first), Answer::Done);
    b.granted(second);
}

#[test]
fn a_beat_does_not_count_before_the_holds_are_said_again() {
    let mut server = server!();
    let proxy = Proxy::start(server.port());
    let mut holder = Program::start_for(&proxy.url(), TTL);
    let mut other = Program::start_for(&server.url(), TTL);
    let (held, grant) = holder.hold("k");
    let waiting = other.write("k");
    other.until_waiting("k", 1);

    proxy.refuse(true);
    proxy.cut_at(grant.fence.to_string().as_bytes(), Cut::Before);
    server.kill();
    server.start_again();
    thread::sleep(LATE);
    // It beats in time, and is cut off again before the server has heard of its hold.
    proxy.refuse(false);
    until("the hold to be on its way", || proxy.has_cut());
    proxy.refuse(true);

    assert!(other.granted(waiting).fence > grant.fence);
    assert!(holder.has_event(held), "it still believes in its hold");
    assert!(matches!(holder.next_event(held), Event::Lost { .. }));
}
