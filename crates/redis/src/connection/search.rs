//! The search for the server that sentinels know.
//!
//! A sentinel may be cut off, and name a server that is dead, or a replica by now. So each server that one of them names is
//! tried as soon as it is named, beside the others, and the first that may be used is used: one that swallows all that is
//! sent to it keeps nobody from another one.

use std::{pin::pin, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use redis::{Client, ConnectionAddr, ConnectionInfo};
use tokio::time::sleep;

use super::{Connection, open, settings};
use crate::{
    connection::{client::client, options::Options},
    trouble::{Reason, Trouble},
};

/// A server, as sentinels name it.
type Named = (String, u16);

/// What has gone wrong in a search, the more informative the greater. A sentinel's refusal comes after what a server says,
/// since it ends the wait of all requests: one sentinel that is set up otherwise than the rest is no reason for that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    NoAnswer,
    UnknownName,
    SentinelRefuses,
    OfServer,
}

pub(super) async fn search(
    sentinels: &[Client],
    master: &str,
    server: &ConnectionInfo,
    options: &Options,
    within: Duration,
) -> Result<Connection, Trouble> {
    let mut answers: FuturesUnordered<_> =
        sentinels.iter().map(|sentinel| ask(sentinel, master, options)).collect();
    let mut named: Vec<Named> = Vec::new();
    let mut attempts = FuturesUnordered::new();
    let mut worst = (Weight::NoAnswer, Trouble::new(Reason::Unreachable, "no sentinel answers"));
    // Early enough to say what is wrong, before whoever connects gives up and can only say that it took too long.
    let mut limit = pin!(sleep(within * 9 / 10));
    loop {
        let trouble = tokio::select! {
            Some(answer) = answers.next() => match answer {
                Ok(address) => {
                    if !named.contains(&address) {
                        attempts.push(attempt(server, address.clone(), options, within));
                        named.push(address);
                    }
                    continue;
                }
                Err(trouble) => trouble,
            },
            Some(attempt) = attempts.next() => match attempt {
                Err(trouble) if !trouble.reason.is_refusal() => (Weight::OfServer, trouble),
                // What one server of a name refuses, the others would, too: they are set up alike.
                end => return end,
            },
            () = &mut limit, if attempts.is_empty() && !answers.is_empty() => return Err(worst.1),
            else => return Err(worst.1),
        };
        if trouble.0 >= worst.0 {
            worst = trouble;
        }
    }
}

/// The server that a sentinel names.
async fn ask(sentinel: &Client, master: &str, options: &Options) -> Result<Named, (Weight, Trouble)> {
    match ask_for(sentinel, master, options).await {
        Ok(Some(address)) => Ok(address),
        Ok(None) => {
            let trouble = Trouble::new(Reason::Unreachable, "the sentinels do not know store.master");
            Err((Weight::UnknownName, trouble))
        }
        Err(Trouble { reason: Reason::Login | Reason::Permission, .. }) => {
            let address = sentinel.get_connection_info().addr().to_string();
            Err((Weight::SentinelRefuses, Trouble::new(Reason::Sentinel, address)))
        }
        Err(trouble) if trouble.reason.is_refusal() => Err((Weight::SentinelRefuses, trouble)),
        Err(trouble) => Err((Weight::NoAnswer, trouble)),
    }
}

async fn ask_for(sentinel: &Client, master: &str, options: &Options) -> Result<Option<Named>, Trouble> {
    let mut connection = sentinel.get_multiplexed_async_connection_with_config(&settings(options)).await?;
    let mut question = redis::cmd("SENTINEL");
    question.arg("get-master-addr-by-name").arg(master);
    Ok(question.query_async(&mut connection).await?)
}

async fn attempt(
    server: &ConnectionInfo,
    (host, port): Named,
    options: &Options,
    within: Duration,
) -> Result<Connection, Trouble> {
    let addr = match server.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    let client = client(&server.clone().set_addr(addr), options, "sentinels")
        .map_err(|error| Trouble::new(Reason::Refused, error.to_string()))?;
    open(&client, options, within).await
}
