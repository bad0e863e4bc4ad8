//! A key without holds and requests costs nothing, and keys are compared exactly.

mod support;
use latchkey_engine::{Ask, Mode, Patience, Port, Space, Time, Usage};
use support::World;

#[test]
fn idle_keys_are_forgotten() {
    let mut world = World::new();
    for n in 0..10_000 {
        let tag = world.write(&format!("key {n}"));
        assert_eq!(world.release(tag), [""; 0]);
    }
    assert_eq!(world.space.usage(), Usage::default());
}

#[test]
fn usage_counts_holds_and_waiters_of_all_shards() {
    let mut world = World::new();
    for n in 0..100 {
        world.read(&format!("key {n}"));
        world.write(&format!("key {n}"));
    }
    assert_eq!(world.space.usage(), Usage { keys: 100, holds: 100, waiting: 100 });
}

#[test]
fn lone_surrogates_the_empty_key_and_nul_are_different_keys() {
    let space = Space::new(1);
    let keys: [&[u16]; 7] = [&[], &[0], &[0, 0], &[0xd800], &[0xd801], &[0xfffd], &[0xd800, 0xdc00]];
    for (tag, key) in (0..).zip(keys) {
        let ask = Ask {
            port: Port(0),
            tag,
            key: key.into(),
            mode: Mode::Write,
            expiry: None,
            patience: Patience::Forever,
        };
        assert!(space.request(ask, Time::ZERO).result.granted().is_some(), "{key:x?} was taken");
    }
}
