//! The scripts on a real server, with crowds: no script works on more than some 256 entries, what is left goes on by the
//! next call, and nobody overtakes meanwhile.

mod support;

use std::time::{Duration, Instant};

use latchkey_engine::{
    Grant,
    Mode::{Read, Write},
};
use latchkey_redis::{
    names::RequestId,
    scripts::{Acquired, Asked, PAGE, Purpose, Push, Reclaimed, Waiting},
};
use redis::from_redis_value;
use support::peer::{LONG, Peer};
use tokio::time::sleep;

/// Several times what one script does.
const CROWD: usize = 1_000;
/// What one script may do: it works on 256 entries, and one more may be its caller's own.
const MOST: u64 = 257;
const SHORT: Duration = Duration::from_millis(20);

/// How many messages the server has sent since the last call.
async fn published(peer: &mut Peer) -> u64 {
    let stats: String = from_redis_value(peer.command(&["INFO", "commandstats"]).await).unwrap();
    peer.command(&["CONFIG", "RESETSTAT"]).await;
    let publish = stats.lines().find_map(|line| line.strip_prefix("cmdstat_publish:calls="));
    publish.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

async fn crowd(peer: &mut Peer, key: &str) -> Vec<RequestId> {
    let mut ids = Vec::new();
    for _ in 0..CROWD {
        ids.push(peer.wait(key, Read).await.0.id);
    }
    ids
}

/// What the server sends the peer until nothing more comes, when it pokes as it is asked to. No script sends more than it may.
async fn follow(peer: &mut Peer, key: &str) -> Vec<Push> {
    let mut messages = Vec::new();
    loop {
        let pushed = peer.all_pushed().await;
        if pushed.is_empty() {
            return messages;
        }
        for push in pushed {
            if matches!(push, Push::Head(_, Duration::ZERO)) {
                published(peer).await;
                peer.poke(key).await;
                assert!(published(peer).await <= MOST);
            } else {
                messages.push(push);
            }
        }
    }
}

fn granted(messages: &[Push]) -> Vec<RequestId> {
    let ids = messages.iter().map(|push| match push {
        Push::Granted(id, _) => id.clone(),
        other => panic!("not a grant: {other:?}"),
    });
    ids.collect()
}

#[tokio::test]
async fn a_release_to_a_crowd_of_readers_goes_on_step_by_step_and_in_order() {
    let server = server!();
    let (mut writer, mut readers) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (held, _) = writer.hold("k", Write).await;
    let mut expected = crowd(&mut readers, "k").await;
    published(&mut writer).await;
    writer.release(&held).await;
    // The one that released is not heard of again.
    drop(writer);
    assert!(published(&mut readers).await <= MOST);

    // Those who come meanwhile stand behind, also one that could share.
    let (reader, _) = readers.wait("k", Read).await;
    let hasty = readers.ask("k", Read);
    assert_eq!(readers.acquire_as(&hasty, Waiting::No).await, Acquired::Busy);
    expected.push(reader.id);
    let (last, _) = readers.wait("k", Write).await;
    let messages = follow(&mut readers, "k").await;
    assert_eq!(granted(&messages), expected);
    let fences: Vec<u64> = messages.iter().map(|push| fence(push).unwrap()).collect();
    assert!(fences.is_sorted_by(|a, b| a < b), "each has its own");

    for id in &expected {
        readers.release(&Asked { id: id.clone(), ..last.clone() }).await;
    }
    assert_eq!(granted(&follow(&mut readers, "k").await), [last.id]);
}

#[tokio::test]
async fn locks_that_are_asked_for_each_by_itself_are_no_more_work_than_one() {
    let server = server!();
    let (mut late, mut peer) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    // Longer than it takes to ask for all.
    let expiry = Duration::from_secs(1);
    for key in std::iter::repeat_n("a", 300).chain(["b"]) {
        let asked = late.ask_for(key, Read, expiry);
        late.granted(&asked).await;
    }
    sleep(expiry + SHORT).await;
    let all = ["a", "b", "c"].map(|key| peer.ask(key, Write));
    published(&mut peer).await;
    let answers = peer.acquire_all(&all, Waiting::Each).await;
    assert!(published(&mut peer).await <= MOST);
    for answer in &answers[..2] {
        assert!(matches!(answer, Acquired::Queued { poke_in: Some(Duration::ZERO), .. }), "{answers:?}");
    }
    assert!(matches!(answers[2], Acquired::Granted(_)), "it is idle");
    for key in ["a", "b"] {
        assert_eq!(peer.poke(key).await, None);
    }
    let ids = all[..2].iter().map(|asked| asked.id.clone());
    assert!(granted(&peer.all_pushed().await).into_iter().eq(ids));
}

#[tokio::test]
async fn a_release_of_several_locks_does_no_more_than_one_of_one_lock() {
    let server = server!();
    let mut writer = Peer::join(&server, LONG).await;
    let (mut ks, mut ls) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (k, l) = (writer.hold("k", Write).await.0, writer.hold("l", Write).await.0);
    let (of_k, of_l) = (crowd(&mut ks, "k").await, crowd(&mut ls, "l").await);
    published(&mut writer).await;
    writer.release_all(&[&k, &l], Purpose::Normal).await;
    // One more is asked to go on with the second lock.
    assert!(published(&mut writer).await <= MOST + 1);
    assert_eq!(granted(&follow(&mut ks, "k").await), of_k);
    assert_eq!(granted(&follow(&mut ls, "l").await), of_l);
}

fn fence(push: &Push) -> Option<u64> {
    if let Push::Granted(_, grant) = push { Some(grant.fence) } else { None }
}

#[tokio::test]
async fn who_lives_goes_on_where_the_head_of_the_queue_is_dead() {
    let server = server!();
    let mut dead = Peer::join(&server, LONG).await;
    let (mut writer, mut alive) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (held, _) = writer.hold("k", Write).await;
    for _ in 0..400 {
        dead.wait("k", Write).await;
    }
    let (waiting, _) = alive.wait("k", Write).await;
    dead.lapse().await;
    writer.release(&held).await;
    assert_eq!(granted(&follow(&mut alive, "k").await), [waiting.id]);
}

#[tokio::test]
async fn a_crowd_of_dead_waiters_is_passed_over_when_it_is_cleared() {
    let server = server!();
    let mut dead = Peer::join(&server, LONG).await;
    let (mut writer, mut alive) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (held, _) = writer.hold("k", Write).await;
    crowd(&mut dead, "k").await;
    let (waiting, _) = alive.wait("k", Write).await;
    dead.lapse().await;
    writer.release(&held).await;
    assert_eq!(alive.all_pushed().await, [], "so many dead are not passed over at once");
    assert!(writer.clear(&dead.session).await);
    assert_eq!(granted(&follow(&mut alive, "k").await), [waiting.id]);
}

#[tokio::test]
async fn a_crowd_of_overdue_holds_is_taken_away_step_by_step_before_the_next_is_granted() {
    let server = server!();
    for mode in [Read, Write] {
        let (mut holders, mut other) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
        for _ in 0..CROWD {
            let asked = holders.ask_for("k", Read, SHORT);
            let held = Reclaimed::Kept;
            // Not one after the other: the first ones would be overdue before the last ones ask.
            holders.freeze_bucket().await;
            let grant = Grant { fence: 1_000_000 + asked.id.number, recovered: false };
            assert_eq!(holders.reclaim(&asked, grant).await, held);
        }
        holders.thaw_bucket().await;
        sleep(SHORT * 2).await;
        published(&mut other).await;
        let asked = other.ask("k", mode);
        let Acquired::Queued { poke_in, .. } = other.acquire(&asked).await else { panic!("too early") };
        assert!(published(&mut other).await <= MOST);
        assert_eq!(poke_in, Some(Duration::ZERO));
        let mut messages = Vec::new();
        let steps = async {
            while let Some(Duration::ZERO) = other.poke("k").await {}
            messages.extend(follow(&mut other, "k").await);
        };
        steps.await;
        assert_eq!(granted(&messages), std::slice::from_ref(&asked.id));
        assert_eq!(holders.all_pushed().await.len(), CROWD);
        other.release(&asked).await;
        holders.end().await;
        assert!(!holders.keys().await.iter().any(|key| key.starts_with("d:") || key.starts_with("h:")));
    }
}

#[tokio::test]
async fn a_crowd_of_dead_holders_is_freed_when_it_is_cleared() {
    let server = server!();
    let (mut dead, mut alive) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    for _ in 0..CROWD {
        dead.hold("k", Read).await;
    }
    dead.lapse().await;
    published(&mut alive).await;
    let (waiting, _) = alive.wait("k", Write).await;
    assert!(alive.clear(&dead.session).await);
    assert!(published(&mut alive).await < 10, "nobody is asked again and again to wait");
    assert_eq!(granted(&follow(&mut alive, "k").await), [waiting.id]);
}

#[tokio::test]
async fn a_writer_outdates_a_crowd_of_readers_that_a_server_still_shows() {
    let server = server!();
    let (mut old, mut new) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    for _ in 0..CROWD {
        old.hold("k", Read).await;
    }
    let (held, grant) = new.hold("other", Write).await;
    let held = Asked { lock: support::peer::lock("k"), ..held };
    new.freeze_bucket().await;
    assert_eq!(new.reclaim(&held, grant).await, Reclaimed::Kept);
    assert_eq!(old.all_pushed().await.len(), CROWD, "all have expired");
    assert_eq!(new.inspect("k").await.holders.len(), 1);
}

#[tokio::test]
async fn a_crowd_is_reported_page_by_page() {
    let server = server!();
    let (mut readers, mut waiting) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    for _ in 0..CROWD {
        readers.hold("k", Read).await;
    }
    for _ in 0..CROWD {
        waiting.wait("k", Write).await;
    }
    readers.command(&["CONFIG", "RESETSTAT"]).await;
    let report = readers.inspect("k").await;
    assert_eq!((report.holders.len(), report.waiting.len()), (CROWD, CROWD));
    assert!(report.holders.is_sorted_by(|a, b| a.grant.fence < b.grant.fence));
    assert!(report.waiting.is_sorted_by(|a, b| a.ticket < b.ticket));
    let stats: String = from_redis_value(readers.command(&["INFO", "commandstats"]).await).unwrap();
    let calls = |name: &str| -> u64 {
        let line =
            stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls="))).unwrap();
        line.split(',').next().unwrap().parse().unwrap()
    };
    assert!(calls("zrangebylex") / calls("evalsha") <= 2 * MOST, "{stats}");
}

/// The longest time that one script took: `cargo test -p latchkey-redis --release --test scripts_bounds -- --ignored --nocapture`
#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_one_script_blocks_the_server() {
    const MANY: usize = 100_000;
    for what in [
        "a writer's release to 100,000 readers",
        "a dead holder of 100,000 keys",
        "100,000 dead readers of one key",
    ] {
        let server = server!("--slowlog-max-len", "1000000");
        let (mut one, mut other) =
            (Peer::join(&server, LONG * 10).await, Peer::join(&server, LONG * 10).await);
        let (held, _) = one.hold("k", Write).await;
        let is_release = what.contains("release");
        if !is_release {
            one.release(&held).await;
        }
        let one_key = !what.contains("keys");
        for number in 0..MANY {
            let key = if one_key { "k".into() } else { number.to_string() };
            if is_release {
                other.wait(&key, Read).await;
            } else {
                other.hold(&key, Read).await;
            }
        }
        one.command(&["CONFIG", "SET", "slowlog-log-slower-than", "500"]).await;
        let started = Instant::now();
        if is_release {
            one.release(&held).await;
            assert_eq!(follow_all(&mut other, "k").await, MANY);
        } else {
            other.lapse().await;
            let (asked, _) = one.hold("another", Write).await;
            let asked_too = one.ask("k", Write);
            one.acquire(&asked_too).await;
            assert!(one.clear(&other.session).await);
            one.release(&asked).await;
        }
        println!("{what}: {:?} in all; {}", started.elapsed(), slowest(&mut one).await);
    }
}

