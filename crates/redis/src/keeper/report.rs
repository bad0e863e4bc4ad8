//! Who holds and who waits in a stored space, in all processes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use latchkey_engine::{Grant, Key, Mode};
use redis::{RedisResult, aio::MultiplexedConnection};

use crate::scripts::{
    self, Asker, HolderReport, Link, LockReport, PAGE,
    names::{LockName, RequestId},
};

/// Who holds one key and who waits for it, at one moment. Different keys are looked at one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The key.
    pub key: Key,
    /// Its holders, in the order of their grants.
    pub holders: Vec<StoredHold>,
    /// Its queue, in order.
    pub waiting: Vec<StoredWait>,
}

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHold {
    /// How the key is held.
    pub mode: Mode,
    /// What the holder learned.
    pub grant: Grant,
    /// How long ago it was granted, by the server's clock.
    pub age: Duration,
    /// Whose it is.
    pub owner: Owner,
}

/// One request in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWait {
    /// How it wants to hold the key.
    pub mode: Mode,
    /// How long ago it asked, by the server's clock.
    pub age: Duration,
    /// Whose it is.
    pub owner: Owner,
}

/// Who kept a request waiting that waits no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlockers {
    /// The first who held its key.
    pub holders: Vec<StoredHold>,
    /// How many waited before it, if the server knew of it.
    pub ahead: Option<u64>,
}

impl StoredBlockers {
    /// So many holders are named at most.
    const MOST: usize = 10;

    pub(crate) fn new(report: LockReport, ahead: Option<u64>) -> Self {
        let mut holders = stored_holds(report.now_us, report.holders);
        holders.truncate(Self::MOST);
        Self { holders, ahead }
    }
}

/// Who has a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The machine's name.
    pub host: String,
    /// The process' number there.
    pub pid: u32,
    /// Node's number of the thread there.
    pub thread: u32,
    /// What its program calls the request, if it has a name.
    pub label: Option<Arc<str>>,
}

/// A report of one space in the making. It goes in steps, each of them a few commands, so that nobody waits long behind
/// one of them, and the server does not seem silent to the keeper while it works on a long report.
pub(crate) struct Survey {
    space: Key,
    /// The last request that was listed; `None` at the beginning.
    after: Option<RequestId>,
    is_listed: bool,
    /// The space's locks that have not been looked at yet.
    locks: BTreeMap<LockName, Key>,
    reports: Vec<StoredKey>,
}

impl Survey {
    /// How many locks one step looks at.
    const STEP: usize = 32;

    pub fn new(space: Key) -> Self {
        Self { space, after: None, is_listed: false, locks: BTreeMap::new(), reports: Vec::new() }
    }

    /// Goes one step further.
    pub async fn step(&mut self, link: &Link, commands: &mut MultiplexedConnection) -> RedisResult<()> {
        if self.is_listed { self.inspect(link, commands).await } else { self.list(link, commands).await }
    }

    /// The report, or the survey again if there are steps to take.
    pub fn finish(self) -> Result<Vec<StoredKey>, Self> {
        if self.is_listed && self.locks.is_empty() { Ok(self.reports) } else { Err(self) }
    }

    async fn list(&mut self, link: &Link, commands: &mut MultiplexedConnection) -> RedisResult<()> {
        let page = link.list(commands, None, self.after.as_ref()).await?;
        self.is_listed = page.len() < PAGE;
        self.after = page.last().map(|owner| owner.id.clone());
        for scripts::Owner { lock, .. } in page {
            if let Some((_, key)) = lock.split().filter(|(space, _)| space == self.space.as_units()) {
                self.locks.insert(lock, Key::from(&key[..]));
            }
        }
        Ok(())
    }

    async fn inspect(&mut self, link: &Link, commands: &mut MultiplexedConnection) -> RedisResult<()> {
        let (locks, keys): (Vec<_>, Vec<_>) =
            std::iter::from_fn(|| self.locks.pop_first()).take(Self::STEP).unzip();
        for (key, report) in keys.into_iter().zip(link.inspect_all(commands, &locks).await?) {
            // It may have become free since it was listed.
            if !report.holders.is_empty() || !report.waiting.is_empty() {
                self.reports.push(stored_key(key, report));
            }
        }
        Ok(())
    }
}

fn stored_key(key: Key, report: LockReport) -> StoredKey {
    let waiting = report.waiting.into_iter().map(|wait| StoredWait {
        mode: wait.mode,
        age: age(report.now_us, wait.ticket),
        owner: owner(&wait.who, wait.asker),
    });
    let waiting = waiting.collect();
    StoredKey { key, holders: stored_holds(report.now_us, report.holders), waiting }
}

fn stored_holds(now_us: u64, holders: Vec<HolderReport>) -> Vec<StoredHold> {
    let stored = |hold: HolderReport| StoredHold {
        mode: hold.mode,
        grant: hold.grant,
        age: age(now_us, hold.grant.fence),
        owner: owner(&hold.who, hold.asker),
    };
    holders.into_iter().map(stored).collect()
}

fn age(now_us: u64, since_us: u64) -> Duration {
    Duration::from_micros(now_us.saturating_sub(since_us))
}

fn owner(who: &str, Asker { thread, label }: Asker) -> Owner {
    let (pid, host) = who.split_once('|').unwrap_or_default();
    Owner { host: host.to_owned(), pid: pid.parse().unwrap_or(0), thread, label }
}
