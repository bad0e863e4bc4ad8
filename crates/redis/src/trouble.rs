//! What can go wrong with a store, in words that help and hold no secret.

use std::fmt;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why a request failed. [`Event::Failed`](latchkey_engine::Event::Failed) carries its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The server cannot be reached, or does not answer.
    Unreachable,
    /// The server does not accept the user or the password.
    Login,
    /// The user may not do what a store needs.
    Permission,
    /// A sentinel does not accept its user or password, or does not permit them the question for the server.
    Sentinel,
    /// The server does not speak RESP3.
    TooOld,
    /// The server may throw locks away when its memory is full.
    Evicts,
    /// The server is part of a cluster.
    Cluster,
    /// The server's memory is full.
    Full,
    /// Another version of latchkey uses the namespace.
    Layout,
    /// The server refused a command.
    Refused,
    /// The server grants nothing yet, since it may have missed who holds what.
    Starting,
}

const REASONS: [Reason; 11] = [
    Reason::Unreachable,
    Reason::Login,
    Reason::Permission,
    Reason::Sentinel,
    Reason::TooOld,
    Reason::Evicts,
    Reason::Cluster,
    Reason::Full,
    Reason::Layout,
    Reason::Refused,
    Reason::Starting,
];

impl Reason {
    /// The number that stands for it in an event.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// What an event's number stands for.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        REASONS.get(number as usize).copied()
    }

    /// What happened and what to do about it: follows after `The store at …`.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be reached",
            Self::Login => "refuses the login: check store.user and store.password",
            Self::Permission => {
                "does not permit what locks need: give the user ~{<namespace>:* resetchannels &{<namespace>:* -@all +@connection \
                 +subscribe +publish +time +evalsha +script|load +@hash +@sortedset +@string +@keyspace -@dangerous +info \
                 +client|setname"
            }
            Self::Sentinel => {
                "has a sentinel that refuses to say where it is: check that sentinel's own user and password, which stand in its \
                 URL in store.sentinels"
            }
            Self::TooOld => "does not speak RESP3: latchkey needs Redis 6.2 or later, or Valkey",
            Self::Evicts => {
                "may throw locks away when its memory is full: set its maxmemory-policy to noeviction, or use another server"
            }
            Self::Cluster => "is a cluster, which latchkey does not support: use a single server or Sentinel",
            Self::Full => "has no memory left: raise its maxmemory",
            Self::Layout => {
                "is used by another version of latchkey in the same namespace: use the same version, or another store.namespace"
            }
            Self::Refused => "refused a command",
            Self::Starting => "has just started, or taken over from another server, and grants nothing yet",
        }
    }

    /// True if waiting does not help: the server is there, and somebody has to change something.
    pub(crate) fn is_refusal(self) -> bool {
        self != Self::Unreachable
    }
}

/// A reason, and what the server or the system said of it.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub reason: Reason,
    /// In brackets behind the reason's message; empty if there is nothing to add.
    pub detail: String,
}

impl Trouble {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// What is wrong with a server at which `rediss://` finds none that speaks TLS.
pub(crate) const NO_TLS: &str = "it does not speak TLS there: use redis://, or the port at which it does";

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        Self::new(reason, "")
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.message())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

/// Sorts an error in. A server's own words are left out: some servers repeat the command that they refuse, and
/// it may be the one with the password.
impl From<&RedisError> for Trouble {
    fn from(error: &RedisError) -> Self {
        if error.is_timeout() {
            return Self::new(Reason::Unreachable, "no answer in time");
        }
        match (error.kind(), code_of(error)) {
            (ErrorKind::RESP3NotSupported, _) => Reason::TooOld.into(),
            (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH")) => Reason::Login.into(),
            (ErrorKind::Server(ServerErrorKind::NoPerm), _) | (_, Some("NOPERM")) => {
                Reason::Permission.into()
            }
            (_, Some("OOM")) => Reason::Full.into(),
            (ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask), _) => Reason::Cluster.into(),
            // A new connection loads the scripts that the server has forgotten.
            (ErrorKind::Server(ServerErrorKind::NoScript), _) => {
                Self::new(Reason::Unreachable, "it has forgotten its scripts")
            }
            // The server is starting, or stepping down, or busy: another one or another moment may do.
            (_, Some(code @ ("LOADING" | "READONLY" | "MASTERDOWN" | "BUSY" | "MISCONF" | "NOREPLICAS"))) => {
                Self::new(Reason::Unreachable, code)
            }
            // So `rustls` names what is no TLS.
            (ErrorKind::Io, _) if error.to_string().contains("InvalidContentType") => {
                Self::new(Reason::Unreachable, NO_TLS)
            }
            (ErrorKind::Io, _) => Self::new(Reason::Unreachable, error.to_string()),
            (ErrorKind::Parse, _) => {
                Self::new(Reason::Refused, "what it answers is not the protocol of Redis")
            }
            (_, Some(code)) => {
                error.detail().and_then(of_general_error).unwrap_or_else(|| Self::new(Reason::Refused, code))
            }
            (kind, None) => Self::new(Reason::Refused, format!("{kind:?}")),
        }
    }
}

