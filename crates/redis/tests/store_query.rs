//! What a query of a space answers: all of it, also when that is much, and when the connection breaks meanwhile.

mod support;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use latchkey_redis::Reason;
use support::{
    program::{BRIEF, Program, config},
    proxy::{Cut, Proxy},
};

/// So many that no single command reports all of them.
const MANY: usize = 600;
/// What stands in the command that lists who is there, and in no other: from the first to the last.
const LIST: &[u8] = b"\r\n[\"\r\n$1\r\n+\r\n";
/// What stands in the commands that look at locks, and in no other of a connection that is in use.
const INSPECT: &[u8] = b"\r\nSCRIPT\r\n$4\r\nLOAD\r\n";

fn hold_many(program: &mut Program, count: usize) -> BTreeSet<Vec<u16>> {
    let names: Vec<_> = (0..count).map(|number| format!("key {number}")).collect();
    let asked: Vec<_> = names.iter().map(|name| program.write(name)).collect();
    for asked in asked {
        program.granted(asked);
    }
    names.iter().map(|name| name.encode_utf16().collect()).collect()
}

fn reported(program: &Program) -> BTreeSet<Vec<u16>> {
    let report = program.query();
    let keys: BTreeSet<_> = report.iter().map(|key| key.key.as_units().to_vec()).collect();
    assert_eq!(keys.len(), report.len(), "none is reported twice");
    keys
}

/// Cuts the connection at a command of a query, before or after the server ran it.
fn cut_at(what: &[u8], cut: Cut) {
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut program = Program::start(&proxy.url());
    let held = hold_many(&mut program, MANY);
    proxy.cut_at(what, cut);
    assert_eq!(reported(&program), held);
    assert!(proxy.has_cut());
    assert_eq!(program.unasked(), []);
}

#[test]
fn a_query_whose_connection_is_cut_before_it_lists_is_asked_again() {
    cut_at(LIST, Cut::Before);
}

#[test]
fn a_query_whose_connection_is_cut_after_it_listed_is_asked_again() {
    cut_at(LIST, Cut::After);
}

#[test]
fn a_query_whose_connection_is_cut_before_it_looks_at_locks_is_asked_again() {
    cut_at(INSPECT, Cut::Before);
}

#[test]
fn a_query_whose_connection_is_cut_after_it_looked_at_locks_is_asked_again() {
    cut_at(INSPECT, Cut::After);
}

#[test]
fn a_query_whose_connection_breaks_fails_once_no_other_came_in_time() {
    let limit = Duration::from_millis(700);
    let server = server!();
    let proxy = Proxy::start(server.port());
    let mut program = Program::start_with(config(&proxy.url(), |options| options.connect_timeout = limit));
    program.hold("k");
    proxy.refuse(true);
    proxy.cut_at(LIST, Cut::Before);
    let started = Instant::now();
    let error = program.block_on(program.space.query()).unwrap_err();
    assert_eq!(error.reason(), Reason::Unreachable);
    assert!(started.elapsed() >= limit, "{:?}", started.elapsed());
    assert!(proxy.has_cut());
}

#[test]
fn a_query_that_takes_longer_than_a_server_may_be_silent_does_not_end_the_connection() {
    let server = server!();
    let mut program = Program::start_for(&server.url(), BRIEF);
    let held = hold_many(&mut program, 5_000);
    let until = Instant::now() + BRIEF;
    while Instant::now() < until {
        assert_eq!(reported(&program), held);
    }
    assert_eq!(program.unasked(), [], "nothing was lost");
    assert!(program.store.trouble().is_none());
}
