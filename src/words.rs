//! The typed array through which numbers cross, and what each of its places means.
//!
//! JavaScript writes the inputs of a call and then calls; the addon writes the answers and returns.
//! Neither side touches the array while the other one may: both run on the same thread.
//! JavaScript learns the places from [`Layout`], so that they are written down once. A grant is two places that stand
//! together, its fence and whether it is recovered: JavaScript learns the first.

use std::{cell::RefCell, mem::ManuallyDrop};

use latchkey_engine::{Ending, Event, Grant, KeySlot, Letter, Released, Requested, Ticket};
use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;

// Inputs.
pub const SPACE: usize = 0;
pub const INDEX: usize = 1;
pub const GENERATION: usize = 2;
pub const MODE: usize = 3;
pub const TAG: usize = 4;
/// Milliseconds; 0 for a hold that never expires.
pub const EXPIRY: usize = 5;
/// Milliseconds that the request is willing to wait; 0 for not at all, `Infinity` for ever.
pub const PATIENCE: usize = 6;
/// The key's slot, where it is named by that; also an answer to a request that named it by its text. The index
/// is -1 if there is none.
pub const KEY_INDEX: usize = 7;
pub const KEY_GENERATION: usize = 8;
/// The highest fence that JavaScript has given in this thread's private spaces: the engine's are higher.
pub const FENCE_FLOOR: usize = 9;
/// Of a hold that the engine takes over: its fence, and the milliseconds since its grant.
pub const HELD_FENCE: usize = 10;
pub const HELD_AGE: usize = 11;
/// Of a failure that is to be explained.
pub const REASON: usize = 12;
/// How many bytes of the stack are left beyond what is needed.
pub const ROOM: usize = 20;

// Answers.
/// 1 if what was asked for happened: the request was granted, the hold released (2: and its key forgotten), the
/// ticket cancelled; 3 if a store was asked for it. -1 if the request was refused, -2 if its slot is no key's
/// any more, -3 if the stack may end too soon and nothing has happened. Else 0.
const DONE: usize = 13;
const FENCE: usize = 14;
const RECOVERED: usize = 15;
/// How many events stand in the array. JavaScript sets it to 0 when it has read them; until then more are added behind
/// them.
const EVENTS: usize = 16;
/// Not 0 if there are more, for `readEvents` to fetch.
const MORE: usize = 17;

/// 1 if letters from others lie in the inbox: the answer to `watch`.
const LETTERS: usize = 18;

/// 1 once the environment has ended: nothing may be called any more.
const ENDED: usize = 19;

const FIRST_EVENT: usize = 21;
const EVENT_SIZE: usize = 5;
const MAX_EVENTS: usize = 200;
pub const LENGTH: usize = FIRST_EVENT + EVENT_SIZE * MAX_EVENTS;

// An event's places, from its first one.
const EVENT_KIND: usize = 0;
const EVENT_SPACE: usize = 1;
const EVENT_TAG: usize = 2;
const EVENT_FENCE: usize = 3;
const EVENT_RECOVERED: usize = 4;
/// Of an event that is no grant: why it failed, or how it ended.
const EVENT_DETAIL: usize = 3;

const ENDED_DONE: f64 = 0.0;
const ENDED_EXPIRED: f64 = 1.0;
const ENDED_LOST: f64 = 2.0;
const ENDED_UNREACHABLE: f64 = 3.0;

const KIND_GRANTED: f64 = 0.0;
const KIND_EXPIRED: f64 = 1.0;
const KIND_TIMED_OUT: f64 = 2.0;
const KIND_LOST: f64 = 3.0;
const KIND_FAILED: f64 = 4.0;
const KIND_ENDED: f64 = 5.0;

