//! The typed array through which numbers cross, and what each of its places means.
//!
//! JavaScript writes the inputs of a call and then calls; the addon writes the answers and returns.
//! Neither side touches the array while the other one may: both run on the same thread.
//! JavaScript learns the places from [`Layout`], so that they are written down once. A grant is two places that stand
//! together, its fence and whether it is recovered: JavaScript learns the first.

use std::{cell::RefCell, mem::ManuallyDrop, ptr::NonNull};

use latchkey_engine::{Ending, Event, Grant, KeySlot, Letter, Mode, Released, Requested};
use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;

// Inputs.
pub const SPACE: usize = 0;
pub const TAG: usize = 1;
pub const MODE: usize = 2;
/// Milliseconds; 0 for a hold that never expires.
pub const EXPIRY: usize = 3;
/// Milliseconds that the request is willing to wait; 0 for not at all, `Infinity` for ever.
pub const PATIENCE: usize = 4;
/// The key's slot, where it is named by that; also an answer to a request that named it by its text. The index
/// is -1 if there is none. In a private space, JavaScript numbers the keys.
pub const KEY_INDEX: usize = 5;
pub const KEY_GENERATION: usize = 6;
/// The highest fence that JavaScript has given in this thread's private spaces: the engine's are higher.
pub const FENCE_FLOOR: usize = 7;
/// Of a failure that is to be explained.
pub const REASON: usize = 8;
/// How many bytes of the stack are left beyond what is needed.
pub const ROOM: usize = 9;

// Answers.
/// 1 if what was asked for happened: the request was granted, the hold released (2: and its key forgotten), the
/// request cancelled; 3 if a store was asked for it. -1 if the request was refused, -2 if its slot is no key's
/// any more, -3 if the stack may end too soon and nothing has happened. Else 0.
const DONE: usize = 10;
const FENCE: usize = 11;
const RECOVERED: usize = 12;
/// How many events stand in the array. JavaScript sets it to 0 when it has read them; until then more are added behind
/// them.
const EVENTS: usize = 13;
/// Not 0 if there are more, for `readEvents` to fetch.
const MORE: usize = 14;

/// Of the event loop, which is to be kept alive: whether JavaScript waits for others.
pub const WAITS: usize = 15;

/// 1 once the environment has ended: nothing may be called any more.
const ENDED: usize = 16;

/// How many entries JavaScript has posted. The next native call takes them in, first to last, and sets it to 0.
pub const POSTED: usize = 17;

const FIRST_POSTED: usize = 18;
const POSTED_SIZE: usize = 6;
const MAX_POSTED: usize = 512;

const FIRST_EVENT: usize = FIRST_POSTED + POSTED_SIZE * MAX_POSTED;
const EVENT_SIZE: usize = 5;
const MAX_EVENTS: usize = 200;
pub const LENGTH: usize = FIRST_EVENT + EVENT_SIZE * MAX_EVENTS;

// A posted entry's places, from its first one.
const POSTED_WHAT: usize = 0;
const POSTED_SPACE: usize = 1;
const POSTED_KEY: usize = 2;
/// The request's tag; of counted holds, how many.
const POSTED_TAG: usize = 3;
/// Milliseconds, or 0.
const POSTED_EXPIRY: usize = 4;
/// Of a hold that expires: the milliseconds since its grant.
const POSTED_AGE: usize = 5;

