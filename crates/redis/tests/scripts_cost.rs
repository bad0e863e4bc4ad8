//! The scripts on a real server: what an operation costs however many wait, how long anything is kept, and what a
//! server without memory still does.

mod support;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use latchkey_engine::Mode::{Read, Write};
use latchkey_redis::scripts::{
    Acquired, Asked, Beat, Downgraded, Purpose, Push, Reclaimed, Released, Waiting,
};
use redis::{Value, from_redis_value};
use support::peer::{LONG, Peer};

const KEEP_MS: i64 = 30 * 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;

/// The commands that the server has run since the last call, those inside of scripts too.
async fn commands(peer: &mut Peer) -> BTreeMap<String, u64> {
    let stats: String = from_redis_value(peer.command(&["INFO", "commandstats"]).await).unwrap();
    peer.command(&["CONFIG", "RESETSTAT"]).await;
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    });
    calls.filter(|(name, _)| !["info", "config|resetstat"].contains(&name.as_str())).collect()
}

/// What a new waiter, one that leaves from the middle, one that leaves from the head and a hand-over cost.
async fn costs(peer: &mut Peer, waiting: usize) -> [BTreeMap<String, u64>; 4] {
    let key = waiting.to_string();
    let mut queue: Vec<Asked> = vec![peer.hold(&key, Write).await.0];
    for _ in 0..waiting {
        queue.push(peer.wait(&key, Write).await.0);
    }
    commands(peer).await;
    peer.wait(&key, Read).await;
    let joins = commands(peer).await;
    peer.release_as(&queue[waiting / 2], Purpose::Unused).await;
    let leaves = commands(peer).await;
    peer.release_as(&queue[1], Purpose::Unused).await;
    let head_leaves = commands(peer).await;
    peer.release(&queue[0]).await;
    let hands_over = commands(peer).await;
    let [.., Push::Granted(id, _)] = &peer.all_pushed().await[..] else { panic!("not granted") };
    assert_eq!(*id, queue[2].id);
    [joins, leaves, head_leaves, hands_over]
}

#[tokio::test]
async fn an_operation_costs_the_same_with_10_and_10_000_who_wait() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let few = costs(&mut peer, 10).await;
    let many = costs(&mut peer, 10_000).await;
    assert_eq!(few, many);
    for operation in &many {
        assert_eq!(operation["evalsha"], 1, "one request to the server");
        assert!(operation.values().sum::<u64>() < 30, "{operation:?}");
        for whole in ["hgetall", "hkeys", "zscan", "hscan", "keys"] {
            assert!(!operation.contains_key(whole), "looks at everything: {operation:?}");
        }
    }
}

#[tokio::test]
async fn an_acquire_and_its_release_are_two_requests() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    commands(&mut peer).await;
    let (held, _) = peer.hold("k", Write).await;
    peer.release(&held).await;
    assert_eq!(commands(&mut peer).await["evalsha"], 2);
}

#[tokio::test]
async fn a_full_server_refuses_new_requests_and_lets_the_others_end() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, _) = peer.hold("k", Write).await;
    let (reader, _) = peer.wait("k", Read).await;
    let (writer, _) = peer.wait("k", Write).await;
    let keys = peer.keys().await;
    peer.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for key in ["k", "free"] {
        let asked = peer.ask(key, Write);
        let all = [asked.clone()];
        let refused = peer.link.acquire(&mut peer.connection, &all, Waiting::Yes).await;
        assert_eq!(refused.unwrap_err().code(), Some("OOM"));
        assert_eq!(peer.release(&asked).await, Released::Gone, "nothing is left of it");
    }
    assert_eq!(peer.keys().await, keys);
    assert!(matches!(peer.beat(false).await, Beat::Kept { .. }));
    assert_eq!(peer.downgrade(&held).await, Downgraded::Reads);
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == reader.id));
    peer.release(&held).await;
    peer.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    peer.freeze_bucket().await;
    peer.release(&reader).await;
    peer.thaw_bucket().await;
    peer.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(peer.all_pushed().await, [], "frozen");
    assert_eq!(peer.poke("k").await, None);
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == writer.id));
    peer.end().await;
    assert_eq!(peer.keys().await, ["e", "h:1:s:k"], "recovered, since it ended while it wrote");
}

