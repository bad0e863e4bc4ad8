//! The scope of a space, and what it keeps for that.

use std::{cell::RefCell, fmt::Debug, ops::DerefMut};

use crate::sync::Mutex;

/// What differs between spaces. All else is one code. Only this crate has scopes.
pub trait Scope: Debug + Sized {
    /// What keeps two operations on a shard apart.
    type Lock<T: Debug>: From<T> + Debug;
    /// Whether members share it: then each may end alone, and the engine is asked who holds and waits since when.
    const SHARED: bool;
    /// Waits for the others.
    fn lock<T: Debug>(shard: &Self::Lock<T>) -> impl DerefMut<Target = T>;
}

/// One thread alone: it numbers the keys, and knows of its requests itself. The space ends with it.
#[derive(Debug)]
pub struct Thread;

impl Scope for Thread {
    type Lock<T: Debug> = RefCell<T>;
    const SHARED: bool = false;

    fn lock<T: Debug>(shard: &RefCell<T>) -> impl DerefMut<Target = T> {
        shard.borrow_mut()
    }
}

/// All threads of a process.
#[derive(Debug)]
pub struct Process;

impl Scope for Process {
    type Lock<T: Debug> = Mutex<T>;
    const SHARED: bool = true;

    /// A panic inside an operation leaves the shard in a state that nobody vouches for, so that all later
    /// calls fail too: better no lock than one that two believe to hold.
    fn lock<T: Debug>(shard: &Mutex<T>) -> impl DerefMut<Target = T> {
        shard.lock().expect("latchkey: an earlier fault left this part of the lock table unusable")
    }
}
