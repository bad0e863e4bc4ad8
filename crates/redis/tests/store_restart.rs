//! A restart of the server after which a holder is heard of, and its hold is not.

mod support;

use std::{thread, time::Duration};

use latchkey_engine::Event;
use support::{
    program::{Program, TTL, until},
    proxy::{Cut, Proxy},
};

/// Less than what is left of a lease when the server dies, and most of it.
const LATE: Duration = Duration::from_millis(700);

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
