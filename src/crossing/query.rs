//! Who holds and who waits in a named space, as JavaScript learns it.

use latchkey_engine::{Key, KeyReport, Member, Mode, RequestReport, Space, Time};
use napi::bindgen_prelude::Utf16String;
use napi::{Error, Result};
use napi_derive::napi;

use crate::{
    crossing::words::to_milliseconds,
    port::{Port, open_space::OpenSpace},
    process::{clock, shared_space::SharedSpace},
};

/// One hold or one waiting request.
#[napi(object, object_from_js = false)]
pub struct Report {
    /// The key.
    pub key: Utf16String,
    /// Whether it holds the key.
    pub held: bool,
    /// Whether it holds or wants it exclusively.
    pub write: bool,
    /// Milliseconds since the grant, or since it asked.
    pub age: f64,
    /// Node's number of its thread.
    pub thread: u32,
    /// The grant's fence; 0 while it waits.
    pub fence: f64,
    /// Whether the holder learned that an earlier writer did not end well.
    pub recovered: bool,
    /// What the program calls it, if it has a name.
    pub label: Option<Utf16String>,
    /// The tag of one that the asking object has made itself.
    pub tag: Option<u32>,
    /// On a store, the number of its process.
    pub pid: Option<u32>,
    /// On a store, the name of its machine.
    pub host: Option<String>,
}

/// So many holders are named at most where somebody has waited in vain.
const MOST_BLOCKERS: usize = 10;

/// What one port sees of a named space, at one moment.
pub struct View<'a> {
    shared: &'a SharedSpace,
    engine: &'a Space,
    asking: Member,
    thread: u32,
    now: Time,
}

impl<'a> View<'a> {
    /// Fails for a space of another scope.
    pub fn of(port: &Port, open: &'a OpenSpace) -> Result<Self> {
        let shared =
            open.shared().ok_or_else(|| Error::from_reason("latchkey: JavaScript knows what is private"))?;
        let engine = shared.table.engine()?;
        Ok(Self { shared, engine, asking: open.member, thread: port.mailbox.thread, now: clock::now() })
    }

    /// The space's holders and queues, or those of one key; key by key, each in order. A request of a thread that is just
    /// ending is left out.
    pub fn report(&self, key: Option<&[u16]>) -> Vec<Report> {
        let keys = match key {
            Some(units) => self.engine.query_key(units).into_iter().collect(),
            None => self.engine.query(),
        };
        let of_key = |key: &KeyReport| -> Vec<_> {
            key.holders
                .iter()
                .chain(&key.waiting)
                .filter_map(|request| self.describe(&key.key, request))
                .collect()
        };
        keys.iter().flat_map(of_key).collect()
    }

    /// The first holders of a key, and how many wait for it.
    pub fn blockers(&self, key: &[u16]) -> (Vec<Report>, u32) {
        let Some(found) = self.engine.blockers(key, MOST_BLOCKERS) else { return (Vec::new(), 0) };
        let holders = found.holders.iter().filter_map(|request| self.describe(&found.key, request));
        (holders.collect(), found.waiting)
    }

    /// `None` if the request's thread is just ending.
    fn describe(&self, key: &Key, request: &RequestReport) -> Option<Report> {
        let is_own = request.member == self.asking;
        let thread = match is_own {
            true => self.thread,
            false => self.shared.members.recipient(request.member, |address| address.0.thread)?,
        };
        let label = self.shared.labels.get(request.member, request.tag);
        Some(Report {
            key: key.as_units().to_vec().into(),
            held: request.grant.is_some(),
            write: request.mode == Mode::Write,
            age: (to_milliseconds(self.now) - to_milliseconds(request.since)).max(0.0),
            thread,
            fence: request.grant.map_or(0.0, |grant| grant.fence as f64),
            recovered: request.grant.is_some_and(|grant| grant.recovered),
            label: label.map(|units| units.to_vec().into()),
            tag: is_own.then_some(request.tag),
            pid: None,
            host: None,
        })
    }
}
