//! The scripts on a real server: who is granted a lock, and in which order.

mod support;

use latchkey_engine::Mode::{Read, Write};
use latchkey_redis::scripts::{Acquired, Beat, Downgraded, Purpose, Push, Released, Waiting};
use support::peer::{LONG, Peer};

#[tokio::test]
async fn a_free_lock_is_granted_and_leaves_nothing_when_released() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (first, grant) = peer.hold("a", Write).await;
    assert!(!grant.recovered);
    assert_eq!(peer.keys().await, ["e", "h:1:s:a", "o", "s"]);
    assert_eq!(peer.release(&first).await, Released::Released);
    assert_eq!(peer.keys().await, ["e", "o", "s"]);
    let (_, later) = peer.hold("a", Write).await;
    assert!(later.fence > grant.fence);
}

#[tokio::test]
async fn writers_are_granted_in_the_order_in_which_they_asked() {
    let server = server!();
    let (mut a, mut b) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (held, mut last) = a.hold("k", Write).await;
    let mut queue = Vec::new();
    for _ in 0..10 {
        queue.push(b.wait("k", Write).await);
    }
    assert!(queue.is_sorted_by(|one, next| one.1 < next.1), "tickets rise");
    assert_eq!(a.release(&held).await, Released::Released);
    for (asked, _) in queue {
        let Push::Granted(id, grant) = b.pushed().await else { panic!("no grant") };
        assert_eq!(id, asked.id);
        assert!(grant.fence > last.fence, "fences rise");
        last = grant;
        assert_eq!(b.release(&asked).await, Released::Released);
    }
    assert_eq!(b.keys().await, ["e", "o", "s"]);
}

#[tokio::test]
async fn adjacent_readers_share_and_a_reader_behind_a_waiting_writer_waits() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (first, _) = peer.hold("k", Read).await;
    let (second, _) = peer.hold("k", Read).await;
    let (writer, _) = peer.wait("k", Write).await;
    let (third, _) = peer.wait("k", Read).await;
    let (fourth, _) = peer.wait("k", Read).await;
    peer.release(&first).await;
    assert_eq!(peer.all_pushed().await, [], "one reader is left");
    peer.release(&second).await;
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == writer.id));
    assert_eq!(peer.all_pushed().await, []);
    peer.release(&writer).await;
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == third.id));
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == fourth.id));
}

#[tokio::test]
async fn readers_are_granted_when_the_writer_before_them_leaves() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, _) = peer.hold("k", Read).await;
    let (writer, _) = peer.wait("k", Write).await;
    let (reader, _) = peer.wait("k", Read).await;
    let (last, _) = peer.wait("k", Write).await;
    assert_eq!(peer.release_as(&last, Purpose::Unused).await, Released::Left);
    assert_eq!(peer.all_pushed().await, [], "from behind, nobody moves up");
    assert_eq!(peer.release_as(&writer, Purpose::Unused).await, Released::Left);
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == reader.id));
    peer.release(&held).await;
    peer.release(&reader).await;
    assert_eq!(peer.keys().await, ["e", "o", "s"]);
}

#[tokio::test]
async fn one_that_does_not_wait_is_granted_or_leaves_nothing() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (reader, _) = peer.hold("k", Read).await;
    let keys = peer.keys().await;
    let refused = peer.ask("k", Write);
    assert_eq!(peer.acquire_as(&refused, Waiting::No).await, Acquired::Busy);
    assert_eq!(peer.keys().await, keys);
    let shared = peer.ask("k", Read);
    assert!(matches!(peer.acquire_as(&shared, Waiting::No).await, Acquired::Granted(_)));
    let (writer, _) = peer.wait("k", Write).await;
    let behind = peer.ask("k", Read);
    assert_eq!(peer.acquire_as(&behind, Waiting::No).await, Acquired::Busy, "it would overtake");
    for asked in [reader, shared, writer] {
        peer.release(&asked).await;
    }
    assert_eq!(peer.keys().await, ["e", "o", "s"]);
}

#[tokio::test]
async fn a_repeated_acquire_changes_nothing() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, grant) = peer.hold("k", Write).await;
    assert_eq!(peer.granted(&held).await, grant);
    let (waiting, ticket) = peer.wait("k", Write).await;
    peer.wait("k", Write).await;
    assert_eq!(peer.acquire(&waiting).await, Acquired::Queued { ticket, poke_in: None });
    peer.release(&held).await;
    let Push::Granted(id, grant) = peer.pushed().await else { panic!("no grant") };
    assert_eq!(id, waiting.id);
    assert_eq!(peer.granted(&waiting).await, grant, "the answer and the message say the same");
}

#[tokio::test]
async fn a_repeated_release_changes_nothing() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, _) = peer.hold("k", Write).await;
    let (next, _) = peer.wait("k", Write).await;
    assert_eq!(peer.release(&held).await, Released::Released);
    assert_eq!(peer.release(&held).await, Released::Gone);
    assert_eq!(peer.inspect("k").await.holders[0].id, next.id);
    assert_eq!(peer.release_as(&next, Purpose::Unused).await, Released::Released, "granted before it left");
}

#[tokio::test]
async fn what_an_older_connection_still_sends_asks_for_nothing() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, grant) = peer.hold("k", Write).await;
    peer.link.generation += 1;
    peer.beat(false).await;
    peer.release(&held).await;
    peer.link.generation -= 1;
    assert_eq!(peer.acquire(&held).await, Acquired::Stale);
    assert_eq!(peer.reclaim(&held, grant).await, latchkey_redis::scripts::Reclaimed::Stale);
    peer.beat(false).await;
    assert_eq!(peer.acquire(&held).await, Acquired::Stale, "a late beat does not make it young again");
    assert_eq!(peer.keys().await, ["e", "o", "s"]);
}

#[tokio::test]
async fn a_downgraded_writer_reads_with_those_who_wait_next() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    let (held, grant) = peer.hold("k", Write).await;
    let (reader, _) = peer.wait("k", Read).await;
    let (writer, _) = peer.wait("k", Write).await;
    let (late, _) = peer.wait("k", Read).await;
    assert_eq!(peer.downgrade(&held).await, Downgraded::Reads);
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == reader.id));
    assert_eq!(peer.downgrade(&held).await, Downgraded::Reads, "safe to repeat");
    assert_eq!(peer.granted(&held).await, grant, "the same fence");
    peer.release(&held).await;
    assert_eq!(peer.all_pushed().await, []);
    peer.release(&reader).await;
    assert!(matches!(peer.pushed().await, Push::Granted(id, _) if id == writer.id));
    assert_eq!(peer.downgrade(&late).await, Downgraded::Gone, "it holds nothing");
    assert_eq!(peer.downgrade(&held).await, Downgraded::Gone);
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    peer.command(&["SCRIPT", "FLUSH"]).await;
    assert!(matches!(peer.beat(false).await, Beat::Kept { .. }));
}

#[tokio::test]
async fn keys_of_any_text_are_different_locks() {
    let server = server!();
    let mut peer = Peer::join(&server, LONG).await;
    for key in ["", " ", "a|b", "}", "{x}", "\n", "\0", "1:s:a", "ü", "😀"] {
        let (held, _) = peer.hold(key, Write).await;
        assert_eq!(peer.inspect(key).await.holders[0].id, held.id);
    }
}
