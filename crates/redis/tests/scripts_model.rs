//! Thousands of random operations on a real server, each answer and message compared with a naive model.

mod support;

use std::{collections::BTreeMap, env};

use latchkey_engine::Mode::{Read, Write};
use latchkey_redis::{
    names::RequestId,
    scripts::{Acquired, Asked, Downgraded, Purpose, Push, Released, Waiting},
};
use support::{
    Server,
    model::{Model, Notice},
    peer::{LONG, Peer},
};

const STEPS: u32 = 6_000;
const KEYS: [&str; 3] = ["a", "b", "c"];
/// Asked for together with others only, so that they are idle more often.
const MORE: [&str; 9] = ["d", "e", "f", "g", "h", "i", "j", "k", "l"];
const PEERS: usize = 4;
/// Requests that a peer remembers, ended ones too: to release and repeat them late.
const REMEMBERED: usize = 12;

/// A small random generator (xorshift), so that a seed repeats a run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % bound as u64).unwrap()
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

struct Run<'a> {
    server: &'a Server,
    dice: Dice,
    model: Model,
    peers: Vec<(Peer, Vec<(&'static str, Asked)>)>,
    /// Whom the last step granted, with which fence, in its own answer instead of a message.
    answered: Vec<(u64, RequestId)>,
    last_fence: u64,
    last_ticket: u64,
    /// How often each operation ended how.
    counts: BTreeMap<String, u32>,
}

#[tokio::test]
async fn six_thousand_random_operations_do_what_a_naive_model_does() {
    let server = server!();
    let seed = env::var("LATCHKEY_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 2_654_435_761 + 1);
    eprintln!("LATCHKEY_SEED={seed} repeats this run");
    let mut run = Run {
        server: &server,
        dice: Dice(seed),
        model: Model::default(),
        peers: Vec::new(),
        answered: Vec::new(),
        last_fence: 0,
        last_ticket: 0,
        counts: BTreeMap::new(),
    };
    for _ in 0..PEERS {
        run.peers.push((Peer::join(&server, LONG * 10).await, Vec::new()));
    }
    for _ in 0..STEPS {
        run.step().await;
        run.compare_messages().await;
        run.compare_a_lock().await;
    }
    eprintln!("{:#?}", run.counts);
    for kind in [
        "together",
        "not together",
        "each",
        "released together",
        "Granted",
        "Queued",
        "Busy",
        "Expired",
        "Released",
        "Left",
        "Gone",
        "Reads",
        "death",
        "notified of expiry",
    ] {
        assert!(run.counts.get(kind).is_some_and(|&count| count > 20), "{kind} has hardly been tried");
    }
    run.finish().await;
}

impl Run<'_> {
    async fn step(&mut self) {
        let peer = self.dice.below(PEERS);
        match self.dice.below(100) {
            0..30 => self.asks(peer).await,
            30..33 => self.asks_for_each(peer).await,
            33..40 => self.asks_for_several(peer).await,
            40..75 => self.releases(peer).await,
            75..82 => self.repeats(peer).await,
            82..88 => self.downgrades(peer).await,
            88..94 => self.ages().await,
            94..97 => {
                let key = self.dice.pick(&KEYS);
                self.peers[peer].0.poke(key).await;
                self.model.settle(key);
            }
            97..98 => self.dies(peer).await,
            _ => self.clears(peer).await,
        }
    }

    async fn asks(&mut self, peer: usize) {
        let key = self.dice.pick(&KEYS);
        let mode = self.dice.pick(&[Read, Read, Write]);
        let waiting = self.dice.pick(&[Waiting::Yes, Waiting::Yes, Waiting::No]);
        let (peer, known) = &mut self.peers[peer];
        let asked = peer.ask_for(key, mode, LONG);
        known.push((key, asked.clone()));
        if known.len() > REMEMBERED {
            let (key, oldest) = known.remove(0);
            self.model.release(key, &oldest.id, Purpose::Normal);
            peer.release(&oldest).await;
        }
        let answer = peer.acquire_as(&asked, waiting).await;
        self.model.acquire(key, &asked.id, mode, waiting == Waiting::Yes);
        self.compare_acquire(key, &asked, answer);
    }

    /// Compares the answer to an acquire that was made for the first time.
    fn compare_acquire(&mut self, key: &str, asked: &Asked, answer: Acquired) {
        if let Acquired::Queued { ticket, .. } = answer {
            assert!(ticket > self.last_ticket, "tickets rise");
            self.last_ticket = ticket;
        }
        self.compare_answer(key, asked, answer);
    }

    /// Asks for some locks, for each by itself: those that are idle are granted before the others are looked at.
    async fn asks_for_each(&mut self, peer: usize) {
        let mode = self.dice.pick(&[Read, Read, Write]);
        let (peer, known) = &mut self.peers[peer];
        let all: Vec<(&str, Asked)> =
            KEYS.iter().chain(&MORE[..2]).map(|&key| (key, peer.ask_for(key, mode, LONG))).collect();
        known.extend(all.iter().cloned());
        let asked: Vec<_> = all.iter().map(|(_, asked)| asked.clone()).collect();
        let answers = peer.acquire_all(&asked, Waiting::Each).await;
        assert_eq!(answers.len(), all.len());
        let answered = all.into_iter().zip(answers);
        let (idle, others): (Vec<_>, Vec<_>) = answered.partition(|((key, _), _)| self.model.is_idle(key));
        self.count(if others.is_empty() { "each: all idle" } else { "each" });
        for ((key, asked), answer) in idle.into_iter().chain(others) {
            self.model.acquire(key, &asked.id, mode, true);
            self.compare_answer(key, &asked, answer);
        }
    }

    /// Asks for some locks together. While nobody is dead, since the server may know sooner or later who is in the way.
    async fn asks_for_several(&mut self, peer: usize) {
        if !self.model.dead.is_empty() {
            return;
        }
        let (keys, mode) = match self.dice.below(MORE.len()) {
            0 => (&KEYS[..2], Write),
            // Readers leave nothing recovered, which would not be idle any more.
            place => (&MORE[place - 1..=place], Read),
        };
        let waiting = self.dice.pick(&[Waiting::Yes, Waiting::Yes, Waiting::No]);
        let (peer, known) = &mut self.peers[peer];
        let all: Vec<Asked> = keys.iter().map(|key| peer.ask_for(key, mode, LONG)).collect();
        let mut answers = peer.acquire_all(&all, waiting).await;
        let ids: Vec<_> = all.iter().map(|asked| &asked.id).collect();
        if self.model.acquire_all(keys, &ids, mode, waiting == Waiting::Yes) {
            known.extend(keys.iter().copied().zip(all.iter().cloned()));
            self.count("together");
        } else {
            assert!(answers.drain(1..).all(|answer| answer == Acquired::Busy));
            known.push((keys[0], all[0].clone()));
            self.count("not together");
        }
        for ((key, asked), answer) in keys.iter().zip(&all).zip(answers) {
            self.compare_acquire(key, asked, answer);
        }
    }

    async fn repeats(&mut self, peer: usize) {
        let Some((key, asked)) = self.known(peer) else { return };
        let is_expired = self.model.expired.contains(&asked.id);
        if self.model.holds(key, &asked.id) || self.model.waits(key, &asked.id) || is_expired {
            let answer = self.peers[peer].0.acquire(&asked).await;
            if self.model.waits(key, &asked.id) {
                self.model.settle(key);
            }
            self.compare_answer(key, &asked, answer);
        }
    }

    /// Compares the answer to an acquire with the model, in which it has been done.
    fn compare_answer(&mut self, key: &str, asked: &Asked, answer: Acquired) {
        let mine = |notice: &&Notice| matches!(notice, Notice::Granted { id, .. } if *id == asked.id);
        match (self.model.notices.iter().find(mine), &answer) {
            (Some(Notice::Granted { recovered, .. }), Acquired::Granted(grant)) => {
                assert_eq!(grant.recovered, *recovered);
                self.answered.push((grant.fence, asked.id.clone()));
            }
            (None, Acquired::Granted(grant)) => {
                assert!(self.model.holds(key, &asked.id) && grant.fence <= self.last_fence);
            }
            (None, Acquired::Queued { .. }) => assert!(self.model.waits(key, &asked.id)),
            (None, Acquired::Expired) => assert!(self.model.expired.contains(&asked.id)),
            (None, Acquired::Busy) => {
                assert!(!self.model.holds(key, &asked.id) && !self.model.waits(key, &asked.id));
            }
            (notice, answer) => panic!("the model: {notice:?}; the server: {answer:?}"),
        }
        self.count(&format!("{answer:?}"));
    }

    /// One request, or several in one script.
    async fn releases(&mut self, peer: usize) {
        let count = self.dice.pick(&[1, 1, 3]);
        let mut all: Vec<_> = (0..count).filter_map(|_| self.known(peer)).collect();
        all.sort_by_key(|(_, asked)| asked.id.number);
        all.dedup_by_key(|(_, asked)| asked.id.number);
        if all.is_empty() {
            return;
        }
        let purpose = self.dice.pick(&[Purpose::Normal, Purpose::Normal, Purpose::Unused, Purpose::Death]);
        let asked: Vec<_> = all.iter().map(|(_, asked)| asked).collect();
        let answers = self.peers[peer].0.release_all(&asked, purpose).await;
        assert_eq!(answers.len(), all.len());
        for ((key, asked), answer) in all.iter().zip(&answers) {
            let expected = match self.model.release(key, &asked.id, purpose) {
                Some(true) => Released::Released,
                Some(false) => Released::Left,
                None if self.model.expired.contains(&asked.id) => Released::Expired,
                None => Released::Gone,
            };
            assert_eq!(*answer, expected);
            self.count(&format!("{answer:?}"));
        }
        if answers.len() > 1 {
            self.count("released together");
        }
    }

    async fn downgrades(&mut self, peer: usize) {
        let Some((key, asked)) = self.known(peer) else { return };
        let answer = self.peers[peer].0.downgrade(&asked).await;
        let expected = match self.model.downgrade(key, &asked.id) {
            true => Downgraded::Reads,
            false if self.model.expired.contains(&asked.id) => Downgraded::Expired,
            false => Downgraded::Gone,
        };
        assert_eq!(answer, expected);
        self.count(&format!("{answer:?}"));
    }

    /// Makes a hold overdue, as if its time had gone by.
    async fn ages(&mut self) {
        let key = self.dice.pick(&KEYS);
        let Model { locks, dead, .. } = &mut self.model;
        let mut holders = locks.get_mut(key).into_iter().flat_map(|lock| &mut lock.holders);
        let Some(hold) = holders.find(|hold| !dead.contains(&hold.id.session)) else { return };
        hold.overdue = true;
        let id = hold.id.to_string();
        let peer = &mut self.peers[0].0;
        let holders = String::from_utf8(peer.link.bucket.holders(&support::peer::lock(key))).unwrap();
        let field = redis::from_redis_value::<String>(peer.command(&["HGET", &holders, &id]).await).unwrap();
        let [fence, _, recovered] = field.split('|').collect::<Vec<_>>()[..] else { panic!("{field}") };
        peer.command(&["HSET", &holders, &id, &format!("{fence}|1|{recovered}"), "due", "1"]).await;
        peer.command(&["HDEL", &holders, "alone"]).await;
        peer.command(&["ZADD", &holders.replacen("h:", "d:", 1), "1", &id]).await;
    }

    async fn dies(&mut self, peer: usize) {
        let fresh = Peer::join(self.server, LONG * 10).await;
        let (mut dead, _) = std::mem::replace(&mut self.peers[peer], (fresh, Vec::new()));
        dead.lapse().await;
        self.model.dead.insert(dead.session);
        self.count("death");
    }

    async fn clears(&mut self, peer: usize) {
        if let Some(dead) = self.model.dead.first().cloned() {
            assert!(self.peers[peer].0.clear(&dead).await);
            self.model.clear(&dead);
        }
    }

    /// Compares the messages of each peer; losses come before the grants that they made possible.
    async fn compare_messages(&mut self) {
        let notices = std::mem::take(&mut self.model.notices);
        let mut grants = std::mem::take(&mut self.answered);
        let answered: Vec<_> = grants.iter().map(|(_, id)| id.clone()).collect();
        for (peer, _) in &mut self.peers {
            let mut expected: Vec<_> = notices.clone();
            expected.retain(|notice| match notice {
                Notice::Granted { id, .. } => id.session == peer.session && !answered.contains(id),
                Notice::Expired(id) => id.session == peer.session,
            });
            let mut messages = Vec::new();
            for push in peer.all_pushed().await {
                match push {
                    Push::Granted(id, grant) => {
                        grants.push((grant.fence, id.clone()));
                        messages.push(Notice::Granted { id, recovered: grant.recovered });
                    }
                    Push::Expired(id) => messages.push(Notice::Expired(id)),
                    Push::Head(..) => {}
                }
            }
            // The holds that expire together do so in no order.
            let is_loss = |notice: &Notice| matches!(notice, Notice::Expired(_));
            for list in [&mut messages, &mut expected] {
                let losses = list.iter().take_while(|notice| is_loss(notice)).count();
                list[..losses].sort_by_key(|notice| format!("{notice:?}"));
            }
            assert_eq!(messages, expected);
            *self.counts.entry("notified of expiry".into()).or_default() +=
                u32::try_from(messages.iter().filter(|notice| is_loss(notice)).count()).unwrap();
        }
        // Over all peers, grants are made in the model's order, with rising fences.
        grants.sort();
        let in_order = notices.iter().filter_map(|notice| match notice {
            Notice::Granted { id, .. } => Some(id),
            Notice::Expired(_) => None,
        });
        assert!(grants.iter().map(|(_, id)| id).eq(in_order), "in the order of the queue");
        for (fence, _) in grants {
            self.last_fence = rising(self.last_fence, fence);
        }
    }

    async fn compare_a_lock(&mut self) {
        let key = self.dice.pick(&KEYS);
        let report = self.peers[0].0.inspect(key).await;
        self.model.lock(key);
        let lock = &self.model.locks[key];
        // A dead holder goes when it is in the way, or sooner, when the server looks at all holders for another reason.
        let dead = &self.model.dead;
        let held = report.holders.iter().filter(|hold| !dead.contains(&hold.id.session));
        let holds = lock.holders.iter().filter(|hold| !dead.contains(&hold.id.session));
        let same = held.map(|hold| (&hold.id, hold.mode)).eq(holds.map(|hold| (&hold.id, hold.mode)));
        assert!(same, "{report:?} {lock:?}");
        let queue = report.waiting.iter().map(|wait| (&wait.id, wait.mode));
        assert!(queue.eq(lock.queue.iter().map(|wait| (&wait.id, wait.mode))), "{report:?} {lock:?}");
        assert_eq!(report.recovered, lock.recovered);
    }

    /// Everybody goes, and nothing is left that does not end by itself.
    async fn finish(mut self) {
        let mut last = Peer::join(self.server, LONG * 10).await;
        for dead in std::mem::take(&mut self.model.dead) {
            assert!(last.clear(&dead).await);
        }
        for (mut peer, _) in self.peers {
            peer.end().await;
        }
        for key in KEYS.into_iter().chain(MORE) {
            let (held, _) = last.hold(key, Write).await;
            last.release(&held).await;
        }
        last.end().await;
        assert_eq!(last.keys().await, ["e", "x"]);
        for key in ["e", "x"] {
            let ttl = last.command(&["PTTL", &format!("{{latchkey:0}}:{key}")]).await;
            let ttl: i64 = redis::from_redis_value(ttl).unwrap();
            assert!(ttl > 0 && ttl <= 30 * 24 * 3_600_000, "{key} lives {ttl} ms");
        }
    }

    fn known(&mut self, peer: usize) -> Option<(&'static str, Asked)> {
        let known = &self.peers[peer].1;
        if known.is_empty() { None } else { Some(self.dice.pick(known)) }
    }

    fn count(&mut self, answer: &str) {
        let word = answer.split(|char: char| !char.is_alphanumeric() && char != ' ').next().unwrap().trim();
        *self.counts.entry(word.into()).or_default() += 1;
    }
}

fn rising(last: u64, fence: u64) -> u64 {
    assert!(fence > last, "fences rise: {last}, then {fence}");
    fence
}
