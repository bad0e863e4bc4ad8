//! Who holds and who waits, as JavaScript is told.

use std::sync::Arc;

use latchkey_engine::{KeyReport as EngineReport, Mode, Port as Member, Time};
use napi::Result;
use napi::bindgen_prelude::Utf16String;
use napi_derive::napi;

use crate::{mailbox::Mailbox, port::OpenSpace};

/// One key's holders and queue, each in order.
#[napi(object, object_from_js = false)]
pub struct KeyReport {
    /// The key.
    pub key: Utf16String,
    /// Who holds it.
    pub held: Vec<HoldReport>,
    /// Who waits for it.
    pub pending: Vec<WaitReport>,
}

/// One hold.
#[napi(object, object_from_js = false)]
pub struct HoldReport {
    /// Whether it is held exclusively.
    pub write: bool,
    /// Milliseconds since the grant.
    pub age: f64,
    /// Node's number of the holder's thread.
    pub thread: u32,
    /// The grant's fence.
    pub fence: f64,
    /// Whether the holder was told that an earlier writer did not end well.
    pub recovered: bool,
}

/// One waiting request.
#[napi(object, object_from_js = false)]
pub struct WaitReport {
    /// Whether it wants the key exclusively.
    pub write: bool,
    /// Milliseconds since it asked.
    pub age: f64,
    /// Node's number of the thread that asked.
    pub thread: u32,
}

/// Reports a space's keys. A request of a thread that is just ending is left out.
pub fn report(open: &OpenSpace, mailbox: &Arc<Mailbox>, now: Time) -> Result<Vec<KeyReport>> {
    let thread_of = |member: Member| match member == open.member {
        true => Some(mailbox.thread),
        false => open.shared.post.recipient(member, |address| address.0.thread),
    };
    let reports = open.shared.table.engine()?.query();
    Ok(reports.into_iter().map(|report| translate(&report, thread_of, now)).collect())
}

fn translate(report: &EngineReport, thread_of: impl Fn(Member) -> Option<u32>, now: Time) -> KeyReport {
    let held = report.holders.iter().filter_map(|hold| {
        Some(HoldReport {
            write: hold.mode == Mode::Write,
            age: age(hold.since, now),
            thread: thread_of(hold.port)?,
            fence: hold.grant.fence as f64,
            recovered: hold.grant.recovered,
        })
    });
    let pending = report.waiting.iter().filter_map(|wait| {
        Some(WaitReport {
            write: wait.mode == Mode::Write,
            age: age(wait.since, now),
            thread: thread_of(wait.port)?,
        })
    });
    KeyReport { key: report.key.as_units().to_vec().into(), held: held.collect(), pending: pending.collect() }
}

fn age(since: Time, now: Time) -> f64 {
    now.as_nanos().saturating_sub(since.as_nanos()) as f64 / 1e6
}
