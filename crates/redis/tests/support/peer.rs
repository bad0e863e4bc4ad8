//! One process' use of the scripts, without the client that will use them in earnest: no beats, no retries, no timers.

use std::time::Duration;

use latchkey_engine::{Grant, Mode};
use latchkey_redis::{
    names::{Bucket, LockName, RequestId, SessionId},
    scripts::{
        Acquired, Asked, Beat, Downgraded, Link, LockReport, Owner, Purpose, Push, Reclaimed, Released,
        Waiting, prepare,
    },
};
use redis::{
    AsyncConnectionConfig, Client, PushInfo, PushKind, Value, aio::MultiplexedConnection, cmd,
    from_redis_value,
};
use tokio::sync::mpsc::{UnboundedReceiver, error::TryRecvError, unbounded_channel};

use super::Server;

/// Longer than anything that is waited for takes, however busy the machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// A lease that no test waits for.
pub const LONG: Duration = Duration::from_secs(60);

pub struct Peer {
    pub connection: MultiplexedConnection,
    pub link: Link,
    pub session: SessionId,
    /// What its beats say of the ticks that it knows of.
    pub known_tick: u64,
    asked: u64,
    pushes: UnboundedReceiver<PushInfo>,
}

impl Peer {
    /// Opens a session.
    pub async fn join(server: &Server, lease: Duration) -> Self {
        let mut peer = Self::connect(server, lease, SessionId::random(), 1).await;
        assert!(matches!(peer.beat(true).await, Beat::Kept { .. }));
        peer
    }

    /// Connects again, as after a cut or a restart; the first beat is the test's.
    pub async fn reconnect(self, server: &Server) -> Self {
        let generation = self.link.generation + 1;
        let mut peer = Self::connect(server, self.link.lease, self.session, generation).await;
        peer.asked = self.asked;
        peer
    }

    async fn connect(server: &Server, lease: Duration, session: SessionId, generation: u64) -> Self {
        let (sender, pushes) = unbounded_channel();
        let config = AsyncConnectionConfig::new().set_push_sender(sender);
        let config = config.set_response_timeout(Some(PATIENCE));
        let client = Client::open(format!("{}/?protocol=resp3", server.url())).unwrap();
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
        let (run_id, started_ms) = incarnation(&mut connection).await;
        let bucket = Bucket::new("latchkey", 0, 1);
        let link = Link { bucket, run_id, since_ms: Some(started_ms), lease, generation };
        let channel = link.bucket.channel(&session);
        prepare(&mut connection, &channel).await.unwrap();
        connection.subscribe(channel).await.unwrap();
        Self { connection, link, session, known_tick: 0, asked: 0, pushes }
    }

    /// A new request, not yet asked.
    pub fn ask(&mut self, key: &str, mode: Mode) -> Asked {
        self.asked += 1;
        let id = RequestId { session: self.session.clone(), number: self.asked, attempt: 0 };
        Asked { id, lock: lock(key), mode, expiry: None, asker: 7.into() }
    }

    pub fn ask_for(&mut self, key: &str, mode: Mode, expiry: Duration) -> Asked {
        Asked { expiry: Some(expiry), ..self.ask(key, mode) }
    }

    /// Asks and is granted at once.
    pub async fn hold(&mut self, key: &str, mode: Mode) -> (Asked, Grant) {
        let asked = self.ask(key, mode);
        let grant = self.granted(&asked).await;
        (asked, grant)
    }

    /// Asks for a hold that expires, and is granted at once.
    pub async fn hold_for(&mut self, key: &str, mode: Mode, expiry: Duration) -> (Asked, Grant) {
        let asked = self.ask_for(key, mode, expiry);
        let grant = self.granted(&asked).await;
        (asked, grant)
    }

    /// Asks and has to wait.
    pub async fn wait(&mut self, key: &str, mode: Mode) -> (Asked, u64) {
        let asked = self.ask(key, mode);
        let Acquired::Queued { ticket, .. } = self.acquire(&asked).await else { panic!("it does not wait") };
        (asked, ticket)
    }

    pub async fn granted(&mut self, asked: &Asked) -> Grant {
        match self.acquire(asked).await {
            Acquired::Granted(grant) => grant,
            other => panic!("not granted: {other:?}"),
        }
    }

    pub async fn acquire(&mut self, asked: &Asked) -> Acquired {
        self.acquire_as(asked, Waiting::Yes).await
    }

    pub async fn acquire_as(&mut self, asked: &Asked, waiting: Waiting) -> Acquired {
        self.acquire_all(std::slice::from_ref(asked), waiting).await.remove(0)
    }

    pub async fn acquire_all(&mut self, all: &[Asked], waiting: Waiting) -> Vec<Acquired> {
        self.link.acquire(&mut self.connection, all, waiting).await.unwrap()
    }

    pub async fn release(&mut self, asked: &Asked) -> Released {
        self.release_as(asked, Purpose::Normal).await
    }

    pub async fn release_as(&mut self, asked: &Asked, purpose: Purpose) -> Released {
        self.release_all(&[asked], purpose).await[0]
    }

