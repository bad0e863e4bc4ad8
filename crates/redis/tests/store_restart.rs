//! Restarts of the server: what it has forgotten, it is told again.

mod support;

use std::{thread, time::Duration};

use latchkey_engine::{Ending, Event};
use support::{
    Server,
    program::{Program, TTL, follow_in_order, queue_up, two, until},
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
    let (held, grant) = a.hold("k");
    let queue = queue_up(&mut a, &mut b);
    server.kill();
    server.start_again();
    // Nobody is granted while the server may have forgotten a holder, nor while the old one holds.
    b.stays_silent_for(TTL * 2);
    a.stays_silent_for(Duration::ZERO);
    assert_eq!(a.release(held), Ending::Done);
    let next = b.granted(queue[0]);
    assert!(next.fence > grant.fence && !next.recovered);
    follow_in_order(&mut a, &mut b, queue);
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
    assert!(holder.has_been_told(held), "it still believes in its hold");
    assert!(matches!(holder.told(held), Event::Lost { .. }));
}
