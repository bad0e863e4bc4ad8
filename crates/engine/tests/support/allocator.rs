//! The system's allocator, which counts what this thread asks of it: other tests run beside the one that counts.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

thread_local! {
    // Neither made when first used nor dropped, so that counting does not allocate itself.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

/// Counts a block that is `more` bytes longer than the one that it replaces, or ends one.
fn count(allocations: usize, more: isize) {
    // It fails only while a thread ends, where nobody counts any more.
    let _ = ALLOCATIONS.try_with(|total| total.set(total.get() + allocations));
    let _ = BYTES.try_with(|total| total.set(total.get() + more));
}

// SAFETY: each call is passed on to the system's allocator as it came, and so keeps what that one promises; counting
// neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size().cast_signed());
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, -layout.size().cast_signed());
        // SAFETY: the caller keeps the same contract, and the block came from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller keeps the same contract, and the block came from the system's allocator.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` asks for memory.
pub fn allocations_of(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

/// How many bytes this thread has taken and not given back.
pub fn bytes() -> isize {
    BYTES.get()
}
