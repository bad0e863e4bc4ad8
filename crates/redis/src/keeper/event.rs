//! What happens to a store's connection and its session, for those who watch it.

use std::time::Duration;

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// A connection was opened, and the session opened or renewed on it.
    Connected,
    /// The connection has ended, and was not closed in order.
    Disconnected {
        /// What is wrong with the store; `None` if the connection was given up for another reason.
        reason: Option<String>,
    },
    /// The session has ended: the server has not renewed its lease in time, or does not know it. Whoever waits begins anew.
    SessionLost {
        /// How many holds were lost with it.
        holds: usize,
    },
    /// The server that has been connected to grants nothing for so long.
    Frozen(Duration),
}
