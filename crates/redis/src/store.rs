//! The store as a program has it: one for each server, user and namespace, however many spaces are open in it.

use std::{
    sync::{Arc, Mutex, MutexGuard, Weak, mpsc as blocking},
    time::{Duration, Instant},
};

use latchkey_engine::{Events, Key};
use tokio::{
    runtime::Handle,
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

use crate::{
    address::Config,
    command::{Command, SpaceNumber},
    keeper::Keeper,
    ledger::Ledger,
    space::StoredSpace,
    trouble::StoreError,
};

/// A store that keeps locks on a server.
///
/// It opens no connection before something is asked of it, and keeps one only as long as a space is open, or
/// something is held or waited for.
#[derive(Debug)]
pub struct Store {
    config: Config,
    pub(crate) commands: UnboundedSender<Command>,
    pub(crate) ledger: Arc<Ledger>,
    spaces: Mutex<SpaceNumber>,
}

/// All stores of the process that somebody uses.
static STORES: Mutex<Vec<Weak<Store>>> = Mutex::new(Vec::new());

fn stores() -> MutexGuard<'static, Vec<Weak<Store>>> {
    STORES.lock().expect("latchkey: an earlier fault left the list of stores unusable")
}

impl Store {
    /// The store with these options: the one that is open already, or a new one, whose task runs on `runtime`.
    pub fn open(config: Config, runtime: &Handle) -> Arc<Self> {
        let mut stores = stores();
        stores.retain(|store| store.strong_count() > 0);
        let known = stores.iter().filter_map(Weak::upgrade).find(|store| store.config.is_same(&config));
        known.unwrap_or_else(|| {
            let store = Self::open_alone(config, runtime);
            stores.push(Arc::downgrade(&store));
            store
        })
    }

    /// A store that shares nothing with the others of this process, as if it were in another one: for tests.
    #[doc(hidden)]
    pub fn open_alone(config: Config, runtime: &Handle) -> Arc<Self> {
        let (commands, receiver) = unbounded_channel();
        let ledger = Arc::<Ledger>::default();
        runtime.spawn(Keeper::new(config.clone(), ledger.clone(), receiver).run());
        Arc::new(Self { config, commands, ledger, spaces: Mutex::new(0) })
    }

    /// Opens the space `name`. What happens in it is told through `deliver`, on the runtime's thread, which
    /// it must not block.
    pub fn space(
        self: &Arc<Self>,
        name: &[u16],
        thread: u32,
        deliver: impl Fn(Events) + Send + Sync + 'static,
    ) -> StoredSpace {
        let mut spaces = self.spaces.lock().expect("latchkey: an earlier fault left a store unusable");
        *spaces += 1;
        self.send(Command::Open { space: *spaces, name: Key::from(name), deliver: Box::new(deliver) });
        StoredSpace::new(self.clone(), *spaces, thread)
    }

    /// What keeps the store from working now, as far as is known: for the message of an error.
    #[must_use]
    pub fn trouble(&self) -> Option<StoreError> {
        self.ledger.trouble().map(|trouble| StoreError { address: self.config.address(), trouble })
    }

    /// The options that it was opened with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Ends the sessions of all stores of this process, so that nobody has to wait for their leases; at the
    /// longest for `within`. What was held ends as by death. For a process that is about to end: nothing can be asked
    /// of the stores any more. Must not be called on the runtime's own thread, which it waits for.
    pub fn shutdown_all(within: Duration) {
        let deadline = Instant::now() + within;
        let stores = std::mem::take(&mut *stores());
        let (done, all_done) = blocking::channel();
        for store in stores.iter().filter_map(Weak::upgrade) {
            store.send(Command::Shutdown(done.clone()));
        }
        drop(done);
        // Each store drops its end once its session has ended; the last one ends the wait.
        while let Ok(()) = all_done.recv_timeout(deadline.saturating_duration_since(Instant::now())) {}
    }

    /// Sends the keeper a command. It is gone only if its runtime has ended, and then nobody listens either.
    pub(crate) fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}
