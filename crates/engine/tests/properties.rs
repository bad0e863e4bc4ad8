//! Random operations at random times, checked after each step against the promises themselves: on both kinds of spaces.

#[path = "properties/local.rs"]
mod local;
#[path = "properties/model.rs"]
mod model;
#[path = "properties/named.rs"]
mod named;

use std::time::Duration;

use latchkey_engine::{Member, Mode, Patience};
use local::{Local, MEMBER};
use model::{Kind, Model, Wish};
use named::Named;
use proptest::{prelude::*, sample::Index};

/// What can be done with a request, one of all so far: it may hold, wait, or have ended long ago.
#[derive(Clone, Debug)]
enum Deed {
    Release { unused: bool },
    Cancel,
    Downgrade,
}

/// What can happen in any space.
#[derive(Clone, Debug)]
enum Step {
    /// In the cheap way, if there is one, or in the other.
    Ask {
        key: u16,
        wish: Wish,
        cheap: bool,
    },
    With {
        which: Index,
        deed: Deed,
    },
    Advance {
        by: u64,
    },
    Expire,
}

#[derive(Clone, Debug)]
enum NamedStep {
    Step(Step),
    Detach { member: Member },
}

#[derive(Clone, Debug)]
enum LocalStep {
    Step(Step),
    /// To so many, as far as they can hold the key together.
    GrantOutside {
        times: u32,
        key: u16,
        mode: Mode,
        expiry: Option<Duration>,
        counted: bool,
    },
    /// An `Ask` does that first, too.
    HandOver {
        key: u16,
    },
}

fn named_step() -> impl Strategy<Value = NamedStep> {
    prop_oneof![
        22 => step(member()).prop_map(NamedStep::Step),
        2 => member().prop_map(|member| NamedStep::Detach { member }),
    ]
}

fn local_step() -> impl Strategy<Value = LocalStep> {
    prop_oneof![
        22 => step(Just(MEMBER)).prop_map(LocalStep::Step),
        4 => (1..4_u32, key(), mode(), expiry(), any::<bool>()).prop_map(
            |(times, key, mode, expiry, counted)| LocalStep::GrantOutside { times, key, mode, expiry, counted }
        ),
        1 => key().prop_map(|key| LocalStep::HandOver { key }),
    ]
}

fn step(member: impl Strategy<Value = Member>) -> impl Strategy<Value = Step> {
    let wish = (member, mode(), expiry(), patience()).prop_map(|(member, mode, expiry, patience)| Wish {
        member,
        mode,
        expiry,
        patience,
    });
    prop_oneof![
        8 => (key(), wish, any::<bool>()).prop_map(|(key, wish, cheap)| Step::Ask { key, wish, cheap }),
        8 => (any::<Index>(), deed()).prop_map(|(which, deed)| Step::With { which, deed }),
        3 => (0..15_u64).prop_map(|by| Step::Advance { by }),
        3 => Just(Step::Expire),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Release { unused: false }),
        1 => Just(Deed::Release { unused: true }),
        2 => Just(Deed::Cancel),
        1 => Just(Deed::Downgrade),
    ]
}

fn key() -> impl Strategy<Value = u16> {
    0..3_u16
}

fn member() -> impl Strategy<Value = Member> {
    (0..3_u32).prop_map(Member)
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Read), Just(Mode::Write)]
}

/// One of few, so that some end at the same time.
fn span() -> impl Strategy<Value = Duration> {
    (1..6_u64).prop_map(|n| Duration::from_millis(n * 3))
}

fn expiry() -> impl Strategy<Value = Option<Duration>> {
    prop::option::of(span())
}

fn patience() -> impl Strategy<Value = Patience> {
    prop_oneof![
        4 => Just(Patience::Forever),
        2 => span().prop_map(Patience::For),
        1 => Just(Patience::None),
    ]
}

fn run<K: Kind>(model: &mut Model<K>, step: &Step) {
    match *step {
        Step::Ask { key, wish, cheap } => K::ask(model, key, wish, cheap),
        Step::With { which, ref deed } => {
            let asked = model.asked();
            if asked > 0 {
                run_deed(model, which.index(asked), deed);
            }
        }
        Step::Advance { by } => model.advance(by),
        Step::Expire => model.expire(),
    }
}

fn run_deed<K: Kind>(model: &mut Model<K>, tag: usize, deed: &Deed) {
    match *deed {
        Deed::Release { unused } => K::release(model, tag, unused),
        Deed::Cancel => model.cancel(tag),
        Deed::Downgrade => K::downgrade(model, tag),
    }
}

fn run_named(model: &mut Model<Named>, step: &NamedStep) {
    match step {
        NamedStep::Step(step) => run(model, step),
        NamedStep::Detach { member } => model.detach(*member),
    }
    model.check_all();
    model.check_query();
    model.check_idle();
}

fn run_local(model: &mut Model<Local>, step: &LocalStep) {
    model.begin();
    match *step {
        LocalStep::Step(ref step) => run(model, step),
        LocalStep::GrantOutside { times, key, mode, expiry, counted } => {
            (0..times).for_each(|_| model.grant_outside(key, mode, expiry, counted));
        }
        LocalStep::HandOver { key } => model.hand_over(key),
    }
    model.check_all();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_space_of_threads_keeps_every_promise_after_every_step(
        keep_idle in prop_oneof![Just(0_usize), Just(1), Just(64)],
        shards in prop_oneof![Just(1_u32), Just(4)],
        steps in prop::collection::vec(named_step(), 1..100),
    ) {
        let mut model = Model::of(Named::new(keep_idle, shards));
        steps.iter().for_each(|step| run_named(&mut model, step));
        model.end();
        model.check_query();
    }

    #[test]
    fn a_space_of_one_thread_keeps_every_promise_after_every_step(
        steps in prop::collection::vec(local_step(), 1..100),
    ) {
        let mut model = Model::of(Local::default());
        steps.iter().for_each(|step| run_local(&mut model, step));
        model.begin();
        model.end();
    }
}
