//! An attempt to connect: from the search for the server to the first beat.

use std::{sync::Arc, time::Duration};

use latchkey_engine::Time;
use redis::RedisResult;

use crate::{
    clock,
    connection::{self, Connection, address::Config},
    scripts::{
        self, Beat, Link,
        names::{Bucket, SessionId},
    },
    trouble::Trouble,
    who,
};

/// What an attempt to connect brings.
pub(in crate::keeper) struct Joined {
    pub connection: Connection,
    pub link: Link,
    pub beat_sent: Time,
    pub beat: Beat,
}

/// Opens a connection, and renews the session on it.
pub(super) async fn join(
    config: Config,
    bucket: Arc<Bucket>,
    session: SessionId,
    generation: u64,
    is_new: bool,
    (known_run, known_tick): (Option<String>, u64),
    within: Duration,
) -> Result<Box<Joined>, Trouble> {
    let mut connection = connection::find(&config, within).await?;
    let server = &connection.server;
    let is_another = known_run.is_some_and(|known| known != server.run_id);
    let link = Link {
        bucket: Bucket::clone(&bucket),
        run_id: server.run_id.clone(),
        since_ms: server.started.filter(|_| !is_another),
        lease: config.options().ttl,
        generation,
    };
    let Connection { commands, wire, .. } = &mut connection;
    let exchange = async {
        let channel = link.bucket.channel(&session);
        scripts::prepare(commands, &channel).await?;
        commands.subscribe(channel).await?;
        let beat_sent = clock::now();
        RedisResult::Ok((beat_sent, link.beat(commands, &session, is_new, who::am_i(), known_tick).await?))
    };
    let (beat_sent, beat) = wire.carry(exchange).await?;
    Ok(Box::new(Joined { connection, link, beat_sent, beat }))
}
