//! TCP, which carries connections unless a program brings something else.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use super::network::{Connection, Listener, Network};

/// Bytes of our own that the kernel may hold unsent: what it holds, no signal can overtake.
const SOCKET_UNSENT_BYTES: u32 = 128 << 10;

/// TCP of the operating system, which also looks up the names of hosts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Network for Tcp {
    type Listener = TcpListener;

    async fn listen(&self, address: &str) -> io::Result<TcpListener> {
        TcpListener::bind(address).await
    }

    async fn connect(&self, address: &str) -> io::Result<Connection> {
        Connection::tcp(TcpStream::connect(address).await?)
    }
}

impl Listener for TcpListener {
    fn port(&self) -> io::Result<u16> {
        Ok(self.local_addr()?.port())
    }

    async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        let (socket, from) = Self::accept(self).await?;
        // That fails where the other end is gone already, and says nothing of the next connection.
        let gone = |error| io::Error::new(io::ErrorKind::ConnectionAborted, error);
        Ok((Connection::tcp(socket).map_err(gone)?, from))
    }
}

/// Sets a socket as a session wants it.
pub(super) fn prepare(socket: &TcpStream) -> io::Result<()> {
    //= spec/connection.md#con-que-012
    //= type=implication
    //= reason=the operating system does it
    //# A node SHOULD turn Nagle's algorithm off.
    socket.set_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    //= spec/connection.md#con-que-011
    //= type=implication
    //= reason=the operating system does it, where it can
    //# A node SHOULD bound the bytes that the operating system holds unsent for a session to
    //# `socket_unsent_bytes_max`.
    socket2::SockRef::from(socket).set_tcp_notsent_lowat(SOCKET_UNSENT_BYTES)?;
    Ok(())
}
