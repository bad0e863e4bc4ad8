//! One connection to the server: found, opened, and checked for what a store needs.
//!
//! A connection is never mended. The first fault ends it, and the next one is a new generation, which reads
//! again which server it speaks to.

pub(crate) mod address;
mod client;
pub(crate) mod options;
mod search;
pub(crate) mod wire;

use std::time::Duration;

use redis::{AsyncConnectionConfig, Client, PushInfo, aio::MultiplexedConnection};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use self::{
    address::{Config, Target},
    options::Options,
    wire::Wire,
};
use crate::{
    trouble::{Reason, Trouble},
    who,
};

/// How many commands may stand between the store and the socket before a sender has to wait for its turn.
const PIPELINE_LENGTH: usize = 1024;

/// A connection that may be used, and what it hears without having asked.
pub(crate) struct Connection {
    pub commands: MultiplexedConnection,
    pub wire: Wire,
    pub pushes: UnboundedReceiver<PushInfo>,
    pub server: Server,
}

/// Which server it is: another one, or the same one started again, has another `run_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub run_id: String,
    /// When it was started, in milliseconds of its own clock; up to two seconds too late, and never too early. `None` if it
    /// has been a replica since, or does not say so: what it has missed, it missed before it took over.
    pub started: Option<u64>,
}

/// Finds the server and opens a connection to it. Whoever asks gives up after `within`.
pub(crate) async fn find(config: &Config, within: Duration) -> Result<Connection, Trouble> {
    let options = config.options();
    match config.target() {
        Target::Direct(client) => open(client, options, within).await,
        Target::Sentinel { sentinels, master, server } => {
            search::search(sentinels, master, server, options, within).await
        }
    }
}

async fn open(client: &Client, options: &Options, within: Duration) -> Result<Connection, Trouble> {
    let (sender, pushes) = unbounded_channel();
    let settings = settings(options).set_push_sender(sender);
    let (mut commands, mut wire) = wire::connect(client, settings, within).await?;
    let server = wire.carry(check(&mut commands)).await?;
    Ok(Connection { commands, wire, pushes, server })
}

fn settings(options: &Options) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        // A long queue of commands is no reason to give up, only silence is: the keeper looks after that.
        .set_response_timeout(None)
        .set_pipeline_buffer_size(PIPELINE_LENGTH)
}

/// Reads what the server says of itself, and refuses one that would not keep locks.
async fn check(commands: &mut MultiplexedConnection) -> Result<Server, Trouble> {
    let mut naming = redis::cmd("CLIENT");
    naming.arg("SETNAME").arg(who::connection_name());
    let mut namer = commands.clone();
    let mut questions = redis::pipe();
    questions.cmd("INFO").cmd("TIME");
    // For people who look at the server's clients. A user who may not name itself may take locks all the same.
    let (_, answers) = tokio::join!(namer.send_packed_command(&naming), questions.query_async(commands));
    let (info, (seconds, micros)): (String, (u64, u64)) = answers?;
    server(&info, seconds * 1000 + micros / 1000)
}

fn server(info: &str, now: u64) -> Result<Server, Trouble> {
    let field =
        |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    if field("redis_mode") == Some("cluster") || field("cluster_enabled") == Some("1") {
        return Err(Reason::Cluster.into());
    }
    if field("role").is_some_and(|role| role != "master") {
        // Another address, or the same one a little later, may be the primary.
        return Err(Trouble::new(Reason::Unreachable, "it is a replica"));
    }
    if let Some(policy) = field("maxmemory_policy").filter(|&policy| policy != "noeviction") {
        return Err(Trouble::new(Reason::Evicts, format!("it is {policy}")));
    }
    let (Some(run_id), Some(uptime)) = (field("run_id"), field("uptime_in_seconds")) else {
        return Err(Trouble::new(Reason::Refused, "INFO does not say run_id and uptime_in_seconds"));
    };
    // It counts from the beginning of the second in which it was started, in whole seconds: the end of that one is meant.
    let uptime: u64 = uptime.parse().unwrap_or(0);
    let started = (now / 1000 + 1).saturating_sub(uptime) * 1000;
    let is_born_primary = field("second_repl_offset") == Some("-1");
    Ok(Server { run_id: run_id.to_owned(), started: is_born_primary.then(|| started.min(now)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_mode:standalone\r\nrun_id:abc\r\nuptime_in_seconds:5\r\n\
                        maxmemory_policy:noeviction\r\nrole:master\r\nsecond_repl_offset:-1\r\n";

    fn refusal(of: &str, by: &str) -> Reason {
        server(&GOOD.replace(of, by), 0).unwrap_err().reason
    }

    #[test]
    fn a_server_says_who_it_is_and_since_when() {
        let said = server(GOOD, 100_999).unwrap();
        assert_eq!(said, Server { run_id: "abc".into(), started: Some(96_000) }, "at 95,999, say");
        assert_eq!(
            server(&GOOD.replace(":5\r", ":0\r"), 100_200).unwrap().started,
            Some(100_200),
            "not after now"
        );
        for promoted in ["second_repl_offset:0", "second_repl_offset:4711", "other:-1"] {
            let said = server(&GOOD.replace("second_repl_offset:-1", promoted), 100_999).unwrap();
            assert_eq!(said.started, None, "{promoted}");
        }
    }

    #[test]
    fn a_server_that_would_not_keep_locks_is_refused() {
        assert_eq!(refusal("noeviction", "allkeys-lru"), Reason::Evicts);
        assert_eq!(refusal("standalone", "cluster"), Reason::Cluster);
        assert_eq!(refusal("role:master", "role:slave"), Reason::Unreachable);
        assert_eq!(refusal("run_id", "other"), Reason::Refused);
    }
}
