//! A server whose clock is set back: nobody who died is waited for longer, and no fence falls.

mod support;

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use latchkey_engine::{Answer, Mode};
use latchkey_redis::scripts::Beat;
use support::{
    Server,
    peer::{LONG, Peer},
    program::{BRIEF, Program, TTL, command, two},
};

const EPOCH: &str = "{latchkey:0}:e";
const AHEAD: Duration = Duration::from_secs(60);

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap()
}

/// This machine's time, which is the server's, too.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Makes what is known of a session what it would be if the server's clock had been `AHEAD` when it last beat.
async fn ahead(peer: &mut Peer) {
    let session = peer.session.to_string();
    let sessions = peer.link.bucket.sessions().to_owned();
    let ends = (now() + AHEAD + peer.link.lease).as_millis().to_string();
    peer.command(&["ZADD", &sessions, "XX", &ends, &session]).await;
    let record: String = redis::from_redis_value(peer.command(&["HGET", EPOCH, &session]).await).unwrap();
    let [generation, _, rest] = record.splitn(3, '|').collect::<Vec<_>>()[..] else { panic!("{record}") };
    peer.command(&["HSET", EPOCH, &session, &format!("{generation}|{ends}|{rest}")]).await;
    peer.command(&["HSET", EPOCH, "clock", &(now() + AHEAD).as_millis().to_string()]).await;
}

#[tokio::test]
async fn a_lease_ends_no_later_than_if_it_were_renewed_when_the_clock_goes_back() {
    let server = server!();
    let (mut dead, mut alive) = (Peer::join(&server, TTL).await, Peer::join(&server, LONG * 2).await);
    dead.hold("k", Mode::Write).await;
    ahead(&mut dead).await;
    ahead(&mut alive).await;
    let Beat::Kept { next_lapse: Some(lapse), .. } = alive.beat(false).await else { panic!("no lapse") };
    assert!(lapse <= TTL && lapse > TTL / 2, "{lapse:?}");
    let Beat::Kept { .. } = alive.beat(false).await else { panic!("it has lost its own") };
}

#[tokio::test]
async fn a_freeze_and_a_claim_end_though_the_clock_goes_back() {
    let server = server!();
    let (mut dead, mut alive) = (Peer::join(&server, TTL).await, Peer::join(&server, TTL).await);
    let later = (now() + AHEAD).as_millis().to_string();
    dead.command(&["HSET", EPOCH, "until", &later]).await;
    ahead(&mut alive).await;
    let frozen = alive.frozen().await;
    assert!(frozen > Duration::ZERO && frozen <= TTL, "{frozen:?}");
    alive.thaw_bucket().await;
    // Somebody clears the dead one, since a time that has not come yet.
    alive.command(&["HSET", EPOCH, &format!("clear:{}", dead.session), &later]).await;
    dead.lapse().await;
    let Beat::Kept { dead: found, .. } = alive.beat(false).await else { panic!("lost") };
    assert_eq!(found, [dead.session]);
}

#[test]
fn no_fence_falls_though_the_server_forgets_it_and_its_clock_is_behind() {
    let mut server = server!();
    // As a server whose clock is ahead would give them out.
    let ahead = micros(now() + AHEAD).to_string();
    command(&server, &["HSET", EPOCH, "tick", &ahead]);
    let (mut a, mut b) = two(&server, BRIEF);
    let (held, before) = a.hold("k");
    assert_eq!(a.release(held), Answer::Done);
    server.kill();
    server.start_again();
    let (_, after) = a.hold("k");
    assert!(after.fence > before.fence, "{before:?}, then {after:?}");
    let (_, others) = b.hold("other");
    assert!(others.fence > before.fence, "also for one that does not know of it");
}

/// Starts a server of which the clock is this machine's at first.
fn with_clock(arguments: &[&str]) -> Option<Server> {
    let server = Server::start_with_clock(arguments)?;
    server.has_served("latchkey").unwrap();
    Some(server)
}

#[test]
fn a_killed_holder_is_followed_though_the_servers_clock_is_set_back() {
    let Some(server) = with_clock(&[]) else { return };
    let (mut a, mut b) = two(&server, TTL);
    a.hold("k");
    let waiting = b.write("k");
    b.until_waiting("k", 1);
    a.kill();
    server.shift_clock(-30);
    let started = Instant::now();
    b.granted(waiting);
    let took = started.elapsed();
    println!("granted {took:?} after the clock was set back by 30 s");
    assert!(took < TTL * 2 + Duration::from_secs(2), "{took:?}");
}

#[test]
fn holds_and_fences_outlive_a_server_that_comes_back_with_a_clock_behind() {
    let Some(mut server) = with_clock(&[]) else { return };
    let mut a = Program::start_for(&server.url(), TTL);
    let (held, before) = a.hold("k");
    server.kill();
    server.shift_clock(-60);
    server.start_again();
    a.stays_silent_for(TTL * 2);
    assert_eq!(a.release(held), Answer::Done);
    let (_, after) = a.hold("k");
    assert!(after.fence > before.fence, "{before:?}, then {after:?}");
}

#[test]
fn a_hold_outlives_clocks_that_are_set_back_and_forth() {
    let Some(server) = with_clock(&[]) else { return };
    let (mut a, mut b) = two(&server, TTL);
    let (held, before) = a.hold("k");
    let waiting = b.write("k");
    b.until_waiting("k", 1);
    for seconds in [-1, -100, -3600] {
        server.shift_clock(seconds);
        a.stays_silent_for(TTL / 2);
        thread::sleep(TTL / 4);
    }
    assert_eq!(a.release(held), Answer::Done);
    let after = b.granted(waiting);
    assert!(after.fence > before.fence && !after.recovered);
}
