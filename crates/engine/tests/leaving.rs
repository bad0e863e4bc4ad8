//! A request that is cancelled leaves its queue at once, and those behind it move up.

use latchkey_engine::LockTable;

mod support;
use support::World;

#[test]
fn readers_behind_a_cancelled_writer_are_granted() {
    let mut world = World::new();
    let _holder = world.read("k");
    let writer = world.write("k");
    let [one, two] = [(); 2].map(|()| world.read("k"));
    assert_eq!(world.cancel(writer), [format!("{one} granted"), format!("{two} granted")]);
}

#[test]
fn leaving_from_the_middle_or_the_end_keeps_the_order_of_the_rest() {
    let mut world = World::new();
    let holder = world.write("k");
    let [one, two, three, four] = [(); 4].map(|()| world.write("k"));
    assert_eq!(world.cancel(two), [""; 0]);
    assert_eq!(world.cancel(four), [""; 0]);
    assert_eq!(world.release(holder), [format!("{one} granted")]);
    assert_eq!(world.release(one), [format!("{three} granted")]);
    world.release_last(three);
}

#[test]
fn a_hold_cannot_be_cancelled_nor_anything_twice() {
    let mut world = World::new();
    let holder = world.write("k");
    assert!(!world.space.cancel(world.ticket(holder), &mut { world.now }).result);
    let waiting = world.write("k");
    assert_eq!(world.cancel(waiting), [""; 0]);
    assert!(!world.space.cancel(world.ticket(waiting), &mut { world.now }).result);
}
