//! Who holds and who waits in a named space, as JavaScript learns it.

use std::time::Duration;

use latchkey_engine::{Grant, Key, KeyReport, Mode, RequestReport, Space};
use napi::Result;
use napi::bindgen_prelude::{FunctionCallContext, Utf16String};
use napi_derive::napi;

use crate::{
    crossing::words::{self, to_milliseconds},
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

impl Report {
    /// What is known of all of them.
    pub fn of(key: &Key, grant: Option<Grant>, mode: Mode, age: Duration, thread: u32) -> Self {
        Self {
            key: key.as_units().to_vec().into(),
            held: grant.is_some(),
            write: mode == Mode::Write,
            age: to_milliseconds(age),
            thread,
            fence: grant.map_or(0.0, |grant| grant.fence as f64),
            recovered: grant.is_some_and(|grant| grant.recovered),
            label: None,
            tag: None,
            pid: None,
            host: None,
        }
    }
}

/// So many holders are named at most where somebody has waited in vain.
const MOST_BLOCKERS: usize = 10;

/// Who holds and who waits in a named space; the argument, if there is one, is the only key to look at. Key by key, each in order.
pub fn query(port: &Port, call: &FunctionCallContext) -> Result<Vec<Report>> {
    let open = port.addressed()?;
    let (shared, engine) = named(&open)?;
    let keys = match call.length() {
        0 => engine.query(),
        _ => engine.query_key(&call.first_arg::<Utf16String>()?, usize::MAX).into_iter().collect(),
    };
    Ok(reports(port, &open, shared, &keys))
}

/// Who keeps others from the key that is the argument in a named space: the first holders, and as an answer in the array how many
/// wait for it.
pub fn blockers(port: &Port, call: &FunctionCallContext) -> Result<Vec<Report>> {
    let open = port.addressed()?;
    let (shared, engine) = named(&open)?;
    let found = engine.query_key(&call.first_arg::<Utf16String>()?, MOST_BLOCKERS);
    let waiting = found.as_ref().map_or(0, |key| key.waiting);
    port.words[words::DONE].set(waiting.into());
    let mut holders = reports(port, &open, shared, found.as_slice());
    holders.retain(|report| report.held);
    Ok(holders)
}

fn named(open: &OpenSpace) -> Result<(&SharedSpace, &Space)> {
    let shared = open.shared()?;
    Ok((shared, shared.table.engine()?))
}

/// What one port sees of keys of a named space. A request of a thread that is just ending is left out.
fn reports(port: &Port, open: &OpenSpace, shared: &SharedSpace, keys: &[KeyReport]) -> Vec<Report> {
    let now = clock::now();
    let describe = |key: &Key, &RequestReport { member, tag, mode, since, grant }: &RequestReport| {
        let is_own = member == open.member;
        let thread = match is_own {
            true => port.mailbox.thread,
            false => shared.members.recipient(member, |address| address.0.thread)?,
        };
        Some(Report {
            label: shared.labels().get(&(member, tag)).map(|text| text.clone().into()),
            tag: is_own.then_some(tag),
            ..Report::of(key, grant, mode, since.until(now), thread)
        })
    };
    let of_key = |key: &KeyReport| -> Vec<_> {
        key.requests.iter().filter_map(|request| describe(&key.key, request)).collect()
    };
    keys.iter().flat_map(of_key).collect()
}
