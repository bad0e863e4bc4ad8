//! The scripts on a real server that is killed and started again, with and without its data: nothing is granted for one
//! lease, and in that time everybody says again what he holds and waits for.

mod support;

use std::time::Duration;

use latchkey_engine::{
    Grant,
    Mode::{Read, Write},
};
use latchkey_redis::scripts::{Acquired, Asked, Beat, Downgraded, Push, Reclaimed, Released, Waiting};
use support::{
    Server,
    peer::{LONG, Peer},
};
use tokio::time::sleep;

/// Long enough for a test to say everything again, short enough to wait for.
const LEASE: Duration = Duration::from_secs(3);
const WITH_DATA: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// Kills the server, starts it again, and lets the peers connect and beat.
async fn restart<const N: usize>(server: &mut Server, peers: [Peer; N]) -> [Peer; N] {
    server.kill();
    server.start_again();
    let mut back = Vec::new();
    for peer in peers {
        let mut peer = peer.reconnect(server).await;
        assert!(frozen(&mut peer).await > Duration::ZERO, "another server has to be noticed");
        back.push(peer);
    }
    back.try_into().ok().expect("as many as before")
}

async fn frozen(peer: &mut Peer) -> Duration {
    let Beat::Kept { frozen, .. } = peer.beat(false).await else { panic!("the session is lost") };
    frozen
}

/// Sleeps until the freeze is over, which may be longer than a lease: the server says its age in whole seconds.
async fn thaw<const N: usize>(mut peers: [&mut Peer; N]) {
    loop {
        let mut left = Duration::ZERO;
        for peer in &mut peers {
            left = frozen(peer).await;
        }
        if left.is_zero() {
            return;
        }
        sleep(left.min(LEASE / 3)).await;
    }
}

async fn asks_again(peer: &mut Peer, asked: &Asked, ticket: u64) {
    match peer.acquire_as(asked, Waiting::Again(ticket)).await {
        Acquired::Queued { ticket: now, poke_in: Some(_) } => assert_eq!(now, ticket, "its old place"),
        other => panic!("{other:?}"),
    }
}

/// Who is granted, in order, when each of those who wait releases at once. Ends when `last` was granted.
async fn order_of_grants(peer: &mut Peer, waiting: &[&Asked], mut last: Grant) {
    for asked in waiting {
        let Push::Granted(id, grant) = peer.pushed().await else { panic!("not granted") };
        assert_eq!(id, asked.id);
        assert!(grant.fence > last.fence, "fences rise over a restart");
        last = grant;
        assert_eq!(peer.release(asked).await, Released::Released);
    }
}

#[tokio::test]
async fn a_server_without_its_data_learns_all_again_and_keeps_exclusion_and_order() {
    let mut server = server!();
    let (mut holder, mut waiter) = (Peer::join(&server, LEASE).await, Peer::join(&server, LEASE).await);
    let (held, grant) = holder.hold("k", Write).await;
    let (first, first_ticket) = waiter.wait("k", Write).await;
    let (second, second_ticket) = waiter.wait("k", Write).await;

    let [mut holder, mut waiter] = restart(&mut server, [holder, waiter]).await;
    // The worst order to say it again: a new one first, the queue from its end, the holder last.
    let (newcomer, _) = waiter.wait("k", Write).await;
    asks_again(&mut waiter, &second, second_ticket).await;
    asks_again(&mut waiter, &first, first_ticket).await;
    assert_eq!(holder.reclaim(&held, grant).await, Reclaimed::Kept);
    assert_eq!(holder.reclaim(&held, grant).await, Reclaimed::Kept, "safe to repeat");
    assert_eq!(holder.granted(&held).await, grant);

    thaw([&mut holder, &mut waiter]).await;
    assert_eq!(waiter.poke("k").await, None);
    assert_eq!(waiter.all_pushed().await, []);
    assert_eq!(holder.release(&held).await, Released::Released);
    order_of_grants(&mut waiter, &[&first, &second, &newcomer], grant).await;
    assert_eq!(waiter.keys().await, ["e", "o", "s"]);
}

#[tokio::test]
async fn a_server_with_its_data_keeps_holders_and_queue() {
    let mut server = server!(WITH_DATA[0], WITH_DATA[1], WITH_DATA[2], WITH_DATA[3]);
    let (mut holder, mut waiter) = (Peer::join(&server, LEASE).await, Peer::join(&server, LEASE).await);
    let (held, grant) = holder.hold("k", Write).await;
    let (first, _) = waiter.wait("k", Write).await;
    let (second, second_ticket) = waiter.wait("k", Write).await;

    let [mut holder, mut waiter] = restart(&mut server, [holder, waiter]).await;
    assert_eq!(holder.inspect("k").await.holders[0].grant, grant);
    asks_again(&mut waiter, &second, second_ticket).await;
    assert_eq!(holder.reclaim(&held, grant).await, Reclaimed::Kept);
    assert_eq!(holder.release(&held).await, Released::Released);
    assert_eq!(waiter.all_pushed().await, [], "frozen");
    thaw([&mut waiter]).await;
    waiter.poke("k").await;
    order_of_grants(&mut waiter, &[&first, &second], grant).await;
}

