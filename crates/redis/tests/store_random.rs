//! Programs that lock at random while their connections are cut, refused and muted at random: nobody ever writes beside
//! another one that still may, and when the faults are over, nobody is stuck and nothing is left behind. And no break that is
//! shorter than the lease costs a hold.
//!
//! How long one may wait while the faults go on has no bound: whoever is cut off for longer than its lease goes to the tail, and
//! that may come again before its turn does.
//!
//! `SECONDS=1800` has each of them go on for so long, `SEED` repeats a run's random choices.

mod support;

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use latchkey_engine::{Answer, Event, Mode, Patience, Safety};
use support::{
    Server,
    program::{Asked, Program, TTL, until},
    proxy::Proxy,
};

const PROGRAMS: usize = 4;
const KEYS: [&str; 3] = ["a", "b", "c"];
/// A little less than what a hold is given up before its lease ends.
const MARGIN: Duration = Duration::from_millis(40);
const LEASE: Duration = Duration::from_secs(1);

/// A small generator of pseudo-random numbers (xorshift), the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn seed() -> u64 {
    let seed = from_env("SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("SEED={seed}");
    seed
}

/// How long a run lasts.
fn lasts() -> Duration {
    Duration::from_secs(from_env("SECONDS").unwrap_or(12))
}

fn from_env(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Whoever believes to hold a lock.
struct Believer {
    mode: Mode,
    /// Somebody was granted the lock that this one excludes. On a machine that stood still for longer than a lease
    /// that may be seen before its loss is; then it must never learn that its release went well.
    is_overtaken: bool,
}

/// The longest that the machine stood still. While it does, the server's clock runs on and nobody looks at it.
fn longest_pause(is_over: &AtomicBool) -> Duration {
    const STEP: Duration = Duration::from_millis(2);
    let mut longest = Duration::ZERO;
    while !is_over.load(Ordering::SeqCst) {
        let before = Instant::now();
        thread::sleep(STEP);
        longest = longest.max(before.elapsed() - STEP);
    }
    longest
}

/// What the lock protects. It remembers the highest fence, and who believes to hold.
#[derive(Default)]
struct Resource {
    highest: u64,
    holders: BTreeMap<(usize, u32), Believer>,
}

#[derive(Default)]
struct World {
    resources: Mutex<BTreeMap<&'static str, Resource>>,
    grants: AtomicU32,
    overtaken: AtomicU32,
    longest_wait: Mutex<Duration>,
}

impl World {
    fn granted(&self, who: (usize, u32), key: &'static str, mode: Mode, fence: u64) {
        let mut resources = self.resources.lock().unwrap();
        let resource = resources.entry(key).or_default();
        for other in
            resource.holders.values_mut().filter(|other| Mode::Write == mode || other.mode == Mode::Write)
        {
            other.is_overtaken = true;
            self.overtaken.fetch_add(1, Ordering::SeqCst);
        }
        if mode == Mode::Write {
            assert!(fence > resource.highest, "{key}: fence {fence} after {}", resource.highest);
        }
        resource.highest = resource.highest.max(fence);
        resource.holders.insert(who, Believer { mode, is_overtaken: false });
        self.grants.fetch_add(1, Ordering::SeqCst);
    }

    fn waited(&self, time: Duration) {
        let mut longest = self.longest_wait.lock().unwrap();
        *longest = time.max(*longest);
    }

    fn is_overtaken(&self, who: (usize, u32), key: &'static str) -> bool {
        self.resources.lock().unwrap()[key].holders[&who].is_overtaken
    }

    /// True if it was overtaken.
    fn ended(&self, who: (usize, u32), key: &'static str) -> bool {
        let mut resources = self.resources.lock().unwrap();
        let believer = resources.entry(key).or_default().holders.remove(&who);
        believer.expect("whoever ends a hold had it").is_overtaken
    }
}

/// One program's life: it asks, waits, holds for a moment and releases, again and again.
struct Life<'a> {
    place: usize,
    program: &'a mut Program,
    world: &'a World,
    random: Random,
    is_over: &'a AtomicBool,
}

