//! The store's operations: each is one script that the server runs in one step.
//!
//! A [`Link`] says to which bucket of which server they go; each of its methods sends one script and reads its
//! answer. What a script does, word for word, stands at the head of its file in `scripts/`.

mod asker;
mod clearing;
mod inspect;
mod library;
pub mod names;
mod push;
mod replies;
mod report_page;

use std::time::Duration;

use latchkey_engine::{Grant, Mode};
use redis::{Cmd, RedisResult, aio::ConnectionLike, cmd};

use crate::scripts::names::{Bucket, LockName, RequestId, SessionId};
use library::Script;
use replies::AcquiredAll;

pub use asker::Asker;
pub use clearing::Clearing;
pub use library::prepare;
pub use push::Push;
pub use replies::{
    Acquired, Beat, Downgraded, HolderReport, LockReport, Owner, Reclaimed, Released, WaiterReport,
};

/// How many requests of a session [`Link::list`] lists at once.
pub const PAGE: usize = 256;

/// One connection's way to one bucket. A new connection makes a new one.
#[derive(Clone, Debug)]
pub struct Link {
    /// The bucket's names.
    pub bucket: Bucket,
    /// The server's run id (`INFO server`). Empty where it cannot be known (behind some proxies): then a restart or
    /// failover goes unnoticed, and what the server forgot may be granted twice.
    pub run_id: String,
    /// Since when the server may have missed something, in milliseconds of its own clock: since it started, rather too late
    /// than too early. `None`: now, since it took over from another one.
    pub since_ms: Option<u64>,
    /// The lease of a session, and so the length of a freeze.
    pub lease: Duration,
    /// Rises with each connection of the process.
    pub generation: u64,
}

/// What a request is, from asking to end.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its id.
    pub id: RequestId,
    /// Which lock.
    pub lock: LockName,
    /// How it wants to hold the lock; for [`Link::reclaim`], how it holds it now.
    pub mode: Mode,
    /// How long the hold is safe from those who wait. `None`: for ever.
    pub expiry: Option<Duration>,
    /// Who asks, for [`Link::inspect`].
    pub asker: Asker,
}

/// Whether a request waits, and what it waited for before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Granted at once or not at all.
    No,
    /// It waits.
    Yes,
    /// It waited with this ticket ([`Acquired::Queued`]) when the server last answered. Should the server have
    /// forgotten that, it gets its place back while the bucket is frozen, and joins at the tail afterwards.
    Again(u64),
    /// Each of several waits by itself, for another lock, and none has been asked for before.
    Each,
}

/// Why a hold is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its holder is done: a recovered lock is whole again after a writer.
    Normal,
    /// Its holder never used it, or gave up waiting: nothing is healed, and nothing is broken.
    Unused,
    /// It ended with its thread: a writer leaves the lock recovered.
    Death,
}

impl Link {
    /// Asks for a lock, and in the same way for others along with it: for each by itself ([`Waiting::Each`]), or together. Together, all
    /// are granted if all are idle. Else the first one is asked for as if it were alone, and the others are [`Acquired::Busy`].
    /// [`Acquired::Lost`] and [`Acquired::Stale`] are one answer for all. Not more than [`PAGE`].
    ///
    /// One that is alone may be repeated at any time before the request has ended.
    ///
    /// # Errors
    ///
    /// If the connection fails or the server refuses; whether the script ran is then unknown. Also if the server does not know the
    /// script any more: sent once more on this connection, it would come after what was asked since. A new one loads it
    /// ([`prepare`]).
    pub async fn acquire(
        &self,
        connection: &mut impl ConnectionLike,
        all: &[Asked],
        waiting: Waiting,
    ) -> RedisResult<Vec<Acquired>> {
        let Some((first, others)) = all.split_first() else { return Ok(Vec::new()) };
        let old_ticket = if let Waiting::Again(ticket) = waiting { ticket } else { 0 };
        let mut call = self.call(&library::ACQUIRE, all.iter().map(|asked| &asked.lock));
        add_asked(&mut call, first);
        call.arg(match waiting {
            Waiting::No => "try",
            Waiting::Yes | Waiting::Again(_) => "wait",
            Waiting::Each => "each",
        });
        call.arg(old_ticket).arg(self.generation);
        for other in others {
            call.arg(other.id.to_string()).arg(other.lock.as_bytes());
        }
        let answer: AcquiredAll = call.query_async(connection).await?;
        Ok(answer.of_each(all.len()))
    }

    /// Ends requests of one session, whether they hold or wait. Not more than [`PAGE`].
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn release(
        &self,
        connection: &mut impl ConnectionLike,
        requests: &[Owner],
        purpose: Purpose,
    ) -> RedisResult<Vec<Released>> {
        let mut call = self.call(&library::RELEASE, requests.iter().map(|request| &request.lock));
        for request in requests {
            call.arg(request.id.to_string());
        }
        call.arg(match purpose {
            Purpose::Normal => "normal",
            Purpose::Unused => "unused",
            Purpose::Death => "death",
        });
        call.query_async(connection).await
    }

