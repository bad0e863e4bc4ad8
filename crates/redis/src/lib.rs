//! The store of latchkey: keyed read/write locks that a Redis or Valkey server keeps for many processes.
//!
//! It makes the same promises as [`latchkey_engine`], and says the same [events](latchkey_engine::Event). What is
//! different: nothing is answered at once, since the server is asked first; and a hold can be lost, when the
//! server does not hear of this process for longer than the lease lasts.
//!
//! A program's way through the crate: [`Options`] are checked and become a [`Config`]; [`Store::open`] finds or makes
//! the [`Store`] for it; [`Store::space`] opens a [`StoredSpace`] in it, which takes requests. Behind a store stands one
//! task, the keeper, with one connection, one session and one beat, however many spaces and threads there are.
//!
//! ```no_run
//! use latchkey_engine::{Ask, Event, Mode, Patience, Member};
//! use latchkey_redis::{Config, Options, Store};
//!
//! let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
//! let options = Options { url: Some("redis://localhost:6379".into()), ..Options::default() };
//! let store = Store::open(Config::new(options)?, runtime.handle());
//!
//! let (sender, events) = std::sync::mpsc::channel();
//! let name: Vec<u16> = "orders".encode_utf16().collect();
//! let space = store.space(&name, 0, move |events| events.into_iter().for_each(|event| sender.send(event).unwrap()));
//!
//! let key: Vec<u16> = "order 7".encode_utf16().collect();
//! let ticket = space.request(Ask {
//!     member: Member(1),
//!     tag: 1,
//!     key: key.as_slice().into(),
//!     mode: Mode::Write,
//!     expiry: None,
//!     patience: Patience::Forever,
//! });
//! if let Event::Granted { grant, .. } = events.recv()? {
//!     println!("held, with fence {}", grant.fence);
//!     space.release(ticket, false);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | folder       | what is there                                                             | may use                           |
//! | ------------ | ------------------------------------------------------------------------- | --------------------------------- |
//! | `callers`    | stores and spaces, as a program's threads use them                        | `keeper`, `connection`, `scripts` |
//! | `keeper`     | the task, its requests and its session; what callers leave for it         | `connection`, `scripts`           |
//! | `connection` | the options, and how a server is found, reached and checked               | none of them                      |
//! | [`scripts`]  | the operations on the server, and [`names`]: what things are called there | none of them                      |
//!
//! All may use `clock`, `trouble` (what is wrong with a store) and `who` (who this process is).
#![forbid(unsafe_code)]

mod callers;
mod clock;
mod connection;
mod keeper;
pub mod scripts;
mod trouble;
mod who;

pub use callers::{Store, StoredSpace};
pub use connection::address::Config;
pub use connection::options::{ConfigError, Options};
pub use keeper::event::StoreEvent;
pub use keeper::report::{Owner, StoredBlockers, StoredHold, StoredKey, StoredWait};
pub use scripts::names;
pub use trouble::{Reason, StoreError};