/// The places and values that JavaScript names.
#[napi(object)]
#[allow(missing_docs)] // Each field is the constant of its name.
pub struct Layout {
    pub length: u32,
    pub space: u32,
    pub index: u32,
    pub generation: u32,
    pub mode: u32,
    pub tag: u32,
    pub expiry: u32,
    pub patience: u32,
    pub key_index: u32,
    pub key_generation: u32,
    pub fence_floor: u32,
    pub held_fence: u32,
    pub held_age: u32,
    pub done: u32,
    pub fence: u32,
    pub events: u32,
    pub more: u32,
    pub letters: u32,
    pub ended: u32,
    pub first_event: u32,
    pub event_size: u32,
    pub event_kind: u32,
    pub event_space: u32,
    pub event_tag: u32,
    pub event_fence: u32,
    pub kind_granted: u32,
    pub kind_expired: u32,
    pub kind_timed_out: u32,
    pub kind_lost: u32,
    pub kind_failed: u32,
    pub kind_ended: u32,
    pub event_detail: u32,
    pub ended_done: u32,
    pub ended_expired: u32,
    pub ended_lost: u32,
    pub reason: u32,
    pub room: u32,
}

/// Where each number stands in the array that `openPort` takes.
#[napi(catch_unwind)]
pub fn layout() -> Layout {
    Layout {
        length: LENGTH as u32,
        space: SPACE as u32,
        index: INDEX as u32,
        generation: GENERATION as u32,
        mode: MODE as u32,
        tag: TAG as u32,
        expiry: EXPIRY as u32,
        patience: PATIENCE as u32,
        key_index: KEY_INDEX as u32,
        key_generation: KEY_GENERATION as u32,
        fence_floor: FENCE_FLOOR as u32,
        held_fence: HELD_FENCE as u32,
        held_age: HELD_AGE as u32,
        done: DONE as u32,
        fence: FENCE as u32,
        events: EVENTS as u32,
        more: MORE as u32,
        letters: LETTERS as u32,
        ended: ENDED as u32,
        first_event: FIRST_EVENT as u32,
        event_size: EVENT_SIZE as u32,
        event_kind: EVENT_KIND as u32,
        event_space: EVENT_SPACE as u32,
        event_tag: EVENT_TAG as u32,
        event_fence: EVENT_FENCE as u32,
        kind_granted: KIND_GRANTED as u32,
        kind_expired: KIND_EXPIRED as u32,
        kind_timed_out: KIND_TIMED_OUT as u32,
        kind_lost: KIND_LOST as u32,
        kind_failed: KIND_FAILED as u32,
        kind_ended: KIND_ENDED as u32,
        event_detail: EVENT_DETAIL as u32,
        ended_done: ENDED_DONE as u32,
        ended_expired: ENDED_EXPIRED as u32,
        ended_lost: ENDED_LOST as u32,
        reason: REASON as u32,
        room: ROOM as u32,
    }
}

/// The shared array.
pub struct Words {
    /// Never dropped: it lives as long as the environment, which frees the reference when it ends.
    array: RefCell<ManuallyDrop<Float64Array>>,
}

impl Words {
    /// `None` if the array is not [`LENGTH`] long.
    pub fn new(array: Float64Array) -> Option<Self> {
        (array.len() == LENGTH).then(|| Self { array: RefCell::new(ManuallyDrop::new(array)) })
    }

    /// Runs `access` on the array's content.
    pub fn with<T>(&self, access: impl FnOnce(&mut [f64; LENGTH]) -> T) -> T {
        let mut array = self.array.borrow_mut();
        // SAFETY: the content is only touched by the thread that owns the array. JavaScript does not run
        // while `access` does (nothing in it calls JavaScript), and the cell excludes a second Rust reader.
        let content = unsafe { array.as_mut() };
        access(content.try_into().expect("the length was checked when the port was opened"))
    }
}

/// A whole number that JavaScript wrote; anything else becomes the nearest one that fits.
pub fn whole(word: f64) -> u32 {
    word as u32
}

pub fn ticket(words: &[f64; LENGTH]) -> Ticket {
    Ticket { index: whole(words[INDEX]), generation: whole(words[GENERATION]) }
}

