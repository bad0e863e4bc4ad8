//! Several locks in one trip: all are granted, or the first one is asked for as if it were alone.

mod support;

use latchkey_engine::{Answer, Event, Grant, Mode, Patience};
use latchkey_redis::scripts::{Acquired, Waiting};
use support::{
    peer::{LONG, Peer},
    program::{Asked, Program, TTL, scripts_run, two, until},
    proxy::{Cut, Proxy},
};

const KEYS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

fn together(program: &mut Program) -> Vec<Asked> {
    program.space.gather();
    let asked = KEYS.map(|key| program.ask(key, Mode::Write, Patience::Forever, None));
    program.space.send_gathered();
    asked.to_vec()
}

fn refused(program: &mut Program, others: &[Asked]) {
    for &asked in others {
        assert!(matches!(program.next_event(asked), Event::TimedOut { .. }));
    }
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
fn if_one_is_not_free_only_the_first_one_is_granted() {
    let server = server!();
    let (mut a, mut b) = two(&server, LONG);
    b.hold("warm");
    let (held, _) = a.hold("e");
    scripts_run(&server);
    let asked = together(&mut b);
    b.granted(asked[0]);
    refused(&mut b, &asked[1..]);
    assert_eq!(scripts_run(&server), 1);
    assert_eq!(a.query().len(), 3);
    assert_eq!(b.release(asked[0]), Answer::Done);
    assert_eq!(a.release(held), Answer::Done);
    for asked in together(&mut b) {
        b.granted(asked);
    }
}

#[test]
fn the_first_one_stands_in_line_before_whoever_asks_later() {
    let server = server!();
    let (mut a, mut b) = two(&server, LONG);
    b.hold("warm");
    let (held, _) = a.hold("a");
    let asked = together(&mut b);
    let later = b.write("a");
    refused(&mut b, &asked[1..]);
    let last = a.write("a");
    assert_eq!(a.release(held), Answer::Done);
    b.granted(asked[0]);
    assert!(!b.has_event(later));
    assert_eq!(b.release(asked[0]), Answer::Done);
    b.granted(later);
    assert!(!a.has_event(last));
    assert_eq!(b.release(later), Answer::Done);
    a.granted(last);
}

#[test]
fn one_that_is_only_tried_does_not_wait() {
    let server = server!();
    let (mut a, mut b) = two(&server, LONG);
    a.hold("a");
    b.space.gather();
    let asked = ["a", "b"].map(|key| b.ask(key, Mode::Write, Patience::None, None));
    b.space.send_gathered();
    refused(&mut b, &asked);
    assert_eq!(a.query().len(), 1);
}

/// There is no connection yet, so that nothing is sent before the first one is withdrawn.
#[test]
fn without_the_first_one_the_others_are_refused() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    proxy.swallow(true);
    let mut program = Program::start_for(&proxy.url(), TTL);
    let asked = together(&mut program);
    assert!(program.space.cancel(asked[0].ticket));
    refused(&mut program, &asked[1..]);
    proxy.cut();
    proxy.swallow(false);
    assert!(program.query().is_empty());
}

/// As one, though it takes a while until there is a connection.
#[test]
fn the_first_thing_that_a_program_asks_for_may_be_several_keys() {
    let server = server!();
    let mut program = Program::start_for(&server.url(), LONG);
    let asked = together(&mut program);
    let fences: Vec<u64> = asked.into_iter().map(|asked| program.granted(asked).fence).collect();
    assert!(fences.windows(2).all(|two| two[1] == two[0] + 1), "{fences:?}");
}

#[test]
fn behind_many_others_they_are_one_trip_still() {
    let server = server!();
    let mut program = Program::start_for(&server.url(), LONG);
    program.hold("warm");
    let before: Vec<_> = (0..1000).map(|number| program.write(&format!("k{number}"))).collect();
    let asked = together(&mut program);
    before.into_iter().for_each(|asked| _ = program.granted(asked));
    let fences: Vec<u64> = asked.into_iter().map(|asked| program.granted(asked).fence).collect();
    assert!(fences.windows(2).all(|two| two[1] == two[0] + 1), "{fences:?}");
}

