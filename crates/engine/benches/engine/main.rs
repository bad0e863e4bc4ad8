//! What the engine's operations cost, alone: no Node, no crossing, a clock that stands still.
//!
//! `cargo bench -p latchkey-engine` runs all in about two minutes; `-- cancel` only what has that in its name;
//! `-- --output-format bencher` prints a line each. Every figure is the time of one operation (or of the pair
//! that the name says), also where many were timed together, so that figures within a group can be compared:
//! where the last part of a name is a number of requests or keys, the cost should not follow it by more than
//! the caches do.

mod asks;
mod free_key;
mod held_keys;
mod leaving;
mod queues;
mod threads;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .nresamples(10_000)
        .configure_from_args();
    free_key::benches(&mut criterion);
    queues::benches(&mut criterion);
    leaving::benches(&mut criterion);
    held_keys::benches(&mut criterion);
    threads::benches(&mut criterion);
    criterion.final_summary();
}
