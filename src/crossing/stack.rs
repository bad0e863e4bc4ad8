//! How much of the stack is known to be left, so that JavaScript need not try it at each call.
//!
//! What JavaScript does around a call must not be cut off by the end of the stack. Nobody can ask V8 how far away that is;
//! JavaScript can only try, by calling deeper and deeper, which costs as much as a call of the engine. So where it has tried
//! once, nobody tries again: neither there nor where the stack is shorter.

use std::{cell::Cell, hint::black_box};

/// Invariant: from each address of the stack that is `known` or higher, JavaScript has as much room as it needs.
pub struct Stack {
    known: Cell<usize>,
}

impl Stack {
    pub const fn new() -> Self {
        Self { known: Cell::new(usize::MAX) }
    }

    /// Whether there is room, as far as is known.
    pub fn has_room(&self) -> bool {
        here() >= self.known.get()
    }

    /// JavaScript has tried, and has found so many bytes more than it needs.
    pub fn note(&self, more: usize) {
        self.known.set(self.known.get().min(here().saturating_sub(more)));
    }
}

/// About where the stack ends now. It grows down on all machines that Node runs on.
#[inline(always)]
fn here() -> usize {
    let local = 0_u8;
    (&raw const *black_box(&local)).addr()
}