/// As above, of several locks at once: as many as one script may release, each with somebody who waits.
#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_a_release_of_many_locks_blocks_the_server() {
    let server = server!("--slowlog-max-len", "1000000");
    let (mut holder, mut waiter) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    holder.command(&["CONFIG", "SET", "slowlog-log-slower-than", "500"]).await;
    for _ in 0..20 {
        let mut held = Vec::new();
        for number in 0..PAGE {
            held.push(holder.hold(&number.to_string(), Write).await.0);
            waiter.wait(&number.to_string(), Write).await;
        }
        holder.release_all(&held.iter().collect::<Vec<_>>(), Purpose::Normal).await;
        assert_eq!(waiter.all_pushed().await.len(), PAGE);
        waiter.end().await;
        waiter = Peer::join(&server, LONG).await;
    }
    println!("{PAGE} locks with a waiter each: {}", slowest(&mut holder).await);
}

/// Processor time that the server has used, in microseconds.
async fn processor_time(peer: &mut Peer) -> u64 {
    let info: String = from_redis_value(peer.command(&["INFO", "cpu"]).await).unwrap();
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    let seconds = |name: &str| field(name).parse::<f64>().unwrap();
    ((seconds("used_cpu_user_main_thread:") + seconds("used_cpu_sys_main_thread:")) * 1e6) as u64
}

