//! What a thread asks for a lock comes to the server in the order of the calls, though no answer has come in between.

mod support;

use latchkey_engine::{Answer, Event, Mode, Patience};
use support::{
    peer::LONG,
    program::{Asked, Program, command, scripts_run, units, until},
    proxy::{Cut, Proxy},
};

fn try_to(program: &mut Program, mode: Mode) -> Asked {
    program.ask("k", mode, Patience::None, None)
}

/// A program that has a connection, and whose answers may be kept.
fn start(server: &support::Server) -> (Proxy, Program) {
    let proxy = Proxy::start(server.port());
    let mut program = Program::start_for(&proxy.url(), LONG);
    let (warm, _) = program.hold("warm");
    program.release(warm);
    (proxy, program)
}

/// A lock that was granted by a message, while the answer to the question for it has not come.
fn granted_before_the_answer(proxy: &Proxy, a: &mut Program, b: &mut Program) -> Asked {
    let (held, _) = a.hold("k");
    proxy.keep_answers();
    let asked = b.write("k");
    a.until_waiting("k", 1);
    assert_eq!(a.release(held), Answer::Done);
    b.granted(asked);
    asked
}

#[test]
fn a_try_behind_a_release_finds_free_what_was_granted_before_its_answer() {
    let server = server!();
    let (proxy, mut b) = start(&server);
    let mut a = Program::start_for(&server.url(), LONG);
    let asked = granted_before_the_answer(&proxy, &mut a, &mut b);
    b.space.release(asked.ticket, false);
    let again = try_to(&mut b, Mode::Write);
    proxy.pass_answers();
    b.granted(again);
    assert_eq!(b.answer(asked), Answer::Done);
}

#[test]
fn a_try_to_read_behind_a_downgrade_joins_what_was_granted_before_its_answer() {
    let server = server!();
    let (proxy, mut b) = start(&server);
    let mut a = Program::start_for(&server.url(), LONG);
    let asked = granted_before_the_answer(&proxy, &mut a, &mut b);
    b.space.downgrade(asked.ticket);
    let again = try_to(&mut b, Mode::Read);
    proxy.pass_answers();
    b.granted(again);
    assert_eq!(b.answer(asked), Answer::Done);
    assert_eq!(a.query()[0].holders.len(), 2);
}

#[test]
fn a_try_behind_a_downgrade_and_a_release_finds_the_lock_free() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    let (held, _) = program.hold("k");
    proxy.keep_answers();
    program.space.downgrade(held.ticket);
    program.space.release(held.ticket, false);
    let again = try_to(&mut program, Mode::Write);
    proxy.pass_answers();
    program.granted(again);
    assert_eq!([program.answer(held), program.answer(held)], [Answer::Done; 2]);
}

/// Where there is no room for either yet, and what makes the lock free later goes before both.
#[test]
fn a_try_does_not_overtake_a_request_of_the_same_lock() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    let held = program.ask("k", Mode::Read, Patience::Forever, None);
    program.granted(held);
    proxy.keep_answers();
    for other in 0..300 {
        program.write(&format!("other {other}"));
    }
    let first = program.write("k");
    let second = try_to(&mut program, Mode::Read);
    program.space.release(held.ticket, false);
    proxy.pass_answers();
    program.granted(first);
    assert!(matches!(program.next_event(second), Event::TimedOut { .. }), "it would be beside the reader");
}

#[test]
fn a_try_behind_a_request_that_was_withdrawn_finds_the_lock_free() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    proxy.keep_answers();
    let withdrawn = program.write("k");
    assert!(program.space.cancel(withdrawn.ticket));
    let again = try_to(&mut program, Mode::Write);
    proxy.pass_answers();
    program.granted(again);
    assert!(!program.has_event(withdrawn));
}

/// Also for one that goes along with another one, and that is withdrawn before it is sent or after it.
#[test]
fn a_try_behind_one_of_several_that_was_withdrawn_finds_its_lock_free() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    proxy.keep_answers();
    for is_sent in [true, false] {
        program.space.gather();
        let first = program.write(if is_sent { "a" } else { "b" });
        let withdrawn = program.write("k");
        if is_sent {
            program.space.send_gathered();
        }
        assert!(program.space.cancel(withdrawn.ticket));
        if !is_sent {
            program.space.send_gathered();
        }
        let again = try_to(&mut program, Mode::Write);
        proxy.pass_answers();
        program.granted(first);
        program.granted(again);
        program.release(again);
        assert!(!program.has_event(withdrawn));
        proxy.keep_answers();
    }
}

