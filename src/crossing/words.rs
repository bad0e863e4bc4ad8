//! The typed array through which numbers cross, and what each of its places means.
//!
//! JavaScript writes the inputs of a call and then calls; the addon writes the answers and returns.
//! Neither side touches the array while the other one may: both run on the same thread.
//! JavaScript learns the places from [`Layout`], so that they are written down once. A grant is two places that stand
//! together, its fence and whether it is recovered: JavaScript learns the first.

use std::{cell::Cell, ops::Deref, ptr::NonNull, time::Duration};

use latchkey_engine::{Answer, Event, Grant, KeySlot, Mode, Released, Requested};
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
    /// One of the values below; of a look at a hold the milliseconds that it is safe, or -1.
    pub DONE: usize = 11 => done;
    FENCE: usize = 12 => fence;
    RECOVERED: usize = 13;
    /// How many events stand in the array. JavaScript sets it to 0 when it has read them; until then more are added behind
    /// them.
    pub EVENTS: usize = 14 => events;
    /// Not 0 if there are more, for `readEvents` to fetch.
    pub MORE: usize = 15 => more;

    /// Of the event loop, which is to be kept alive: whether JavaScript waits for others.
    pub WAITS: usize = 16 => waits;

    /// 1 once the environment has ended: nothing may be called any more.
    pub ENVIRONMENT_ENDED: usize = 17 => environment_ended;

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

    // What a call has done; a release may also have asked a store for it, of which JavaScript needs to know no more.
    /// Not what was asked for: the request waits, or what was to end is not there.
    NOT_DONE: f64 = Released::NotHeld as u8 as f64 => not_done;
    /// What was asked for: the request was granted or cancelled, the hold released.
    pub DONE_NOW: f64 = Released::Held as u8 as f64 => done_now;
    /// The same of a release, and its key is forgotten with it.
    DONE_LAST: f64 = Released::HeldLast as u8 as f64 => done_last;
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
    pub POSTED_WHAT: usize = 0 => posted_what;
    pub POSTED_SPACE: usize = 1 => posted_space;
    pub POSTED_KEY: usize = 2 => posted_key;
    /// The request's tag; of counted holds, how many.
    pub POSTED_TAG: usize = 3 => posted_tag;
    /// Milliseconds, or 0.
    pub POSTED_EXPIRY: usize = 4 => posted_expiry;
    /// Of a hold that expires: the milliseconds since its grant.
    pub POSTED_AGE: usize = 5 => posted_age;

    // What an entry says, for a read request or hold; one more for a write one.
    POSTED_REQUEST: u32 = 0 => posted_request;
    pub POSTED_HOLD: u32 = 2 => posted_hold;
    pub POSTED_COUNT: u32 = 4 => posted_count;

    // An event's places, from its first one.
    EVENT_KIND: usize = 0 => event_kind;
    EVENT_SPACE: usize = 1 => event_space;
    EVENT_TAG: usize = 2 => event_tag;
    EVENT_FENCE: usize = 3 => event_fence;
    EVENT_RECOVERED: usize = 4;
    /// The fence of a grant. Of others: why it failed, how it ended, or how many waited before one that has timed out.
    EVENT_DETAIL: usize = 3 => event_detail;

    ANSWER_DONE: u32 = Answer::Done as u32 => answer_done;
    ANSWER_EXPIRED: u32 = Answer::Expired as u32 => answer_expired;
    ANSWER_LOST: u32 = Answer::Lost as u32 => answer_lost;

    /// Why a request failed, where JavaScript has to know.
    REASON_STARTING: u32 = Reason::Starting as u32 => reason_starting;

    KIND_GRANTED: u32 = 0 => kind_granted;
    KIND_EXPIRED: u32 = 1 => kind_expired;
    KIND_TIMED_OUT: u32 = 2 => kind_timed_out;
    KIND_LOST: u32 = 3 => kind_lost;
    KIND_FAILED: u32 = 4 => kind_failed;
    KIND_ANSWERED: u32 = 5 => kind_answered;
}

/// The shared array: a cell for each place, because JavaScript writes there, too, between the calls.
pub struct Words {
    content: NonNull<[Cell<f64>; LENGTH]>,
    /// Keeps the content.
    _array: Float64Array,
}

