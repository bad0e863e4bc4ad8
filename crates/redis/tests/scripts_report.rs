//! The scripts on a real server: who holds, who waits, and what there is altogether.

mod support;

use latchkey_engine::Mode::{Read, Write};
use latchkey_redis::scripts::PAGE;
use support::peer::{LONG, Peer};

#[tokio::test]
async fn a_lock_says_who_holds_it_and_who_waits() {
    let server = server!();
    let (mut one, mut two) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    let (first, first_grant) = one.hold("k", Read).await;
    let (second, second_grant) = two.hold("k", Read).await;
    let (third, ticket) = one.wait("k", Write).await;
    let (fourth, _) = two.wait("k", Read).await;
    let report = two.inspect("k").await;
    assert!(!report.recovered);
    let holders: Vec<_> = report.holders.iter().map(|hold| (&hold.id, hold.mode, hold.grant)).collect();
    assert_eq!(holders, [(&first.id, Read, first_grant), (&second.id, Read, second_grant)]);
    let waiting: Vec<_> = report.waiting.iter().map(|wait| (&wait.id, wait.mode)).collect();
    assert_eq!(waiting, [(&third.id, Write), (&fourth.id, Read)]);
    assert_eq!(report.waiting[0].ticket, ticket);
    assert!((first_grant.fence..report.now_us).contains(&ticket), "tickets and fences are times");
    assert_eq!((report.holders[0].asker.thread, report.holders[0].who.as_str()), (7, "42|here"));
    assert_eq!((report.waiting[1].asker.thread, report.waiting[1].who.as_str()), (7, "42|here"));
    let idle = one.inspect("another").await;
    assert!(idle.holders.is_empty() && idle.waiting.is_empty() && !idle.recovered);
}

#[tokio::test]
async fn all_requests_are_listed_page_by_page() {
    let server = server!();
    let (mut one, mut two) = (Peer::join(&server, LONG).await, Peer::join(&server, LONG).await);
    two.hold("another's", Write).await;
    let mut asked = Vec::new();
    for number in 0..PAGE + 5 {
        asked.push(one.hold(&format!("{number}|x"), Write).await.0.id);
    }
    let (link, session) = (one.link.clone(), one.session.clone());
    for (only, expected) in [(Some(&session), PAGE + 5), (None, PAGE + 6)] {
        let mut listed = link.list(&mut one.connection, only, None).await.unwrap();
        assert_eq!(listed.len(), PAGE);
        let last = listed.last().map(|owner| owner.id.clone());
        listed.extend(link.list(&mut one.connection, only, last.as_ref()).await.unwrap());
        assert_eq!(listed.len(), expected);
        assert!(asked.iter().all(|id| listed.iter().any(|owner| owner.id == *id)));
        let (space, key) = listed.iter().find(|owner| owner.id == asked[3]).unwrap().lock.split().unwrap();
        assert_eq!((space, key), ("s".encode_utf16().collect(), "3|x".encode_utf16().collect()));
    }
}
