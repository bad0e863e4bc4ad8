//! Who this process is, as the server's other clients can see.

use std::{collections::hash_map::RandomState, hash::BuildHasher, sync::LazyLock, time::Duration};

/// `<pid>|<host>`.
pub(crate) fn am_i() -> &'static str {
    static WHO: LazyLock<String> = LazyLock::new(|| format!("{}|{}", std::process::id(), host()));
    &WHO
}

/// `latchkey:<host>:<pid>`, without what a server does not take in the name of a connection.
pub(crate) fn connection_name() -> String {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    format!("latchkey:{}:{}", host(), std::process::id()).chars().map(plain).collect()
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// A time between half and all of this one, so that many processes that lost the same server do not all come
/// back in the same moment.
pub(crate) fn scatter(time: Duration) -> Duration {
    let share = RandomState::new().hash_one(0) % 512;
    time.mul_f64(0.5 + share as f64 / 1024.0)
}