/// What has been granted is asked for again: the first one has its grant, and the others are given back.
#[test]
fn a_cut_around_the_answer_grants_the_first_one_once_and_refuses_the_others() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut program = Program::start_for(&proxy.url(), LONG);
    program.hold("warm");
    for cut in [Cut::Before, Cut::After] {
        proxy.cut_at(b":0}:h:5:space:j", cut);
        let asked = together(&mut program);
        program.granted(asked[0]);
        assert!(proxy.has_cut());
        refused(&mut program, &asked[1..]);
        until("only the first one is held", || program.query().len() == 2);
        let mut held = vec![asked[0]];
        held.extend(KEYS[1..].iter().map(|key| program.hold(key).0));
        release_together(&mut program, &held);
        assert_eq!(program.query().len(), 1);
    }
}

#[test]
fn a_cut_before_the_answer_leaves_the_first_one_its_place() {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let (mut a, mut b) = (Program::start_for(&server.url(), LONG), Program::start_for(&proxy.url(), LONG));
    b.hold("warm");
    let (held, _) = a.hold("a");
    proxy.cut_at(b":0}:h:5:space:j", Cut::After);
    let asked = together(&mut b);
    refused(&mut b, &asked[1..]);
    assert!(proxy.has_cut());
    let later = a.write("a");
    a.until_waiting("a", 2);
    assert_eq!(a.release(held), Answer::Done);
    b.granted(asked[0]);
    assert!(!a.has_event(later));
    assert_eq!(b.release(asked[0]), Answer::Done);
    a.granted(later);
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
async fn a_script_grants_all_or_asks_for_the_first_one_and_leaves_each_as_if_it_had_been_asked_for_alone() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let all: Vec<_> = KEYS.iter().map(|key| peer.ask(key, Mode::Write)).collect();
    let answers = peer.acquire_all(&all, Waiting::Yes).await;
    let Acquired::Granted(Grant { fence: first, .. }) = answers[0] else { panic!("{answers:?}") };
    for ((asked, answer), fence) in all.iter().zip(answers).zip(first..) {
        assert_eq!(answer, Acquired::Granted(Grant { fence, recovered: false }));
        assert_eq!(peer.granted(asked).await.fence, fence);
    }
    let (waiting, _) = peer.wait("c", Mode::Write).await;
    for asked in &all {
        peer.release(asked).await;
    }
    assert!(peer.granted(&waiting).await.fence >= first + 10);
    // Not all are idle: as if the first one were asked for alone.
    let from_c: Vec<_> = KEYS[2..].iter().map(|key| peer.ask(key, Mode::Write)).collect();
    assert_eq!(peer.acquire_all(&from_c, Waiting::No).await, vec![Acquired::Busy; 8]);
    let mut answers = peer.acquire_all(&from_c, Waiting::Yes).await;
    let queued = answers.remove(0);
    assert!(matches!(queued, Acquired::Queued { .. }));
    assert_eq!(answers, vec![Acquired::Busy; 7]);
    assert_eq!(peer.acquire(&from_c[0]).await, queued);
    peer.release(&from_c[0]).await;
    let from_a: Vec<_> = KEYS.iter().map(|key| peer.ask(key, Mode::Write)).collect();
    let mut answers = peer.acquire_all(&from_a, Waiting::No).await;
    let Acquired::Granted(grant) = answers.remove(0) else { panic!("it is free") };
    assert_eq!(answers, vec![Acquired::Busy; 9]);
    assert_eq!(peer.granted(&from_a[0]).await, grant);
    for asked in [&waiting, &from_a[0]] {
        peer.release(asked).await;
    }
    assert_eq!(peer.keys().await, ["e", "o", "s"]);
}