// What an entry says, for a read request or hold; one more for a write one.
const POSTED_REQUEST: u32 = 0;
const POSTED_HOLD: u32 = 2;
const POSTED_COUNT: u32 = 4;

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
    pub mode: u32,
    pub tag: u32,
    pub expiry: u32,
    pub patience: u32,
    pub key_index: u32,
    pub key_generation: u32,
    pub fence_floor: u32,
    pub done: u32,
    pub fence: u32,
    pub events: u32,
    pub more: u32,
    pub waits: u32,
    pub ended: u32,
    pub posted: u32,
    pub first_posted: u32,
    pub posted_size: u32,
    pub max_posted: u32,
    pub posted_what: u32,
    pub posted_space: u32,
    pub posted_key: u32,
    pub posted_tag: u32,
    pub posted_expiry: u32,
    pub posted_age: u32,
    pub posted_request: u32,
    pub posted_hold: u32,
    pub posted_count: u32,
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
        mode: MODE as u32,
        tag: TAG as u32,
        expiry: EXPIRY as u32,
        patience: PATIENCE as u32,
        key_index: KEY_INDEX as u32,
        key_generation: KEY_GENERATION as u32,
        fence_floor: FENCE_FLOOR as u32,
        done: DONE as u32,
        fence: FENCE as u32,
        events: EVENTS as u32,
        more: MORE as u32,
        waits: WAITS as u32,
        ended: ENDED as u32,
        posted: POSTED as u32,
        first_posted: FIRST_POSTED as u32,
        posted_size: POSTED_SIZE as u32,
        max_posted: MAX_POSTED as u32,
        posted_what: POSTED_WHAT as u32,
        posted_space: POSTED_SPACE as u32,
        posted_key: POSTED_KEY as u32,
        posted_tag: POSTED_TAG as u32,
        posted_expiry: POSTED_EXPIRY as u32,
        posted_age: POSTED_AGE as u32,
        posted_request: POSTED_REQUEST,
        posted_hold: POSTED_HOLD,
        posted_count: POSTED_COUNT,
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
    content: RefCell<NonNull<[f64; LENGTH]>>,
    /// Keeps the content. Never dropped: it lives as long as the environment, which frees the reference when it ends.
    _array: ManuallyDrop<Float64Array>,
}

impl Words {
    /// `None` if the array is not [`LENGTH`] long. Its buffer has to be a shared one, which JavaScript can neither detach nor
    /// resize: so the content stays where it is.
    pub fn new(mut array: Float64Array) -> Option<Self> {
        // SAFETY: nobody else uses the content yet. Only its address is kept.
        let content = NonNull::from(<&mut [f64; LENGTH]>::try_from(unsafe { array.as_mut() }).ok()?);
        Some(Self { content: RefCell::new(content), _array: ManuallyDrop::new(array) })
    }

    /// Runs `access` on the array's content.
    pub fn with<T>(&self, access: impl FnOnce(&mut [f64; LENGTH]) -> T) -> T {
        let mut content = self.content.borrow_mut();
        // SAFETY: the content is where it was when the port was opened, and is only touched by the thread that owns the array.
        // JavaScript does not run while `access` does (nothing in it calls JavaScript), and the cell excludes a second Rust
        // reader.
        access(unsafe { content.as_mut() })
    }
}

/// A whole number that JavaScript wrote; anything else becomes the nearest one that fits.
pub fn whole(word: f64) -> u32 {
    word as u32
}

/// What JavaScript has posted.
pub struct Posted {
    pub space: u32,
    pub key: u32,
    pub mode: Mode,
    pub what: PostedWhat,
}

pub enum PostedWhat {
    Request { tag: u32, expiry: f64 },
    Hold { tag: u32, expiry: f64, age: f64 },
    Count(u32),
}

/// The entry `number` of those that were posted.
pub fn posted(words: &[f64; LENGTH], number: usize) -> Posted {
    let entry = &words[FIRST_POSTED + number * POSTED_SIZE..][..POSTED_SIZE];
    let (what, tag) = (whole(entry[POSTED_WHAT]), whole(entry[POSTED_TAG]));
    Posted {
        space: whole(entry[POSTED_SPACE]),
        key: whole(entry[POSTED_KEY]),
        mode: if what % 2 == 0 { Mode::Read } else { Mode::Write },
        what: match what {
            POSTED_COUNT.. => PostedWhat::Count(tag),
            POSTED_HOLD.. => PostedWhat::Hold { tag, expiry: entry[POSTED_EXPIRY], age: entry[POSTED_AGE] },
            _ => PostedWhat::Request { tag, expiry: entry[POSTED_EXPIRY] },
        },
    }
}

pub fn write_requested(words: &mut [f64; LENGTH], requested: Requested) {
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
