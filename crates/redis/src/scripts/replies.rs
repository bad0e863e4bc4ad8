//! What the scripts answer, as types.

use std::{str::FromStr, time::Duration};

use latchkey_engine::{Grant, Mode};
use redis::{FromRedisValue, ParsingError, Value, from_redis_value};

use super::Asker;
use crate::scripts::names::{LockName, RequestId, SessionId};

/// The answer to [`Link::acquire`](super::Link::acquire), for each lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It holds the lock. A message may say the same.
    Granted(Grant),
    /// It waits.
    Queued {
        /// Its place in the order; to be said again after a reconnect.
        ticket: u64,
        /// When the lock has to be poked, if that is known: it is at the head, or the bucket is frozen.
        poke_in: Option<Duration>,
    },
    /// It was not willing to wait, or not asked for alone, and has ended.
    Busy,
    /// The same, since the bucket is frozen for so long: nobody is known to hold the lock, or to wait for it.
    Frozen(Duration),
    /// It was granted and taken away again; it has ended.
    Expired,
    /// The server does not know the session, or its lease has ended.
    Lost,
    /// The session has a younger connection, which has to ask.
    Stale,
}

/// What acquire.lua answers to all that it was asked for.
pub(super) enum AcquiredAll {
    /// All hold their locks. This is the first one's fence; each of the others has the next. None is recovered.
    All(u64),
    /// Each was asked for by itself.
    Each(Vec<Acquired>),
    /// That of the first one. Nothing was done about the others.
    First(Acquired),
}

impl AcquiredAll {
    /// The answer for each of so many; one alone, if that concerns the session.
    pub fn of_each(self, count: usize) -> Vec<Acquired> {
        match self {
            Self::All(first) => {
                let granted = |fence| Acquired::Granted(Grant { fence, recovered: false });
                (first..).take(count).map(granted).collect()
            }
            Self::Each(answers) => answers,
            Self::First(answer @ (Acquired::Lost | Acquired::Stale)) => vec![answer],
            Self::First(answer) => {
                let mut all = vec![Acquired::Busy; count];
                all[0] = answer;
                all
            }
        }
    }
}

/// The answer to [`Link::release`](super::Link::release). In each case the request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// It held.
    Released,
    /// It waited.
    Left,
    /// Its hold had been taken away before.
    Expired,
    /// The session's lease had ended before.
    Lost,
    /// It had been released before; or, if it was not, taken away more than an hour ago.
    Gone,
}

/// The answer to [`Link::downgrade`](super::Link::downgrade).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downgraded {
    /// It reads now, or read already.
    Reads,
    /// The hold has been taken away.
    Expired,
    /// The session's lease has ended.
    Lost,
    /// It holds nothing.
    Gone,
}

/// The answer to [`Link::reclaim`](super::Link::reclaim).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaimed {
    /// It holds.
    Kept,
    /// The hold had been taken away.
    Expired,
    /// The hold is gone.
    Lost,
    /// The session has a younger connection, which has to ask.
    Stale,
}

/// The answer to [`Link::beat`](super::Link::beat).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// The lease runs anew, from when the server ran this.
    Kept {
        /// In how long the next lease of another session may end; who waits beats again then.
        next_lapse: Option<Duration>,
        /// For how long nothing is granted, because the server is not the one it was: holders reclaim, and those who
        /// wait ask again. Zero: not frozen.
        frozen: Duration,
        /// Dead sessions, which this process has to [`clear`](super::Link::clear).
        dead: Vec<SessionId>,
    },
    /// The lease had ended: the session is over.
    Lost,
    /// The namespace is used with other scripts or another number of buckets: `<version>:<buckets>`.
    OtherLayout(String),
}

/// How long until something is due; `None`: not known.
pub struct Wait(pub Option<Duration>);

/// One request, as the bucket's table of requests says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its id.
    pub id: RequestId,
    /// Which lock it holds or waits for.
    pub lock: LockName,
}

/// Who holds one lock and who waits for it, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockReport {
    /// The server's time.
    pub now_us: u64,
    /// The last write hold that did not end well has not been made good.
    pub recovered: bool,
    /// The holders, in the order of their grants.
    pub holders: Vec<HolderReport>,
    /// The queue, in order.
    pub waiting: Vec<WaiterReport>,
}

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderReport {
    /// The request's id.
    pub id: RequestId,
    /// How it holds.
    pub mode: Mode,
    /// What its grant said. The fence is also the server's time of the grant in microseconds, or a little more.
    pub grant: Grant,
    /// Who asked, in its process.
    pub asker: Asker,
    /// The process: `<pid>|<host>`.
    pub who: String,
}

