//! The lock engine of latchkey: keyed read/write locks as a plain state machine.
//!
//! The engine has no clock and no thread. Whoever calls it says what time it is, and takes in the [`Events`] that
//! the change caused, in the order in which they were decided ([`Caller`]): where several threads share a space, a [`Sender`]
//! puts them into the [inboxes](Inbox) of those whom they are for. That makes every behaviour a function of its inputs, so that a model can check it.
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | key | the string that names the protected thing: [`Key`] |
//! | mode | shared or exclusive: [`Mode`] |
//! | request | one call that asks for a key; it is granted or it fails, never both: [`Ask`] |
//! | hold | a granted request, until it is released, expires, or is lost with its member |
//! | ticket | the number of one request, from asking to end: [`Ticket`] |
//! | space | a set of keys: [`Space`], which threads share, or [`LocalSpace`], which one has alone |
//! | member | one thread's use of a space: [`Member`] |
//! | expiry | how long a hold is safe from those who wait |
//! | fence | a number that grows with every grant: [`Grant::fence`] |
//!
//! # Example
//!
//! ```
//! use latchkey_engine::{Ask, Event, LockTable, Mode, Patience, Member, Requested, Space, Time};
//!
//! let space = Space::keeping(0, 1);
//! let key: Vec<u16> = "account".encode_utf16().collect();
//! let ask = |tag| Ask {
//!     member: Member(1), tag, key: key.as_slice().into(), mode: Mode::Write, expiry: None, patience: Patience::Forever,
//! };
//!
//! let Requested::Granted(first, _) = space.request(ask(1), &mut Time::default()).result else { panic!() };
//! let Requested::Waiting(_) = space.request(ask(2), &mut Time::default()).result else { panic!() };
//!
//! let released = space.release(first, &mut Time::default());
//! assert!(matches!(
//!     released.events.as_slice(),
//!     [Event::Granted { member: Member(1), tag: 2, .. }]
//! ));
//! ```
#![forbid(unsafe_code)]

mod caller;
mod deadlines;
mod event;
mod inbox;
mod key;
mod key_state;
mod keys;
mod list;
mod local;
mod members;
mod outcome;
mod report;
mod request;
mod scope;
mod sender;
mod shard;
mod slab;
mod space;
mod sync;
mod table;
mod time;

pub use caller::Caller;
pub use event::{Answer, Event, Events};
pub use inbox::{Inbox, Message};
pub use key::Key;
pub use members::{Members, Recipient};
pub use outcome::{Outcome, Released, Requested};
pub use report::{KeyReport, RequestReport};
pub use request::{Ask, Grant, KeyName, KeySlot, Member, Mode, Patience, Ticket};
pub use sender::{Own, Sender};
pub use space::{LocalSpace, Space};
pub use table::{LockTable, Safety};
pub use time::Time;
