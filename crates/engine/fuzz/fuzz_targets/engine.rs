//! What a fuzzer's bytes say is done to a space, of either kind, and held against the model of the property tests after each
//! step. Those draw each operation at random; this finds those that lead to code that nothing has run before.

#![no_main]

#[path = "../../tests/properties/local.rs"]
mod local;
#[path = "../../tests/properties/model.rs"]
mod model;
#[path = "../../tests/properties/named.rs"]
mod named;

use std::time::Duration;

use latchkey_engine::{Mode, Patience, Member};
use libfuzzer_sys::fuzz_target;
use local::{Local, MEMBER};
use model::{Kind, Model, Wish};
use named::Named;

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices(bytes);
    // The first choice is which space.
    match choices.below(7) {
        0 => run_local(&mut choices),
        space => run_named(&mut choices, [0, 1, 64][space % 3], [1, 4][space / 4]),
    }
});

/// What is left of the bytes: each choice takes one.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// A number below `end`, which is at most 256; 0 when there are no more bytes.
    fn below(&mut self, end: usize) -> usize {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first as usize % end
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    fn key(&mut self) -> u16 {
        self.below(3) as u16
    }

    fn mode(&mut self) -> Mode {
        if self.flag() { Mode::Write } else { Mode::Read }
    }

    /// One of few, so that some end at the same time. Never none: a hold without an expiry has no zero, but `None`.
    fn span(&mut self) -> Duration {
        Duration::from_millis(3 * (1 + self.below(5)) as u64)
    }

    fn expiry(&mut self) -> Option<Duration> {
        self.flag().then(|| self.span())
    }

    fn wish(&mut self, member: Member) -> Wish {
        let (mode, expiry) = (self.mode(), self.expiry());
        let patience = match self.below(4) {
            0 | 1 => Patience::Forever,
            2 => Patience::For(self.span()),
            _ => Patience::None,
        };
        Wish { member, mode, expiry, patience }
    }
}

fn run_named(choices: &mut Choices<'_>, keep_idle: usize, shards: u32) {
    let mut model = Model::of(Named::new(keep_idle, shards));
    while !choices.is_at_end() {
        match choices.below(9) {
            0 => {
                let member = Member(choices.below(3) as u32);
                model.detach(member);
            }
            step => run(&mut model, step, choices, |choices| Member(choices.below(3) as u32)),
        }
        model.check_all();
        model.check_query();
    }
}

fn run_local(choices: &mut Choices<'_>) {
    let mut model = Model::of(Local::default());
    while !choices.is_at_end() {
        model.begin();
        match choices.below(11) {
            0 => model.hand_over(choices.key()),
            1 | 2 => {
                let (key, mode, expiry, counted) =
                    (choices.key(), choices.mode(), choices.expiry(), choices.flag());
                // To so many, as far as they can hold the key together.
                (0..=choices.below(3)).for_each(|_| model.grant_outside(key, mode, expiry, counted));
            }
            step => run(&mut model, step - 2, choices, |_| MEMBER),
        }
        model.check_all();
    }
}

/// What can happen in any space: a step from 1 to 8.
fn run<K: Kind>(
    model: &mut Model<K>,
    step: usize,
    choices: &mut Choices<'_>,
    member: impl Fn(&mut Choices<'_>) -> Member,
) {
    match step {
        1..=3 => {
            let (key, member) = (choices.key(), member(choices));
            let wish = choices.wish(member);
            K::ask(model, key, wish, choices.flag());
        }
        4..=6 => with_request(model, choices),
        7 => model.advance(choices.below(15) as u64),
        _ => model.expire(),
    }
}

/// Does something with one of the last requests: it may hold, wait, or have ended long ago.
fn with_request<K: Kind>(model: &mut Model<K>, choices: &mut Choices<'_>) {
    let asked = model.asked();
    if asked == 0 {
        return;
    }
    let tag = asked - 1 - choices.below(asked.min(256));
    match choices.below(5) {
        0 | 1 => K::release(model, tag, false),
        2 => K::release(model, tag, true),
        3 => model.cancel(tag),
        _ => K::downgrade(model, tag),
    }
}
