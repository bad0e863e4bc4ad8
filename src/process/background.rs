//! The addon's one thread of its own. It starts when something first has to happen without JavaScript: a
//! deadline comes, or a store answers.

use std::{
    future, io,
    sync::{Mutex, OnceLock},
    thread,
};

use tokio::runtime::{Builder, Handle};

static HANDLE: OnceLock<Handle> = OnceLock::new();
/// Held while the thread is started, so that only one is.
static STARTING: Mutex<()> = Mutex::new(());

/// Where to spawn what is to run there. Fails if the system refuses the thread.
pub fn handle() -> io::Result<&'static Handle> {
    if let Some(handle) = HANDLE.get() {
        return Ok(handle);
    }
    let _one_at_a_time = STARTING.lock();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle);
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("latchkey".into())
        .spawn(move || runtime.block_on(future::pending::<()>()))?;
    Ok(HANDLE.get_or_init(|| handle))
}
