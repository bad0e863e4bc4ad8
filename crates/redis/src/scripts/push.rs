//! What a session gets without having asked: the messages on its channel.

use std::time::Duration;

use latchkey_engine::Grant;

use crate::scripts::names::RequestId;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push {
    /// The request holds its lock now. Its acquire may answer the same, before or after. A request that the process
    /// does not know (it gave up, or the server went back in time) has to be released as unused.
    Granted(RequestId, Grant),
    /// The hold was taken away because it was overdue and another one waited.
    Expired(RequestId),
    /// The request is at the head of its queue, and its lock is to be poked after this time.
    Head(RequestId, Duration),
}

impl Push {
    /// Reads a message. `None` if it is not one of ours.
    #[must_use]
    pub fn parse(message: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(message).ok()?.split(' ');
        let (kind, id) = (words.next()?, words.next()?.parse().ok()?);
        let push = match kind {
            "g" => {
                let fence = words.next()?.parse().ok()?;
                Self::Granted(id, Grant { fence, recovered: words.next()? == "1" })
            }
            "x" => Self::Expired(id),
            "h" => Self::Head(id, Duration::from_millis(words.next()?.parse().ok()?)),
            _ => return None,
        };
        words.next().is_none().then_some(push)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let (id, again) = ("a1.7".parse::<RequestId>().unwrap(), "a1.7-2".parse::<RequestId>().unwrap());
        let grant = Grant { fence: 1_700_000_000_000_001, recovered: true };
        assert_eq!(Push::parse(b"g a1.7 1700000000000001 1"), Some(Push::Granted(id.clone(), grant)));
        assert_eq!(Push::parse(b"x a1.7"), Some(Push::Expired(id.clone())));
        assert_eq!(Push::parse(b"x a1.7-2"), Some(Push::Expired(again)));
        assert_eq!(Push::parse(b"h a1.7 250"), Some(Push::Head(id, Duration::from_millis(250))));
    }

    #[test]
    fn other_messages_are_not() {
        for message in ["", "g", "x a1", "g a1.7", "g a1.7 x 0", "h a1.7", "x a1.7 1", "y a1.7", "x  a1.7"] {
            assert_eq!(Push::parse(message.as_bytes()), None, "{message}");
        }
        assert_eq!(Push::parse(b"x \xFF.1"), None);
    }
}
