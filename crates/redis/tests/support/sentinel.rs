//! Sentinels: real ones, and one that says what a test wants it to say.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::{Server, free_port, new_directory, program, program::until};

/// A `redis-server --sentinel` of the test's own, which watches a server as `main`.
pub struct Sentinel {
    port: u16,
    dir: PathBuf,
    child: Child,
}

impl Sentinel {
    /// Watches `server`, and promotes a replica of it soon after it has died.
    pub fn start(server: &Server) -> Self {
        Self::start_with(server, "")
    }

    /// One with further lines in its settings.
    pub fn start_with(server: &Server, more: &str) -> Self {
        let dir = new_directory();
        let port = free_port();
        let file = dir.join("sentinel.conf");
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n{more}",
            dir.display(),
            server.port()
        );
        fs::write(&file, settings).unwrap();
        let child =
            Command::new(program()).arg(&file).arg("--sentinel").stdout(Stdio::null()).spawn().unwrap();
        let sentinel = Self { port, dir, child };
        until("the sentinel listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        sentinel
    }

    /// Where it listens, as `store.sentinels` takes it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it says of the server's replicas.
    pub fn replicas(&self) -> String {
        let mut connection =
            redis::Client::open(format!("redis://{}", self.address())).unwrap().get_connection().unwrap();
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

/// Starts a sentinel that names the server on `port` after a while, whoever asks for whatever name. Gives back its address.
pub fn naming(port: u16, after: Duration) -> String {
    let port = port.to_string();
    answering(format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len()), after)
}

/// Starts a sentinel that gives every question for a server this answer, after a while. Gives back its address.
pub fn answering(answer: String, after: Duration) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound port has an address").to_string();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), answer) = (client, answer.clone()) else { return };
            thread::spawn(move || serve(client, &answer, after));
        }
    });
    address
}

/// Until the client leaves.
fn serve(mut client: TcpStream, answer: &str, after: Duration) {
    let mut parser = redis::Parser::new();
    while let Ok(command) = parser.parse_value(&mut client) {
        let is_question = format!("{command:?}").contains("get-master-addr-by-name");
        if is_question {
            thread::sleep(after);
        }
        if client.write_all(if is_question { answer.as_bytes() } else { b"+OK\r\n" }).is_err() {
            return;
        }
    }
}

/// Something that listens and never says anything, as a machine that has died may look.
pub fn silence() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).expect("a free port")
}
