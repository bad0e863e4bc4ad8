//! What the process has once, for all its threads.

pub mod background;
pub mod clock;
pub mod libraries;
pub mod shared_space;
pub mod table;
pub mod timer;
