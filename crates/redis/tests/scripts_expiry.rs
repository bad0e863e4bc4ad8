//! The scripts on a real server: a hold is taken away when it is overdue and, and only when, another one wants it.

mod support;

use std::time::Duration;

use latchkey_engine::{
    Grant,
    Mode::{self, Read, Write},
};
use latchkey_redis::scripts::{Acquired, Asked, Downgraded, Purpose, Push, Reclaimed, Released, Waiting};
use support::peer::{LONG, PATIENCE, Peer};
use tokio::time::sleep;

/// Over before the test goes on, if it sleeps for [`AFTER`].
const SHORT: Duration = Duration::from_millis(20);
const AFTER: Duration = Duration::from_millis(40);

/// Holds the key "k", until after its deadline.
async fn overdue(peer: &mut Peer, mode: Mode) -> (Asked, Grant) {
    let held = peer.hold_for("k", mode, SHORT).await;
    sleep(AFTER).await;
    held
}

/// Pokes as often as the answers ask for, until a grant is pushed.
async fn poke_until_pushed(peer: &mut Peer, key: &str, mut wait: Option<Duration>) -> Vec<Push> {
    loop {
        sleep(wait.expect("somebody has to poke")).await;
        wait = peer.poke(key).await;
        let pushed = peer.all_pushed().await;
        if !pushed.is_empty() {
            return pushed;
        }
    }
}

#[tokio::test]
async fn the_first_who_waits_learns_when_to_poke_and_the_poke_evicts() {
    let server = server!();
    let (mut holder, mut other) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (held, grant) = holder.hold_for("k", Write, Duration::from_millis(500)).await;
    let waiting = other.ask("k", Write);
    let Acquired::Queued { poke_in, .. } = other.acquire(&waiting).await else { panic!("it does not wait") };
    assert!(poke_in.is_some_and(|wait| wait <= Duration::from_millis(501)), "{poke_in:?}");
    let (second, _) = other.wait("k", Write).await;
    assert_eq!(other.acquire(&second).await, other.acquire(&second).await, "the second has nothing to poke");
    assert_eq!(other.all_pushed().await, []);

    let pushed = poke_until_pushed(&mut other, "k", poke_in).await;
    let [Push::Granted(id, next)] = &pushed[..] else { panic!("{pushed:?}") };
    assert_eq!(*id, waiting.id);
    assert!(next.fence > grant.fence);
    assert!(next.recovered, "a writer lost it");
    assert_eq!(holder.pushed().await, Push::Expired(held.id.clone()));
    for _ in 0..2 {
        assert_eq!(holder.release(&held).await, Released::Expired, "late, and again");
    }
    assert_eq!(holder.acquire(&held).await, Acquired::Expired, "a late repeat does not ask anew");
    assert_eq!(holder.reclaim(&held, grant).await, Reclaimed::Expired);
    assert_eq!(holder.downgrade(&held).await, Downgraded::Expired);
}

#[tokio::test]
async fn the_one_who_loses_it_is_notified_before_the_next_is_granted() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, _) = peer.hold_for("k", Write, SHORT).await;
    let (next, _) = peer.wait("k", Write).await;
    sleep(AFTER).await;
    assert_eq!(peer.poke("k").await, None);
    assert_eq!(peer.pushed().await, Push::Expired(held.id));
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == next.id));
}

#[tokio::test]
async fn nobody_loses_an_overdue_hold_while_nobody_wants_it() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, grant) = overdue(&mut peer, Write).await;
    peer.poke("k").await;
    assert_eq!(peer.granted(&held).await, grant);
    assert_eq!(peer.release(&held).await, Released::Released);
    let (_, next) = peer.hold("k", Write).await;
    assert!(!next.recovered);
}

