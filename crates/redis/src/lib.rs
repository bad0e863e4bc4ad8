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
//! use latchkey_engine::{Ask, Event, Mode, Patience, Port};
//! use latchkey_redis::{Config, Options, Store};
//!
//! let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
//! let options = Options { url: Some("redis://localhost:6379".into()), ..Options::default() };
//! let store = Store::open(Config::new(options)?, runtime.handle());
//!
//! let (sender, events) = std::sync::mpsc::channel();
//! let name: Vec<u16> = "orders".encode_utf16().collect();
//! let space = store.space(&name, 0, move |told| told.into_iter().for_each(|event| sender.send(event).unwrap()));
//!
//! let key: Vec<u16> = "order 7".encode_utf16().collect();
//! let ticket = space.request(Ask {
//!     port: Port(1),
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
//! [`scripts`] are the operations on the server, and [`names`] what things are called there.
#![forbid(unsafe_code)]

mod address;
mod alarms;
mod clock;
mod command;
mod connection;
mod event;
mod keeper;
mod ledger;
pub mod names;
mod report;
mod request;
mod running;
pub mod scripts;
mod session;
mod space;
mod stepper;
mod store;
mod table;
mod trouble;
mod who;
mod wire;

pub use address::{Config, ConfigError, Options};
pub use event::StoreEvent;
pub use report::{Owner, StoredBlockers, StoredHold, StoredKey, StoredWait};
pub use space::StoredSpace;
pub use store::Store;
pub use trouble::{Reason, StoreError};