#[tokio::test]
async fn nothing_is_granted_or_taken_away_while_frozen() {
    let mut server = server!(WITH_DATA[0], WITH_DATA[1], WITH_DATA[2], WITH_DATA[3]);
    let (mut one, mut dead) = (Peer::join(&server, LEASE).await, Peer::join(&server, LEASE).await);
    let overdue = one.ask_for("k", Write, Duration::from_millis(1));
    one.granted(&overdue).await;
    dead.hold("d", Write).await;
    dead.lapse().await;

    let [mut one] = restart(&mut server, [one]).await;
    let free = one.ask("free", Write);
    let Acquired::Queued { poke_in: Some(wait), .. } = one.acquire(&free).await else { panic!("granted") };
    let refused = one.ask("other", Write);
    let Acquired::Frozen(left) = one.acquire_as(&refused, Waiting::No).await else { panic!("not refused") };
    let together = [one.ask("other", Write), one.ask("another", Write)];
    let answers = one.acquire_all(&together, Waiting::No).await;
    let [Acquired::Frozen(left_then), Acquired::Busy] = answers[..] else { panic!("{answers:?}") };
    assert!(Duration::ZERO < left_then && left_then <= left && left <= LEASE);
    let (arrives, _) = one.wait("k", Write).await;
    assert!(one.poke("k").await.is_some(), "to be poked when the freeze is over");
    assert!(!one.clear(&dead.session).await, "it may still come back");
    assert_eq!(one.all_pushed().await, []);

    assert!(wait <= LEASE);
    thaw([&mut one]).await;
    one.poke("free").await;
    assert!(matches!(one.pushed().await, Push::Granted(id, _) if id == free.id));
    one.poke("k").await;
    assert_eq!(one.pushed().await, Push::Expired(overdue.id));
    assert!(matches!(one.pushed().await, Push::Granted(id, _) if id == arrives.id));
    assert!(one.clear(&dead.session).await);
}

#[tokio::test]
async fn a_session_whose_lease_ended_while_the_server_was_away_comes_back() {
    let mut server = server!(WITH_DATA[0], WITH_DATA[1], WITH_DATA[2], WITH_DATA[3]);
    let (mut one, mut ended) = (Peer::join(&server, LEASE).await, Peer::join(&server, LEASE).await);
    let (held, grant) = one.hold("k", Write).await;
    one.lapse().await;
    let sessions = ended.link.bucket.sessions().to_owned();
    let id = ended.session.to_string();
    ended.command(&["ZADD", &sessions, "XX", "0", &id]).await;
    ended.command(&["HDEL", "{latchkey:0}:e", &id]).await;

    let [mut one] = restart(&mut server, [one]).await;
    assert_eq!(one.reclaim(&held, grant).await, Reclaimed::Kept);
    assert_eq!(one.release(&held).await, Released::Released);
    let mut ended = ended.reconnect(&server).await;
    assert_eq!(ended.beat(false).await, Beat::Lost, "one that ended itself does not");
    assert!(one.clear(&ended.session).await, "so it need not be waited for");
}

#[tokio::test]
async fn who_says_nothing_during_the_freeze_has_lost_it() {
    let mut server = server!();
    let (mut one, mut other) = (Peer::join(&server, LEASE).await, Peer::join(&server, LEASE).await);
    let (held, grant) = one.hold("k", Write).await;
    let (waiting, ticket) = one.wait("k", Write).await;
    let (reader, _) = other.hold("r", Read).await;
    let [mut one, mut other] = restart(&mut server, [one, other]).await;
    assert_eq!(other.release(&reader).await, Released::Gone, "the server has forgotten it anyway");
    thaw([&mut one, &mut other]).await;
    let (next, _) = other.hold("k", Write).await;
    assert_eq!(one.reclaim(&held, grant).await, Reclaimed::Lost);
    let Acquired::Queued { ticket: now, .. } = one.acquire_as(&waiting, Waiting::Again(ticket)).await else {
        panic!("it does not wait")
    };
    assert!(now > ticket, "it joins at the tail");
    other.release(&next).await;
    assert_eq!(one.release(&waiting).await, Released::Released);
    assert_eq!(one.reclaim(&held, grant).await, Reclaimed::Lost, "also when the lock is free");
}

