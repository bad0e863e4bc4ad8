//! What carries a connection's bytes: part of the task that uses the connection, so that whoever polls that task also writes
//! to the socket and reads from it.
//!
//! The `redis` crate would run it as a task of its own, which only the runtime's thread can go on with. With TLS that is
//! so here, too: the crate does not say how it makes such a connection.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Context,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Fuse, select_ok},
};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, RedisConnectionInfo, RedisError, RedisResult,
    aio::MultiplexedConnection,
};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};

/// Has to be polled for the connection to get on. When it is dropped, the connection ends.
pub(crate) struct Wire {
    driver: Fuse<BoxFuture<'static, ()>>,
}

impl Wire {
    fn new(driver: Fuse<BoxFuture<'static, ()>>) -> Self {
        Self { driver }
    }

    /// Writes and reads what can be written and read now. When the connection ends, its pushes say so.
    pub fn poll(&mut self, context: &mut Context<'_>) {
        let _ = self.driver.poll_unpin(context);
    }

    /// Does `work` over this wire.
    pub async fn carry<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.poll(context);
            let done = work.as_mut().poll(context);
            if done.is_pending() {
                self.poll(context);
            }
            done
        })
        .await
    }
}

/// Opens a connection, as far as the server's first greeting.
pub(crate) async fn connect(
    client: &Client,
    settings: AsyncConnectionConfig,
) -> RedisResult<(MultiplexedConnection, Wire)> {
    let login = client.get_connection_info().redis_settings();
    match client.get_connection_info().addr() {
        ConnectionAddr::Tcp(host, port) => greet(login, tcp(host, *port).await?, settings).await,
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => greet(login, UnixStream::connect(path).await?, settings).await,
        _ => {
            let commands = client.get_multiplexed_async_connection_with_config(&settings).await?;
            Ok((commands, Wire::new(Fuse::terminated())))
        }
    }
}

/// The first of a host's addresses to answer.
async fn tcp(host: &str, port: u16) -> RedisResult<TcpStream> {
    let attempts: Vec<_> =
        lookup_host((host, port)).await?.map(|address| TcpStream::connect(address).boxed()).collect();
    if attempts.is_empty() {
        return Err(RedisError::from((ErrorKind::InvalidClientConfig, "the host has no address")));
    }
    let (stream, _slower) = select_ok(attempts).await?;
    // A question is not to wait until the one before it has been acknowledged.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn greet(
    login: &RedisConnectionInfo,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    settings: AsyncConnectionConfig,
) -> RedisResult<(MultiplexedConnection, Wire)> {
    let (commands, driver) = MultiplexedConnection::new_with_config(login, stream, settings).await?;
    Ok((commands, Wire::new(driver.boxed().fuse())))
}
