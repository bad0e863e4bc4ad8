//! Carries what an operation causes to the members that it is for.

use std::{collections::VecDeque, ptr};

use crate::{
    Caller, Event, Events, Inbox, Member, Message, Time,
    members::{MemberMap, Members, Recipient},
};

/// The member of a shared space that makes an operation.
#[derive(Debug)]
pub struct Own<'a> {
    /// Who it is there.
    pub member: Member,
    /// The number by which it knows the space.
    pub address: u32,
    /// Where others put what it has to learn.
    pub inbox: &'a Inbox,
    /// What it is to learn next: it reads that when the operation has returned.
    pub messages: &'a mut VecDeque<Message>,
}

/// A caller on a space that threads share: at the end of its operation, while the shard's mutex is held, each event is put
/// where its member will read it.
///
/// So the events of one key enter an inbox in the order in which they were decided, whichever threads decided them. And what
/// the operating member has to learn goes to its own messages in that order, too: first all that lies in its inbox, then
/// what this operation causes. Whatever of the same key is decided after that comes later than the operation's result.
///
/// When it is dropped, after the operation, those are woken whose inboxes somebody has to be woken for.
#[derive(Debug)]
#[must_use = "it is made for one operation"]
pub struct Sender<'a, R: Recipient, C> {
    members: &'a Members<R>,
    clock: C,
    own: Option<Own<'a>>,
    to_wake: Vec<R>,
}

impl<R: Recipient> Members<R> {
    /// A caller that gives the members what it causes. `own` is the member that operates; `None` for whoever is none.
    pub fn sender<'a, C: Caller>(&'a self, clock: C, own: Option<Own<'a>>) -> Sender<'a, R, C> {
        Sender { members: self, clock, own, to_wake: Vec::new() }
    }

    /// Gives the members what came from elsewhere, in order.
    pub fn send(&self, mut events: Events) {
        self.sender(Time::ZERO, None).take_events(&mut events);
    }
}

impl<R: Recipient, C: Caller> Sender<'_, R, C> {
    /// Puts an event where it belongs. One for a member that has left is dropped.
    fn put(&mut self, event: Event, members: &MemberMap<R>) {
        let Some((recipient, address)) = members.get(&event.member()) else { return };
        let message = Message { address: *address, event };
        match &mut self.own {
            // Another member of the thread that operates.
            Some(own) if ptr::eq(own.inbox, recipient.inbox()) => own.messages.push_back(message),
            _ => {
                if recipient.inbox().put(message) {
                    self.to_wake.push(recipient.clone());
                }
            }
        }
    }
}

impl<R: Recipient, C: Caller> Caller for Sender<'_, R, C> {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn take_events(&mut self, events: &mut Events) {
        // A message of one of the shard's keys was put with the mutex that is held now, so that it is seen here.
        if let Some(own) = self.own.as_mut().filter(|own| !own.inbox.is_empty()) {
            own.messages.extend(own.inbox.take());
        }
        // Most operations cause nothing for anybody else, and need no lock for that.
        let mut members = None;
        for event in events.drain(..) {
            match &mut self.own {
                Some(own) if own.member == event.member() => {
                    own.messages.push_back(Message { address: own.address, event });
                }
                _ => self.put(event, members.get_or_insert_with(|| self.members.map())),
            }
        }
    }
}

impl<R: Recipient, C> Drop for Sender<'_, R, C> {
    fn drop(&mut self) {
        self.to_wake.drain(..).for_each(|recipient| recipient.wake());
    }
}
