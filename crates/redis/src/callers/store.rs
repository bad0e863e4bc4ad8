//! The store as a program has it: one for each server, user and namespace, however many spaces are open in it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicU32, Ordering},
        mpsc::{Sender, channel},
    },
    task::Wake,
    time::Duration,
};

use futures_util::FutureExt;
use latchkey_engine::{Events, Key};
use tokio::runtime::Handle;

use crate::{
    callers::{
        running::{self, Running},
        space::StoredSpace,
        stepper::Stepper,
    },
    connection::address::Config,
    keeper::{
        Keeper,
        command::Command,
        ledger::{Ledger, SpaceNumber},
    },
    trouble::StoreError,
};

/// A store that keeps locks on a server.
///
/// It opens no connection before something is asked of it, and keeps one only as long as a space is open, or
/// something is held or waited for.
pub struct Store {
    config: Config,
    commands: Sender<Command>,
    /// Sees the command with its next step.
    keeper: Arc<Stepper>,
    pub(crate) ledger: Arc<Ledger>,
    /// How many spaces it has opened.
    spaces: AtomicU32,
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
            let store = Self::start(config, runtime);
            stores.push(Arc::downgrade(&store));
            store
        })
    }

    fn start(config: Config, runtime: &Handle) -> Arc<Self> {
        let running = Running::start();
        let (commands, receiver) = channel();
        let ledger = Arc::<Ledger>::default();
        let keeper = Keeper::new(config.clone(), ledger.clone(), receiver);
        let keeper = Stepper::new(keeper.run().boxed(), runtime.clone());
        let background = keeper.clone().background();
        runtime.spawn(async move {
            background.await;
            drop(running);
        });
        Arc::new(Self { config, commands, keeper, ledger, spaces: AtomicU32::new(0) })
    }

    /// Opens the space `name` for Node's thread number `thread`. What happens in it is delivered by `deliver`, on the
    /// runtime's thread or on one that calls the store. It must not block, and may call the store.
    pub fn space(
        self: &Arc<Self>,
        name: &[u16],
        thread: u32,
        deliver: impl Fn(Events) + Send + Sync + 'static,
    ) -> StoredSpace {
        // Relaxed: only that each space gets another number matters.
        let space: SpaceNumber = self.spaces.fetch_add(1, Ordering::Relaxed);
        self.send(Command::Open { space, name: Key::from(name), deliver: Box::new(deliver) });
        StoredSpace::new(self.clone(), space, thread)
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
        let all = std::mem::take(&mut *stores());
        for store in all.iter().filter_map(Weak::upgrade) {
            store.send(Command::Shutdown);
        }
        running::wait_for_none(within);
    }

    /// Sends the keeper a command, and has it take the step that follows, on this thread if there is little to do. It is
    /// gone only if its runtime has ended, or after a fault of its own.
    pub(crate) fn send(&self, command: Command) {
        self.send_all([command]);
    }

    /// The same of several commands: the step that follows sees all.
    pub(crate) fn send_all(&self, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            if self.commands.send(command).is_err() {
                return;
            }
        }
        // The runtime's thread, which takes longer to begin, sends what has gathered until then in one go.
        if self.ledger.is_busy() {
            self.keeper.wake_by_ref();
        } else {
            self.keeper.step();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.send(Command::Leave);
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("config", &self.config).finish_non_exhaustive()
    }
}
