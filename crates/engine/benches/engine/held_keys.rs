//! Keys are taken and released while many others are held: what does not cost more, and what the caches cost.

use criterion::{BenchmarkId, Criterion};
use latchkey_engine::{Space, Ticket};

use crate::asks::{key, release, ticket, write};

const COUNTS: [u32; 3] = [1, 1_000, 1_000_000];
/// How far the next key is from the last: it has no factor in common with the counts, so that all keys have their turn.
const STRIDE: u32 = 618_033_989;

pub fn benches(criterion: &mut Criterion) {
    one_free_key(criterion);
    each_key_in_turn(criterion);
}

/// Always the same free key, so that only the size of the table differs.
fn one_free_key(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("same free key, request + release, others held");
    for count in COUNTS {
        // Made when it is run: a million keys are not for a bench that was not chosen.
        let mut held = None;
        let free = key(count);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            let (space, _) = held.get_or_insert_with(|| hold(count));
            bencher.iter(|| release(space, ticket(space, write(&free))));
        });
    }
}

/// Each of the held keys is released and taken again, far from the one before: none is in a cache when there are many.
fn each_key_in_turn(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("each held key in turn, release + request");
    for count in COUNTS {
        let mut held = None;
        let mut turn = 0;
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            let (space, tickets) = held.get_or_insert_with(|| hold(count));
            bencher.iter(|| {
                turn = (turn + STRIDE) % count;
                let place = &mut tickets[turn as usize];
                release(space, *place);
                *place = ticket(space, write(&key(turn)));
            });
        });
    }
}

fn hold(count: u32) -> (Space, Vec<Ticket>) {
    let space = Space::keeping(0, 1);
    let tickets = (0..count).map(|number| ticket(&space, write(&key(number)))).collect();
    (space, tickets)
}