    pub async fn release_all(&mut self, all: &[&Asked], purpose: Purpose) -> Vec<Released> {
        let owner = |asked: &&Asked| Owner { id: asked.id.clone(), lock: asked.lock.clone() };
        let all: Vec<_> = all.iter().map(owner).collect();
        self.link.release(&mut self.connection, &all, purpose).await.unwrap()
    }

    pub async fn downgrade(&mut self, asked: &Asked) -> Downgraded {
        self.link.downgrade(&mut self.connection, &asked.id, &asked.lock).await.unwrap()
    }

    pub async fn reclaim(&mut self, held: &Asked, grant: Grant) -> Reclaimed {
        let left = held.expiry.unwrap_or_default();
        loop {
            if let Some(answer) = self.link.reclaim(&mut self.connection, held, grant, left).await.unwrap() {
                return answer;
            }
        }
    }

    pub async fn poke(&mut self, key: &str) -> Option<Duration> {
        self.link.poke(&mut self.connection, &lock(key)).await.unwrap()
    }

    pub async fn beat(&mut self, opening: bool) -> Beat {
        self.link
            .beat(&mut self.connection, &self.session, opening, "42|here", self.known_tick)
            .await
            .unwrap()
    }

    /// For how long the server grants nothing yet.
    pub async fn frozen(&mut self) -> Duration {
        let Beat::Kept { frozen, .. } = self.beat(false).await else { panic!("the session is lost") };
        frozen
    }

    pub async fn clear(&mut self, session: &SessionId) -> bool {
        self.link.clear(&mut self.connection, session).await.unwrap()
    }

    pub async fn end(&mut self) {
        self.link.end(&mut self.connection, &self.session).await.unwrap();
    }

    pub async fn inspect(&mut self, key: &str) -> LockReport {
        self.link.inspect(&mut self.connection, &lock(key)).await.unwrap()
    }

    /// Lets the session's lease end at once, as if so much time had gone by since its last beat.
    pub async fn lapse(&mut self) {
        let sessions = self.link.bucket.sessions().to_owned();
        let session = self.session.to_string();
        self.command(&["ZADD", &sessions, "XX", "1", &session]).await;
        let epoch = "{latchkey:0}:e";
        let record: String = from_redis_value(self.command(&["HGET", epoch, &session]).await).unwrap();
        let [generation, _, who] = record.splitn(3, '|').collect::<Vec<_>>()[..] else { panic!("{record}") };
        self.command(&["HSET", epoch, &session, &format!("{generation}|1|{who}")]).await;
    }

    /// Freezes the bucket, as a restart does, until [`Peer::thaw_bucket`].
    pub async fn freeze_bucket(&mut self) {
        self.command(&["HSET", "{latchkey:0}:e", "until", "9999999999999"]).await;
    }

    pub async fn thaw_bucket(&mut self) {
        self.command(&["HSET", "{latchkey:0}:e", "until", "0"]).await;
    }

    /// The next message, however long it takes.
    pub async fn pushed(&mut self) -> Push {
        loop {
            let push = tokio::time::timeout(PATIENCE, self.pushes.recv()).await;
            if let Some(message) = read(push.expect("nothing was pushed").expect("the connection is open")) {
                return message;
            }
        }
    }

    /// All messages that the server has sent so far. They come in order with the answers, so one answer later all
    /// are here.
    pub async fn all_pushed(&mut self) -> Vec<Push> {
        self.command(&["PING"]).await;
        let mut messages = Vec::new();
        loop {
            match self.pushes.try_recv() {
                Ok(push) => messages.extend(read(push)),
                Err(TryRecvError::Empty) => return messages,
                Err(TryRecvError::Disconnected) => panic!("the connection is closed"),
            }
        }
    }

    /// Any command of the server.
    pub async fn command(&mut self, words: &[&str]) -> Value {
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection).await.unwrap()
    }

    /// The names of all keys on the server, without what they begin with.
    pub async fn keys(&mut self) -> Vec<String> {
        let mut keys: Vec<String> = from_redis_value(self.command(&["KEYS", "*"]).await).unwrap();
        keys.iter_mut().for_each(|key| *key = key.replace("{latchkey:0}:", ""));
        keys.sort();
        keys
    }
}

pub fn lock(key: &str) -> LockName {
    let key: Vec<u16> = key.encode_utf16().collect();
    LockName::new(&[u16::from(b's')], &key)
}

fn read(push: PushInfo) -> Option<Push> {
    if push.kind != PushKind::Message {
        return None;
    }
    let Some(Value::BulkString(message)) = push.data.get(1) else { panic!("a message without text") };
    Some(Push::parse(message).expect("a message of the scripts"))
}

/// The server's run id, and when it started.
async fn incarnation(connection: &mut MultiplexedConnection) -> (String, u64) {
    let info: String = cmd("INFO").arg("server").query_async(connection).await.unwrap();
    let field = |name| info.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let (seconds, micros): (u64, u64) = cmd("TIME").query_async(connection).await.unwrap();
    let uptime: u64 = field("uptime_in_seconds:").parse().unwrap();
    (field("run_id:"), (seconds - uptime) * 1000 + micros / 1000)
}
