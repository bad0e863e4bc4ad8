//! Several locks in one trip: all are granted, or none.

mod support;

use latchkey_engine::{Answer, Event, Mode, Patience};
use support::{
    Server,
    peer::{LONG, Peer},
    program::{Asked, Program, TTL, until},
    proxy::{Cut, Proxy},
};

const KEYS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

fn together(program: &mut Program) -> Vec<Asked> {
    program.space.gather();
    let asked = KEYS.map(|key| program.ask(key, Mode::Write, Patience::Forever, None));
    program.space.send_gathered();
    asked.to_vec()
}

/// Releases them in one go, and waits for the answers.
fn release_together(program: &mut Program, asked: &[Asked]) {
    program.space.gather();
    asked.iter().for_each(|asked| program.space.release(asked.ticket, false));
    program.space.send_gathered();
    for &asked in asked {
        assert_eq!(program.answer(asked), Answer::Done);
    }
}

/// How many scripts the server has run since the last call.
fn scripts_run(server: &Server) -> u64 {
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut connection).unwrap();
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut connection).unwrap();
    let evalsha = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    evalsha.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn ten_free_keys_are_one_trip() {
    let server = server!();
    let mut program = Program::start_for(&server.url(), LONG);
    program.hold("warm");
    scripts_run(&server);
    let asked = together(&mut program);
    let fences: Vec<u64> = asked.iter().map(|&asked| program.granted(asked).fence).collect();
    assert_eq!(scripts_run(&server), 1);
    assert!(fences.is_sorted_by(|a, b| a < b), "{fences:?}");
    assert_eq!(program.query().len(), KEYS.len() + 1);
    scripts_run(&server);
    release_together(&mut program, &asked);
    assert_eq!(scripts_run(&server), 1);
    assert_eq!(program.query().len(), 1);
}

#[test]
fn what_is_released_together_grants_whoever_waits_and_ends_who_left() {
    let server = server!();
    let (mut a, mut b) = (Program::start_for(&server.url(), LONG), Program::start_for(&server.url(), LONG));
    let all = together(&mut a);
    all.iter().for_each(|&asked| _ = a.granted(asked));
    let waiting = ["c", "f"].map(|key| b.write(key));
    a.until_waiting("f", 1);
    release_together(&mut a, &all);
    for asked in waiting {
        b.granted(asked);
    }
    assert_eq!(a.query().len(), 2);
}

#[test]
fn a_cut_before_the_answer_to_releases_releases_each_once() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut program = Program::start_for(&proxy.url(), TTL);
    let asked = together(&mut program);
    asked.iter().for_each(|&asked| _ = program.granted(asked));
    proxy.cut_at(b":0}:h:", Cut::After);
    release_together(&mut program, &asked);
    assert!(proxy.has_cut());
    assert!(program.query().is_empty());
}

#[test]
fn a_try_behind_releases_finds_their_locks_free() {
    let server = server!();
    let mut program = Program::start_for(&server.url(), LONG);
    let asked = together(&mut program);
    asked.iter().for_each(|&asked| _ = program.granted(asked));
    program.space.gather();
    asked.iter().for_each(|asked| program.space.release(asked.ticket, false));
    let again = KEYS.map(|key| program.ask(key, Mode::Write, Patience::None, None));
    program.space.send_gathered();
    for asked in again {
        program.granted(asked);
    }
}

/// More than one script releases, and others ask and release between them.
#[test]
fn many_more_are_released_together_than_one_script_releases() {
    let server = server!();
    let mut program = Program::start_for(&server.url(), LONG);
    let asked: Vec<_> = (0..1000).map(|number| program.write(&format!("k{number}"))).collect();
    asked.iter().for_each(|&asked| _ = program.granted(asked));
    scripts_run(&server);
    release_together(&mut program, &asked);
    assert!((16..=20).contains(&scripts_run(&server)));
    assert!(program.query().is_empty());
}

#[test]
fn if_one_is_not_free_none_is_granted_and_nothing_is_left() {
    let server = server!();
    let (mut a, mut b) = (Program::start_for(&server.url(), TTL), Program::start_for(&server.url(), TTL));
    b.hold("warm");
    let (held, _) = a.hold("e");
    for asked in together(&mut b) {
        assert!(matches!(b.next_event(asked), Event::TimedOut { .. }));
    }
    assert_eq!(a.query().len(), 2);
    assert_eq!(a.release(held), Answer::Done);
    for asked in together(&mut b) {
        b.granted(asked);
    }
}

#[test]
fn the_first_thing_that_a_program_asks_for_may_be_several_keys() {
    let server = server!();
    let mut program = Program::start_for(&server.url(), TTL);
    for asked in together(&mut program) {
        program.granted(asked);
    }
}

#[test]
fn a_cut_before_the_answer_grants_each_once() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut program = Program::start_for(&proxy.url(), TTL);
    program.hold("warm");
    proxy.swallow(true);
    let asked = together(&mut program);
    proxy.cut();
    proxy.swallow(false);
    for asked in &asked {
        program.granted(*asked);
    }
    for asked in asked {
        assert_eq!(program.release(asked), Answer::Done);
    }
    until("nothing is left", || program.query().len() == 1);
}

#[test]
fn one_that_is_withdrawn_before_it_is_sent_is_not_held() {
    let server = server!();
    let mut program = Program::start_for(&server.url(), TTL);
    program.hold("warm");
    program.space.gather();
    let asked = KEYS.map(|key| program.ask(key, Mode::Read, Patience::Forever, None));
    assert!(program.space.cancel(asked[3].ticket));
    program.space.send_gathered();
    for (place, asked) in asked.into_iter().enumerate() {
        if place != 3 {
            program.granted(asked);
        }
    }
    until("it is given back", || program.query().len() == KEYS.len());
    assert!(!program.has_event(asked[3]));
}

#[tokio::test]
async fn a_script_grants_all_or_none_and_leaves_each_as_if_it_had_been_asked_for_alone() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let all: Vec<_> = KEYS.iter().map(|key| peer.ask(key, Mode::Write)).collect();
    let link = peer.link.clone();
    let answer = link.acquire_all(&mut peer.connection, &all).await.unwrap();
    let latchkey_redis::scripts::AcquiredAll::Granted(first) = answer else { panic!("{answer:?}") };
    for (asked, fence) in all.iter().zip(first..) {
        assert_eq!(peer.granted(asked).await.fence, fence);
    }
    let (waiting, _) = peer.wait("c", Mode::Write).await;
    for asked in &all {
        peer.release(asked).await;
    }
    assert!(peer.granted(&waiting).await.fence >= first + 10);
    let again: Vec<_> = KEYS.iter().map(|key| peer.ask(key, Mode::Write)).collect();
    let answer = link.acquire_all(&mut peer.connection, &again).await.unwrap();
    assert_eq!(answer, latchkey_redis::scripts::AcquiredAll::Busy);
    peer.release(&waiting).await;
    assert_eq!(peer.keys().await, ["e", "o", "s"]);
}
