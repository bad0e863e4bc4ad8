//! A connection's socket, which an event loop may watch instead of the runtime.
//!
//! The runtime's own sockets are read only after the runtime's thread has woken up and said so, and what it reads has to
//! wake the thread that waits for it. A thread whose event loop watches the socket wakes up once, and reads itself. It
//! may be busy with something else at any time, though: then the runtime takes over.

use std::{
    io::{self, ErrorKind, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::net::{Shutdown, shutdown};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, unix::AsyncFd},
    time::{Instant, Sleep, sleep},
};

/// Every so often the runtime looks whether the event loop has said anything since it last looked, and watches if not. So a
/// message is read at most twice as late.
const PATIENCE: Duration = Duration::from_millis(5);

/// What a socket has to be: `std`'s, of any kind.
pub(crate) trait Stream: AsFd + AsRawFd + Send + Sync + 'static {}

impl<S: AsFd + AsRawFd + Send + Sync + 'static> Stream for S {}

/// A connection's socket, as event loops see it. It lives as long as the connection.
pub struct Watched {
    stream: Arc<dyn Stream>,
    /// True if an event loop has seen that there is something to read, and nobody has read since.
    has_news: AtomicBool,
    /// The number of the event loop that is to watch; 0: none yet.
    watcher: AtomicU32,
}

impl Watched {
    /// Which event loop is to watch it: the one that said so last.
    #[must_use]
    pub fn watcher(&self) -> u32 {
        // Relaxed, as in `set_watcher`: whoever watches in vain, or not at all, does no harm.
        self.watcher.load(Ordering::Relaxed)
    }

    /// Makes event loop number `watcher`, which is not 0, the only one that is to watch it.
    pub fn set_watcher(&self, watcher: u32) {
        self.watcher.store(watcher, Ordering::Relaxed);
    }

    /// There is something to read: whoever polls the socket next reads it.
    pub(crate) fn announce(&self) {
        // Relaxed: only a hint, what counts is in the socket. Whoever announces polls the connection next, or has it
        // polled, which orders the two.
        self.has_news.store(true, Ordering::Relaxed);
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Invariant: whoever waits for the socket is woken. Either the runtime watches it (`runtime`), or `guard` is set; when that
/// rings, it is set again if an event loop has announced something meanwhile, and else the runtime watches.
pub(crate) struct Socket<S: Stream> {
    stream: Arc<S>,
    watched: Arc<Watched>,
    runtime: Option<AsyncFd<Arc<S>>>,
    guard: Pin<Box<Sleep>>,
    /// Whether an event loop has announced something since the guard was set.
    is_watched: bool,
    /// Whether it waits until more can be written: only the runtime watches for that.
    is_full: bool,
}

impl<S: Stream> Socket<S> {
    /// `stream` must not block. Has to be called in the runtime's context, and polled there.
    pub fn new(stream: S) -> io::Result<Self> {
        let stream = Arc::new(stream);
        let watched = Arc::new(Watched {
            stream: stream.clone(),
            has_news: AtomicBool::new(false),
            watcher: AtomicU32::new(0),
        });
        let guard = Box::pin(sleep(PATIENCE));
        let mut socket = Self { stream, watched, runtime: None, guard, is_watched: false, is_full: false };
        socket.watch_by_runtime()?;
        Ok(socket)
    }

    pub fn watched(&self) -> &Arc<Watched> {
        &self.watched
    }

    /// An event loop has announced that there is something to read.
    fn leave_to_event_loop(&mut self) {
        self.is_watched = true;
        if self.runtime.is_some() && !self.is_full {
            self.runtime = None;
            self.guard.as_mut().reset(Instant::now() + PATIENCE);
        }
    }

    /// Ready with the runtime that watches, once it does; else the guard will ring.
    fn poll_runtime(&mut self, context: &mut Context<'_>) -> Poll<io::Result<&AsyncFd<Arc<S>>>> {
        while self.runtime.is_none() {
            ready!(self.guard.as_mut().poll(context));
            if std::mem::take(&mut self.is_watched) {
                self.guard.as_mut().reset(Instant::now() + PATIENCE);
            } else {
                self.watch_by_runtime()?;
            }
        }
        self.watch_by_runtime().into()
    }

    // Deprecated, since what it is given may name another descriptor each time; a socket of `std` does not.
    #[allow(deprecated)]
    fn watch_by_runtime(&mut self) -> io::Result<&AsyncFd<Arc<S>>> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => AsyncFd::new(self.stream.clone())?,
        };
        Ok(self.runtime.insert(runtime))
    }
}

impl<S: Stream + Unpin> AsyncRead for Socket<S>
where
    for<'a> &'a S: Read,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.watched.has_news.swap(false, Ordering::Relaxed) {
            self.leave_to_event_loop();
            if let read @ Poll::Ready(_) = read(&self.stream, buffer) {
                // There may be more than was asked for.
                if buffer.remaining() == 0 {
                    self.watched.announce();
                }
                return read;
            }
        }
        let this = &mut *self;
        loop {
            let stream = this.stream.clone();
            let mut readable = ready!(ready!(this.poll_runtime(context))?.poll_read_ready(context))?;
            if let read @ Poll::Ready(_) = read(&stream, buffer) {
                return read;
            }
            readable.clear_ready();
        }
    }
}

