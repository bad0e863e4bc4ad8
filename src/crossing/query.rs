//! Who holds and who waits in a named space, as JavaScript learns it.

use std::sync::Arc;

use latchkey_engine::{KeyReport, Mode, Port as Member, RequestReport, Time};
use napi::Result;
use napi::bindgen_prelude::Utf16String;
use napi_derive::napi;

use crate::{crossing::words::to_milliseconds, port::mailbox::Mailbox, process::shared_space::SharedSpace};

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
    /// The grant's fence.
    pub fence: f64,
    /// Whether the holder learned that an earlier writer did not end well.
    pub recovered: bool,
    /// What the program calls it, if it has a name.
    pub label: Option<Utf16String>,
    /// The tag of one that the asking object has made itself.
    pub tag: Option<u32>,
}

/// So many holders are named at most where somebody has waited in vain.
const MOST_BLOCKERS: usize = 10;

/// Reports a space's holders and queues, or those of one key; key by key, each in order. A request of a thread that is just
/// ending is left out.
pub fn report(
    shared: &SharedSpace,
    key: Option<&[u16]>,
    asking: Member,
    mailbox: &Arc<Mailbox>,
    now: Time,
) -> Result<Vec<Report>> {
    let engine = shared.table.engine()?;
    let keys = match key {
        Some(units) => engine.query_key(units).into_iter().collect(),
        None => engine.query(),
    };
    let view = View { shared, asking, mailbox, now };
    let of_key = |key: &KeyReport| -> Vec<_> {
        key.holders.iter().chain(&key.waiting).filter_map(|request| view.describe(key, request)).collect()
    };
    Ok(keys.iter().flat_map(of_key).collect())
}

/// The first holders of a key, and how many wait for it who asked before the moment `asked`, in milliseconds.
pub fn blockers(
    shared: &SharedSpace,
    key: &[u16],
    asking: Member,
    mailbox: &Arc<Mailbox>,
    now: Time,
    asked: f64,
) -> Result<(Vec<Report>, usize)> {
    let Some(key) = shared.table.engine()?.query_key(key) else { return Ok((Vec::new(), 0)) };
    let view = View { shared, asking, mailbox, now };
    let first = key.holders.iter().take(MOST_BLOCKERS);
    let holders = first.filter_map(|request| view.describe(&key, request)).collect();
    let ahead = key.waiting.iter().filter(|request| to_milliseconds(request.since) < asked).count();
    Ok((holders, ahead))
}

/// Who looks at a space, and when.
struct View<'a> {
    shared: &'a SharedSpace,
    asking: Member,
    mailbox: &'a Mailbox,
    now: Time,
}

impl View<'_> {
    /// `None` if the request's thread is just ending.
    fn describe(&self, key: &KeyReport, request: &RequestReport) -> Option<Report> {
        let is_own = request.port == self.asking;
        let thread = match is_own {
            true => self.mailbox.thread,
            false => self.shared.members.recipient(request.port, |address| address.0.thread)?,
        };
        let label = self.shared.labels.get(request.port, request.tag);
        Some(Report {
            key: key.key.as_units().to_vec().into(),
            held: request.grant.is_some(),
            write: request.mode == Mode::Write,
            age: (to_milliseconds(self.now) - to_milliseconds(request.since)).max(0.0),
            thread,
            fence: request.grant.map_or(0.0, |grant| grant.fence as f64),
            recovered: request.grant.is_some_and(|grant| grant.recovered),
            label: label.map(|units| units.to_vec().into()),
            tag: is_own.then_some(request.tag),
        })
    }
}
