//! A port's letters from other threads, and the waker that announces them.

use std::sync::Arc;

use latchkey_engine::{Inbox, Letter, Recipient};

use crate::{timer::Alarm, waker::Waker};

pub struct Mailbox {
    pub inbox: Inbox,
    pub waker: Waker,
    /// Node's number of the thread that reads it.
    pub thread: u32,
}

impl Recipient for Mailbox {
    fn receive(&self, letter: Letter) {
        if self.inbox.put(letter) {
            self.waker.wake();
        }
    }
}

impl Alarm for Mailbox {
    /// A deadline in one of the port's private spaces has come: the port itself looks which.
    fn ring(self: Arc<Self>) {
        self.waker.wake();
    }
}
