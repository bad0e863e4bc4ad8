//! Requests are granted in the order of their arrival; readers next to each other share.

mod support;
use latchkey_engine::{LockTable, Released};
use support::World;

#[test]
fn a_free_key_is_granted_at_once_in_either_mode() {
    let mut world = World::new();
    let [reader, writer] = [world.read("a"), world.write("b")];
    assert!(world.holds(reader) && world.holds(writer));
}

#[test]
fn writers_follow_each_other_in_order() {
    let mut world = World::new();
    let [first, second, third] = [(); 3].map(|()| world.write("k"));
    assert_eq!(world.release(first), [format!("{second} granted")]);
    assert_eq!(world.release(second), [format!("{third} granted")]);
    assert_eq!(world.release(third), [""; 0]);
}

#[test]
fn readers_share_and_a_writer_waits_for_all_of_them() {
    let mut world = World::new();
    let [one, two] = [(); 2].map(|()| world.read("k"));
    let writer = world.write("k");
    assert!(world.holds(one) && world.holds(two) && !world.holds(writer));
    assert_eq!(world.release(two), [""; 0]);
    assert_eq!(world.release(one), [format!("{writer} granted")]);
}

#[test]
fn a_reader_behind_a_waiting_writer_waits() {
    let mut world = World::new();
    let holder = world.read("k");
    let writer = world.write("k");
    let late = world.read("k");
    assert!(!world.holds(late), "it would overtake the writer");
    assert_eq!(world.release(holder), [format!("{writer} granted")]);
    assert_eq!(world.release(writer), [format!("{late} granted")]);
}

#[test]
fn adjacent_readers_are_granted_together_up_to_the_next_writer() {
    let mut world = World::new();
    let holder = world.write("k");
    let [one, two] = [(); 2].map(|()| world.read("k"));
    let writer = world.write("k");
    let _three = world.read("k");
    assert_eq!(world.release(holder), [format!("{one} granted"), format!("{two} granted")]);
    assert!(!world.holds(writer));
}

#[test]
fn keys_do_not_meet() {
    let mut world = World::new();
    let [a, b] = [world.write("a"), world.write("b")];
    assert!(world.holds(a) && world.holds(b));
}

#[test]
fn a_release_works_once_and_a_stale_ticket_does_nothing() {
    let mut world = World::new();
    let first = world.write("k");
    assert_eq!(world.release(first), [""; 0]);
    let second = world.write("k");
    assert_eq!(world.ticket(first).index, world.ticket(second).index, "the place is used again");
    let outcome = world.space.release(world.ticket(first), &mut { world.now });
    assert_eq!(outcome.result, Released::NotHeld, "the ticket of the first must not end the second");
    assert_eq!(world.reported("k"), (1, 0));
}

#[test]
fn a_waiting_request_cannot_be_released() {
    let mut world = World::new();
    world.write("k");
    let waiting = world.write("k");
    assert_eq!(world.space.release(world.ticket(waiting), &mut { world.now }).result, Released::NotHeld);
    assert_eq!(world.reported("k"), (1, 1));
}

#[test]
fn fences_grow_with_every_grant_of_a_key() {
    let mut world = World::new();
    let tags: Vec<_> = (0..20).map(|_| world.write("k")).collect();
    for &tag in &tags {
        let _ = world.release(tag);
    }
    let fences: Vec<_> = tags.iter().map(|&tag| world.grant(tag).unwrap().fence).collect();
    assert!(fences.is_sorted_by(|a, b| a < b), "{fences:?}");
}
