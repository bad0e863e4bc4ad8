//! The scope of a space, and what it keeps for that.

use std::{cell::RefCell, fmt::Debug, ops::DerefMut};

use crate::{
    keys::{Keys, NamedKeys, NumberedKeys},
    sync::Mutex,
};

/// What differs between spaces. All else is one code. Only this crate has scopes.
pub trait Scope: Debug + Sized {
    /// What keeps two operations on a shard apart.
    type Lock<T: Debug>: Lock<T> + Debug;
    /// How keys are named.
    type Keys: Keys;
    /// Whether members share it: then each may end alone, and the engine is asked who holds and waits since when.
    const SHARED: bool;
}

/// Excludes all others from a shard.
pub trait Lock<T> {
    /// For a new shard.
    fn new(shard: T) -> Self;
    /// Waits for the others.
    fn lock(&self) -> impl DerefMut<Target = T>;
}

/// One thread alone: it numbers the keys, and knows of its requests itself. The space ends with it.
#[derive(Debug)]
pub struct Thread;

impl Scope for Thread {
    type Lock<T: Debug> = RefCell<T>;
    type Keys = NumberedKeys;
    const SHARED: bool = false;
}

/// All threads of a process.
#[derive(Debug)]
pub struct Process;

impl Scope for Process {
    type Lock<T: Debug> = Mutex<T>;
    type Keys = NamedKeys;
    const SHARED: bool = true;
}

impl<T> Lock<T> for RefCell<T> {
    fn new(shard: T) -> Self {
        Self::new(shard)
    }

    fn lock(&self) -> impl DerefMut<Target = T> {
        self.borrow_mut()
    }
}

impl<T> Lock<T> for Mutex<T> {
    fn new(shard: T) -> Self {
        Self::new(shard)
    }

    /// A panic inside an operation leaves the shard in a state that nobody vouches for, so that all later
    /// calls fail too: better no lock than one that two believe to hold.
    fn lock(&self) -> impl DerefMut<Target = T> {
        self.lock().expect("latchkey: an earlier fault left this part of the lock table unusable")
    }
}
