//! Requests that leave before they are served, and members that end with all they own.

use std::{
    collections::VecDeque,
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion};
use latchkey_engine::{Ask, LockTable, Member, Mode, Space, Time};

use crate::asks::{cancel, in_rounds, key, ticket, write};

pub fn benches(criterion: &mut Criterion) {
    cancel_one(criterion);
    writer_behind_readers(criterion);
    detach_a_small_member(criterion);
    detach_per_hold(criterion);
}

/// One leaves from somewhere in the queue and asks again, at its back, so that the queue stays as long as it is.
fn cancel_one(criterion: &mut Criterion) {
    for (place, ahead) in [("front", 0.0), ("middle", 0.5), ("back", 1.0)] {
        let mut group = criterion.benchmark_group(format!("cancel at the {place} + request, waiting"));
        for waiting in [10, 1_000, 100_000] {
            group.bench_function(BenchmarkId::from_parameter(waiting), |bencher| {
                let key = key(0);
                let space = Space::keeping(0, 1);
                let ahead = (f64::from(waiting - 1) * ahead) as u32;
                // The holder and those who stay ahead of the one that leaves.
                for _ in 0..=ahead {
                    ticket(&space, write(&key));
                }
                let mut rest: VecDeque<_> = (ahead..waiting).map(|_| ticket(&space, write(&key))).collect();
                bencher.iter(|| {
                    assert!(cancel(&space, rest.pop_front().expect("there is a rest")));
                    rest.push_back(ticket(&space, write(&key)));
                });
            });
        }
    }
}

/// A key is read by many, each with a deadline of its own; a writer asks, so that the first deadline counts, and leaves.
fn writer_behind_readers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("writer asks + leaves, readers with expiry");
    for readers in [10, 100_000] {
        let key = key(0);
        let space = Space::keeping(0, 1);
        for milliseconds in 1..=readers {
            let expiry = Some(Duration::from_millis(milliseconds));
            ticket(&space, Ask { mode: Mode::Read, expiry, ..write(&key) });
        }
        group.bench_function(BenchmarkId::from_parameter(readers), |bencher| {
            bencher.iter(|| assert!(cancel(&space, ticket(&space, write(&key)))));
        });
    }
}

/// A member that holds 10 keys ends, while another one holds many: it costs what it owns, not what the table holds.
fn detach_a_small_member(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("detach a member of 10 holds, others hold");
    for others in [10, 100_000] {
        let space = Space::keeping(0, 16);
        hold(&space, Member(1), 0, others);
        group.bench_function(BenchmarkId::from_parameter(others), |bencher| {
            bencher.iter_custom(|iterations| {
                in_rounds(iterations, 1, || {
                    hold(&space, Member(2), others, 10);
                    detach(&space, Member(2))
                })
            });
        });
    }
}

/// A member ends with all its holds, each waited for by another member or not. The figure is per hold.
fn detach_per_hold(criterion: &mut Criterion) {
    for (name, waited_for) in [("detach, per hold", false), ("detach with waiters, per hold", true)] {
        let mut group = criterion.benchmark_group(name);
        for count in [10, 1_000, 100_000] {
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                bencher.iter_custom(|iterations| {
                    in_rounds(iterations, count, || {
                        let space = Space::keeping(0, 1);
                        hold(&space, Member(1), 0, count);
                        if waited_for {
                            hold(&space, Member(2), 0, count);
                        }
                        detach(&space, Member(1))
                    })
                });
            });
        }
    }
}

/// The member asks for `count` keys from the one numbered `first` on.
fn hold(space: &Space, member: Member, first: u32, count: u32) {
    for number in first..first + count {
        ticket(space, Ask { member, ..write(&key(number)) });
    }
}

fn detach(space: &Space, member: Member) -> Duration {
    let start = Instant::now();
    let _ = black_box(space.detach(member, &mut Time::default()));
    start.elapsed()
}
