//! A store behind Sentinel: the server is found by its name, and again after another one took its place.

mod support;

use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use latchkey_engine::Ending;
use latchkey_redis::{Config, Options, Reason};
use support::{
    Server, free_port, new_directory,
    program::{Program, until},
};

struct Sentinel {
    port: u16,
    dir: PathBuf,
    child: Child,
}

impl Sentinel {
    /// Watches `server`, and promotes a replica of it soon after it has died.
    fn start(server: &Server) -> Self {
        let dir = new_directory();
        let port = free_port();
        let file = dir.join("sentinel.conf");
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
            dir.display(),
            server.port()
        );
        fs::write(&file, settings).unwrap();
        let child =
            Command::new("redis-server").arg(&file).arg("--sentinel").stdout(Stdio::null()).spawn().unwrap();
        let sentinel = Self { port, dir, child };
        until("the sentinel listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        sentinel
    }

    /// What it says of the server's replicas.
    fn replicas(&self) -> String {
        let mut connection = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))
            .unwrap()
            .get_connection()
            .unwrap();
        let said: redis::Value =
            redis::cmd("SENTINEL").arg("replicas").arg("main").query(&mut connection).unwrap();
        format!("{said:?}")
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn start(sentinel: &Sentinel, master: &str) -> Program {
    let gone = format!("127.0.0.1:{}", free_port());
    let options = Options {
        sentinels: vec![gone, format!("127.0.0.1:{}", sentinel.port)],
        master: Some(master.into()),
        // A hold survives if its lease is longer than the election.
        ttl: Duration::from_secs(8),
        connect_timeout: Duration::from_secs(1),
        ..Options::default()
    };
    Program::start_with(Config::new(options).unwrap())
}

#[test]
fn a_hold_and_the_order_outlive_the_server() {
    let mut server = server!();
    let port = server.port().to_string();
    let replica = server!("--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0");
    let sentinel = Sentinel::start(&server);
    let address = format!("127.0.0.1:{}", replica.port());
    until("the sentinel knows a replica that is in step", || {
        let replicas = sentinel.replicas();
        replicas.contains(&address) && is_in_step(&replica)
    });
    let (mut a, mut b) = (start(&sentinel, "main"), start(&sentinel, "main"));
    let (held, grant) = a.hold("k");
    let first = b.write("k");
    b.until_waiting("k", 1);
    let second = a.write("k");
    b.until_waiting("k", 2);
    server.kill();
    until("the replica was promoted", || role(&replica).contains("master"));
    assert_eq!(a.release(held), Ending::Done);
    let next = b.granted(first);
    assert!(next.fence > grant.fence && !next.recovered);
    assert_eq!(b.release(first), Ending::Done);
    a.granted(second);
}

#[test]
fn a_name_that_the_sentinels_do_not_know_is_said() {
    let server = server!();
    let sentinel = Sentinel::start(&server);
    let mut program = start(&sentinel, "other");
    let asked = program.write("k");
    assert_eq!(program.failed(asked), Reason::Unreachable);
    let message = program.store.trouble().unwrap().to_string();
    assert!(message.contains("store.master"), "{message}");
}

/// What a server says of its role; an error, while it changes it and drops its connections.
fn role(server: &Server) -> String {
    let connection = redis::Client::open(server.url()).unwrap().get_connection();
    format!(
        "{:?}",
        connection.and_then(|mut connection| redis::cmd("ROLE").query::<redis::Value>(&mut connection))
    )
}

fn is_in_step(replica: &Server) -> bool {
    role(replica).contains("connected")
}
