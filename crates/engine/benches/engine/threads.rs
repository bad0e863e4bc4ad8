//! Several threads use one space at once. The figure is the time per pair of all threads together: where they do
//! not stand in each other's way, and each has a core, two threads halve it.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion};
use latchkey_engine::{Ask, Member, Requested, Space};

use crate::asks::{cancel, key, release, request, ticket, write};

const SHARDS: [(u32, &str); 2] = [(1, "1 shard"), (16, "16 shards")];

pub fn benches(criterion: &mut Criterion) {
    different_keys(criterion);
    the_same_key(criterion);
}

/// Each thread has a key of its own: only the shards' mutexes are shared.
fn different_keys(criterion: &mut Criterion) {
    run(criterion, "different keys, request + release", |space, thread| {
        let key = key(thread);
        release(space, ticket(space, Ask { member: Member(thread), ..write(&key) }));
    });
}

/// All threads write to one key. Who finds it held queues, and leaves again, so that no thread sleeps: what is
/// measured is the engine under contention, not the system's scheduler.
fn the_same_key(criterion: &mut Criterion) {
    run(criterion, "same key, request + release or cancel", |space, thread| {
        match request(space, Ask { member: Member(thread), ..write(&key(0)) }) {
            Requested::Granted(ticket, _) => assert!(release(space, ticket)),
            // If it cannot be cancelled any more, another thread's release has just granted it.
            Requested::Waiting(ticket) => assert!(cancel(space, ticket) || release(space, ticket)),
            Requested::Refused | Requested::Forgotten => unreachable!("it is patient, and names its key"),
        }
    });
}

fn run(criterion: &mut Criterion, name: &str, pair: fn(&Space, u32)) {
    for (shards, in_words) in SHARDS {
        let mut group = criterion.benchmark_group(format!("{name}, {in_words}, threads"));
        for threads in 1..=4 {
            let space = Space::keeping(0, shards);
            group.bench_function(BenchmarkId::from_parameter(threads), |bencher| {
                bencher
                    .iter_custom(|iterations| on_threads(threads, iterations, |thread| pair(&space, thread)));
            });
        }
    }
}

/// Shares `iterations` among threads that are all running before the first begins: the time from the first one's
/// start to the last one's end.
fn on_threads(threads: u32, iterations: u64, work: impl Fn(u32) + Sync) -> Duration {
    let each = iterations.div_ceil(threads.into());
    let barrier = Barrier::new(threads as usize);
    let spans: Vec<_> = thread::scope(|scope| {
        let (barrier, work) = (&barrier, &work);
        let span = move |thread| {
            barrier.wait();
            let start = Instant::now();
            (0..each).for_each(|_| work(thread));
            (start, Instant::now())
        };
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || span(thread))).collect();
        running.into_iter().map(|thread| thread.join().expect("a thread of the bench failed")).collect()
    });
    let start = spans.iter().map(|span| span.0).min().expect("there is a thread");
    let end = spans.iter().map(|span| span.1).max().expect("there is a thread");
    (end - start).mul_f64(iterations as f64 / (each * u64::from(threads)) as f64)
}
