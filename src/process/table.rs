//! Where the keys of a space are kept.

use latchkey_engine::{LockTable, Space};
use latchkey_redis::StoredSpace;
use napi::{Error, Result};

/// The engine's table in this process, or a store's.
pub enum Table {
    Engine(Space),
    Store(StoredSpace),
}

impl Table {
    /// What both can do.
    pub fn locks(&self) -> &dyn LockTable {
        match self {
            Self::Engine(engine) => engine,
            Self::Store(stored) => stored,
        }
    }

    /// For what only the engine can do.
    pub fn engine(&self) -> Result<&Space> {
        match self {
            Self::Engine(engine) => Ok(engine),
            Self::Store(_) => Err(Error::from_reason("latchkey: a store keeps this space")),
        }
    }

    /// For what only a store can do.
    pub fn stored(&self) -> Result<&StoredSpace> {
        match self {
            Self::Engine(_) => Err(Error::from_reason("latchkey: no store keeps this space")),
            Self::Store(stored) => Ok(stored),
        }
    }
}
