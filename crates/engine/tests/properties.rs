//! Random operations at random times, checked after each step against the promises themselves.

#[path = "support/model.rs"]
mod model;

use std::time::Duration;

use latchkey_engine::{Patience, Port};
use model::Model;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Ask {
        key: u16,
        port: u32,
        write: bool,
        expiry: Option<u64>,
        patience: Patience,
        by_slot: bool,
    },
    /// Grants a key without the engine, if the engine does not know it and its holders there admit that.
    GrantOutside {
        key: u16,
        port: u32,
        write: bool,
        expiry: Option<u64>,
    },
    /// Has the engine take in whoever holds the key outside. An `Ask` does that first, too.
    HandOver {
        key: u16,
        by_slot: bool,
    },
    /// Of all requests so far, one; it may hold, wait, or have ended long ago.
    Release {
        which: prop::sample::Index,
    },
    Cancel {
        which: prop::sample::Index,
    },
    Downgrade {
        which: prop::sample::Index,
    },
    Detach {
        port: u32,
    },
    Advance {
        by: u64,
    },
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    prop_oneof![
        8 => (0..3_u16, 0..3_u32, any::<bool>(), prop::option::of(1..20_u64), patience(), any::<bool>())
            .prop_map(|(key, port, write, expiry, patience, by_slot)| Step::Ask { key, port, write, expiry, patience, by_slot }),
        4 => (0..3_u16, 0..3_u32, any::<bool>(), prop::option::of(1..20_u64))
            .prop_map(|(key, port, write, expiry)| Step::GrantOutside { key, port, write, expiry }),
        1 => (0..3_u16, any::<bool>()).prop_map(|(key, by_slot)| Step::HandOver { key, by_slot }),
        5 => any::<Index>().prop_map(|which| Step::Release { which }),
        2 => any::<Index>().prop_map(|which| Step::Cancel { which }),
        1 => any::<Index>().prop_map(|which| Step::Downgrade { which }),
        1 => (0..3_u32).prop_map(|port| Step::Detach { port }),
        3 => (0..15_u64).prop_map(|by| Step::Advance { by }),
        3 => Just(Step::Expire),
    ]
}

fn patience() -> impl Strategy<Value = Patience> {
    prop_oneof![
        4 => Just(Patience::Forever),
        2 => (1..20_u64).prop_map(|limit| Patience::For(Duration::from_millis(limit))),
        1 => Just(Patience::None),
    ]
}

fn run(model: &mut Model, step: &Step) {
    let asked = model.asked();
    model.begin();
    match *step {
        Step::Ask { key, port, write, expiry, patience, by_slot } => {
            model.ask(key, port, write, expiry, patience, by_slot);
        }
        Step::GrantOutside { key, port, write, expiry } => model.grant_outside(key, port, write, expiry),
        Step::HandOver { key, by_slot } => model.hand_over(key, by_slot),
        Step::Release { which } if asked > 0 => model.release(which.index(asked)),
        Step::Cancel { which } if asked > 0 => model.cancel(which.index(asked)),
        Step::Downgrade { which } if asked > 0 => model.downgrade(which.index(asked)),
        Step::Release { .. } | Step::Cancel { .. } | Step::Downgrade { .. } => {}
        Step::Detach { port } => model.detach(Port(port)),
        Step::Advance { by } => model.advance(by),
        Step::Expire => model.expire(),
    }
    model.check_all();
    model.check_query();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_after_every_step(
        keep_idle in prop_oneof![Just(0_usize), Just(1), Just(64)],
        shards in prop_oneof![Just(1_u32), Just(4)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut model = Model::new(keep_idle, shards);
        for step in &steps {
            run(&mut model, step);
        }
    }
}