#[tokio::test]
async fn of_two_holders_that_exclude_each_other_the_later_grant_is_the_truth() {
    let mut server = server!();
    let (mut old, mut new) = (Peer::join(&server, LEASE).await, Peer::join(&server, LEASE).await);
    let (ended, before) = old.hold("k", Write).await;
    old.release(&ended).await;
    let (held, grant) = new.hold("k", Write).await;
    let [mut old, mut new] = restart(&mut server, [old, new]).await;
    // What a server shows that lost the last moments of its data.
    assert_eq!(old.reclaim(&ended, before).await, Reclaimed::Kept);
    assert_eq!(new.reclaim(&held, grant).await, Reclaimed::Kept);
    assert_eq!(old.pushed().await, Push::Expired(ended.id.clone()));
    assert_eq!(old.reclaim(&ended, before).await, Reclaimed::Expired);
    let report = new.inspect("k").await;
    assert_eq!((report.holders.len(), report.recovered), (1, false));
    let older = old.ask("k", Read);
    assert_eq!(old.reclaim(&older, before).await, Reclaimed::Lost);
}

#[tokio::test]
async fn a_server_that_went_back_to_before_the_grant_learns_of_it() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (before, _) = peer.hold("k", Write).await;
    let (asked, ticket) = peer.wait("k", Write).await;
    peer.freeze_bucket().await;
    // Its fence is ahead of the server's clock, which may be another machine's.
    let grant = Grant { fence: ticket + 3_600_000_000, recovered: false };
    assert_eq!(peer.reclaim(&asked, grant).await, Reclaimed::Kept);
    assert_eq!(peer.pushed().await, Push::Expired(before.id));
    assert_eq!(peer.keys().await, ["e", "h:1:s:k", "o", "s", "x"], "it waits no more");
    peer.thaw_bucket().await;
    assert_eq!(peer.release(&asked).await, Released::Released);
    let (_, next) = peer.hold("k", Write).await;
    assert!(next.fence > grant.fence, "fences rise all the same");
}

#[tokio::test]
async fn readers_reclaim_together_with_what_they_were_sent() {
    let mut server = server!();
    let (mut one, mut two) = (Peer::join(&server, LEASE).await, Peer::join(&server, LEASE).await);
    let (writer, _) = one.hold("k", Write).await;
    one.release_as(&writer, latchkey_redis::scripts::Purpose::Death).await;
    let (first, first_grant) = one.hold("k", Read).await;
    let (second, second_grant) = two.hold("k", Read).await;
    let [mut one, mut two] = restart(&mut server, [one, two]).await;
    assert_eq!(two.reclaim(&second, second_grant).await, Reclaimed::Kept);
    assert_eq!(one.reclaim(&first, first_grant).await, Reclaimed::Kept);
    let report = one.inspect("k").await;
    assert_eq!(report.holders.iter().map(|hold| hold.grant).collect::<Vec<_>>(), [first_grant, second_grant]);
    assert!(report.recovered);
}

#[tokio::test]
async fn a_downgrade_that_the_server_forgot_is_said_again() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, grant) = peer.hold("k", Write).await;
    let (reader, _) = peer.wait("k", Read).await;
    let reads = Asked { mode: Read, ..held };
    assert_eq!(peer.reclaim(&reads, grant).await, Reclaimed::Kept);
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == reader.id));
    assert_eq!(peer.downgrade(&reads).await, Downgraded::Reads);
}

#[tokio::test]
async fn a_reclaimed_expiry_goes_on() {
    let mut server = server!();
    let mut peer = Peer::join(&server, LEASE).await;
    let held = peer.ask_for("k", Write, LONG);
    let grant = peer.granted(&held).await;
    let [mut peer] = restart(&mut server, [peer]).await;
    let left = Duration::from_millis(30);
    let kept = peer.link.reclaim(&mut peer.connection, &held, grant, left).await.unwrap();
    assert_eq!(kept, Some(Reclaimed::Kept));
    let (next, _) = peer.wait("k", Write).await;
    thaw([&mut peer]).await;
    peer.poke("k").await;
    assert_eq!(peer.pushed().await, Push::Expired(held.id));
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == next.id));
}

#[tokio::test]
async fn the_longest_lease_of_all_sessions_is_the_length_of_the_freeze() {
    let mut server = server!(WITH_DATA[0], WITH_DATA[1], WITH_DATA[2], WITH_DATA[3]);
    let (short, _long) = (Peer::join(&server, LEASE).await, Peer::join(&server, LONG).await);
    let [mut short] = restart(&mut server, [short]).await;
    assert!(frozen(&mut short).await > LONG / 2);
}

#[tokio::test]
async fn without_a_run_id_nothing_is_frozen() {
    let mut server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    peer.hold("k", Write).await;
    server.kill();
    server.start_again();
    let mut peer = peer.reconnect(&server).await;
    peer.link.run_id = String::new();
    assert!(matches!(peer.beat(true).await, Beat::Kept { frozen: Duration::ZERO, .. }));
    peer.hold("k", Write).await;
}
