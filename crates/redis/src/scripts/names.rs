//! What things are called on the server: keys, channels, sessions and requests.
//!
//! All names of a bucket begin with its hash tag, `{namespace:bucket}:`, which keeps them in one slot of a cluster.

use std::{fmt, str::FromStr, sync::Arc};

/// One space's name and one key in it, as they stand in the names of the server's keys: `<length>:<space>:<key>`.
///
/// JavaScript strings may hold lone surrogates, which UTF-8 cannot say; they are written as the three bytes that
/// UTF-8 would need ("WTF-8"). Different strings have different bytes, and text stays readable in `redis-cli`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockName(Arc<[u8]>);

impl LockName {
    /// The name of `key` in the space `space`, both in UTF-16.
    #[must_use]
    pub fn new(space: &[u16], key: &[u16]) -> Self {
        let space = encode(space);
        let mut name = format!("{}:", space.len()).into_bytes();
        name.extend(space);
        name.push(b':');
        name.extend(encode(key));
        Self(name.into())
    }

    /// The space and the key, in UTF-16. `None` if the name is not one of ours.
    #[must_use]
    pub fn split(&self) -> Option<(Vec<u16>, Vec<u16>)> {
        let colon = self.0.iter().position(|&byte| byte == b':')?;
        let length: usize = std::str::from_utf8(&self.0[..colon]).ok()?.parse().ok()?;
        let (space, key) = self.0[colon + 1..].split_at_checked(length)?;
        let (b':', key) = key.split_first()? else { return None };
        Some((decode(space)?, decode(key)?))
    }

    /// The name's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for LockName {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

fn encode(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(units.len());
    for decoded in char::decode_utf16(units.iter().copied()) {
        match decoded {
            Ok(char) => bytes.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let unit = lone.unpaired_surrogate();
                bytes.extend([0xE0 | (unit >> 12) as u8, tail(unit >> 6), tail(unit)]);
            }
        }
    }
    bytes
}

/// A byte of UTF-8 that carries the six lowest bits.
fn tail(unit: u16) -> u8 {
    0x80 | (unit & 0x3F) as u8
}

fn decode(mut bytes: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(bytes.len());
    while let Some(chunk) = bytes.utf8_chunks().next() {
        units.extend(chunk.valid().encode_utf16());
        bytes = &bytes[chunk.valid().len()..];
        if chunk.invalid().is_empty() {
            continue;
        }
        // All that UTF-8 does not take and `encode` writes are surrogates.
        let (&[0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF], rest) = bytes.split_first_chunk()? else {
            return None;
        };
        units.push(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F));
        bytes = rest;
    }
    Some(units)
}

/// The names of one bucket's keys: a set of locks that share a slot, their sessions and their clock.
#[derive(Clone, Debug)]
pub struct Bucket {
    tag: String,
    pub(crate) bookkeeping: [String; 4],
    channels: String,
    pub(crate) layout: String,
}

/// The version of the scripts: programs whose scripts would not understand each other must not share a namespace.
const SCRIPTS_VERSION: u32 = 3;

impl Bucket {
    /// Bucket number `index` of the namespace's `count`.
    #[must_use]
    pub fn new(namespace: &str, index: u32, count: u32) -> Self {
        let tag = format!("{{{namespace}:{index}}}:");
        let name = |suffix: &str| format!("{tag}{suffix}");
        Self {
            bookkeeping: [name("s"), name("o"), name("x"), name("e")],
            channels: name("c:"),
            layout: format!("{SCRIPTS_VERSION}:{count}"),
            tag,
        }
    }

    /// The sorted set of all requests: see [`Owner`](crate::scripts::Owner).
    #[must_use]
    pub fn owners(&self) -> &str {
        &self.bookkeeping[1]
    }

    /// The sorted set of the sessions.
    #[must_use]
    pub fn sessions(&self) -> &str {
        &self.bookkeeping[0]
    }

    /// The hash of a lock's holders.
    #[must_use]
    pub fn holders(&self, lock: &LockName) -> Vec<u8> {
        self.lock_key(b"h:", lock)
    }

    /// The sorted set of the requests that wait for a lock.
    #[must_use]
    pub fn queue(&self, lock: &LockName) -> Vec<u8> {
        self.lock_key(b"q:", lock)
    }

    /// The sorted set of the deadlines of a lock's holds.
    #[must_use]
    pub fn dues(&self, lock: &LockName) -> Vec<u8> {
        self.lock_key(b"d:", lock)
    }

