//! A key that nobody holds is asked for and released: the shortest way through the engine.

use std::time::Instant;

use criterion::Criterion;
use latchkey_engine::{Ask, Caller, LockTable, Mode, Space, Time};

use crate::asks::{SOME_EXPIRY, release, ticket, write};

/// A clock that has to be read.
struct Watch(Instant);

impl Caller for Watch {
    fn now(&self) -> Time {
        self.0.elapsed().into()
    }
}

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("free key, request + release");
    let units = [u16::from(b'k'); 64];
    let [short, usual, long] = [&units[..2], &units[..16], &units[..64]];
    let read = |key| Ask { mode: Mode::Read, ..write(key) };
    let asks = [
        ("write, 2 characters", write(short)),
        ("write, 16 characters", write(usual)),
        ("write, 64 characters", write(long)),
        ("write with expiry", Ask { expiry: SOME_EXPIRY, ..write(usual) }),
        ("read", read(usual)),
        ("read with expiry", Ask { expiry: SOME_EXPIRY, ..read(usual) }),
    ];
    for (name, ask) in asks {
        let space = Space::keeping(0, 1);
        group.bench_function(name, |bencher| bencher.iter(|| release(&space, ticket(&space, ask))));
    }

    let space = Space::keeping(0, 1);
    let zero = Instant::now();
    let clock = || Watch(zero);
    group.bench_function("write, with the clock's cost", |bencher| {
        bencher.iter(|| {
            let ticket = space.request(write(usual), &mut clock()).result.ticket().expect("it is patient");
            space.release(ticket, &mut clock()).result
        });
    });
}
