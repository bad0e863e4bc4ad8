//! Where the events of an operation on a shared space go.

use std::{
    collections::VecDeque,
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
};

use latchkey_engine::{
    Ask, Event, Inbox, LockTable, Member, Members, Message, Mode, Own, Patience, Recipient, Space, Ticket,
    Time,
};

/// A thread, and how often it was woken.
#[derive(Clone, Default)]
struct Thread(Rc<(Inbox, AtomicU32)>);

impl Recipient for Thread {
    fn inbox(&self) -> &Inbox {
        &self.0.0
    }

    fn wake(&self) {
        self.0.1.fetch_add(1, Ordering::Relaxed);
    }
}

impl Thread {
    fn own<'a>(&'a self, member: Member, messages: &'a mut VecDeque<Message>) -> Own<'a> {
        Own { member, address: member.0 * 10, inbox: self.inbox(), messages }
    }

    fn wakes(&self) -> u32 {
        self.0.1.load(Ordering::Relaxed)
    }
}

fn asked(space: &Space, member: Member, mode: Mode) -> Ticket {
    let ask =
        Ask { member, tag: member.0, key: (&[1]).into(), mode, expiry: None, patience: Patience::Forever };
    space.request(ask, &mut Time::default()).result.ticket().expect("it is patient")
}

/// The addresses and tags of those who are granted their keys.
fn grants(messages: impl IntoIterator<Item = Message>) -> Vec<(u32, u32)> {
    let grant = |message: Message| match message.event {
        Event::Granted { tag, .. } => (message.address, tag),
        other => panic!("{other:?}"),
    };
    messages.into_iter().map(grant).collect()
}

#[test]
fn all_members_of_the_thread_that_operates_are_notified_in_one_order_and_without_a_wake_up() {
    let (space, members, thread, other) =
        (Space::keeping(0, 1), Members::default(), Thread::default(), Thread::default());
    for (member, thread) in [(1, &thread), (2, &thread), (3, &other), (4, &thread)] {
        members.join(Member(member), thread.clone(), member * 10);
    }
    let holder = asked(&space, Member(1), Mode::Write);
    for member in [2, 1, 3, 4] {
        asked(&space, Member(member), Mode::Read);
    }
    let mut messages = VecDeque::new();
    let outcome =
        space.release(holder, &mut members.sender(Time::ZERO, Some(thread.own(Member(1), &mut messages))));
    assert!(outcome.events.is_empty());
    assert_eq!(grants(messages), [(20, 2), (10, 1), (40, 4)]);
    assert_eq!(grants(other.inbox().take()), [(30, 3)]);
    assert_eq!([thread.wakes(), other.wakes()], [0, 1]);
}

#[test]
fn what_lies_in_the_inbox_comes_before_what_the_operation_causes() {
    let (space, members, thread) = (Space::keeping(0, 1), Members::default(), Thread::default());
    members.join(Member(1), thread.clone(), 10);
    let [first, second, _] = [1; 3].map(|member| asked(&space, Member(member), Mode::Write));
    let _nobodys = space.release(first, &mut members.sender(Time::ZERO, None));
    assert_eq!(thread.wakes(), 1);
    let mut messages = VecDeque::new();
    let outcome =
        space.release(second, &mut members.sender(Time::ZERO, Some(thread.own(Member(1), &mut messages))));
    assert!(outcome.events.is_empty() && thread.inbox().is_empty());
    let fences = messages.iter().map(|message| match message.event {
        Event::Granted { grant, .. } => grant.fence,
        other => panic!("{other:?}"),
    });
    assert_eq!(fences.collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_member_that_has_left_is_notified_of_nothing_more() {
    let (space, members, thread) = (Space::keeping(0, 1), Members::default(), Thread::default());
    members.join(Member(2), thread.clone(), 20);
    let holder = asked(&space, Member(1), Mode::Write);
    asked(&space, Member(2), Mode::Write);
    members.leave(Member(2));
    let outcome = space.release(holder, &mut members.sender(Time::ZERO, None));
    assert!(outcome.events.is_empty() && thread.inbox().is_empty());
    assert_eq!(thread.wakes(), 0);
}
