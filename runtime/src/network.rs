//! The transport of a node's connections: TCP, or one that the program provides.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::foreign::{self, Kept};

/// The bytes that the kernel may hold unsent for this node. A signal cannot overtake them.
const SOCKET_UNSENT_BYTES: u32 = 128 << 10;

/// A transport for a node's connections. A node uses [`Tcp`](crate::Tcp), unless the program passes another network
/// to [`NodeBuilder::start_on`](crate::NodeBuilder::start_on).
///
/// A network provides streams of bytes that preserve order and lose nothing until they end, as TCP does. It need
/// not provide secrecy, integrity or authentication: the node runs TLS and then the handshake on each stream.
///
/// An implementation may use the node in all methods. If a method panics, the effect is that of an error: the dial,
/// the accept or the stream has failed.
///
/// This example connects two nodes of one program by pipes in memory:
///
/// ```
/// use std::collections::HashMap;
/// use std::io;
/// use std::net::{Ipv4Addr, SocketAddr};
/// use std::sync::{Arc, Mutex};
///
/// use snow_dist_runtime::{Connection, Listener, Network, Node};
/// use tokio::io::{DuplexStream, duplex};
/// use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
///
/// /// The listeners, by address.
/// #[derive(Clone, Default)]
/// struct Memory(Arc<Mutex<HashMap<String, UnboundedSender<DuplexStream>>>>);
///
/// struct Pipes(UnboundedReceiver<DuplexStream>);
///
/// impl Network for Memory {
///     type Listener = Pipes;
///
///     async fn listen(&self, address: &str) -> io::Result<Pipes> {
///         let (theirs, ours) = unbounded_channel();
///         self.0.lock().unwrap().insert(address.to_owned(), theirs);
///         Ok(Pipes(ours))
///     }
///
///     async fn connect(&self, address: &str) -> io::Result<Connection> {
///         let (ours, theirs) = duplex(64 << 10);
///         let listeners = self.0.lock().unwrap();
///         let taken = listeners.get(address).and_then(|listener| listener.send(theirs).ok());
///         taken.map(|()| Connection::new(ours)).ok_or(io::ErrorKind::ConnectionRefused.into())
///     }
/// }
///
/// impl Listener for Pipes {
///     fn port(&self) -> io::Result<u16> {
///         Err(io::ErrorKind::Unsupported.into())
///     }
///
///     async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
///         let pipe = self.0.recv().await.ok_or(io::ErrorKind::BrokenPipe)?;
///         Ok((Connection::new(pipe), (Ipv4Addr::LOCALHOST, 0).into()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (memory, cookie) = (Memory::default(), "only for this example: `snow-dist cookie` makes better ones");
/// let a = Node::builder("a@memory:1").cookie(cookie).start_on(memory.clone()).await?;
/// let b = Node::builder("b@memory:2").cookie(cookie).start_on(memory).await?;
/// a.connect("b@memory:2").await?;
/// assert_eq!(a.nodes(), ["b@memory:2".into()]);
/// # a.shutdown().await;
/// # b.shutdown().await;
/// # Ok(()) }
/// ```
pub trait Network: Send + Sync + 'static {
    /// The type that accepts incoming connections.
    type Listener: Listener;

    /// Listens at an address, and returns the listener. The node calls this with the `host:port` of its own name, or
    /// once for each address given to [`NodeBuilder::listen`](crate::NodeBuilder::listen). The network must keep
    /// connections that arrive before the node accepts them ([`PreparedNode::listen`](crate::PreparedNode::listen)).
    ///
    /// # Errors
    /// Returns an error if the network cannot listen at the address. The node then does not start
    /// ([`StartError::Listen`](crate::StartError::Listen)).
    fn listen(&self, address: &str) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// Connects to an address, and returns the connection. The address is the `host:port` of another node's name,
    /// where an IPv6 address is in brackets and the port is never 0. The node drops the future if it is not ready
    /// within the time of the handshake, 7 s ([`HANDSHAKE_DEADLINE`](crate::core::limits::HANDSHAKE_DEADLINE)).
    ///
    /// # Errors
    /// Returns an error if no connection could be made. The dial then fails with
    /// [`ConnectError::Tcp`](crate::ConnectError::Tcp).
    fn connect(&self, address: &str) -> impl Future<Output = io::Result<Connection>> + Send;
}

/// A source of incoming connections. The node drops it when the node stops.
pub trait Listener: Send + 'static {
    /// Returns the port at which this listener listens. The node calls this once, before it accepts connections. A
    /// node whose name has port 0 announces the port of its first listener.
    ///
    /// # Errors
    /// Returns an error if the network has no ports. The result of [`PreparedNode::ports`](crate::PreparedNode::ports)
    /// is then `None`, and a node whose name has port 0 does not start.
    fn port(&self) -> io::Result<u16>;

    /// Waits for the next connection, and returns it with the address of its origin. The node calls this again after
    /// each result. It drops an unfinished future only when it stops.
    ///
    /// Handshakes and sessions are limited per IP address (for IPv6, per network of 64 bits): see
    /// [`NodeBuilder::handshakes_per_address_max`](crate::NodeBuilder::handshakes_per_address_max) and
    /// [`NodeBuilder::sessions_per_address_max`](crate::NodeBuilder::sessions_per_address_max). If a network has no
    /// IP addresses and returns the same one for all peers, raise both limits.
    ///
    /// # Errors
    /// Returns an error if no connection can be accepted now. An error of the kind `ConnectionAborted` or
    /// `ConnectionReset` says that one connection was lost, and the node accepts the next one at once. The node logs
    /// any other error, and tries again a little later.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Connection, SocketAddr)>> + Send;
}

