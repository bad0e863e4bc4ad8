//! What carries a connection's bytes: part of the task that uses the connection, so that whoever polls that task also writes
//! to the socket and reads from it.
//!
//! The `redis` crate would run it as a task of its own, which only the runtime's thread can go on with. With TLS that is
//! so here, too: the crate does not say how it makes such a connection.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Context,
    time::Duration,
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
    time::sleep,
};

use crate::trouble::{NO_TLS, Reason, Trouble};

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

/// Opens a connection, as far as the server's first greeting. Whoever asks gives up after `within`.
pub(crate) async fn connect(
    client: &Client,
    settings: AsyncConnectionConfig,
    within: Duration,
) -> Result<(MultiplexedConnection, Wire), Trouble> {
    let login = client.get_connection_info().redis_settings();
    match client.get_connection_info().addr() {
        ConnectionAddr::TcpTls { host, port, .. } => tokio::select! {
            connection = connect_by_crate(client, &settings) => Ok(connection?),
            () = answers_without_tls(host, *port, within / 2) => Err(Trouble::new(Reason::Unreachable, NO_TLS)),
        },
        ConnectionAddr::Tcp(host, port) => Ok(greet(login, tcp(host, *port).await?, settings).await?),
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(RedisError::from)?;
            Ok(greet(login, stream, settings).await?)
        }
        _ => Ok(connect_by_crate(client, &settings).await?),
    }
}

async fn connect_by_crate(
    client: &Client,
    settings: &AsyncConnectionConfig,
) -> RedisResult<(MultiplexedConnection, Wire)> {
    let commands = client.get_multiplexed_async_connection_with_config(settings).await?;
    Ok((commands, Wire::new(Fuse::terminated())))
}

/// Returns if a server that has said nothing to TLS for so long answers without it: it waits for the end of what it takes for a
/// command.
async fn answers_without_tls(host: &str, port: u16, after: Duration) {
    sleep(after).await;
    let question = async {
        let stream = tcp(host, port).await?;
        stream.writable().await?;
        stream.try_write(b"PING\r\n")?;
        stream.readable().await?;
        let mut answer = [0];
        stream.try_read(&mut answer)?;
        RedisResult::Ok(answer)
    };
    if !matches!(question.await, Ok([b'+' | b'-'])) {
        pending().await
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