/// One request in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiterReport {
    /// The request's id.
    pub id: RequestId,
    /// How it wants to hold.
    pub mode: Mode,
    /// Its place in the order; also the server's time of the asking in microseconds, or a little more.
    pub ticket: u64,
    /// Who asked, in its process.
    pub asker: Asker,
    /// The process: `<pid>|<host>`.
    pub who: String,
}

pub(super) fn strange(what: &str) -> ParsingError {
    format!("the server's answer to a lock script is not understood: {what}").into()
}

pub(super) fn parse<T: FromStr>(text: &str) -> Result<T, ParsingError> {
    text.parse().map_err(|_| strange(text))
}

pub(super) fn mode(letter: &str) -> Result<Mode, ParsingError> {
    match letter {
        "r" => Ok(Mode::Read),
        "w" => Ok(Mode::Write),
        other => Err(strange(other)),
    }
}

fn wait(ms: i64) -> Option<Duration> {
    u64::try_from(ms).ok().map(Duration::from_millis)
}

/// The first word of an answer, and what follows it.
fn split(value: Value) -> Result<(String, std::vec::IntoIter<Value>), ParsingError> {
    let mut values = Vec::<Value>::from_redis_value(value)?.into_iter();
    Ok((next(&mut values)?, values))
}

pub(super) fn next<T: FromRedisValue>(values: &mut impl Iterator<Item = Value>) -> Result<T, ParsingError> {
    from_redis_value(values.next().ok_or_else(|| strange("too short"))?)
}

impl FromRedisValue for AcquiredAll {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (word, mut rest) = split(value)?;
        Ok(match word.as_str() {
            "all" => Self::All(next(&mut rest)?),
            "each" => Self::Each(next(&mut rest)?),
            word => Self::First(acquired(word, &mut rest)?),
        })
    }
}

impl FromRedisValue for Acquired {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (word, mut rest) = split(value)?;
        acquired(&word, &mut rest)
    }
}

fn acquired(word: &str, rest: &mut impl Iterator<Item = Value>) -> Result<Acquired, ParsingError> {
    Ok(match word {
        "granted" => {
            let fence = next(rest)?;
            Acquired::Granted(Grant { fence, recovered: next::<u8>(rest)? == 1 })
        }
        "queued" => Acquired::Queued { ticket: next(rest)?, poke_in: wait(next(rest)?) },
        "busy" => Acquired::Busy,
        "frozen" => Acquired::Frozen(Duration::from_millis(next(rest)?)),
        "expired" => Acquired::Expired,
        "lost" => Acquired::Lost,
        "stale" => Acquired::Stale,
        other => return Err(strange(other)),
    })
}

/// An answer that is one of a few words.
macro_rules! words {
    ($answer:ident: $($word:literal => $variant:ident),+) => {
        impl FromRedisValue for $answer {
            fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
                match from_redis_value::<String>(value)?.as_str() {
                    $($word => Ok(Self::$variant),)+
                    other => Err(strange(other)),
                }
            }
        }
    };
}

words!(Released: "released" => Released, "left" => Left, "expired" => Expired, "lost" => Lost, "gone" => Gone);
words!(Downgraded: "reads" => Reads, "expired" => Expired, "lost" => Lost, "gone" => Gone);
words!(Reclaimed: "kept" => Kept, "expired" => Expired, "lost" => Lost, "stale" => Stale);

impl FromRedisValue for Beat {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (word, mut rest) = split(value)?;
        Ok(match word.as_str() {
            "kept" => Self::Kept {
                next_lapse: wait(next(&mut rest)?),
                frozen: Duration::from_millis(next(&mut rest)?),
                dead: next::<Vec<String>>(&mut rest)?.iter().map(|id| parse(id)).collect::<Result<_, _>>()?,
            },
            "lost" => Self::Lost,
            "layout" => Self::OtherLayout(next(&mut rest)?),
            other => return Err(strange(other)),
        })
    }
}

impl FromRedisValue for Wait {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        from_redis_value(value).map(|ms| Self(wait(ms)))
    }
}

impl FromRedisValue for Owner {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let member = Vec::<u8>::from_redis_value(value)?;
        let fields: Vec<&[u8]> = member.splitn(5, |&byte| byte == b'|').collect();
        let [id, _mode, _expiry, _asker, lock] = fields[..] else {
            return Err(strange("an entry of the table of requests"));
        };
        Ok(Self { id: parse(std::str::from_utf8(id)?)?, lock: LockName::from(lock) })
    }
}
