//! The scripts' texts, and how the server comes to know them.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind, aio::ConnectionLike, pipe};

/// A script: its text, and the hash by which the server is asked to run it.
pub struct Script(LazyLock<redis::Script>);

macro_rules! script {
    ($($file:literal),+) => {
        Script(LazyLock::new(|| {
            redis::Script::new(concat!(include_str!("layout.lua"), $(include_str!($file)),+))
        }))
    };
}

macro_rules! lock_script {
    ($file:literal) => {
        script!("bucket.lua", "holds.lua", "settle.lua", $file)
    };
}

pub static ACQUIRE: Script =
    script!("acquire-free.lua", "bucket.lua", "holds.lua", "settle.lua", "acquire.lua");
pub static RELEASE: Script =
    script!("release-alone.lua", "bucket.lua", "holds.lua", "settle.lua", "release.lua");
pub static DOWNGRADE: Script = lock_script!("downgrade.lua");
pub static RECLAIM: Script = lock_script!("reclaim.lua");
pub static POKE: Script = lock_script!("poke.lua");
pub static REAP: Script = lock_script!("reap.lua");
pub static INSPECT: Script = lock_script!("inspect.lua");
pub static BEAT: Script = script!("bucket.lua", "beat.lua");
pub static END: Script = script!("bucket.lua", "end.lua");
pub static BURY: Script = script!("bucket.lua", "bury.lua");

static ALL: [&Script; 10] =
    [&ACQUIRE, &RELEASE, &DOWNGRADE, &RECLAIM, &POKE, &REAP, &INSPECT, &BEAT, &END, &BURY];

/// Makes a connection ready for operations: teaches the server all scripts in one step, so that none of the operations,
/// which keep their order, has to be sent twice; and sees to it that the user may publish. `channel` is the session's, and
/// not subscribed to yet.
///
/// # Errors
///
/// If the connection fails or the server refuses.
pub async fn prepare(connection: &mut impl ConnectionLike, channel: &str) -> RedisResult<()> {
    let mut steps = pipe();
    for script in ALL {
        steps.load_script(&script.0).ignore();
    }
    // Nobody listens. A user who may not do this could take free locks, and publish no grant to those who wait.
    steps.cmd("PUBLISH").arg(channel).arg("").ignore();
    steps.query_async(connection).await
}

impl Script {
    pub fn hash(&self) -> &str {
        self.0.get_hash()
    }

    /// Runs many calls of this script, in one go.
    pub async fn run_all<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
        calls: impl IntoIterator<Item = Cmd>,
    ) -> RedisResult<Vec<T>> {
        let mut all = pipe();
        all.load_script(&self.0).ignore();
        for call in calls {
            all.add_command(call);
        }
        all.query_async(connection).await
    }

    /// Runs a call of this script, of which it does not matter what comes before it; loads the script first where the server does not
    /// know it (any more).
    pub async fn run<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
        call: &Cmd,
    ) -> RedisResult<T> {
        match call.query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.0.load_async(connection).await?;
                call.query_async(connection).await
            }
            answer => answer,
        }
    }
}