#[test]
fn a_try_behind_the_release_of_a_hold_that_is_being_said_again_finds_the_lock_free() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    let (held, _) = program.hold("k");
    proxy.cut_at(b":0}:h:5:space:k", Cut::Never);
    proxy.cut();
    until("it is said again", || proxy.has_cut());
    program.space.downgrade(held.ticket);
    let reader = try_to(&mut program, Mode::Read);
    program.space.release(held.ticket, false);
    let writer = try_to(&mut program, Mode::Write);
    proxy.pass_answers();
    program.granted(reader);
    assert!(matches!(program.next_event(writer), Event::TimedOut { .. }), "beside the reader");
    assert_eq!([program.answer(held), program.answer(held)], [Answer::Done; 2]);
}

#[test]
fn a_query_behind_a_try_shows_it() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    proxy.keep_answers();
    // With so many under way it is the runtime that sends what comes next: it finds all of it at once.
    for other in 0..32 {
        program.write(&format!("other {other}"));
    }
    let halted = program.halt();
    let asked = try_to(&mut program, Mode::Write);
    let query = program.space.query();
    drop(halted);
    proxy.pass_answers();
    let report = program.block_on(query).expect("a report");
    assert!(report.iter().any(|lock| lock.key.as_units() == units("k")), "{report:?}");
    program.granted(asked);
}

/// What the server refused, since it had forgotten the script, is not sent again behind what was asked since.
#[test]
fn a_request_that_was_withdrawn_when_the_server_had_forgotten_its_script_is_not_asked_again() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    command(&server, &["SCRIPT", "FLUSH"]);
    proxy.keep_answers();
    let withdrawn = program.write("k");
    // It brings the scripts back.
    let mut other = Program::start_for(&server.url(), LONG);
    let (warm, _) = other.hold("warm");
    assert!(program.space.cancel(withdrawn.ticket));
    proxy.pass_answers();
    let (held, _) = program.hold("other");
    program.release(held);
    other.release(warm);
    assert!(other.query().is_empty());
}

/// There are so many questions under way that both wait for others' answers.
#[test]
fn a_try_before_a_release_finds_the_lock_held_even_when_releases_go_first() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    let (held, _) = program.hold("k");
    proxy.keep_answers();
    let many: Vec<_> = (0..1000).map(|number| program.write(&format!("k{number}"))).collect();
    let tried = try_to(&mut program, Mode::Write);
    program.space.release(held.ticket, false);
    let again = try_to(&mut program, Mode::Write);
    proxy.pass_answers();
    assert!(matches!(program.next_event(tried), Event::TimedOut { .. }));
    program.granted(again);
    assert_eq!(program.answer(held), Answer::Done);
    many.into_iter().for_each(|asked| _ = program.granted(asked));
}

#[test]
fn what_is_asked_for_at_once_is_few_questions_and_each_is_answered_by_itself() {
    let server = server!();
    let (proxy, mut program) = start(&server);
    let mut other = Program::start_for(&server.url(), LONG);
    let (held, _) = other.hold("k17");
    scripts_run(&server);
    proxy.keep_answers();
    let mut asked: Vec<_> = (0..1000).map(|number| program.write(&format!("k{number}"))).collect();
    let again = program.write("k900");
    let tried = program.ask("k901", Mode::Write, Patience::None, None);
    proxy.pass_answers();
    let waiting = asked.remove(17);
    asked.iter().for_each(|&asked| _ = program.granted(asked));
    assert!(matches!(program.next_event(tried), Event::TimedOut { .. }));
    // Those that went out before there were answers to wait for may be one by one.
    let scripts = scripts_run(&server);
    assert!(scripts < 400, "{scripts} scripts");
    assert!(!program.has_event(waiting) && !program.has_event(again));
    assert_eq!(other.release(held), Answer::Done);
    program.granted(waiting);
    assert_eq!(program.release(asked[899]), Answer::Done);
    program.granted(again);
}