async fn follow_all(peer: &mut Peer, key: &str) -> usize {
    let (mut grants, mut longest) = (0, 0);
    loop {
        let pushed = peer.all_pushed().await;
        if pushed.is_empty() {
            println!(
                "the step that took most of the processor: {longest} µs, with what it takes to ask for that"
            );
            return grants;
        }
        grants += pushed.iter().filter(|push| matches!(push, Push::Granted(..))).count();
        if pushed.iter().any(|push| matches!(push, Push::Head(..))) {
            let before = processor_time(peer).await;
            peer.poke(key).await;
            longest = longest.max(processor_time(peer).await - before);
        }
    }
}

/// The longest of the commands in the server's log of slow ones. On a machine that is busy with other things the longest ones
/// are those in which the server had to wait for its turn, so it says more than one.
async fn slowest(peer: &mut Peer) -> String {
    let log: Vec<Vec<redis::Value>> =
        from_redis_value(peer.command(&["SLOWLOG", "GET", "1000000"]).await).unwrap();
    let times = log.into_iter().map(|entry| from_redis_value::<u64>(entry[2].clone()).unwrap());
    let mut times: Vec<u64> = times.collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    let count = times.len();
    let at = |percent: usize| times.get(count * percent / 100).copied().unwrap_or(0);
    let longest = &times[..count.min(5)];
    format!("{count} commands over 500 µs: median {} µs, 90 % below {}, longest {longest:?}", at(50), at(10))
}
