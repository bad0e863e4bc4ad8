//! What a program's threads use: they find or make a store, open spaces in it, and leave commands there for its keeper.

mod running;
mod space;
mod stepper;
mod store;
mod table;

pub use space::StoredSpace;
pub use store::Store;
