//! A store behind Sentinel: the server is found by its name, and again after another one took its place.

mod support;

use std::time::{Duration, Instant};

use latchkey_engine::Answer;
use latchkey_redis::{Config, Options, Reason};
use support::{
    Server, free_port,
    program::{Program, until},
    sentinel::{Sentinel, answering, naming, silence},
};

const AT_ONCE: Duration = Duration::ZERO;
const A_LITTLE_LATER: Duration = Duration::from_millis(100);

fn start(sentinel: &Sentinel, master: &str) -> Program {
    let gone = format!("127.0.0.1:{}", free_port());
    start_with(&[gone, sentinel.address()], master, Duration::from_secs(1))
}

fn start_with(sentinels: &[String], master: &str, connect_timeout: Duration) -> Program {
    let options = Options {
        sentinels: sentinels.to_vec(),
        master: Some(master.into()),
        // A hold survives if its lease is longer than the election.
        ttl: Duration::from_secs(8),
        connect_timeout,
        ..Options::default()
    };
    Program::start_with(Config::new(options).unwrap())
}

/// Asserts that these sentinels lead to the server, long before the time to connect is over.
#[track_caller]
fn assert_finds(sentinels: &[String]) {
    let begin = Instant::now();
    let mut program = start_with(sentinels, "main", Duration::from_secs(15));
    program.hold("k");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

/// Why nothing is found, and what the store says of it.
fn refusal(sentinels: &[String]) -> (Reason, String) {
    let mut program = start_with(sentinels, "main", Duration::from_secs(2));
    let asked = program.write("k");
    let reason = program.failed(asked);
    (reason, program.store.trouble().expect("something is wrong").to_string())
}

#[test]
fn a_hold_and_the_order_outlive_the_server() {
    let mut server = server!();
    let port = server.port().to_string();
    let replica = server!("--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0");
    let sentinel = Sentinel::start(&server);
    let address = format!("127.0.0.1:{}", replica.port());
    until("the sentinel knows a replica that is in step", || {
        let replicas = sentinel.replicas();
        replicas.contains(&address) && is_in_step(&replica)
    });
    let (mut a, mut b) = (start(&sentinel, "main"), start(&sentinel, "main"));
    let (held, grant) = a.hold("k");
    let first = b.write("k");
    b.until_waiting("k", 1);
    let second = a.write("k");
    b.until_waiting("k", 2);
    server.kill();
    until("the replica was promoted", || role(&replica).contains("master"));
    assert_eq!(a.release(held), Answer::Done);
    let next = b.granted(first);
    assert!(next.fence > grant.fence && !next.recovered);
    assert_eq!(b.release(first), Answer::Done);
    a.granted(second);
}

#[test]
fn a_name_that_the_sentinels_do_not_know_is_said() {
    let server = server!();
    let sentinel = Sentinel::start(&server);
    let mut program = start(&sentinel, "other");
    let asked = program.write("k");
    assert_eq!(program.failed(asked), Reason::Unreachable);
    let message = program.store.trouble().unwrap().to_string();
    assert!(message.contains("store.master"), "{message}");
}

#[test]
fn a_sentinel_that_names_a_dead_server_does_not_hide_what_another_one_names() {
    let server = server!();
    let (dead, gone) = (silence(), free_port());
    for (first, second) in [(AT_ONCE, A_LITTLE_LATER), (A_LITTLE_LATER, AT_ONCE)] {
        for stale in [dead.local_addr().unwrap().port(), gone] {
            assert_finds(&[naming(stale, first), naming(server.port(), second)]);
        }
    }
}

#[test]
fn a_sentinel_that_names_a_replica_does_not_hide_what_another_one_names() {
    let server = server!();
    let replica = server!("--replicaof", "127.0.0.1", &server.port().to_string());
    assert_finds(&[naming(replica.port(), AT_ONCE), naming(server.port(), A_LITTLE_LATER)]);
}

#[test]
fn what_the_servers_say_is_reported_where_none_may_be_used() {
    let server = server!();
    let replica = server!("--replicaof", "127.0.0.1", &server.port().to_string());
    let gone = format!("127.0.0.1:{}", free_port());
    let unknown = answering("*-1\r\n".into(), A_LITTLE_LATER);
    let refusing = answering("-NOAUTH Authentication required.\r\n".into(), A_LITTLE_LATER);
    let (reason, message) = refusal(&[gone, naming(replica.port(), AT_ONCE), unknown, refusing]);
    assert_eq!(reason, Reason::Unreachable);
    assert!(message.contains("it is a replica"), "{message}");
}

#[test]
fn what_a_server_refuses_is_reported_at_once_though_another_sentinel_is_silent() {
    let server = server!("--maxmemory-policy", "allkeys-lru");
    let silent = silence();
    let begin = Instant::now();
    let sentinels = [silent.local_addr().unwrap().to_string(), naming(server.port(), AT_ONCE)];
    let mut program = start_with(&sentinels, "main", Duration::from_secs(15));
    let asked = program.write("k");
    assert_eq!(program.failed(asked), Reason::Evicts);
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn a_sentinel_that_refuses_the_login_is_said() {
    let server = server!();
    let sentinel = Sentinel::start_with(&server, "requirepass secret\n");
    let address = sentinel.address();
    let is_said = |login: &str, others: &[String]| {
        let url = format!("redis://{login}{address}");
        let (reason, message) = refusal(&[others, &[url]].concat());
        assert_eq!(reason, Reason::Sentinel, "{login}: {message}");
        assert!(message.contains("a sentinel") && message.contains("store.sentinels"), "{message}");
        // Of all that were given, the one that refuses; and not the login.
        assert!(message.contains(&format!("({address})")) && !message.contains("wrong"), "{message}");
    };
    for login in ["", ":wrong@", "someone:wrong@"] {
        is_said(login, &[]);
    }
    // Also if another one says nothing until the time is over.
    let silent = silence();
    is_said("", &[silent.local_addr().unwrap().to_string()]);
    assert_finds(&[format!("redis://:secret@{address}")]);
}

#[test]
fn a_sentinel_that_refuses_the_login_does_not_hide_what_another_one_names() {
    let server = server!();
    let refusing = answering("-NOAUTH Authentication required.\r\n".into(), AT_ONCE);
    assert_finds(&[refusing, naming(server.port(), A_LITTLE_LATER)]);
}

#[test]
fn a_password_for_a_sentinel_that_has_none_is_said() {
    let server = server!();
    let sentinel = Sentinel::start(&server);
    let (reason, message) = refusal(&[format!("redis://:secret@{}", sentinel.address())]);
    assert_eq!(reason, Reason::Sentinel, "{message}");
}

#[test]
fn a_sentinel_that_does_not_permit_the_question_is_said() {
    let server = server!();
    let sentinel = Sentinel::start_with(&server, "user guest on >secret +@connection\n");
    let (reason, message) = refusal(&[format!("redis://guest:secret@{}", sentinel.address())]);
    assert_eq!(reason, Reason::Sentinel, "{message}");
}

/// What a server says of its role; an error, while it changes it and drops its connections.
fn role(server: &Server) -> String {
    let connection = redis::Client::open(server.url()).unwrap().get_connection();
    format!(
        "{:?}",
        connection.and_then(|mut connection| redis::cmd("ROLE").query::<redis::Value>(&mut connection))
    )
}

fn is_in_step(replica: &Server) -> bool {
    role(replica).contains("connected")
}