async fn times_to_live(peer: &mut Peer) -> BTreeMap<String, i64> {
    let mut times = BTreeMap::new();
    for key in peer.keys().await {
        let ttl = peer.command(&["PTTL", &format!("{{latchkey:0}}:{key}")]).await;
        times.insert(key, from_redis_value(ttl).unwrap());
    }
    times
}

#[tokio::test]
async fn every_key_has_a_time_to_live() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let overdue = peer.ask_for("k", Write, Duration::from_millis(1));
    peer.granted(&overdue).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    peer.hold("k", Write).await;
    peer.wait("k", Read).await;
    let (dies, _) = peer.hold("dead", Write).await;
    peer.release_as(&dies, Purpose::Death).await;
    let times = times_to_live(&mut peer).await;
    let keys = ["e", "h:1:s:dead", "h:1:s:k", "o", "q:1:s:k", "s", "x"];
    assert!(times.keys().eq(&keys), "{times:?}");
    for (key, ttl) in times {
        let most = if key == "x" { HOUR_MS } else { KEEP_MS };
        assert!(ttl > most - HOUR_MS / 2 && ttl <= most, "{key} lives {ttl} ms");
    }
}

#[tokio::test]
async fn what_is_in_use_is_kept_alive() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, grant) = peer.hold("k", Write).await;
    let (waiting, _) = peer.wait("k", Write).await;
    let keys = peer.keys().await;
    assert_eq!(keys, ["e", "h:1:s:k", "o", "q:1:s:k", "s"]);
    for key in &keys {
        peer.command(&["PEXPIRE", &format!("{{latchkey:0}}:{key}"), "60000"]).await;
    }
    let renewed = |times: BTreeMap<String, i64>| -> Vec<String> {
        times.into_iter().filter(|(_, ttl)| *ttl > 60_000).map(|(key, _)| key).collect()
    };
    peer.beat(false).await;
    assert_eq!(renewed(times_to_live(&mut peer).await), ["e", "o", "s"], "by a beat");
    assert_eq!(peer.reclaim(&held, grant).await, Reclaimed::Kept);
    assert_eq!(renewed(times_to_live(&mut peer).await), ["e", "h:1:s:k", "o", "s"], "by its holder");
    assert!(matches!(peer.acquire(&waiting).await, Acquired::Queued { .. }));
    assert_eq!(renewed(times_to_live(&mut peer).await), keys, "by one that waits");
}

#[tokio::test]
async fn ten_thousand_locks_leave_nothing() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    for number in 0..10_000 {
        let mode = if number % 2 == 0 { Read } else { Write };
        let (held, _) = peer.hold(&number.to_string(), mode).await;
        peer.release(&held).await;
    }
    assert_eq!(peer.keys().await, ["e", "o", "s"]);
    peer.end().await;
    assert_eq!(peer.keys().await, ["e"]);
    let sessions: Value = peer.command(&["HKEYS", "{latchkey:0}:e"]).await;
    let mut fields: Vec<String> = from_redis_value(sessions).unwrap();
    fields.sort();
    assert_eq!(fields, ["clock", "layout", "run", "tick", "until"], "nothing of a session");
}

/// `cargo test -p latchkey-redis --release --test scripts_cost -- --ignored --nocapture`
#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_a_pair_takes() {
    const PAIRS: u32 = 20_000;
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    for name in ["ping", "acquire and release"] {
        let mut times = Vec::new();
        for _ in 0..PAIRS {
            let start = Instant::now();
            if name == "ping" {
                peer.command(&["PING"]).await;
                peer.command(&["PING"]).await;
            } else {
                let (held, _) = peer.hold("k", Write).await;
                peer.release(&held).await;
            }
            times.push(start.elapsed());
        }
        times.sort();
        println!("{name}: median {:?}, p99 {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
    }
    let stats: String = from_redis_value(peer.command(&["INFO", "commandstats"]).await).unwrap();
    println!("{}", stats.lines().find(|line| line.contains("evalsha")).unwrap_or_default());
}
