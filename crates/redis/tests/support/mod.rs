//! What the tests of the store share: a real server that a test may kill, freeze and start again.
#![allow(dead_code, reason = "no test program uses all of it")]

pub mod model;
pub mod peer;
pub mod program;
pub mod proxy;
pub mod sentinel;

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

const START_WITHIN: Duration = Duration::from_secs(20);

/// A `redis-server` of the test's own, on a free port, with its data in a directory of its own. Killed when dropped.
pub struct Server {
    port: u16,
    dir: PathBuf,
    arguments: Vec<String>,
    /// The library that shifts its clock, where it has one.
    faketime: Option<PathBuf>,
    child: Child,
}

/// Starts a server, or ends the test with the printed reason why there is none.
#[macro_export]
macro_rules! server {
    ($($argument:expr),*) => {
        match $crate::support::Server::start(&[$($argument),*]) {
            Some(server) => server,
            None => return,
        }
    };
}

impl Server {
    /// Starts one with further arguments. Nothing is kept on disk unless they say so (`--appendonly yes`).
    /// `None`, with a printed reason, where `redis-server` is not installed; on CI's Linux that is a failure.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        Self::start_with(arguments, None)
    }

    /// Starts one whose clock can be set: see [`Server::shift_clock`]. `None`, with a printed reason, where `LATCHKEY_FAKETIME`
    /// does not name the library for that; `scripts/redis-versions.js` fetches it.
    pub fn start_with_clock(arguments: &[&str]) -> Option<Self> {
        let Some(library) = env::var_os("LATCHKEY_FAKETIME") else {
            eprintln!("skipped: LATCHKEY_FAKETIME does not name a libfaketime.so.1");
            return None;
        };
        Self::start_with(arguments, Some(library.into()))
    }

    fn start_with(arguments: &[&str], faketime: Option<PathBuf>) -> Option<Self> {
        if !is_installed(&program()) {
            let reason = "redis-server is not in PATH (Debian: apt-get install redis-server)";
            assert!(!cfg!(target_os = "linux") || env::var_os("CI").is_none(), "{reason}");
            eprintln!("skipped: {reason}");
            return None;
        }
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let mut log = String::new();
        // Another program may take the port between its choice and the server's start.
        for _ in 0..5 {
            let (port, dir) = (free_port(), new_directory());
            let child = spawn(port, &dir, &arguments, faketime.as_deref());
            let (arguments, faketime) = (arguments.clone(), faketime.clone());
            let mut server = Self { port, dir, arguments, faketime, child };
            if server.answers() {
                // Where it does not answer plain text (a password, TLS), the test lives with the freeze.
                let _ = server.has_served("latchkey");
                return Some(server);
            }
            log = log_of(&server.dir);
        }
        if env::var_os("REDIS_SERVER").is_some()
            && ["'tls-", "finding TLS support"].iter().any(|words| log.contains(words))
        {
            eprintln!("skipped: {} was built without TLS", program());
            return None;
        }
        panic!("redis-server does not start: {log}");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The unix socket on which the server listens as well.
    pub fn socket(&self) -> PathBuf {
        socket_in(&self.dir)
    }

    /// Where the server keeps its data.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends the server as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server can be waited for");
    }

    /// Starts a killed server again, on the same port and with what it had written to disk.
    pub fn start_again(&mut self) {
        self.child = spawn(self.port, &self.dir, &self.arguments, self.faketime.as_deref());
        assert!(self.answers(), "redis-server does not start again: {}", log_of(&self.dir));
    }

    /// Sets the server's clock to so many seconds beside this machine's, also for when it is started again.
    pub fn shift_clock(&self, seconds: i32) {
        assert!(self.faketime.is_some(), "the server was started without a clock of its own");
        fs::write(self.dir.join("clock"), format!("{seconds:+}s")).expect("a file for the clock");
    }

    /// Stops the server's process until [`Server::thaw`]; its connections stay open.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Makes the server look as if it had served a namespace before. Without that, nothing is granted until one lease
    /// after its start, since it might have forgotten holders.
    pub fn has_served(&self, namespace: &str) -> std::io::Result<()> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let info = exchange(&stream, "INFO server")?;
        let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default();
        exchange(&stream, &format!("HSET {{{namespace}:0}}:e run {} until 0", run_id.trim())).map(|_| ())
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "kill {signal} did not work");
    }

    fn answers(&mut self) -> bool {
        let until = Instant::now() + START_WITHIN;
        while Instant::now() < until {
            if self.has_ended().is_some() {
                return false;
            }
            // A server that still loads its data listens, but answers nothing else than LOADING.
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok_and(|stream| is_ready(&stream)) {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the server can be asked whether it runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The server's program: any version of Redis or Valkey, by its name or its path.
pub fn program() -> String {
    env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".into())
}

/// Whether a program can be started by its name.
pub fn is_installed(program: &str) -> bool {
    let runs = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    runs.is_ok_and(|status| status.success())
}

/// A TCP port that nobody uses at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound port has an address").port()
}

/// An empty directory of the test's own. Its path is short, since it holds a unix socket.
pub fn new_directory() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let dir = env::temp_dir().join(format!("latchkey-test-{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a directory for the test");
    dir
}

fn spawn(port: u16, dir: &Path, arguments: &[String], faketime: Option<&Path>) -> Child {
    let log = fs::File::create(dir.join("log")).expect("a log file");
    let errors = log.try_clone().expect("a log file");
    let mut command = Command::new(program());
    if let Some(library) = faketime {
        // The file is read for each look at the clock. The monotonic clock goes on.
        let clock = dir.join("clock");
        if !clock.exists() {
            fs::write(&clock, "+0s").expect("a file for the clock");
        }
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", clock);
        command.env("FAKETIME_NO_CACHE", "1").env("DONT_FAKE_MONOTONIC", "1");
    }
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--unixsocket".as_ref(), socket_in(dir).as_os_str(), "--dir".as_ref(), dir.as_os_str()])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .expect("redis-server can be started")
}

fn socket_in(dir: &Path) -> PathBuf {
    dir.join("socket")
}

fn log_of(dir: &Path) -> String {
    fs::read_to_string(dir.join("log")).unwrap_or_default()
}

/// True if the server answers a PING, also by asking for a password.
fn is_ready(stream: &TcpStream) -> bool {
    exchange(stream, "PING").is_ok_and(|answer| answer.starts_with('+') || answer.starts_with("-NOAUTH"))
}

/// Sends one command in plain text, and reads the beginning of the answer.
fn exchange(mut stream: &TcpStream, command: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}
