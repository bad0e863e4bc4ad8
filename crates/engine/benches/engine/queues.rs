//! Many writers queue on one key.

use std::{collections::VecDeque, time::Instant};

use criterion::{BenchmarkId, Criterion};
use latchkey_engine::{Ask, Member, Space};

use crate::asks::{SOME_EXPIRY, in_rounds, key, release, ticket, write};

pub fn benches(criterion: &mut Criterion) {
    hand_over(criterion);
    fill_and_drain(criterion);
}

/// The queue stays as long as it is: one joins at its back, the holder leaves, the next one is granted the key.
fn hand_over(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request + hand-over, waiting");
    for waiting in [1, 10, 1_000, 100_000] {
        group.bench_function(BenchmarkId::from_parameter(waiting), |bencher| {
            let key = key(0);
            let space = Space::keeping(0, 1);
            let mut tickets: VecDeque<_> = (0..waiting).map(|_| ticket(&space, write(&key))).collect();
            bencher.iter(|| {
                tickets.push_back(ticket(&space, write(&key)));
                release(&space, tickets.pop_front().expect("there is a holder"))
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("request + hand-over, one waiting");
    let key = key(0);
    let turns = [
        ("of the same member", [write(&key); 2]),
        ("of another member", [1, 2].map(|member| Ask { member: Member(member), ..write(&key) })),
        ("with expiry", [Ask { expiry: SOME_EXPIRY, ..write(&key) }; 2]),
    ];
    for (name, turns) in turns {
        let space = Space::keeping(0, 1);
        let mut holder = ticket(&space, turns[0]);
        let mut turn = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                turn = 1 - turn;
                let next = ticket(&space, turns[turn]);
                release(&space, std::mem::replace(&mut holder, next))
            });
        });
    }
}

/// A burst: all ask, then each releases in turn. The figure is per request.
fn fill_and_drain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue all, then release all, per request");
    for count in [10, 1_000, 100_000] {
        let key = key(0);
        let space = Space::keeping(0, 1);
        let mut tickets = Vec::with_capacity(count as usize);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_custom(|iterations| {
                in_rounds(iterations, count, || {
                    let start = Instant::now();
                    tickets.extend((0..count).map(|_| ticket(&space, write(&key))));
                    for ticket in tickets.drain(..) {
                        release(&space, ticket);
                    }
                    start.elapsed()
                })
            });
        });
    }
}