impl Life<'_> {
    fn live(mut self) {
        while !self.is_over.load(Ordering::SeqCst) {
            let mode = if self.random.below(3) == 0 { Mode::Read } else { Mode::Write };
            let mut all = self.ask(mode);
            if self.random.below(8) == 0 && self.program.space.cancel(all[0].1.ticket) {
                all.remove(0);
            }
            let since = Instant::now();
            let mut held = Vec::new();
            for (key, asked) in all {
                if let Event::Granted { grant, .. } = self.next_event(asked) {
                    self.world.granted((self.place, asked.tag), key, mode, grant.fence);
                    held.push((key, asked));
                }
            }
            self.world.waited(since.elapsed());
            if let Some(&(_, asked)) = held.first() {
                self.hold_for_a_moment(asked);
            }
            held.into_iter().for_each(|(key, asked)| self.release(key, asked));
        }
    }

    /// Asks for one lock, or for two together.
    fn ask(&mut self, mode: Mode) -> Vec<(&'static str, Asked)> {
        let random = &mut self.random;
        let patience = match random.below(6) {
            0 => Patience::None,
            1 => Patience::For(Duration::from_millis(random.below(50))),
            _ => Patience::Forever,
        };
        let first = random.below(KEYS.len() as u64) as usize;
        let count = if random.below(3) == 0 { 2 } else { 1 };
        self.program.space.gather();
        let keys = KEYS[first..].iter().take(count);
        let all = keys.map(|&key| (key, self.program.ask(key, mode, patience, None))).collect();
        self.program.space.send_gathered();
        all
    }

    fn next_event(&mut self, asked: Asked) -> Event {
        self.program.next_event_despite_faults(asked, self.is_over)
    }

    /// Holds for up to 20 ms, or now and then for longer than a lease; less, if the hold is lost.
    fn hold_for_a_moment(&mut self, asked: Asked) {
        let longest = if self.random.below(15) == 0 { 2_500_000 } else { 20_000 };
        let until = Instant::now() + Duration::from_micros(self.random.below(longest));
        while Instant::now() < until && !self.program.has_event(asked) {
            thread::sleep(Duration::from_micros(200));
        }
    }

    fn release(&mut self, key: &'static str, asked: Asked) {
        let who = (self.place, asked.tag);
        // First whether somebody else has been let in, then what the holder can know.
        if self.world.is_overtaken(who, key) {
            let is_certain = self.program.space.safety_of(asked.ticket) != Safety::Over;
            assert!(
                !is_certain || self.program.has_event(asked),
                "{who:?} takes another's {key} for its own"
            );
        }
        // Believed in until here, whatever comes: a release ends it, and a loss has ended it.
        let is_overtaken = self.world.ended(who, key);
        self.program.space.release(asked.ticket, self.random.below(4) == 0);
        match self.next_event(asked) {
            Event::Answered { answer: Answer::Done, .. } => {
                assert!(!is_overtaken, "{who:?} released another's {key}")
            }
            Event::Answered { .. } | Event::Lost { .. } => {}
            other => panic!("{other:?} after a release"),
        }
    }
}

fn disturb(proxies: &[Proxy], random: &mut Random, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let proxy = &proxies[random.below(proxies.len() as u64) as usize];
        match random.below(10) {
            0..=5 => proxy.cut(),
            6..=7 => {
                proxy.refuse(true);
                proxy.cut();
                thread::sleep(Duration::from_millis(random.below(300)));
                proxy.refuse(false);
            }
            _ => {
                proxy.swallow(true);
                thread::sleep(Duration::from_millis(random.below(1800)));
                proxy.cut();
                proxy.swallow(false);
            }
        }
        thread::sleep(Duration::from_millis(random.below(150)));
    }
    for proxy in proxies {
        proxy.swallow(false);
        proxy.refuse(false);
    }
}

/// Kills the server now and then, and starts it again without its data, sometimes later than a lease ends.
fn restart(server: &mut Server, random: &mut Random, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(2000 + random.below(2000)));
        server.kill();
        thread::sleep(Duration::from_millis(random.below(1500)));
        server.start_again();
    }
}

#[test]
fn random_faults_of_connections_never_let_two_in() {
    let server = server!();
    random_faults(server, false);
}

#[test]
fn random_faults_of_the_server_never_let_two_in() {
    let server = server!();
    random_faults(server, true);
}