#[tokio::test]
async fn one_that_arrives_takes_an_overdue_hold_away_a_compatible_one_too() {
    let server = server!();
    for (held_as, arrives_as, waiting) in
        [(Write, Write, Waiting::Yes), (Write, Read, Waiting::No), (Read, Read, Waiting::Yes)]
    {
        let mut peer = Peer::join(&server, LONG).await;
        let (held, _) = overdue(&mut peer, held_as).await;
        let arrives = peer.ask("k", arrives_as);
        let Acquired::Granted(grant) = peer.acquire_as(&arrives, waiting).await else {
            panic!("not granted")
        };
        assert_eq!(grant.recovered, held_as == Write);
        assert_eq!(peer.pushed().await, Push::Expired(held.id));
        peer.release(&arrives).await;
        let (whole, _) = peer.hold("k", Write).await;
        peer.release(&whole).await;
    }
}

#[tokio::test]
async fn only_the_overdue_of_several_readers_lose_it() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let short = peer.ask_for("k", Read, SHORT);
    let long = peer.ask_for("k", Read, LONG);
    let (for_ever, waits) = (peer.ask("k", Read), peer.ask("k", Write));
    for asked in [&short, &long, &for_ever] {
        peer.granted(asked).await;
    }
    sleep(AFTER).await;
    let Acquired::Queued { poke_in: Some(wait), .. } = peer.acquire(&waits).await else {
        panic!("no time to poke")
    };
    assert!(wait > LONG - PATIENCE, "the next deadline is the long one's: {wait:?}");
    assert_eq!(peer.all_pushed().await, [Push::Expired(short.id)]);
    peer.release(&long).await;
    peer.release(&for_ever).await;
    let [Push::Granted(id, grant)] = &peer.all_pushed().await[..] else { panic!("not granted") };
    assert_eq!((id, grant.recovered), (&waits.id, false), "readers leave nothing half written");
}

#[tokio::test]
async fn the_next_at_the_head_learns_when_to_poke() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    peer.hold_for("k", Read, LONG).await;
    let (first, _) = peer.wait("k", Write).await;
    let (second, _) = peer.wait("k", Write).await;
    peer.release_as(&first, Purpose::Unused).await;
    assert!(
        matches!(peer.pushed().await, Push::Head(id, wait) if id == second.id && wait <= LONG + Duration::from_millis(1))
    );
    let (third, _) = peer.wait("k", Read).await;
    assert_eq!(peer.all_pushed().await, [], "notified once");
    peer.release_as(&second, Purpose::Unused).await;
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == third.id));
}

#[tokio::test]
async fn an_overdue_writer_that_downgrades_loses_it_if_a_writer_waits() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, _) = peer.hold_for("k", Write, SHORT).await;
    let (next, _) = peer.wait("k", Write).await;
    sleep(AFTER).await;
    assert_eq!(peer.downgrade(&held).await, Downgraded::Expired);
    assert_eq!(peer.pushed().await, Push::Expired(held.id));
    let Push::Granted(id, grant) = peer.pushed().await else { panic!("not granted") };
    assert_eq!((id, grant.recovered), (next.id, false), "it had written what it had to write");
}

#[tokio::test]
async fn recovered_is_reported_until_a_writer_makes_it_good() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    overdue(&mut peer, Write).await;

    let (reader, grant) = peer.hold("k", Read).await;
    assert!(grant.recovered);
    peer.release(&reader).await;
    assert_eq!(peer.keys().await, ["e", "h:1:s:k", "o", "s", "x"], "remembered while idle");
    assert!(peer.inspect("k").await.recovered);

    let (writer, grant) = peer.hold("k", Write).await;
    assert!(grant.recovered, "a reader makes nothing good");
    peer.release_as(&writer, Purpose::Unused).await;
    let (writer, grant) = peer.hold("k", Write).await;
    assert!(grant.recovered, "nor does one that never used it");
    assert_eq!(peer.granted(&writer).await, grant, "the same again");
    peer.release_as(&writer, Purpose::Death).await;
    let (writer, grant) = peer.hold("k", Write).await;
    assert!(grant.recovered, "nor one that died");
    assert_eq!(peer.downgrade(&writer).await, Downgraded::Reads);
    let (reader, grant) = peer.hold("k", Read).await;
    assert!(!grant.recovered, "whole once the writer had written");
    peer.release(&reader).await;
    peer.release(&writer).await;
    assert_eq!(peer.keys().await, ["e", "o", "s", "x"]);
}
