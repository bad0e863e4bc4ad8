//! When a server grants nothing for the length of a lease, since it may have missed who holds what, and when it need not.

mod support;

use std::{
    thread,
    time::{Duration, Instant},
};

use latchkey_engine::{Answer, Event, Mode, Patience};
use latchkey_redis::Reason;
use support::{
    peer::{LONG, Peer},
    program::{BRIEF, Program, TTL, command, until},
    proxy::Proxy,
};

const WITH_DATA: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];
/// After this a server says of itself that it is older than a brief lease: it counts whole seconds.
const OLD: Duration = Duration::from_millis(3_500);

/// Has the program ask for a free key without waiting. True if it is granted.
fn tries(program: &mut Program) -> bool {
    let asked = program.ask("free", Mode::Write, Patience::None, None);
    matches!(program.next_event(asked), Event::Granted { .. })
}

#[test]
fn a_promoted_replica_that_never_heard_of_the_space_is_frozen_first() {
    let server = server!();
    command(&server, &["FLUSHALL"]);
    let port = server.port().to_string();
    let replica = server!("--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0");
    until("the replica is in step", || {
        let mut connection = redis::Client::open(replica.url()).unwrap().get_connection().unwrap();
        let role = redis::cmd("ROLE").query::<redis::Value>(&mut connection).unwrap();
        format!("{role:?}").contains("connected")
    });
    thread::sleep(OLD);
    command(&replica, &["REPLICAOF", "NO", "ONE"]);
    let started = Instant::now();
    let mut program = Program::start_for(&replica.url(), BRIEF);
    let asked = program.write("k");
    let (granted, event) = program.next_event_at(asked);
    assert!(matches!(event, Event::Granted { .. }));
    assert!(granted - started >= BRIEF, "granted after {:?}", granted - started);
    assert!(tries(&mut Program::start_for(&replica.url(), BRIEF)), "once");
}

#[test]
fn a_server_that_was_started_long_ago_grants_at_once_though_it_has_older_data() {
    let mut server = server!(WITH_DATA[0], WITH_DATA[1], WITH_DATA[2], WITH_DATA[3]);
    let mut program = Program::start_for(&server.url(), BRIEF);
    let (held, _) = program.hold("k");
    assert_eq!(program.release(held), Answer::Done);
    drop(program);
    server.kill();
    server.start_again();
    let mut early = Program::start_for(&server.url(), BRIEF);
    assert!(!tries(&mut early), "it may have forgotten something a moment ago");
    drop(early);
    server.kill();
    server.start_again();
    thread::sleep(OLD);
    assert!(tries(&mut Program::start_for(&server.url(), BRIEF)));
}

#[test]
fn a_process_that_knew_another_server_has_this_one_frozen_from_now() {
    let mut server = server!();
    let proxy = Proxy::start(server.port());
    let mut program = Program::start_for(&proxy.url(), BRIEF);
    program.hold("k");
    proxy.refuse(true);
    server.kill();
    server.start_again();
    let asked = program.write("other");
    thread::sleep(OLD);
    let back = Instant::now();
    proxy.refuse(false);
    let granted = loop {
        let (at, event) = program.next_event_at(asked);
        if matches!(event, Event::Granted { .. }) {
            break at;
        }
    };
    assert!(granted - back >= BRIEF, "granted {:?} after it was back", granted - back);
}

#[test]
fn who_may_not_wait_for_the_end_of_a_freeze_is_refused_for_that_and_who_wants_to_know_of_it_is_notified() {
    let mut server = server!();
    server.kill();
    server.start_again();
    let mut program = Program::start_for(&server.url(), BRIEF);
    for patience in [Patience::None, Patience::For(Duration::from_millis(50))] {
        let asked = program.ask("k", Mode::Write, patience, None);
        assert_eq!(program.failed(asked), Reason::Starting, "{patience:?}");
    }
    assert!(program.space.frozen() > Duration::ZERO);
    let ready = program.space.ready();
    server.kill();
    let started = Instant::now();
    server.start_again();
    program.block_on(ready).expect("it is back in time");
    assert!(started.elapsed() >= BRIEF, "ready after {:?}", started.elapsed());
    assert!(tries(&mut program));
    assert_eq!(program.space.frozen(), Duration::ZERO);
}

#[test]
fn who_waits_for_the_end_of_a_freeze_is_notified_at_the_end_of_its_space() {
    let mut server = server!();
    server.kill();
    server.start_again();
    let mut program = Program::start_for(&server.url(), TTL);
    let ready = program.space.ready();
    program.close();
    assert!(program.block_on(ready).is_err());
}

/// The freeze that a peer with a brief lease meets after a restart with data.
async fn freeze_after_restart(server: &mut support::Server, peer: Peer) -> Duration {
    server.kill();
    server.start_again();
    let mut peer = peer.reconnect(server).await;
    peer.frozen().await
}

#[tokio::test]
async fn a_long_lease_that_has_ended_makes_no_long_freeze() {
    for ending in ["ends itself", "dies", "is cleared"] {
        let mut server = server!(WITH_DATA[0], WITH_DATA[1], WITH_DATA[2], WITH_DATA[3]);
        let (brief, mut long) = (Peer::join(&server, TTL).await, Peer::join(&server, LONG * 10).await);
        long.hold("k", Mode::Write).await;
        match ending {
            "ends itself" => long.end().await,
            "dies" => long.lapse().await,
            _ => {
                long.lapse().await;
                assert!(Peer::join(&server, TTL).await.clear(&long.session).await);
            }
        }
        let frozen = freeze_after_restart(&mut server, brief).await;
        assert!(frozen > Duration::ZERO && frozen <= TTL * 2, "a session that {ending}: {frozen:?}");
    }
}