/// An error's code. Until Redis 7.0, that of a command in a script stands inside the error of the script:
/// `ERR Error running script (call to f_…): @user_script:12: -READONLY You can't write …`.
fn code_of(error: &RedisError) -> Option<&str> {
    let inside = || {
        let said = error.detail().filter(|said| said.starts_with("Error running script"))?;
        said.split_once(": -")?.1.split(' ').next()
    };
    error.code().map(|code| inside().filter(|_| code == "ERR").unwrap_or(code))
}

/// What is wrong, of those errors that have no code of their own (they all are `ERR`).
fn of_general_error(said: &str) -> Option<Trouble> {
    const NO_SENTINEL: &str = "what store.sentinels names is a server, not a sentinel";
    const KNOWN: [(&str, Reason, &str); 6] = [
        // Others may leave.
        ("max number of clients", Reason::Unreachable, "it has as many clients as its maxclients allows"),
        (
            "DB index is out of range",
            Reason::Refused,
            "it has no database of this number: check store.database",
        ),
        ("unknown command 'SENTINEL'", Reason::Refused, NO_SENTINEL),
        // Until Redis 7.0.
        ("unknown command `SENTINEL`", Reason::Refused, NO_SENTINEL),
        // Until Redis 7.0 and from 7.2 on, of a command in a script.
        ("executing the script can't", Reason::Permission, ""),
        ("ACL failure in script", Reason::Permission, ""),
    ];
    let known = KNOWN.iter().find(|(words, ..)| said.contains(words));
    known.map(|&(_, reason, detail)| Trouble::new(reason, detail))
}

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        Self::from(&error)
    }
}

/// An answer that a store could not get, of the calls that answer in a future.
#[derive(Clone, Debug)]
pub struct StoreError {
    pub(crate) address: String,
    pub(crate) trouble: Trouble,
}

impl StoreError {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.trouble.reason
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The store at {} {}", self.address, self.trouble)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_reasons() {
        for reason in REASONS {
            assert_eq!(Reason::from_number(reason.number()), Some(reason));
        }
        assert_eq!(Reason::from_number(99), None);
    }

    #[test]
    fn an_error_inside_a_script_is_read_as_redis_6_2_says_it() {
        let reason = |said: &str| {
            let said =
                format!("Error running script (call to f_0123): @user_script:34: @user_script: 34: {said}");
            Trouble::from(redis::make_extension_error("ERR".into(), Some(said))).reason
        };
        for code in ["READONLY", "NOREPLICAS", "MISCONF", "MASTERDOWN"] {
            assert_eq!(reason(&format!("-{code} it is so")), Reason::Unreachable, "{code}");
        }
        assert_eq!(reason("-OOM command not allowed when used memory > 'maxmemory'."), Reason::Full);
        assert_eq!(reason("The user executing the script can't run this command"), Reason::Permission);
        assert_eq!(reason("-WRONGTYPE Operation against a key"), Reason::Refused);
    }

    #[test]
    fn a_servers_echo_of_the_password_is_not_repeated() {
        let said = "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'me' 'secret'";
        let error = redis::make_extension_error("ERR".into(), Some(said.into()));
        assert!(!Trouble::from(error).to_string().contains("secret"));
    }
}
