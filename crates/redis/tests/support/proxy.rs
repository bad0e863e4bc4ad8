//! A TCP proxy between a program and the server, which a test can cut, and make swallow what passes.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Passes everything on until it is asked not to.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Both ends of all connections.
    sockets: Mutex<Vec<TcpStream>>,
    /// Nothing passes in either direction, and nobody is notified.
    swallows: AtomicBool,
    /// New connections are closed at once.
    refuses: AtomicBool,
    /// How many connections have been opened, without those that were refused.
    opened: AtomicUsize,
    /// What comes from the server is late by so many milliseconds.
    delay: AtomicU64,
    /// When these bytes come by: see [`Cut`].
    trap: Mutex<Option<(Vec<u8>, Cut)>>,
    /// The answers that wait until they may pass. `None`: none has to.
    kept_answers: Mutex<Option<Vec<Answer>>>,
}

/// What a server has sent, and where it goes.
type Answer = (TcpStream, Vec<u8>);

/// When a connection is cut, at a command that carries certain bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the server has got the command.
    Before,
    /// After the server has answered it, and before the answer arrives.
    After,
    /// Not at all: from there on answers wait, as with [`Proxy::keep_answers`].
    Never,
}

impl Proxy {
    /// A proxy in front of the server on `server_port`.
    pub fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port has an address").port();
        let state = Arc::<State>::default();
        let accepting = state.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if !accepting.refuses.load(Ordering::SeqCst) {
                    accepting.clone().accept(client, server_port);
                }
            }
        });
        Self { port, state }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// From now on nothing passes, on old and new connections; nobody is notified.
    pub fn swallow(&self, swallows: bool) {
        self.state.swallows.store(swallows, Ordering::SeqCst);
    }

    /// From now on new connections are closed at once.
    pub fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Ordering::SeqCst);
    }

    /// From now on what comes from the server is late by so many milliseconds.
    pub fn delay(&self, millis: u64) {
        self.state.delay.store(millis, Ordering::SeqCst);
    }

    /// From now on answers wait, and only messages pass. A message passes an answer inside of a client as well, which takes all
    /// messages first.
    pub fn keep_answers(&self) {
        self.state.keep_answers();
    }

    /// Lets the answers pass that had to wait, and all others.
    pub fn pass_answers(&self) {
        for (mut to, bytes) in self.state.kept_answers.lock().unwrap().take().into_iter().flatten() {
            let _ = to.write_all(&bytes);
        }
    }

    /// How many connections have been opened by now, without those that were refused.
    pub fn opened(&self) -> usize {
        self.state.opened.load(Ordering::SeqCst)
    }

    /// Cuts the connection once, when a command that contains `bytes` comes by.
    pub fn cut_at(&self, bytes: &[u8], cut: Cut) {
        *self.state.trap.lock().unwrap() = Some((bytes.to_vec(), cut));
    }

    /// True once the bytes of [`Proxy::cut_at`] have come by.
    pub fn has_cut(&self) -> bool {
        self.state.trap.lock().unwrap().is_none()
    }
}

impl State {
    fn keep_answers(&self) {
        self.kept_answers.lock().unwrap().get_or_insert_default();
    }

    fn cut(&self) {
        for socket in self.sockets.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    fn accept(self: Arc<Self>, client: TcpStream, server_port: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)) else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let copy = |socket: &TcpStream| socket.try_clone().expect("a socket can be cloned");
        self.sockets.lock().unwrap().extend([copy(&client), copy(&server)]);
        self.opened.fetch_add(1, Ordering::SeqCst);
        let answer_is_cut = Arc::new(AtomicBool::new(false));
        let (up, down) = (self.clone(), self);
        let (from, to, cut) = (copy(&client), copy(&server), answer_is_cut.clone());
        thread::spawn(move || up.pass_commands(from, to, &cut));
        thread::spawn(move || down.pass_answers(server, client, &answer_is_cut));
    }

    fn pass_commands(&self, mut from: TcpStream, mut to: TcpStream, answer_is_cut: &AtomicBool) {
        let mut buffer = [0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            match self.spring(bytes) {
                Some(Cut::Before) => return self.cut(),
                Some(Cut::After) => answer_is_cut.store(true, Ordering::SeqCst),
                Some(Cut::Never) | None => {}
            }
            if !self.swallows.load(Ordering::SeqCst) && to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }

    fn pass_answers(&self, mut from: TcpStream, mut to: TcpStream, answer_is_cut: &AtomicBool) {
        let mut buffer = [0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if answer_is_cut.load(Ordering::SeqCst) {
                return self.cut();
            }
            thread::sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
            let kept = self.keep_answer(&to, &buffer[..length]);
            if !self.swallows.load(Ordering::SeqCst) && to.write_all(&buffer[kept..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }

    /// Keeps the answers, as far as the first message, behind which nothing is kept. Gives back how many bytes wait.
    fn keep_answer(&self, to: &TcpStream, bytes: &[u8]) -> usize {
        const MESSAGE: &[u8] = b">3\r\n$7\r\nmessage\r\n";
        let mut kept = self.kept_answers.lock().unwrap();
        let Some(kept) = kept.as_mut() else { return 0 };
        let message = bytes.windows(MESSAGE.len()).position(|part| part == MESSAGE);
        let answers = &bytes[..message.unwrap_or(bytes.len())];
        kept.push((to.try_clone().expect("a socket can be cloned"), answers.to_vec()));
        answers.len()
    }

    /// How to cut, if these bytes are those of the trap.
    fn spring(&self, bytes: &[u8]) -> Option<Cut> {
        let mut trap = self.trap.lock().unwrap();
        let is_here =
            trap.as_ref().is_some_and(|(wanted, _)| bytes.windows(wanted.len()).any(|part| part == wanted));
        let cut = if is_here { trap.take().map(|(_, cut)| cut) } else { None };
        if cut == Some(Cut::Never) {
            // Before anybody sees that it has come by.
            self.keep_answers();
        }
        cut
    }
}
