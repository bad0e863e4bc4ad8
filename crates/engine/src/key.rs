//! The name of the protected thing.

use std::{borrow::Borrow, fmt, sync::Arc};

/// A key: a sequence of UTF-16 code units, compared exactly.
///
/// JavaScript strings may hold lone surrogates, which no Rust `str` can; two strings that differ
/// only in one must still be two keys. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(Arc<[u16]>);

impl Key {
    /// The key's code units.
    #[must_use]
    pub fn as_units(&self) -> &[u16] {
        &self.0
    }
}

impl From<&[u16]> for Key {
    fn from(units: &[u16]) -> Self {
        Self(units.into())
    }
}

// A table keyed by `Key` is searched with the caller's own slice, without making a `Key` first.
// `[u16]` and `Key` hash and compare alike, because `Key` derives both from the same slice.
impl Borrow<[u16]> for Key {
    fn borrow(&self) -> &[u16] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf16_lossy(&self.0), f)
    }
}