/// A connection between two nodes, over any transport.
#[derive(Debug)]
pub struct Connection(Kind);

enum Kind {
    Tcp(TcpStream),
    Other(Theirs),
}

trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// A stream of the program. If it panics, it has failed and is not used again.
struct Theirs(Kept<Pin<Box<dyn Stream>>>);

impl Theirs {
    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut dyn Stream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(stream) = self.0.get_mut() else {
            return Poll::Ready(Err(io::Error::other("the program's stream has panicked")));
        };
        match foreign::attempt(|| poll(stream.as_mut())) {
            Ok(polled) => polled.map_err(in_plain_words),
            Err(words) => {
                self.0.give_up();
                Poll::Ready(Err(io::Error::other(format!("the program's stream panicked: {words}"))))
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        let asked = foreign::call(|| self.0.get().is_some_and(|stream| stream.is_write_vectored()));
        asked.unwrap_or_default()
    }
}

/// Converts an error of the program into one that can be displayed and dropped anywhere.
fn in_plain_words(error: io::Error) -> io::Error {
    if error.get_ref().is_none() {
        return error;
    }
    let kind = error.kind();
    let words = foreign::attempt(|| error.to_string()).unwrap_or_else(|_| kind.to_string());
    foreign::dispose(error);
    io::Error::new(kind, words)
}

impl Connection {
    /// Creates a connection from any stream of bytes. For a TCP socket use [`Connection::tcp`], which also configures
    /// the socket.
    ///
    /// After one side has dropped the stream or shut it down, the other side must read the remaining bytes, and then
    /// the end of the stream (a read of length 0). The stream should buffer a limited number of bytes, such as 64 KiB,
    /// because signals cannot overtake bytes that the stream holds.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self(Kind::Other(Theirs(Kept::new(Box::pin(stream)))))
    }

    /// Creates a connection from a TCP socket, and configures the socket for sessions: Nagle's algorithm is off, and
    /// the kernel, if it has such a setting, holds at most 128 KiB of unsent bytes.
    ///
    /// # Errors
    /// Returns an error if the operating system refuses the configuration.
    pub fn tcp(socket: TcpStream) -> io::Result<Self> {
        prepare(&socket)?;
        Ok(Self(Kind::Tcp(socket)))
    }

    /// Waits until a read may return something, as far as this can be known without a buffer.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Kind::Tcp(socket) => socket.poll_read_ready(cx),
            Kind::Other(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut dyn Stream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.0 {
            Kind::Tcp(socket) => poll(Pin::<&mut TcpStream>::new(socket)),
            Kind::Other(stream) => stream.poll(poll),
        }
    }
}

/// Configures a socket for sessions.
fn prepare(socket: &TcpStream) -> io::Result<()> {
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

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Kind::Tcp(socket) => socket.is_write_vectored(),
            Kind::Other(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_shutdown(cx))
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(socket) => socket.fmt(f),
            Self::Other(_) => f.write_str("a stream of the program"),
        }
    }
}

/// The result of a dial, or the message of its panic.
type Dialled<'a> = Pin<Box<dyn Future<Output = Result<io::Result<Connection>, String>> + Send + 'a>>;

/// A network as a node keeps it, whatever its type.
pub(crate) trait Dialler: Send + Sync {
    /// Dials an address. See [`Network::connect`].
    fn dial<'a>(&'a self, address: &'a str) -> Dialled<'a>;
}

impl<N: Network> Dialler for Kept<N> {
    fn dial<'a>(&'a self, address: &'a str) -> Dialled<'a> {
        Box::pin(foreign::caught(async move {
            match self.get() {
                Some(network) => network.connect(address).await.map_err(in_plain_words),
                None => Err(io::ErrorKind::NotConnected.into()),
            }
        }))
    }
}

/// A listener as a node keeps it.
pub(crate) struct Listening<L>(Kept<L>);

impl<L: Listener> Listening<L> {
    pub(crate) const fn new(listener: L) -> Self {
        Self(Kept::new(listener))
    }

    /// Accepts a connection. See [`Listener::accept`]. A panic there is reported as an error.
    pub(crate) async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        let accepted = foreign::caught(async {
            match self.0.get_mut() {
                Some(listener) => listener.accept().await,
                None => Err(io::ErrorKind::NotConnected.into()),
            }
        });
        match accepted.await {
            Ok(accepted) => accepted.map_err(in_plain_words),
            Err(words) => Err(io::Error::other(format!("the program's listener panicked: {words}"))),
        }
    }
}