fn random_faults(mut server: Server, restarts: bool) {
    let seed = seed();
    let world = World::default();
    let is_over = AtomicBool::new(false);
    let proxies: Vec<_> = (0..PROGRAMS).map(|_| Proxy::start(server.port())).collect();
    let mut programs: Vec<_> = proxies.iter().map(|proxy| Program::start_for(&proxy.url(), LEASE)).collect();
    let pause = thread::scope(|scope| {
        for (place, program) in programs.iter_mut().enumerate() {
            let random = Random(seed * 31 + place as u64 + 1);
            let life = Life { place, program, world: &world, random, is_over: &is_over };
            scope.spawn(move || life.live());
        }
        let (proxies, is_over) = (&proxies, &is_over);
        scope.spawn(move || disturb(proxies, &mut Random(seed * 37 + 1), is_over));
        if restarts {
            let server = &mut server;
            scope.spawn(move || restart(server, &mut Random(seed * 41 + 1), is_over));
        }
        let watch = scope.spawn(move || longest_pause(is_over));
        thread::sleep(lasts());
        is_over.store(true, Ordering::SeqCst);
        watch.join().unwrap()
    });
    println!(
        "{:?} connections, {:?} grants, {:?} overtaken, longest wait {:?}, longest pause {pause:?}",
        proxies.iter().map(Proxy::opened).sum::<usize>(),
        world.grants,
        world.overtaken,
        world.longest_wait.lock().unwrap()
    );
    if pause < MARGIN {
        assert_eq!(
            world.overtaken.load(Ordering::SeqCst),
            0,
            "a hold was lost later than another one was granted"
        );
    } else {
        println!(
            "not checked that each loss was delivered in time: the machine stood still for longer than the margin"
        );
    }
    assert!(world.grants.load(Ordering::SeqCst) > 20);
    programs.iter_mut().for_each(Program::close);
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    until("nothing but bookkeeping is left", || {
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
        keys.iter().all(|key| !key.contains(":h:") || is_recovered_mark(&mut connection, key))
            && keys.iter().all(|key| !key.contains(":q:") && !key.ends_with(":o"))
    });
}

/// Breaks the connections of a proxy for at most half of a lease, and then lets the process come back to its server.
fn break_shortly(proxy: &Proxy, random: &mut Random) {
    let part = |of: Duration, random: &mut Random| Duration::from_micros(random.below(of.as_micros() as u64));
    match random.below(4) {
        0 => proxy.cut(),
        1 => {
            proxy.refuse(true);
            proxy.cut();
        }
        2 => proxy.swallow(true),
        _ => {
            proxy.swallow(true);
            proxy.cut();
        }
    }
    thread::sleep(part(TTL / 2, random));
    proxy.refuse(false);
    proxy.swallow(false);
    // A beat that was swallowed is missed after a third of a lease.
    thread::sleep(TTL / 2 + part(TTL / 2, random));
}

#[test]
fn random_breaks_of_half_a_lease_never_cost_a_hold() {
    let server = server!();
    let seed = seed();
    let is_over = AtomicBool::new(false);
    let proxies: Vec<_> = (0..PROGRAMS).map(|_| Proxy::start(server.port())).collect();
    let mut programs: Vec<_> = proxies.iter().map(|proxy| Program::start(&proxy.url())).collect();
    for (place, program) in programs.iter_mut().enumerate() {
        program.hold(&format!("k{place}"));
    }
    let pause = thread::scope(|scope| {
        for (place, proxy) in proxies.iter().enumerate() {
            let (is_over, mut random) = (&is_over, Random(seed * 43 + place as u64 + 1));
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    break_shortly(proxy, &mut random);
                }
            });
        }
        let watch = scope.spawn(|| longest_pause(&is_over));
        thread::sleep(lasts());
        is_over.store(true, Ordering::SeqCst);
        watch.join().unwrap()
    });
    let opened: Vec<_> = proxies.iter().map(Proxy::opened).collect();
    let lost: Vec<_> = programs.iter_mut().map(Program::unasked).collect();
    println!("{opened:?} connections, lost {lost:?}, longest pause {pause:?}");
    assert!(opened.iter().all(|&opened| opened > 1));
    if pause < TTL / 10 {
        assert!(lost.iter().all(Vec::is_empty));
    } else {
        println!("not checked that no hold was lost: the machine stood still for {pause:?}");
    }
}

/// True if a key without holders only remembers that its last writer did not end well.
fn is_recovered_mark(connection: &mut redis::Connection, key: &str) -> bool {
    let fields: Vec<String> = redis::cmd("HKEYS").arg(key).query(connection).unwrap();
    fields == ["recovered"]
}
