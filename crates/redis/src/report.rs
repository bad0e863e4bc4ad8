//! Who holds and who waits in a stored space, in all processes.

use std::{collections::BTreeSet, time::Duration};

use latchkey_engine::{Grant, Key, Mode};
use redis::{RedisResult, aio::MultiplexedConnection};

use crate::{
    names::LockName,
    scripts::{Link, LockReport, PAGE},
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

/// Who has a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The machine's name.
    pub host: String,
    /// The process' number there.
    pub pid: u32,
    /// Node's number of the thread there.
    pub thread: u32,
}

/// Reports the keys of one space.
pub(crate) async fn space(
    link: &Link,
    commands: &mut MultiplexedConnection,
    space: &Key,
) -> RedisResult<Vec<StoredKey>> {
    let mut reports = Vec::new();
    for (lock, key) in keys(link, commands, space).await? {
        let report = link.inspect(commands, &lock).await?;
        if !report.holders.is_empty() || !report.waiting.is_empty() {
            reports.push(stored_key(key, report));
        }
    }
    Ok(reports)
}

async fn keys(
    link: &Link,
    commands: &mut MultiplexedConnection,
    space: &Key,
) -> RedisResult<Vec<(LockName, Key)>> {
    let mut locks = BTreeSet::new();
    let mut after = None;
    loop {
        let page = link.list(commands, None, after.as_ref()).await?;
        after = page.last().map(|owner| owner.id.clone());
        let is_last = page.len() < PAGE;
        locks.extend(page.into_iter().map(|owner| owner.lock));
        if is_last {
            break;
        }
    }
    let of_space = locks.into_iter().filter_map(|lock| {
        let (name, key) = lock.split()?;
        (name == space.as_units()).then(|| (lock, Key::from(&key[..])))
    });
    Ok(of_space.collect())
}

fn stored_key(key: Key, report: LockReport) -> StoredKey {
    let age = |since| Duration::from_micros(report.now_us.saturating_sub(since));
    let holders = report.holders.into_iter().map(|hold| StoredHold {
        mode: hold.mode,
        grant: hold.grant,
        age: age(hold.grant.fence),
        owner: owner(&hold.who, hold.thread),
    });
    let waiting = report.waiting.into_iter().map(|wait| StoredWait {
        mode: wait.mode,
        age: age(wait.ticket),
        owner: owner(&wait.who, wait.thread),
    });
    StoredKey { key, holders: holders.collect(), waiting: waiting.collect() }
}

fn owner(who: &str, thread: u32) -> Owner {
    let (pid, host) = who.split_once('|').unwrap_or_default();
    Owner { host: host.to_owned(), pid: pid.parse().unwrap_or(0), thread }
}
