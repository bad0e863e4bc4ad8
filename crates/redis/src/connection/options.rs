//! The options of a program: what it may say of its store, and within which bounds.

use std::{fmt, time::Duration};

pub(super) const URL_FORM: &str = "a URL as redis://host:6379, rediss://host:6379 or unix:///path, with user:password@ before the \
                        host and /database behind it if need be";

/// What a program says of its store. [`Config::new`](super::address::Config::new) checks it.
///
/// Either `url`, or `sentinels` with `master`.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// `redis://[user[:password]@]host[:port][/database]`, `rediss://…` for TLS, `unix:///path/of/the/socket`;
    /// `valkey://` and `valkeys://` mean the same as the first two.
    pub url: Option<String>,
    /// The sentinels, each `host:port` or a `redis://` or `rediss://` URL of its own. With `rediss://` the server is
    /// spoken to over TLS, too.
    pub sentinels: Vec<String>,
    /// The name by which the sentinels know the server.
    pub master: Option<String>,
    /// The ACL user; it wins over the one in the URL. None: the server's `default` user.
    pub user: Option<String>,
    /// The password; it wins over the one in the URL.
    pub password: Option<String>,
    /// The database's number; it wins over the one in the URL. None: 0.
    pub database: Option<u32>,
    /// Certificates of the authorities to trust instead of `roots`, in PEM.
    pub ca: Option<Vec<u8>>,
    /// The authorities to trust where `ca` is not given, each in PEM. One that cannot be read is left out: nobody chose it
    /// by hand. None: Mozilla's list, as it was when this crate was built.
    pub roots: Option<Vec<String>>,
    /// The client's own certificate, in PEM, with `key`.
    pub cert: Option<Vec<u8>>,
    /// The key of `cert`, in PEM.
    pub key: Option<Vec<u8>>,
    /// How long the server keeps what a process holds after it last heard of it. Default: 10 s.
    pub ttl: Duration,
    /// How long one attempt to connect may take, with the first exchange, while the lease keeps nothing (else it takes a third of
    /// `ttl` at most); and how long a request waits for a server that has never answered this process. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long a server that owes an answer may say nothing before the connection is given up (a third of `ttl`, if
    /// that is shorter); and how long a request that does not wait may take. Default: 5 s.
    pub command_timeout: Duration,
    /// What the names of all keys on the server begin with. Default: `latchkey`.
    pub namespace: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: None,
            sentinels: Vec::new(),
            master: None,
            user: None,
            password: None,
            database: None,
            ca: None,
            roots: None,
            cert: None,
            key: None,
            ttl: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(5),
            namespace: "latchkey".into(),
        }
    }
}

/// A bad option: which one, and what it takes. Never what it was, since that may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The option's name, as in [`Options`], in the JavaScript spelling.
    pub option: &'static str,
    /// What it has to be: `store.<option> must be <takes>`.
    pub takes: &'static str,
    /// True if the kind of the value is right and its amount is not.
    pub out_of_range: bool,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store.{} must be {}", self.option, self.takes)
    }
}

impl std::error::Error for ConfigError {}

pub(super) fn bad(option: &'static str, takes: &'static str) -> ConfigError {
    ConfigError { option, takes, out_of_range: false }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("master", &self.master)
            .field("namespace", &self.namespace)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Whether the amounts are within their bounds. What the rest says is checked where it is used.
    pub(super) fn check_amounts(&self) -> Result<(), ConfigError> {
        let out = |option, takes| Err(ConfigError { option, takes, out_of_range: true });
        let within = |time: Duration, least, most| {
            (Duration::from_millis(least)..=Duration::from_millis(most)).contains(&time)
        };
        if !within(self.ttl, 500, 3_600_000) {
            return out("ttl", "from 500 to 3600000 milliseconds");
        }
        if !within(self.connect_timeout, 1, 3_600_000) {
            return out("connectTimeout", "from 1 to 3600000 milliseconds");
        }
        if !within(self.command_timeout, 1, 3_600_000) {
            return out("commandTimeout", "from 1 to 3600000 milliseconds");
        }
        if self.namespace.is_empty() || self.namespace.len() > 100 {
            return out("namespace", "from 1 to 100 bytes long");
        }
        if self.namespace.contains(['{', '}']) {
            return Err(bad("namespace", "without braces, which tell a Redis cluster where a key belongs"));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn options(change: impl FnOnce(&mut Options)) -> Options {
        let mut options = Options::default();
        change(&mut options);
        options
    }

    fn error(change: impl FnOnce(&mut Options)) -> &'static str {
        options(change).check_amounts().unwrap_err().option
    }

    #[test]
    fn amounts_have_bounds() {
        let millis = Duration::from_millis;
        assert_eq!(error(|o| o.ttl = millis(499)), "ttl");
        assert_eq!(error(|o| o.connect_timeout = millis(0)), "connectTimeout");
        assert_eq!(error(|o| o.command_timeout = millis(0)), "commandTimeout");
        assert_eq!(error(|o| o.namespace = String::new()), "namespace");
        assert_eq!(error(|o| o.namespace = "a{b}".into()), "namespace");
    }
}