impl Words {
    /// `None` if the array is not [`LENGTH`] long. Its buffer has to be a shared one, which JavaScript can neither detach nor
    /// resize: so the content stays where it is.
    pub fn new(mut array: Float64Array) -> Option<Self> {
        // SAFETY: nobody else uses the content yet. Only its address is kept.
        let content = NonNull::from(<&mut [f64; LENGTH]>::try_from(unsafe { array.as_mut() }).ok()?);
        Some(Self { content: content.cast(), _array: array })
    }

    /// A whole number that JavaScript wrote; anything else becomes the nearest one that fits.
    pub fn whole(&self, place: usize) -> u32 {
        self[place].get() as u32
    }

    pub fn key_slot(&self) -> KeySlot {
        KeySlot { index: self.whole(KEY_INDEX), generation: self[KEY_GENERATION].get() as u64 }
    }

    pub fn set_key_slot(&self, slot: Option<KeySlot>) {
        self[KEY_INDEX].set(slot.map_or(-1.0, |slot| slot.index.into()));
        // Exact: nobody makes 2^53 keys.
        self[KEY_GENERATION].set(slot.map_or(0.0, |slot| slot.generation as f64));
    }

    /// The entry `number` of those that were posted.
    pub fn posted(&self, number: usize) -> &[Cell<f64>] {
        &self[FIRST_POSTED + number * POSTED_SIZE..][..POSTED_SIZE]
    }

    pub fn set_requested(&self, requested: Requested) {
        self[DONE].set(match requested {
            Requested::Granted(_, Grant { fence, recovered }) => {
                // Exact up to 2^53, which is 285 years of one grant each microsecond. As below.
                self[FENCE].set(fence as f64);
                self[RECOVERED].set(recovered.into());
                DONE_NOW
            }
            Requested::Waiting(_) => NOT_DONE,
            Requested::Refused => REFUSED,
            Requested::Forgotten => FORGOTTEN,
        });
    }

    /// Adds as many events as fit behind those that JavaScript has not read, each of the space with that number, and answers how
    /// many.
    pub fn add_events<'a>(&self, events: impl ExactSizeIterator<Item = (u32, &'a Event)>) -> usize {
        let unread = self.whole(EVENTS) as usize;
        let total = events.len();
        let count = total.min(MAX_EVENTS.saturating_sub(unread));
        let places = self[FIRST_EVENT..].chunks_exact(EVENT_SIZE).skip(unread);
        for ((space, event), place) in events.zip(places) {
            let (kind, tag, detail) = match *event {
                Event::Granted { tag, grant, .. } => {
                    place[EVENT_RECOVERED].set(grant.recovered.into());
                    (KIND_GRANTED, tag, grant.fence as f64)
                }
                Event::Expired { tag, .. } => (KIND_EXPIRED, tag, 0.0),
                Event::TimedOut { tag, ahead, .. } => (KIND_TIMED_OUT, tag, ahead.into()),
                Event::Lost { tag, .. } => (KIND_LOST, tag, 0.0),
                Event::Failed { tag, reason, .. } => (KIND_FAILED, tag, reason.into()),
                Event::Answered { tag, answer, .. } => (KIND_ANSWERED, tag, (answer as u32).into()),
            };
            place[EVENT_KIND].set(kind.into());
            place[EVENT_SPACE].set(space.into());
            place[EVENT_TAG].set(tag.into());
            place[EVENT_DETAIL].set(detail);
        }
        self[EVENTS].set(f64::from((unread + count) as u32));
        self[MORE].set((count < total).into());
        count
    }
}

impl Deref for Words {
    type Target = [Cell<f64>; LENGTH];

    fn deref(&self) -> &Self::Target {
        // SAFETY: the content is where it was when the port was opened, and is only touched by the thread that owns the array.
        // JavaScript does not run while Rust reads or writes a cell.
        unsafe { self.content.as_ref() }
    }
}

/// A mode as JavaScript numbers it, or what of a posted entry is that and one or several times 2.
pub fn mode_of(number: u32) -> Mode {
    if number.is_multiple_of(2) { Mode::Read } else { Mode::Write }
}

/// A time as JavaScript has it.
pub fn to_milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
