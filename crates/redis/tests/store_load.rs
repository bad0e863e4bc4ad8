//! What a store costs the server: how much it is asked, and what stays behind.

mod support;

use std::time::Duration;

use latchkey_engine::{Answer, Event};
use redis::Commands;
use support::{
    Server,
    program::{Program, TTL, command, two, until},
    proxy::Proxy,
};

fn connection(server: &Server) -> redis::Connection {
    redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}

/// How many scripts the server has run since the last `CONFIG RESETSTAT`: all that a store sends once it is connected.
fn scripts_run(server: &Server) -> u64 {
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut connection(server)).unwrap();
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

fn with_long_lease(server: &Server) -> Program {
    Program::start_for(&server.url(), Duration::from_secs(60))
}

#[test]
fn an_acquire_and_its_release_are_two_requests() {
    let server = server!();
    let (mut a, mut b) = (with_long_lease(&server), with_long_lease(&server));
    a.hold("warm");
    b.hold("as well");
    command(&server, &["CONFIG", "RESETSTAT"]);
    for _ in 0..100 {
        let (held, _) = a.hold("k");
        let waiting = b.write("k");
        assert_eq!(a.release(held), Answer::Done);
        b.granted(waiting);
        assert_eq!(b.release(waiting), Answer::Done);
    }
    assert_eq!(scripts_run(&server), 400);
}

#[test]
fn a_thousand_wait_in_order_and_send_beats_only() {
    const PROGRAMS: usize = 4;
    const BATCH: usize = 10;
    const WAITERS: usize = 1000;
    let server = server!();
    let mut programs: Vec<_> = (0..PROGRAMS).map(|_| Program::start(&server.url())).collect();
    let (held, _) = programs[0].hold("k");
    let mut asked = Vec::new();
    while asked.len() < WAITERS {
        let place = asked.len() / BATCH % PROGRAMS;
        for _ in 0..BATCH {
            asked.push((place, programs[place].write("k")));
        }
        until("all wait", || queue_length(&server) == asked.len());
    }
    command(&server, &["CONFIG", "RESETSTAT"]);
    std::thread::sleep(TTL * 3);
    // In three leases, each program: nine beats, some of them twice when another's lease might have ended; and three
    // times its first waiting request, whose grant might have been lost.
    let sent = scripts_run(&server);
    assert!(sent <= (PROGRAMS * (2 * 9 + 3 + 4)) as u64, "{sent} requests while {WAITERS} waited");

    assert_eq!(programs[0].release(held), Answer::Done);
    let mut last = 0;
    for (place, asked) in asked {
        let grant = programs[place].granted(asked);
        assert!(grant.fence > last, "out of order");
        last = grant.fence;
        programs[place].space.release(asked.ticket, false);
        assert_eq!(programs[place].answer(asked), Answer::Done);
    }
}

fn queue_length(server: &Server) -> usize {
    connection(server).zcard("{latchkey:0}:q:5:space:k").unwrap()
}

#[test]
fn ten_thousand_holds_send_no_more_beats_than_one() {
    let server = server!();
    let beats = |holds: usize| {
        let mut program = Program::start(&server.url());
        let asked: Vec<_> = (0..holds).map(|number| program.write(&format!("k{number}"))).collect();
        for asked in asked {
            program.granted(asked);
        }
        command(&server, &["CONFIG", "RESETSTAT"]);
        program.stays_silent_for(TTL * 3);
        scripts_run(&server)
    };
    let (few, many) = (beats(1), beats(10_000));
    assert!((7..=11).contains(&few) && (7..=11).contains(&many), "{few} and {many} beats in three leases");
}

#[test]
fn nothing_stays_behind_but_bookkeeping_that_goes_by_itself() {
    let server = server!();
    let (mut a, mut b) = two(&server, TTL);
    for key in ["one", "two", "three"] {
        let (held, _) = a.hold(key);
        let waiting = b.write(key);
        b.until_waiting(key, 1);
        assert_eq!(a.release(held), Answer::Done);
        b.granted(waiting);
        assert_eq!(b.release(waiting), Answer::Done);
    }
    a.close();
    b.close();
    let mut connection = connection(&server);
    until("both sessions have ended", || connection.zcard::<_, u32>("{latchkey:0}:s").unwrap() == 0);
    let keys: Vec<String> = connection.keys("*").unwrap();
    for key in &keys {
        assert!(["e", "o", "x"].contains(&key.rsplit(':').next().unwrap()), "{keys:?}");
        assert!(connection.ttl::<_, i64>(key).unwrap() > 0, "{key} has no time to live");
    }
    drop(connection);
    until("both connections have ended", || clients(&server) == 1);
}

fn clients(server: &Server) -> usize {
    let list: String = redis::cmd("CLIENT").arg("LIST").query(&mut connection(server)).unwrap();
    list.lines().count()
}

#[test]
fn no_connection_is_opened_before_something_is_asked() {
    let server = server!();
    let mut program = Program::start(&server.url());
    program.stays_silent_for(Duration::from_millis(100));
    assert_eq!(clients(&server), 1);
    let asked = program.write("k");
    assert!(matches!(program.next_event(asked), Event::Granted { .. }));
    assert_eq!(clients(&server), 2);
}

#[test]
fn a_release_does_not_wait_behind_the_requests_of_its_own_process() {
    const BURST: usize = 20_000;
    let server = server!();
    let (mut a, mut b) = two(&server, Duration::from_secs(60));
    let (held, _) = a.hold("k");
    let waiting = b.write("k");
    b.until_waiting("k", 1);
    let burst: Vec<_> = (0..BURST).map(|number| a.write(&format!("k{number}"))).collect();
    a.space.release(held.ticket, false);
    b.granted(waiting);
    let answered = a.unasked().iter().filter(|event| matches!(event, Event::Granted { .. })).count();
    println!("{answered} of {BURST} were answered first");
    assert!(answered < BURST / 2, "the release came after {answered} of {BURST} that were asked before it");
    // Those keep their order among themselves.
    let mut last = 0;
    for asked in &burst[answered..] {
        let fence = a.granted(*asked).fence;
        assert!(fence > last, "out of order");
        last = fence;
    }
}

/// After a reconnect all that wait ask again, some at a time. One that is granted before it is its turn has nothing to ask.
#[test]
fn a_hold_that_is_granted_before_its_request_is_asked_again_can_be_downgraded() {
    const WAITERS: usize = 600;
    let server = server!();
    let proxy = Proxy::start(server.port());
    let (mut a, mut b) =
        (with_long_lease(&server), Program::start_for(&proxy.url(), Duration::from_secs(60)));
    let keys: Vec<_> = (0..WAITERS).map(|number| format!("k{number}")).collect();
    let held: Vec<_> = keys.iter().map(|key| a.write(key)).collect();
    held.iter().for_each(|&asked| _ = a.granted(asked));
    let waiting: Vec<_> = keys.iter().map(|key| b.write(key)).collect();
    b.until_waiting(&keys[WAITERS - 1], 1);

    proxy.delay(300);
    proxy.cut();
    command(&server, &["CONFIG", "RESETSTAT"]);
    // So many questions are under way at once; the answers are late.
    until("the first ones ask again", || scripts_run(&server) >= 200);
    a.space.release(held[WAITERS - 1].ticket, false);
    b.granted(waiting[WAITERS - 1]);
    assert_eq!(b.downgrade(waiting[WAITERS - 1]), Answer::Done);
}
