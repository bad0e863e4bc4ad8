//! Who holds a lock and who waits for it, page by page, so that no script looks at very many.

use std::collections::HashSet;

use latchkey_engine::Grant;
use redis::{FromRedisValue, ParsingError, Value};

use super::{
    HolderReport, LockReport, WaiterReport,
    replies::{mode, next, parse},
};

/// Where a page begins; the words are the script's (`inspect.lua`).
pub struct Place {
    pub holders: String,
    pub queue: String,
}

impl Place {
    /// The holders alone.
    pub fn of_holders() -> Self {
        Self { queue: String::new(), ..Self::default() }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self { holders: "0".into(), queue: "-inf".into() }
    }
}

/// The pages of a report so far.
pub struct ReportPage {
    report: LockReport,
    /// Where the next one begins; `None` if there is none.
    pub next: Option<Place>,
}

impl ReportPage {
    /// Adds the page that follows.
    pub fn add(&mut self, page: Self) {
        self.report.holders.extend(page.report.holders);
        self.report.waiting.extend(page.report.waiting);
        self.next = page.next;
    }

    /// All that the pages say: each request once. One that was granted while pages were read holds.
    pub fn report(self) -> LockReport {
        let mut report = self.report;
        report.holders.sort_unstable_by_key(|holder| holder.grant.fence);
        report.holders.dedup_by(|one, other| one.id == other.id);
        let holders: HashSet<_> = report.holders.iter().map(|holder| &holder.id).collect();
        report.waiting.retain(|waiter| !holders.contains(&waiter.id));
        report
    }
}

impl FromRedisValue for ReportPage {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let mut fields = Vec::<Value>::from_redis_value(value)?.into_iter();
        let now_us = next(&mut fields)?;
        let held: String = next(&mut fields)?;
        let recovered = next::<u8>(&mut fields)? == 1;
        let holders: Vec<(String, u64, u8, String, String)> = next(&mut fields)?;
        let queue: Vec<(String, u64, String, String, String)> = next(&mut fields)?;
        let place = Place { holders: next(&mut fields)?, queue: next(&mut fields)? };
        let holders = holders.into_iter().map(|(id, fence, recovered, asker, who)| {
            let grant = Grant { fence, recovered: recovered == 1 };
            Ok(HolderReport { id: parse(&id)?, mode: mode(&held)?, grant, asker: parse(&asker)?, who })
        });
        let waiting = queue.into_iter().map(|(id, ticket, wanted, asker, who)| {
            Ok(WaiterReport { id: parse(&id)?, mode: mode(&wanted)?, ticket, asker: parse(&asker)?, who })
        });
        let (holders, waiting) =
            (holders.collect::<Result<_, ParsingError>>()?, waiting.collect::<Result<_, ParsingError>>()?);
        let report = LockReport { now_us, recovered, holders, waiting };
        let is_last = place.holders.is_empty() && place.queue.is_empty();
        Ok(Self { report, next: (!is_last).then_some(place) })
    }
}