    /// Makes a write hold a read hold.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn downgrade(
        &self,
        connection: &mut impl ConnectionLike,
        id: &RequestId,
        lock: &LockName,
    ) -> RedisResult<Downgraded> {
        let mut call = self.call(&library::DOWNGRADE, Some(lock));
        call.arg(id.to_string());
        call.query_async(connection).await
    }

    /// Says again what the process holds: on each new connection, after its first beat, and once a day (without that
    /// a lock that nobody asks for is forgotten after 30 days). After a downgrade, say `Mode::Read` and a grant that is
    /// not recovered. `left` is how much of the expiry remains. `None`: it has to be said once more, since more holders are in its way
    /// than one script takes away.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn reclaim(
        &self,
        connection: &mut impl ConnectionLike,
        held: &Asked,
        grant: Grant,
        left: Duration,
    ) -> RedisResult<Option<Reclaimed>> {
        let mut call = self.call(&library::RECLAIM, Some(&held.lock));
        add_asked(&mut call, held);
        call.arg(grant.fence).arg(u8::from(grant.recovered)).arg(millis(left)).arg(self.generation);
        call.query_async(connection).await
    }

    /// Looks after a lock whose head waits for a deadline. Answers when to do so again, if that is known.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn poke(
        &self,
        connection: &mut impl ConnectionLike,
        lock: &LockName,
    ) -> RedisResult<Option<Duration>> {
        let call = self.call(&library::POKE, Some(lock));
        library::POKE.run(connection, &call).await.map(|replies::Wait(wait)| wait)
    }

    /// Renews a session's lease, or opens the session if `opening` and the server does not know it. The first
    /// operation on each connection. `who` is `<pid>|<host>`, for [`Link::inspect`]. `known_tick` is the highest fence or ticket
    /// that the process knows of, or 0: none that the server gives out from then on is lower, though its clock be.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn beat(
        &self,
        connection: &mut impl ConnectionLike,
        session: &SessionId,
        opening: bool,
        who: &str,
        known_tick: u64,
    ) -> RedisResult<Beat> {
        let mut call = self.session_call(&library::BEAT, session);
        call.arg(u8::from(opening)).arg(self.generation).arg(who).arg(&self.bucket.layout).arg(known_tick);
        library::BEAT.run(connection, &call).await
    }

    /// Lists up to [`PAGE`] requests, of one session or of all, that come after `after`.
    ///
    /// # Errors
    ///
    /// As [`Link::acquire`].
    pub async fn list(
        &self,
        connection: &mut impl ConnectionLike,
        session: Option<&SessionId>,
        after: Option<&RequestId>,
    ) -> RedisResult<Vec<Owner>> {
        // Members begin with `<session>.<number>|`; '/' is the character after '.', '}' the one after '|'.
        let (first, end) = match session {
            Some(session) => (format!("[{session}."), format!("({session}/")),
            // After the sessions' entries, which begin with '!'.
            None => ("[\"".into(), "+".into()),
        };
        let first = after.map_or(first, |id| format!("[{id}}}"));
        let mut range = cmd("ZRANGEBYLEX");
        range.arg(self.bucket.owners()).arg(first).arg(end).arg("LIMIT").arg(0).arg(PAGE);
        range.query_async(connection).await
    }

    /// All steps of a [`Clearing`]. False if the session is not dead.
    ///
    /// # Errors
    ///
    /// As [`Clearing::step`].
    pub async fn clear(
        &self,
        connection: &mut (impl ConnectionLike + Clone),
        session: &SessionId,
    ) -> RedisResult<bool> {
        let mut clearing = Clearing::new(session.clone());
        loop {
            if let Some(was_dead) = clearing.step(self, connection, || ()).await? {
                return Ok(was_dead);
            }
        }
    }

    fn reap(&self, owner: &Owner) -> Cmd {
        let mut call = self.call(&library::REAP, Some(&owner.lock));
        call.arg(owner.id.to_string());
        call
    }

    /// Ends the process' own session at once, so that nobody waits for its lease: whatever it still has ends as by
    /// death.
    ///
    /// # Errors
    ///
    /// As [`Link::clear`].
    pub async fn end(
        &self,
        connection: &mut (impl ConnectionLike + Clone),
        session: &SessionId,
    ) -> RedisResult<()> {
        let is_open: bool = library::END.run(connection, &self.session_call(&library::END, session)).await?;
        if is_open {
            self.clear(connection, session).await?;
        }
        Ok(())
    }

    /// A call of a script that is about a session and takes nothing else.
    fn session_call(&self, script: &Script, session: &SessionId) -> Cmd {
        let mut call = self.call(script, None);
        call.arg(session.to_string());
        call
    }

    /// A call of a script with the keys and arguments that all have.
    fn call<'a>(
        &self,
        script: &Script,
        locks: impl IntoIterator<Item = &'a LockName, IntoIter: ExactSizeIterator>,
    ) -> Cmd {
        const SPACE: (usize, usize) = (27, 700);
        let mut call = Cmd::with_capacity(SPACE.0, SPACE.1);
        let locks = locks.into_iter();
        call.arg("EVALSHA").arg(script.hash()).arg(4 + 3 * locks.len());
        call.arg(&self.bucket.bookkeeping);
        for lock in locks {
            call.arg(self.bucket.holders(lock)).arg(self.bucket.queue(lock)).arg(self.bucket.dues(lock));
        }
        call.arg(self.bucket.channels());
        let since = self.since_ms.map_or_else(String::new, |ms| ms.to_string());
        call.arg(&self.run_id).arg(since).arg(millis(self.lease));
        call
    }
}

fn add_asked(call: &mut Cmd, asked: &Asked) {
    call.arg(asked.id.to_string()).arg(asked.lock.as_bytes());
    call.arg(match asked.mode {
        Mode::Read => "r",
        Mode::Write => "w",
    });
    call.arg(asked.expiry.map_or(0, |expiry| millis(expiry).max(1))).arg(asked.asker.to_string());
}

/// Whole milliseconds, rounded up: nothing ends before its time.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
