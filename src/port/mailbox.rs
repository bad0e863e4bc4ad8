//! A port's messages from other threads, and the waker that announces them.

use std::sync::Arc;

use latchkey_engine::{Inbox, Recipient};

use crate::{port::waker::Waker, process::timer::Alarm};

pub struct Mailbox {
    pub inbox: Inbox,
    pub waker: Waker,
    /// Node's number of the thread that reads it.
    pub thread: u32,
}

/// One thread's mailbox, as a member of a space.
#[derive(Clone)]
pub struct Address(pub Arc<Mailbox>);

impl Recipient for Address {
    fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }

    fn wake(&self) {
        self.0.waker.wake();
    }
}

impl Alarm for Mailbox {
    /// A deadline in one of the port's private spaces has come: the port itself looks which.
    fn ring(self: Arc<Self>) {
        self.waker.wake();
    }
}
