//! Programs that lock at random while their connections are cut, refused and muted at random: nobody ever writes beside
//! another one that still may, nobody is stuck, and nothing is left behind.

mod support;

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use latchkey_engine::{Event, Mode, Patience};
use support::{
    program::{Asked, Program, config, until},
    proxy::Proxy,
};

const PROGRAMS: usize = 4;
const KEYS: [&str; 3] = ["a", "b", "c"];
const LASTS: Duration = Duration::from_secs(12);
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

/// What the lock protects. It remembers the highest fence, and who believes to hold.
#[derive(Default)]
struct Resource {
    highest: u64,
    holders: BTreeMap<(usize, u32), Mode>,
}

#[derive(Default)]
struct World {
    resources: Mutex<BTreeMap<&'static str, Resource>>,
    grants: Mutex<u64>,
}

impl World {
    fn granted(&self, who: (usize, u32), key: &'static str, mode: Mode, fence: u64) {
        let mut resources = self.resources.lock().unwrap();
        let resource = resources.entry(key).or_default();
        let is_alone = resource.holders.is_empty();
        let among_readers = mode == Mode::Read && resource.holders.values().all(|&held| held == Mode::Read);
        assert!(is_alone || among_readers, "{key}: {who:?} beside {:?}", resource.holders);
        if mode == Mode::Write {
            assert!(fence > resource.highest, "{key}: fence {fence} after {}", resource.highest);
        }
        resource.highest = resource.highest.max(fence);
        resource.holders.insert(who, mode);
        *self.grants.lock().unwrap() += 1;
    }

    fn ended(&self, who: (usize, u32), key: &'static str) {
        self.resources.lock().unwrap().entry(key).or_default().holders.remove(&who);
    }
}

/// One program's life: it asks, waits, holds for a moment and releases, again and again.
fn live(place: usize, program: &mut Program, world: &World, random: &mut Random, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let key = KEYS[random.below(KEYS.len() as u64) as usize];
        let mode = if random.below(3) == 0 { Mode::Read } else { Mode::Write };
        let patience = match random.below(6) {
            0 => Patience::None,
            1 => Patience::For(Duration::from_millis(random.below(50))),
            _ => Patience::Forever,
        };
        let asked = program.ask(key, mode, patience, None);
        if random.below(8) == 0 && program.space.cancel(asked.ticket) {
            continue;
        }
        if let Event::Granted { grant, .. } = program.told(asked) {
            let who = (place, asked.tag);
            world.granted(who, key, mode, grant.fence);
            hold_for_a_moment(program, asked, random);
            // Believed in until here, whatever comes: a release ends it, and a loss has ended it.
            world.ended(who, key);
            if program.unasked().iter().any(|event| matches!(event, Event::Lost { .. })) {
                continue;
            }
            program.space.release(asked.ticket, random.below(4) == 0);
            let told = program.told(asked);
            assert!(matches!(told, Event::Ended { .. } | Event::Lost { .. }), "{told:?}");
        }
    }
}

/// Holds for up to 20 ms; less, if the hold is lost.
fn hold_for_a_moment(program: &mut Program, asked: Asked, random: &mut Random) {
    let until = Instant::now() + Duration::from_micros(random.below(20_000));
    while Instant::now() < until && !program.has_been_told(asked) {
        thread::sleep(Duration::from_micros(200));
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

#[test]
fn random_faults_never_let_two_in() {
    let server = server!();
    let seed = env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("SEED={seed}");
    let world = World::default();
    let is_over = AtomicBool::new(false);
    let proxies: Vec<_> = (0..PROGRAMS).map(|_| Proxy::start(server.port())).collect();
    let mut programs: Vec<_> = proxies
        .iter()
        .map(|proxy| Program::start_with(config(&proxy.url(), |options| options.ttl = LEASE)))
        .collect();
    thread::scope(|scope| {
        for (place, program) in programs.iter_mut().enumerate() {
            let (world, is_over) = (&world, &is_over);
            let mut random = Random(seed * 31 + place as u64 + 1);
            scope.spawn(move || live(place, program, world, &mut random, is_over));
        }
        let (proxies, is_over) = (&proxies, &is_over);
        scope.spawn(move || disturb(proxies, &mut Random(seed * 37 + 1), is_over));
        thread::sleep(LASTS);
        is_over.store(true, Ordering::SeqCst);
    });
    println!("{} grants", world.grants.lock().unwrap());
    for program in &programs {
        program.space.close();
    }
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    until("nothing but bookkeeping is left", || {
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
        keys.iter().all(|key| !key.contains(":h:") || is_recovered_mark(&mut connection, key))
            && keys.iter().all(|key| !key.contains(":q:") && !key.ends_with(":o"))
    });
}

/// True if a key without holders only remembers that its last writer did not end well.
fn is_recovered_mark(connection: &mut redis::Connection, key: &str) -> bool {
    let fields: Vec<String> = redis::cmd("HKEYS").arg(key).query(connection).unwrap();
    fields == ["recovered"]
}
