//! One space of a store, as the threads of this process use it.

use std::sync::{Arc, Mutex, MutexGuard};

use latchkey_engine::{Ask, Key, KeyName, Port, Safety, Ticket};
use tokio::sync::oneshot;

use crate::{
    callers::store::Store,
    clock,
    keeper::{
        command::{Asked, Command, SpaceNumber},
        report::StoredKey,
    },
    trouble::{Reason, StoreError},
};

/// A space that a store keeps. No call waits for the server: what comes of it follows as events.
///
/// When it is dropped, what still waits in it leaves, and what it still holds ends as by death. With the last one of a store,
/// the session is ended on the server, and the connection with it.
#[derive(Debug)]
pub struct StoredSpace {
    store: Arc<Store>,
    number: SpaceNumber,
    thread: u32,
    /// What is asked and released between [`StoredSpace::gather`] and [`StoredSpace::send_gathered`].
    gathered: Mutex<Option<Gathered>>,
}

#[derive(Debug, Default)]
struct Gathered {
    asked: Vec<Asked>,
    releases: Vec<Command>,
}

impl StoredSpace {
    pub(crate) fn new(store: Arc<Store>, number: SpaceNumber, thread: u32) -> Self {
        Self { store, number, thread, gathered: Mutex::new(None) }
    }

    /// Asks for a key. One of `Granted`, `TimedOut` (also if it was not willing to wait and the key is not free) and
    /// `Failed` follows, unless it is cancelled or detached before.
    ///
    /// # Panics
    ///
    /// If the key is named by a slot: a store gives none.
    pub fn request(&self, ask: Ask<'_>) -> Ticket {
        let KeyName::Units(units) = ask.key else { panic!("latchkey: a store gives no slots") };
        let number = self.store.ledger.enter();
        let asked = Asked {
            number,
            space: self.number,
            port: ask.port,
            tag: ask.tag,
            thread: self.thread,
            key: Key::from(units),
            mode: ask.mode,
            expiry: ask.expiry,
            patience: ask.patience,
            at: clock::now(),
        };
        if let Some(gathered) = &mut *self.gathered() {
            gathered.asked.push(asked);
            return number.into();
        }
        self.store.send(Command::Request(asked));
        number.into()
    }

    /// What is asked for from now on is granted together, in one trip to the server, or refused: [`StoredSpace::send_gathered`]
    /// sends it. All of it is asked in the same way, for different keys. Where the server cannot be
    /// asked for all at once, each is answered alone: then some may be granted, and others refused. What is released goes
    /// in one trip as well.
    pub fn gather(&self) {
        self.gathered().get_or_insert_default();
    }

    /// Sends what was gathered.
    pub fn send_gathered(&self) {
        let Some(Gathered { asked, releases }) = self.gathered().take() else { return };
        let asked = (!asked.is_empty()).then_some(Command::Together(asked));
        self.store.send_all(releases.into_iter().chain(asked));
    }

    fn gathered(&self) -> MutexGuard<'_, Option<Gathered>> {
        self.gathered.lock().expect("latchkey: an earlier fault left what a space gathers unusable")
    }

    /// How long a hold is certain, by the clock: as long as neither the lease nor its expiry can have ended. The task that
    /// would deliver the loss may be late; this is not. The losses of an earlier lease have been delivered by now.
    ///
    /// An expiry is counted from when this process heard of the grant.
    #[must_use]
    pub fn safety_of(&self, ticket: Ticket) -> Safety {
        self.store.ledger.safety_of(ticket.into(), clock::now())
    }

    /// Ends a hold; `unused` if nobody has touched what it protects, so that a `recovered` key stays so. `Ended` follows,
    /// or the `Expired` or `Lost` that came first.
    pub fn release(&self, ticket: Ticket, unused: bool) {
        let release = Command::Release { number: ticket.into(), unused };
        if let Some(gathered) = &mut *self.gathered() {
            return gathered.releases.push(release);
        }
        self.store.send(release);
    }

    /// Makes a write hold a read hold. `Ended` follows, or the `Expired` or `Lost` that came first.
    pub fn downgrade(&self, ticket: Ticket) {
        self.store.send(Command::Downgrade(ticket.into()));
    }

    /// Withdraws a request. True if it waited until now: no event follows. False if it has ended, or an event is on
    /// its way that says what became of it.
    #[must_use = "false means that an event says what became of the request"]
    pub fn cancel(&self, ticket: Ticket) -> bool {
        let waited = self.store.ledger.take(ticket.into());
        if waited {
            self.store.send(Command::Cancel(ticket.into()));
        }
        waited
    }

    /// The thread behind the port has ended: what it waits for leaves, what it holds ends as by death.
    pub fn detach(&self, port: Port) {
        self.store.send(Command::Detach { space: self.number, port });
    }

    /// Who holds and who waits, in all processes. Should the connection end meanwhile, the server is asked again on the
    /// next one.
    ///
    /// # Errors
    ///
    /// If there is no connection within `connect_timeout` of the call, or the server refuses.
    pub async fn query(&self) -> Result<Vec<StoredKey>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.store.send(Command::Query { space: self.number, answer });
        // Unanswered: the store was shut down, or its runtime has ended.
        let unreachable =
            || StoreError { address: self.store.config().address(), trouble: Reason::Unreachable.into() };
        answered.await.unwrap_or_else(|_| Err(self.store.trouble().unwrap_or_else(unreachable)))
    }

    /// The store that keeps it.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }
}

impl Drop for StoredSpace {
    fn drop(&mut self) {
        self.store.send(Command::Drop(self.number));
    }
}