/// Pending if there is nothing now.
fn read<S>(mut stream: &S, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>>
where
    for<'a> &'a S: Read,
{
    loop {
        return match stream.read(buffer.initialize_unfilled()) {
            Ok(length) => {
                buffer.advance(length);
                Poll::Ready(Ok(()))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => Poll::Ready(Err(error)),
        };
    }
}

impl<S: Stream + Unpin> AsyncWrite for Socket<S>
where
    for<'a> &'a S: Write,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match (&*self.stream).write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_full = true,
                result => {
                    self.is_full = false;
                    return Poll::Ready(result);
                }
            }
            let mut writable = ready!(self.watch_by_runtime()?.poll_write_ready(context))?;
            writable.clear_ready();
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(&self.stream, Shutdown::Write).map_err(Into::into))
    }
}

impl<S: Stream> Drop for Socket<S> {
    /// To close the socket would not end the connection while an event loop has a copy of it.
    fn drop(&mut self) {
        let _ = shutdown(&self.stream, Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixStream, thread};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const MUCH: usize = 4 << 20;

    fn pair() -> (Socket<UnixStream>, UnixStream) {
        let (stream, other) = UnixStream::pair().unwrap();
        stream.set_nonblocking(true).unwrap();
        (Socket::new(stream).unwrap(), other)
    }

    /// What there is to read now, without a word from the runtime: it gets no chance to look.
    fn poll(socket: &mut Socket<UnixStream>, space: usize) -> Poll<Vec<u8>> {
        let mut bytes = vec![0; space];
        let mut buffer = ReadBuf::new(&mut bytes);
        let polled =
            Pin::new(socket).poll_read(&mut Context::from_waker(std::task::Waker::noop()), &mut buffer);
        polled.map(|result| result.map(|()| buffer.filled().to_vec()).unwrap())
    }

    /// One that an event loop watches.
    fn watched_pair() -> (Socket<UnixStream>, UnixStream) {
        let (mut socket, mut other) = pair();
        other.write_all(b"first").unwrap();
        socket.watched().announce();
        assert_eq!(poll(&mut socket, 64), Poll::Ready(b"first".to_vec()));
        assert!(socket.runtime.is_none());
        (socket, other)
    }

    async fn next(socket: &mut Socket<UnixStream>, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        socket.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn the_runtime_watches_until_an_event_loop_says_something() {
        let (mut socket, mut other) = pair();
        let writer = tokio::spawn(async move {
            tokio::task::yield_now().await;
            other.write_all(b"late").unwrap();
            other
        });
        assert_eq!(next(&mut socket, 4).await, b"late");
        assert!(socket.runtime.is_some());
        drop(writer.await);
    }

    #[tokio::test]
    async fn what_an_event_loop_announces_is_read_at_once() {
        let (mut socket, mut other) = watched_pair();
        assert_eq!(poll(&mut socket, 64), Poll::Pending);
        other.write_all(b"second").unwrap();
        assert_eq!(poll(&mut socket, 64), Poll::Pending, "nobody has said so");
        socket.watched().announce();
        assert_eq!(poll(&mut socket, 64), Poll::Ready(b"second".to_vec()));
    }

    #[tokio::test]
    async fn all_that_was_announced_is_read_however_little_is_asked_for() {
        let (mut socket, mut other) = pair();
        other.write_all(b"abcdefgh").unwrap();
        socket.watched().announce();
        for part in ["abc", "def", "gh"] {
            assert_eq!(poll(&mut socket, 3), Poll::Ready(part.as_bytes().to_vec()));
        }
        assert_eq!(poll(&mut socket, 3), Poll::Pending);
    }

    #[tokio::test]
    async fn an_event_loop_that_falls_silent_is_relieved() {
        let (mut socket, mut other) = watched_pair();
        other.write_all(b"unsaid").unwrap();
        assert_eq!(next(&mut socket, 6).await, b"unsaid");
        assert!(socket.runtime.is_some());
    }

    #[tokio::test]
    async fn one_that_goes_on_is_not() {
        let (mut socket, mut other) = watched_pair();
        let end = Instant::now() + 4 * PATIENCE;
        while Instant::now() < end {
            other.write_all(b"more").unwrap();
            socket.watched().announce();
            assert_eq!(next(&mut socket, 4).await, b"more");
            assert_eq!(poll(&mut socket, 4), Poll::Pending);
            assert!(socket.runtime.is_none());
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_written_later_whoever_watches() {
        let (mut socket, mut other) = watched_pair();
        let reader = thread::spawn(move || {
            let mut bytes = vec![0; MUCH];
            other.read_exact(&mut bytes).unwrap();
            bytes
        });
        let written: Vec<u8> = (0..MUCH).map(|i| i as u8).collect();
        let writing = socket.write_all(&written);
        tokio::time::timeout(Duration::from_secs(20), writing).await.unwrap().unwrap();
        assert!(reader.join().unwrap() == written);
    }

    #[tokio::test]
    async fn it_ends_the_connection_though_somebody_watches() {
        let (socket, mut other) = watched_pair();
        let copy = socket.watched().as_fd().try_clone_to_owned().unwrap();
        drop(socket);
        assert_eq!(other.read(&mut [0; 1]).unwrap(), 0);
        drop(copy);
    }
}
