//! The scripts on a real server: sessions whose lease ends, and what becomes of what they held and waited for.

mod support;

use std::time::Duration;

use latchkey_engine::Mode::{Read, Write};
use latchkey_redis::scripts::{Acquired, Beat, Downgraded, PAGE, Purpose, Push, Reclaimed, Released};
use support::peer::{LONG, Peer};
use tokio::time::sleep;

#[tokio::test]
async fn a_dead_holder_is_found_by_the_next_who_comes() {
    let server = server!();
    let (mut dead, mut alive) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    dead.hold("k", Write).await;
    dead.lapse().await;
    let (held, grant) = alive.hold("k", Write).await;
    assert!(grant.recovered);
    alive.release(&held).await;
    assert!(alive.clear(&dead.session).await);
    assert_eq!(alive.keys().await, ["e", "o", "s"]);
}

#[tokio::test]
async fn a_lease_ends_when_nobody_beats_and_a_beat_reports_it() {
    const LEASE: Duration = Duration::from_millis(300);
    let server = server!();
    let (mut dead, mut alive) = (Peer::join(&server, LEASE).await, Peer::join(&server, LONG).await);
    dead.hold("k", Write).await;
    let (waiting, _) = alive.wait("k", Write).await;
    let Beat::Kept { next_lapse: Some(lapse), dead: none, .. } = alive.beat(false).await else {
        panic!("nothing lapses")
    };
    assert!(lapse <= LEASE && none.is_empty());
    sleep(lapse + Duration::from_millis(2)).await;
    let Beat::Kept { next_lapse, dead: found, .. } = alive.beat(false).await else { panic!("lost") };
    assert_eq!((next_lapse, found), (None, vec![dead.session.clone()]));
    assert!(alive.clear(&dead.session).await);
    assert!(matches!(alive.pushed().await, Push::Granted(id, grant) if id == waiting.id && grant.recovered));
    let Beat::Kept { dead: none, .. } = alive.beat(false).await else { panic!("lost") };
    assert_eq!(none, []);
}

#[tokio::test]
async fn each_dead_session_is_one_others_to_clear() {
    let server = server!();
    let mut dead = Peer::join(&server, LONG).await;
    let (mut one, mut two) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    dead.hold("k", Write).await;
    dead.lapse().await;
    let to_clear = async |peer: &mut Peer| match peer.beat(false).await {
        Beat::Kept { dead, .. } => dead,
        other => panic!("{other:?}"),
    };
    assert_eq!(to_clear(&mut one).await, std::slice::from_ref(&dead.session));
    assert_eq!(to_clear(&mut two).await, []);
    // As if the first one had died over it.
    let claim = format!("clear:{}", dead.session);
    one.command(&["HSET", "{latchkey:0}:e", &claim, "1"]).await;
    assert_eq!(to_clear(&mut two).await, std::slice::from_ref(&dead.session));
    assert!(two.clear(&dead.session).await);
    assert_eq!(two.command(&["HEXISTS", "{latchkey:0}:e", &claim]).await, redis::Value::Int(0));
}

#[tokio::test]
async fn a_beat_keeps_a_lease() {
    const LEASE: Duration = Duration::from_millis(600);
    let server = server!();
    let mut peer = Peer::join(&server, LEASE).await;
    let (held, _) = peer.hold("k", Write).await;
    for _ in 0..5 {
        sleep(LEASE / 3).await;
        assert!(matches!(peer.beat(false).await, Beat::Kept { .. }));
    }
    assert_eq!(peer.release(&held).await, Released::Released);
}

