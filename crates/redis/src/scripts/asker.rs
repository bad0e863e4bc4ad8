//! Who in its process asks for a lock, as the table of requests says it (`layout.lua`).

use std::{convert::Infallible, fmt, str::FromStr, sync::Arc};

/// A thread, and what its program calls the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// Node's number of the thread.
    pub thread: u32,
    /// The label, if the request has one.
    pub label: Option<Arc<str>>,
}

impl From<u32> for Asker {
    fn from(thread: u32) -> Self {
        Self { thread, label: None }
    }
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.thread)?;
        let Some(label) = &self.label else { return Ok(()) };
        write!(f, ":{}", label.replace('%', "%25").replace('|', "%7C"))
    }
}

impl FromStr for Asker {
    type Err = Infallible;

    /// What is not of this form is no reason to fail: only people read it.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (thread, label) =
            text.split_once(':').map_or((text, None), |(thread, label)| (thread, Some(label)));
        let label = label.map(|label| label.replace("%7C", "|").replace("%25", "%").into());
        Ok(Self { thread: thread.parse().unwrap_or(0), label })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_label_is_read_as_it_was_written() {
        for label in [None, Some(""), Some("POST /pay"), Some("a|b:c%7C%25"), Some("ü\n\u{fffd}")] {
            let asker = Asker { thread: 7, label: label.map(Into::into) };
            let text = asker.to_string();
            assert!(!text.contains('|'), "{text}");
            assert_eq!(text.parse(), Ok(asker));
        }
        assert_eq!(Asker::from(3).to_string(), "3");
    }
}
