//! Who holds a lock and who waits for it, as the server knows it.

use futures_util::future;
use redis::{Cmd, RedisResult, aio::ConnectionLike, cmd};

use super::{
    Link, LockReport, library,
    report_page::{Place, ReportPage},
};
use crate::scripts::names::{LockName, RequestId};

impl Link {
    /// Answers who holds a lock and who waits for it. Where there are many, they are not all looked at in the same moment.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn inspect(
        &self,
        connection: &mut impl ConnectionLike,
        lock: &LockName,
    ) -> RedisResult<LockReport> {
        let call = self.inspect_call(lock, &Place::default());
        let first = library::INSPECT.run(connection, &call).await?;
        self.inspect_rest(connection, lock, first).await
    }

    /// The rest of a report, of which there is a page.
    async fn inspect_rest(
        &self,
        connection: &mut impl ConnectionLike,
        lock: &LockName,
        mut all: ReportPage,
    ) -> RedisResult<LockReport> {
        while let Some(next) = all.next.take() {
            let call = self.inspect_call(lock, &next);
            let page: ReportPage = library::INSPECT.run(connection, &call).await?;
            all.add(page);
        }
        Ok(all.report())
    }

    /// Who holds a lock, some of them if they are very many, and how many wait before a request, unless it does not wait; without a
    /// request, how many wait.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn blockers(
        &self,
        connection: &mut (impl ConnectionLike + Clone),
        lock: &LockName,
        id: Option<&RequestId>,
    ) -> RedisResult<(LockReport, Option<u64>)> {
        let call = self.inspect_call(lock, &Place::of_holders());
        let mut rank = cmd(if id.is_some() { "ZRANK" } else { "ZCARD" });
        rank.arg(self.bucket.queue(lock)).arg(id.map(RequestId::to_string));
        let mut other = connection.clone();
        let holders = library::INSPECT.run::<ReportPage>(connection, &call);
        let (page, ahead) = future::try_join(holders, rank.query_async(&mut other)).await?;
        Ok((page.report(), ahead))
    }

    fn inspect_call(&self, lock: &LockName, place: &Place) -> Cmd {
        let mut call = self.call(&library::INSPECT, Some(lock));
        call.arg(&place.holders).arg(&place.queue);
        call
    }

    /// [`Link::inspect`] of several locks in one go, though not in one moment.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn inspect_all(
        &self,
        connection: &mut impl ConnectionLike,
        locks: &[LockName],
    ) -> RedisResult<Vec<LockReport>> {
        let calls = locks.iter().map(|lock| self.inspect_call(lock, &Place::default()));
        let pages: Vec<ReportPage> = library::INSPECT.run_all(connection, calls).await?;
        let mut reports = Vec::with_capacity(locks.len());
        for (lock, page) in locks.iter().zip(pages) {
            reports.push(self.inspect_rest(connection, lock, page).await?);
        }
        Ok(reports)
    }
}