#[tokio::test]
async fn a_dead_session_learns_it_from_every_answer() {
    let server = server!();
    let (mut dead, mut alive) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (held, grant) = dead.hold("k", Write).await;
    dead.lapse().await;
    let later = dead.ask("k", Read);
    assert_eq!(dead.acquire(&later).await, Acquired::Lost);
    assert_eq!(dead.reclaim(&held, grant).await, Reclaimed::Lost);
    assert_eq!(dead.beat(false).await, Beat::Lost);
    assert_eq!(dead.beat(true).await, Beat::Lost, "a session is not opened twice");
    alive.hold("k", Write).await;
    assert_eq!(dead.release(&held).await, Released::Lost);
    assert_eq!(dead.downgrade(&held).await, Downgraded::Lost);
    assert!(alive.clear(&dead.session).await);
    assert_eq!(dead.release(&held).await, Released::Lost, "also once it is forgotten");
    assert_eq!(dead.beat(false).await, Beat::Lost);
}

#[tokio::test]
async fn a_release_that_the_lease_did_not_outlive_counts_while_nobody_has_been_granted_since() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, _) = peer.hold("k", Write).await;
    peer.lapse().await;
    assert_eq!(peer.release(&held).await, Released::Released);
    let (_, grant) = Peer::join(&server, LONG).await.hold("k", Write).await;
    assert!(!grant.recovered, "it had been released after the last write");
}

#[tokio::test]
async fn a_dead_waiter_is_passed_over() {
    let server = server!();
    let (mut dead, mut alive) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (held, _) = alive.hold("k", Write).await;
    dead.wait("k", Write).await;
    let (next, _) = alive.wait("k", Write).await;
    dead.lapse().await;
    alive.release(&held).await;
    assert!(matches!(alive.pushed().await, Push::Granted(id, grant) if id == next.id && !grant.recovered));
    alive.release(&next).await;
    assert_eq!(alive.keys().await, ["e", "o", "s"]);
}

#[tokio::test]
async fn readers_behind_a_dead_writer_are_granted_when_it_is_cleared() {
    let server = server!();
    let (mut dead, mut alive) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    alive.hold("k", Read).await;
    dead.wait("k", Write).await;
    let (reader, _) = alive.wait("k", Read).await;
    dead.lapse().await;
    assert!(alive.clear(&dead.session).await);
    assert!(matches!(alive.pushed().await, Push::Granted(id, _) if id == reader.id));
}

#[tokio::test]
async fn a_session_that_lives_is_not_cleared() {
    let server = server!();
    let (mut one, mut other) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (held, _) = one.hold("k", Write).await;
    assert!(!other.clear(&one.session).await);
    assert!(!other.clear(&other.session.clone()).await, "nor one without requests");
    assert_eq!(one.release(&held).await, Released::Released);
}

#[tokio::test]
async fn a_session_that_ends_itself_leaves_at_once_with_all_it_has() {
    let server = server!();
    let (mut one, mut other) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    for number in 0..PAGE + 10 {
        one.hold(&number.to_string(), Write).await;
    }
    one.wait("0", Write).await;
    let (waiting, _) = other.wait("0", Write).await;
    one.end().await;
    assert!(matches!(other.pushed().await, Push::Granted(id, grant) if id == waiting.id && grant.recovered));
    other.release(&waiting).await;
    let left = other.keys().await;
    assert!(left.iter().all(|key| !key.starts_with("q:")), "{left:?}");
    let all = other.link.clone().list(&mut other.connection, None, None).await.unwrap();
    assert_eq!(all, []);
}

#[tokio::test]
async fn a_thread_that_ends_leaves_its_locks_recovered() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (reads, _) = peer.hold("r", Read).await;
    let (writes, _) = peer.hold("w", Write).await;
    assert_eq!(peer.release_as(&reads, Purpose::Death).await, Released::Released);
    assert_eq!(peer.release_as(&writes, Purpose::Death).await, Released::Released);
    assert!(!peer.hold("r", Write).await.1.recovered);
    assert!(peer.hold("w", Write).await.1.recovered);
}

#[tokio::test]
async fn a_namespace_with_another_layout_is_refused() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let mut other = Peer::join(&server, LONG).await;
    other.link.bucket = latchkey_redis::names::Bucket::new("latchkey", 0, 16);
    assert_eq!(other.beat(false).await, Beat::OtherLayout("3:1".into()));
    assert!(matches!(peer.beat(false).await, Beat::Kept { .. }));
}
