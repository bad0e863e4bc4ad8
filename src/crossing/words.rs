//! The typed array through which numbers cross, and what each of its places means.
//!
//! JavaScript writes the inputs of a call and then calls; the addon writes the answers and returns.
//! Neither side touches the array while the other one may: both run on the same thread.
//! JavaScript learns the places from [`Layout`], so that they are written down once. A grant is two places that stand
//! together, its fence and whether it is recovered: JavaScript learns the first.

use std::{cell::RefCell, ptr::NonNull};

use latchkey_engine::{Answer, Event, Grant, KeySlot, Mode, Released, Requested, Safety, Time};
use latchkey_redis::Reason;
use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;

/// Declares the places and values; JavaScript learns those that have a name for it (`=> name`) from [`Layout`].
macro_rules! layout {
    ($($(#[$note:meta])* $visible:vis $constant:ident: $kind:ty = $value:expr $(=> $name:ident)?;)*) => {
        $($(#[$note])* $visible const $constant: $kind = $value;)*

        /// The places and values that JavaScript names.
        #[napi(object)]
        #[allow(missing_docs)] // Each field is the constant of its name.
        pub struct Layout {
            $($(pub $name: f64,)?)*
        }

        /// Where each number stands in the array that `openPort` takes.
        #[napi(catch_unwind)]
        #[allow(clippy::unnecessary_cast)] // Of those that are such numbers already.
        pub fn layout() -> Layout {
            Layout { $($($name: $constant as f64,)?)* }
        }
    };
}

layout! {
    // Inputs.
    pub SPACE: usize = 0 => space;
    pub TAG: usize = 1 => tag;
    pub MODE: usize = 2 => mode;
    /// Milliseconds; 0 for a hold that never expires.
    pub EXPIRY: usize = 3 => expiry;
    /// Milliseconds that the request is willing to wait; 0 for not at all, `Infinity` for ever; of a store's, also
    /// [`SAY_WHO`].
    pub PATIENCE: usize = 4 => patience;
    /// The key's slot, where it is named by that; also an answer to a request that named it by its text. The index
    /// is -1 if there is none. In a private space, JavaScript numbers the keys.
    pub KEY_INDEX: usize = 5 => key_index;
    pub KEY_GENERATION: usize = 6 => key_generation;
    /// The highest fence that JavaScript has given in this thread's private spaces: the engine's are higher.
    pub FENCE_FLOOR: usize = 7 => fence_floor;
    /// Of a failure that is to be explained.
    pub REASON: usize = 8 => reason;
    /// How many bytes of the stack are left beyond what is needed.
    pub ROOM: usize = 9 => room;
    /// How a request is to end.
    pub END: usize = 10 => end;

    // Answers.
    /// One of the values below; of a look at a hold see [`safety`].
    DONE: usize = 11 => done;
    FENCE: usize = 12 => fence;
    RECOVERED: usize = 13;
    /// How many events stand in the array. JavaScript sets it to 0 when it has read them; until then more are added behind
    /// them.
    EVENTS: usize = 14 => events;
    /// Not 0 if there are more, for `readEvents` to fetch.
    MORE: usize = 15 => more;

    /// Of the event loop, which is to be kept alive: whether JavaScript waits for others.
    pub WAITS: usize = 16 => waits;

    /// 1 once the environment has ended: nothing may be called any more.
    ENVIRONMENT_ENDED: usize = 17 => environment_ended;

    /// How many entries JavaScript has posted. The next native call takes them in, first to last, and sets it to 0.
    pub POSTED: usize = 18 => posted;

    /// 1 if a store's connection has something to say, for `storeEvents` to fetch.
    pub STORE_EVENTS: usize = 19 => store_events;

    FIRST_POSTED: usize = 20 => first_posted;
    POSTED_SIZE: usize = 6 => posted_size;
    MAX_POSTED: usize = 512 => max_posted;

    FIRST_EVENT: usize = FIRST_POSTED + POSTED_SIZE * MAX_POSTED => first_event;
    EVENT_SIZE: usize = 5 => event_size;
    MAX_EVENTS: usize = 200;
    pub LENGTH: usize = FIRST_EVENT + EVENT_SIZE * MAX_EVENTS => length;

    // What a call has done.
    /// Not what was asked for: the request waits, or what was to end is not there.
    NOT_DONE: f64 = 0.0 => not_done;
    /// What was asked for: the request was granted or cancelled, the hold released.
    pub DONE_NOW: f64 = 1.0 => done_now;
    /// The same of a release, and its key is forgotten with it.
    DONE_LAST: f64 = 2.0 => done_last;
    /// A store was asked for it.
    DONE_ASKED: f64 = 3.0;
    /// The request was not willing to wait.
    REFUSED: f64 = -1.0 => refused;
    /// Nothing, since the slot is no key's any more.
    FORGOTTEN: f64 = -2.0 => forgotten;
    /// Nothing, since the stack may end too soon.
    pub NO_ROOM: f64 = -3.0 => no_room;

    /// The reason of a failure that has none.
    pub NO_REASON: u32 = u32::MAX => no_reason;

    /// In place of milliseconds: the request is not willing to wait, but wants to know for whom it would have to.
    pub SAY_WHO: f64 = -1.0 => say_who;

    // How a request ends.
    pub END_RELEASE: u32 = 0 => end_release;
    /// Its hold is released, of which its holder never learned.
    pub END_UNUSED: u32 = 1 => end_unused;
    /// It stops waiting.
    pub END_CANCEL: u32 = 2 => end_cancel;
    /// Not at all, but its write hold becomes a read hold.
    pub END_DOWNGRADE: u32 = 3 => end_downgrade;
    /// One of the key's holds is released that are only counted.
    pub END_COUNTED: u32 = 4 => end_counted;

    // A posted entry's places, from its first one.
    POSTED_WHAT: usize = 0 => posted_what;
    POSTED_SPACE: usize = 1 => posted_space;
    POSTED_KEY: usize = 2 => posted_key;
    /// The request's tag; of counted holds, how many.
    POSTED_TAG: usize = 3 => posted_tag;
    /// Milliseconds, or 0.
    POSTED_EXPIRY: usize = 4 => posted_expiry;
    /// Of a hold that expires: the milliseconds since its grant.
    POSTED_AGE: usize = 5 => posted_age;

    // What an entry says, for a read request or hold; one more for a write one.
    POSTED_REQUEST: u32 = 0 => posted_request;
    POSTED_HOLD: u32 = 2 => posted_hold;
    POSTED_COUNT: u32 = 4 => posted_count;

    // An event's places, from its first one.
    EVENT_KIND: usize = 0 => event_kind;
    EVENT_SPACE: usize = 1 => event_space;
    EVENT_TAG: usize = 2 => event_tag;
    EVENT_FENCE: usize = 3 => event_fence;
    EVENT_RECOVERED: usize = 4;
    /// Of an event that is no grant: why it failed, how it ended, or how many waited before one that has timed out.
    EVENT_DETAIL: usize = 3 => event_detail;

    ANSWER_DONE: u32 = 0 => answer_done;
    ANSWER_EXPIRED: u32 = 1 => answer_expired;
    ANSWER_LOST: u32 = 2 => answer_lost;
    ANSWER_UNREACHABLE: u32 = 3;

    /// Why a request failed, where JavaScript has to know.
    REASON_STARTING: u32 = Reason::Starting as u32 => reason_starting;

    KIND_GRANTED: u32 = 0 => kind_granted;
    KIND_EXPIRED: u32 = 1 => kind_expired;
    KIND_TIMED_OUT: u32 = 2 => kind_timed_out;
    KIND_LOST: u32 = 3 => kind_lost;
    KIND_FAILED: u32 = 4 => kind_failed;
    KIND_ANSWERED: u32 = 5 => kind_answered;
}

/// The shared array.
pub struct Words {
    content: RefCell<NonNull<[f64; LENGTH]>>,
    /// Keeps the content.
    _array: Float64Array,
}

impl Words {
    /// `None` if the array is not [`LENGTH`] long. Its buffer has to be a shared one, which JavaScript can neither detach nor
    /// resize: so the content stays where it is.
    pub fn new(mut array: Float64Array) -> Option<Self> {
        // SAFETY: nobody else uses the content yet. Only its address is kept.
        let content = NonNull::from(<&mut [f64; LENGTH]>::try_from(unsafe { array.as_mut() }).ok()?);
        Some(Self { content: RefCell::new(content), _array: array })
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

/// A moment as JavaScript has it.
pub fn to_milliseconds(time: Time) -> f64 {
    time.as_nanos() as f64 / 1e6
}

pub fn write_requested(words: &mut [f64; LENGTH], requested: Requested) {
    words[DONE] = match requested {
        Requested::Granted(_, grant) => {
            write_grant(grant, &mut words[FENCE..=RECOVERED]);
            DONE_NOW
        }
        Requested::Waiting(_) => NOT_DONE,
        Requested::Refused => REFUSED,
        Requested::Forgotten => FORGOTTEN,
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

/// What [`DONE`] says of a release.
pub fn released(released: Released) -> f64 {
    match released {
        Released::NotHeld => NOT_DONE,
        Released::Held => DONE_NOW,
        Released::HeldLast => DONE_LAST,
        Released::Asked => DONE_ASKED,
    }
}

/// How many milliseconds a hold is safe; -1: it may be another one's already.
pub fn safety(safety: Safety) -> f64 {
    match safety {
        Safety::Endless => f64::INFINITY,
        Safety::For(time) => time.as_secs_f64() * 1e3,
        Safety::Over => -1.0,
    }
}

pub fn write_environment_ended(words: &mut [f64; LENGTH]) {
    words[ENVIRONMENT_ENDED] = 1.0;
}

pub fn write_done(words: &mut [f64; LENGTH], done: f64) {
    words[DONE] = done;
}

pub fn write_no_events(words: &mut [f64; LENGTH]) {
    words[EVENTS] = 0.0;
    words[MORE] = 0.0;
}

/// Writes as many events as fit behind those that JavaScript has not read, each of the space with that number, and answers how
/// many.
pub fn write_events<'a>(
    words: &mut [f64; LENGTH],
    events: impl ExactSizeIterator<Item = (u32, &'a Event)>,
) -> usize {
    let unread = whole(words[EVENTS]) as usize;
    let total = events.len();
    let count = total.min(MAX_EVENTS.saturating_sub(unread));
    let places = words[FIRST_EVENT..].chunks_exact_mut(EVENT_SIZE).skip(unread);
    for ((space, event), place) in events.zip(places) {
        place[EVENT_SPACE] = space.into();
        let (kind, tag) = match *event {
            Event::Granted { tag, grant, .. } => {
                write_grant(grant, &mut place[EVENT_FENCE..=EVENT_RECOVERED]);
                (KIND_GRANTED, tag)
            }
            Event::Expired { tag, .. } => (KIND_EXPIRED, tag),
            Event::TimedOut { tag, ahead, .. } => {
                place[EVENT_DETAIL] = ahead.into();
                (KIND_TIMED_OUT, tag)
            }
            Event::Lost { tag, .. } => (KIND_LOST, tag),
            Event::Failed { tag, reason, .. } => {
                place[EVENT_DETAIL] = reason.into();
                (KIND_FAILED, tag)
            }
            Event::Answered { tag, answer, .. } => {
                place[EVENT_DETAIL] = answer_number(answer).into();
                (KIND_ANSWERED, tag)
            }
        };
        place[EVENT_KIND] = kind.into();
        place[EVENT_TAG] = tag.into();
    }
    words[EVENTS] = (unread + count) as f64;
    words[MORE] = (total - count) as f64;
    count
}

fn write_grant(grant: Grant, places: &mut [f64]) {
    // Exact up to 2^53, which is 285 years of one grant each microsecond.
    places[0] = grant.fence as f64;
    places[1] = flag(grant.recovered);
}

fn answer_number(answer: Answer) -> u32 {
    match answer {
        Answer::Done => ANSWER_DONE,
        Answer::Expired => ANSWER_EXPIRED,
        Answer::Lost => ANSWER_LOST,
        Answer::Unreachable => ANSWER_UNREACHABLE,
    }
}

/// A yes or a no.
pub fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}
