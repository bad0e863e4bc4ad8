//! What the callers' threads ask of the keeper.

use std::{fmt, time::Duration};

use latchkey_engine::{Events, Key, Member, Mode, Patience, Time};
use tokio::sync::oneshot;

use crate::{
    keeper::{
        event::StoreEvent,
        ledger::{Number, SpaceNumber},
        report::StoredKey,
    },
    scripts::Asker,
    trouble::StoreError,
};

/// Takes the events of a space.
pub(crate) type Deliver = Box<dyn Fn(Events) + Send + Sync>;

/// Is called for what happens to the connection and the session.
pub(crate) type Watch = Box<dyn Fn(&StoreEvent) + Send + Sync>;

/// Answers what somebody wants to know.
pub(crate) type Responder<T> = oneshot::Sender<Result<T, StoreError>>;

pub(crate) enum Command {
    Open {
        space: SpaceNumber,
        name: Key,
        deliver: Deliver,
    },
    Watch {
        space: SpaceNumber,
        thread: u32,
        watch: Watch,
    },
    Request {
        asked: Asked,
        /// What is asked for along with it.
        others: Vec<Asked>,
    },
    Cancel(Number),
    Release {
        number: Number,
        unused: bool,
    },
    Downgrade(Number),
    Detach {
        space: SpaceNumber,
        member: Member,
    },
    Query {
        space: SpaceNumber,
        responder: Responder<Vec<StoredKey>>,
    },
    Ready {
        space: SpaceNumber,
        responder: Responder<()>,
    },
    Drop(SpaceNumber),
    /// Nobody is left who could send a command.
    Leave,
    Shutdown,
}

/// A request as it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub number: Number,
    pub space: SpaceNumber,
    pub member: Member,
    pub tag: u32,
    pub asker: Asker,
    pub key: Key,
    pub mode: Mode,
    pub expiry: Option<Duration>,
    pub patience: Patience,
    pub at: Time,
}

impl Asked {
    /// Whether it is willing to wait for its lock. It waits for the server in any case.
    pub fn is_patient(&self) -> bool {
        !matches!(self.patience, Patience::None | Patience::For(Duration::ZERO))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Command")
    }
}