    /// The channel on which messages say to a session what happens to its requests.
    #[must_use]
    pub fn channel(&self, session: &SessionId) -> String {
        format!("{}{session}", self.channels)
    }

    /// What all channels of the bucket begin with.
    #[must_use]
    pub fn channels(&self) -> &str {
        &self.channels
    }

    fn lock_key(&self, kind: &[u8], lock: &LockName) -> Vec<u8> {
        [self.tag.as_bytes(), kind, lock.as_bytes()].concat()
    }
}

/// One process' use of a bucket, from its first beat to the loss of its lease. Never used again by anybody.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// A new one: 96 random bits, as 24 hexadecimal digits.
    ///
    /// # Panics
    ///
    /// If the operating system has no random numbers.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 12];
        getrandom::fill(&mut bytes).expect("the operating system has no random numbers");
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not an id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadId;

impl FromStr for SessionId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let is_ours = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_ours { Ok(Self(text.into())) } else { Err(BadId) }
    }
}

/// One request of a session, written `<session>.<number>`, and after it has begun anew `<session>.<number>-<attempt>`. The
/// number is the session's own and never used again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId {
    /// Whose request it is.
    pub session: SessionId,
    /// Which of the session's requests.
    pub number: u64,
    /// How often it had to begin anew, as what the server takes for another request.
    pub attempt: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.number)?;
        if self.attempt == 0 { Ok(()) } else { write!(f, "-{}", self.attempt) }
    }
}

impl FromStr for RequestId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let (session, rest) = text.split_once('.').ok_or(BadId)?;
        let (number, attempt) = rest.split_once('-').unwrap_or((rest, "0"));
        let count = |digits: &str| digits.parse().map_err(|_| BadId);
        Ok(Self { session: session.parse()?, number: count(number)?, attempt: count(attempt)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn a_name_says_its_space_and_key_in_readable_text() {
        let name = LockName::new(&units("orders"), &units("Zoë:7"));
        assert_eq!(name.as_bytes(), "6:orders:Zoë:7".as_bytes());
        assert_eq!(name.split(), Some((units("orders"), units("Zoë:7"))));
    }

    #[test]
    fn names_never_meet() {
        let parts = [
            vec![],
            units(":"),
            units("1:a"),
            units("a"),
            vec![0xD800],
            vec![0xDC00],
            vec![0xDC00, 0xD800],
            units("😀"),
            vec![0xFFFD],
            vec![0xD83D],
            vec![0xDE00],
            vec![0x61, 0xDBFF, 0x62],
            units("\0"),
        ];
        let mut seen = std::collections::HashSet::new();
        for space in &parts {
            for key in &parts {
                let name = LockName::new(space, key);
                assert_eq!(name.split(), Some((space.clone(), key.clone())));
                assert!(seen.insert(name));
            }
        }
    }

    #[test]
    fn foreign_bytes_are_no_name() {
        for bytes in [&b""[..], b"a", b"1:", b"5:a:b", b"x:a:b", b"1:ab", b"1:a:\xFF", b"1:a:\xED\xA0"] {
            assert_eq!(LockName::from(bytes).split(), None, "{bytes:?}");
        }
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        for attempt in [0, 1, u64::MAX] {
            let id = RequestId { session: SessionId::random(), number: u64::MAX, attempt };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let first = RequestId { session: "a".parse().unwrap(), number: 1, attempt: 0 };
        assert_eq!(first.to_string(), "a.1");
        assert_eq!(RequestId { attempt: 2, ..first }.to_string(), "a.1-2");
        for text in ["", ".", "a", "a.", ".1", "a.b", "a|b.1", "a.-1", "a.1-", "a.1-b", "a.1-2-3"] {
            assert_eq!(text.parse::<RequestId>(), Err(BadId), "{text}");
        }
        assert_ne!(SessionId::random(), SessionId::random());
    }

    #[test]
    fn all_names_of_a_bucket_share_its_tag() {
        let bucket = Bucket::new("latchkey", 3, 8);
        let name = LockName::new(&units("s"), &units("k"));
        assert_eq!(bucket.owners(), "{latchkey:3}:o");
        assert_eq!(bucket.holders(&name), b"{latchkey:3}:h:1:s:k");
        assert_eq!(bucket.queue(&name), b"{latchkey:3}:q:1:s:k");
        assert_eq!(bucket.channel(&"ab".parse().unwrap()), "{latchkey:3}:c:ab");
    }
}
