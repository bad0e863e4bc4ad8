//! One space of a store, as the threads of this process use it.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use latchkey_engine::{Ask, Key, KeyName, Member, Safety, Ticket};
use tokio::sync::oneshot;

use crate::{
    callers::store::Store,
    clock,
    keeper::{
        command::{Asked, Command, Responder},
        event::StoreEvent,
        ledger::SpaceNumber,
        report::{StoredBlockers, StoredKey},
    },
    scripts::Asker,
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
    /// The label of the request that is asked for next, with its tag.
    label: Mutex<Option<(u32, Arc<str>)>>,
}

#[derive(Debug, Default)]
struct Gathered {
    asked: Vec<Asked>,
    releases: Vec<Command>,
}

impl StoredSpace {
    pub(crate) fn new(store: Arc<Store>, number: SpaceNumber, thread: u32) -> Self {
        Self { store, number, thread, gathered: Mutex::default(), label: Mutex::default() }
    }

    /// Asks for a key. One of `Granted`, `TimedOut` (also if it was not willing to wait and the key is not free) and
    /// `Failed` follows, unless it is cancelled or detached before.
    ///
    /// One that waits for no time ([`Patience::For`](latchkey_engine::Patience::For)) is refused as one that is not willing to, but
    /// the server is asked who was in its way: see [`StoredSpace::blockers_of`].
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
            member: ask.member,
            tag: ask.tag,
            asker: Asker { thread: self.thread, label: self.take_label(ask.tag) },
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
        self.store.send(Command::Request { asked, others: Vec::new() });
        number.into()
    }

    /// What people are to call the request with this tag, which is asked for next.
    pub fn set_label(&self, tag: u32, label: &[u16]) {
        *self.label() = Some((tag, String::from_utf16_lossy(label).into()));
    }

    fn take_label(&self, tag: u32) -> Option<Arc<str>> {
        self.label().take().filter(|(of, _)| *of == tag).map(|(_, label)| label)
    }

    fn label(&self) -> MutexGuard<'_, Option<(u32, Arc<str>)>> {
        self.label.lock().expect("latchkey: an earlier fault left the label of a space's request unusable")
    }

    /// What is asked for from now on goes in one trip to the server, when [`StoredSpace::send_gathered`] sends it: all is granted, if
    /// all keys are idle. Else the first one is asked for as if it were alone, and may wait, and the others get `TimedOut` at
    /// once. They get it, too, if the first one ends before it is sent, or if the answer is lost with the connection. All of it is
    /// asked in the same way, for different keys. What is released goes in one trip as well.
    pub fn gather(&self) {
        self.gathered().get_or_insert_default();
    }

    /// Sends what was gathered.
    pub fn send_gathered(&self) {
        let Some(Gathered { asked, releases }) = self.gathered().take() else { return };
        let mut asked = asked.into_iter();
        let request = asked.next().map(|first| Command::Request { asked: first, others: asked.collect() });
        self.store.send_all(releases.into_iter().chain(request));
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

    /// Ends a hold; `unused` if nobody has touched what it protects, so that a `recovered` key stays so. `Answered` follows,
    /// or the `Expired` or `Lost` that came first.
    pub fn release(&self, ticket: Ticket, unused: bool) {
        let release = Command::Release { number: ticket.into(), unused };
        if let Some(gathered) = &mut *self.gathered() {
            return gathered.releases.push(release);
        }
        self.store.send(release);
    }

    /// Makes a write hold a read hold. `Answered` follows, or the `Expired` or `Lost` that came first.
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

    /// The thread behind the member has ended: what it waits for leaves, what it holds ends as by death.
    pub fn detach(&self, member: Member) {
        self.store.send(Command::Detach { space: self.number, member });
    }

    /// Who holds and who waits, in all processes. Should the connection end meanwhile, the server is asked again on the
    /// next one.
    ///
    /// # Errors
    ///
    /// If there is no connection within `connect_timeout` of the call, or the server refuses.
    pub fn query(&self) -> impl Future<Output = Result<Vec<StoredKey>, StoreError>> + Send + use<> {
        let space = self.number;
        self.ask(move |responder| Command::Query { space, responder })
    }

    /// Waits until the server grants: after its start, or when it has taken over from another one, it does not for the length
    /// of a lease. Ends when the space is dropped.
    ///
    /// # Errors
    ///
    /// If there is no connection within `connect_timeout` of the call or of the end of the last one, or the server refuses.
    pub fn ready(&self) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let space = self.number;
        self.ask(move |responder| Command::Ready { space, responder })
    }

    /// Calls `watch` for what happens to the store's connection and session from now on, if no other space of this thread has it
    /// called. It must not block.
    pub fn watch(&self, watch: impl Fn(&StoreEvent) + Send + Sync + 'static) {
        let (space, thread) = (self.number, self.thread);
        self.store.send(Command::Watch { space, thread, watch: Box::new(watch) });
    }

    /// Who kept a request waiting that has timed out: to be asked once, when its event has come. `None` if the server was not
    /// asked, or has not answered in time.
    #[must_use]
    pub fn blockers_of(&self, ticket: Ticket) -> Option<StoredBlockers> {
        self.store.ledger.take_blockers(ticket.into())
    }

    /// For how long the server grants nothing, as far as is known.
    #[must_use]
    pub fn frozen(&self) -> Duration {
        clock::until(self.store.ledger.frozen_until())
    }

    fn ask<T: Send, C: FnOnce(Responder<T>) -> Command>(
        &self,
        command: C,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, C> {
        let (responder, answer) = oneshot::channel();
        let store = self.store.clone();
        store.send(command(responder));
        async move {
            // Unanswered: the space was dropped, the store was shut down, or its runtime has ended.
            let unreachable =
                || StoreError { address: store.config().address(), trouble: Reason::Unreachable.into() };
            answer.await.unwrap_or_else(|_| Err(store.trouble().unwrap_or_else(unreachable)))
        }
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