pub fn write_requested(words: &mut [f64; LENGTH], requested: Requested) {
    requested.ticket().into_iter().for_each(|ticket| write_ticket(words, ticket));
    words[DONE] = match requested {
        Requested::Granted(_, grant) => {
            write_grant(grant, &mut words[FENCE..=RECOVERED]);
            1.0
        }
        Requested::Waiting(_) => 0.0,
        Requested::Refused => -1.0,
        Requested::Forgotten => -2.0,
    };
}

pub fn write_ticket(words: &mut [f64; LENGTH], ticket: Ticket) {
    words[INDEX] = ticket.index.into();
    words[GENERATION] = ticket.generation.into();
}

pub fn key_slot(words: &[f64; LENGTH]) -> KeySlot {
    KeySlot { index: whole(words[KEY_INDEX]), generation: words[KEY_GENERATION] as u64 }
}

pub fn write_key_slot(words: &mut [f64; LENGTH], slot: Option<KeySlot>) {
    words[KEY_INDEX] = slot.map_or(-1.0, |slot| slot.index.into());
    // Exact: nobody makes 2^53 keys.
    words[KEY_GENERATION] = slot.map_or(0.0, |slot| slot.generation as f64);
}

pub fn write_released(words: &mut [f64; LENGTH], released: Released) {
    words[DONE] = match released {
        Released::NotHeld => 0.0,
        Released::Held => 1.0,
        Released::HeldLast => 2.0,
        Released::Asked => 3.0,
    };
}

pub fn write_ended(words: &mut [f64; LENGTH]) {
    words[ENDED] = 1.0;
}

pub fn write_letters(words: &mut [f64; LENGTH], waiting: bool) {
    words[LETTERS] = flag(waiting);
}

pub fn write_done(words: &mut [f64; LENGTH], done: bool) {
    words[DONE] = flag(done);
}

pub fn write_no_room(words: &mut [f64; LENGTH]) {
    words[DONE] = -3.0;
}

pub fn write_no_events(words: &mut [f64; LENGTH]) {
    words[EVENTS] = 0.0;
    words[MORE] = 0.0;
}

/// Writes as many events as fit behind those that JavaScript has not read, taken from an iterator that knows how many
/// there are.
pub fn write_events(words: &mut [f64; LENGTH], events: &mut impl ExactSizeIterator<Item = Letter>) {
    let unread = whole(words[EVENTS]) as usize;
    let count = events.len().min(MAX_EVENTS.saturating_sub(unread));
    let places = words[FIRST_EVENT..].chunks_exact_mut(EVENT_SIZE).skip(unread);
    for (Letter { address: space, event }, place) in events.by_ref().take(count).zip(places) {
        place[EVENT_SPACE] = space.into();
        let (kind, tag) = match event {
            Event::Granted { tag, grant, .. } => {
                write_grant(grant, &mut place[EVENT_FENCE..=EVENT_RECOVERED]);
                (KIND_GRANTED, tag)
            }
            Event::Expired { tag, .. } => (KIND_EXPIRED, tag),
            Event::TimedOut { tag, .. } => (KIND_TIMED_OUT, tag),
            Event::Lost { tag, .. } => (KIND_LOST, tag),
            Event::Failed { tag, reason, .. } => {
                place[EVENT_DETAIL] = reason.into();
                (KIND_FAILED, tag)
            }
            Event::Ended { tag, ending, .. } => {
                place[EVENT_DETAIL] = ending_word(ending);
                (KIND_ENDED, tag)
            }
        };
        place[EVENT_KIND] = kind;
        place[EVENT_TAG] = tag.into();
    }
    words[EVENTS] = (unread + count) as f64;
    words[MORE] = events.len() as f64;
}

fn write_grant(grant: Grant, places: &mut [f64]) {
    // Exact up to 2^53, which is 285 years of one grant each microsecond.
    places[0] = grant.fence as f64;
    places[1] = flag(grant.recovered);
}

fn ending_word(ending: Ending) -> f64 {
    match ending {
        Ending::Done => ENDED_DONE,
        Ending::Expired => ENDED_EXPIRED,
        Ending::Lost => ENDED_LOST,
        Ending::Unreachable => ENDED_UNREACHABLE,
    }
}

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}
