//! Who holds and who waits in a named space, as JavaScript learns it.

use std::sync::Arc;

use latchkey_engine::{KeyReport, Mode, Port as Member, RequestReport, Time};
use napi::Result;
use napi::bindgen_prelude::Utf16String;
use napi_derive::napi;

use crate::{port::mailbox::Mailbox, process::shared_space::SharedSpace};

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
}

/// Reports a space's holders and queues, key by key, each in order. A request of a thread that is just ending is left out.
pub fn report(
    shared: &SharedSpace,
    asking: Member,
    mailbox: &Arc<Mailbox>,
    now: Time,
) -> Result<Vec<Report>> {
    let thread_of = |member: Member| match member == asking {
        true => Some(mailbox.thread),
        false => shared.members.recipient(member, |address| address.0.thread),
    };
    let keys = shared.table.engine()?.query();
    Ok(keys.iter().flat_map(|key| reports(key, &thread_of, now)).collect())
}

fn reports(key: &KeyReport, thread_of: &impl Fn(Member) -> Option<u32>, now: Time) -> Vec<Report> {
    let report = |request: &RequestReport| {
        Some(Report {
            key: key.key.as_units().to_vec().into(),
            held: request.grant.is_some(),
            write: request.mode == Mode::Write,
            age: now.as_nanos().saturating_sub(request.since.as_nanos()) as f64 / 1e6,
            thread: thread_of(request.port)?,
            fence: request.grant.map_or(0.0, |grant| grant.fence as f64),
            recovered: request.grant.is_some_and(|grant| grant.recovered),
        })
    };
    key.holders.iter().chain(&key.waiting).filter_map(report).collect()
}
