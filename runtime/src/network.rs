//! What carries connections: TCP, or what a program brings.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::foreign::{self, Kept};

/// Bytes of our own that the kernel may hold unsent: what it holds, no signal can overtake.
const SOCKET_UNSENT_BYTES: u32 = 128 << 10;

/// What carries a node's connections: [`Tcp`](crate::Tcp), unless its program brings another to
/// [`NodeBuilder::start_on`](crate::NodeBuilder::start_on).
///
/// A network gives streams of bytes that keep their order and lose nothing until they end, as TCP does. It need not
/// keep them secret or unchanged, nor know who is at the other end: on each stream the node speaks TLS, and then the
/// handshake.
///
/// All of it may use the node, and may panic: a dial, an accept or a stream that panics has failed.
///
/// Nodes of one program, on pipes in its memory:
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
/// /// Who listens, by address.
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
    /// What takes the connections of others.
    type Listener: Listener;

    /// Listens at an address: `host:port` of the node's own name, or what was given to
    /// [`NodeBuilder::listen`](crate::NodeBuilder::listen), once for each address. Connections that come before
    /// [`PreparedNode::listen`](crate::PreparedNode::listen) wait here.
    ///
    /// # Errors
    /// Nothing can listen there.
    fn listen(&self, address: &str) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// Connects to an address: `host:port` of another node's name, an IPv6 address in brackets, the port never 0. The
    /// node gives it up, by dropping it, when the handshake's time is over.
    ///
    /// # Errors
    /// There is no connection.
    fn connect(&self, address: &str) -> impl Future<Output = io::Result<Connection>> + Send;
}

/// Takes the connections that others make to a node. The node drops it when it stops.
pub trait Listener: Send + 'static {
    /// The port at which it listens. A node asks once, when it is prepared; one whose name says port 0 announces this port.
    ///
    /// # Errors
    /// There is no such thing.
    fn port(&self) -> io::Result<u16>;

    /// The next connection, and from where it comes. What one IP address (of IPv6, one network of 64 bits) can have is
    /// bounded: [`NodeBuilder::handshakes_per_address_max`](crate::NodeBuilder::handshakes_per_address_max) and
    /// [`NodeBuilder::sessions_per_address_max`](crate::NodeBuilder::sessions_per_address_max). A network that has no
    /// such addresses, and gives one for all of its peers, had better raise both.
    ///
    /// # Errors
    /// There is none now: of the kinds `ConnectionAborted` and `ConnectionReset` if only that connection is gone.
    /// After any other the node asks again a little later.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Connection, SocketAddr)>> + Send;
}

/// A connection between two nodes, of any kind.
#[derive(Debug)]
pub struct Connection(Kind);

enum Kind {
    Tcp(TcpStream),
    Other(Theirs),
}

trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// A stream of the program's. If it panics it has failed, and is not used again.
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

/// An error of the program's as one that can be shown and dropped anywhere.
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
    /// Any stream of bytes. A TCP connection is better made by [`Connection::tcp`].
    ///
    /// Its end of the stream is that it is dropped or shut down, of the other end that a read gives no bytes. What it
    /// takes should be bounded: no signal overtakes bytes that it holds.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self(Kind::Other(Theirs(Kept::new(Box::pin(stream)))))
    }

    /// A TCP connection, set as a session wants it: Nagle's algorithm is off, and the system holds few bytes unsent.
    ///
    /// # Errors
    /// The system refuses the setting.
    pub fn tcp(socket: TcpStream) -> io::Result<Self> {
        prepare(&socket)?;
        Ok(Self(Kind::Tcp(socket)))
    }

    /// Ready when a read may give something, as far as can be known without a buffer for it.
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

/// Sets a socket as a session wants it.
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

/// What comes of a dial, or what its panic says.
type Dialled<'a> = Pin<Box<dyn Future<Output = Result<io::Result<Connection>, String>> + Send + 'a>>;

/// A network as a node keeps it, whatever its type.
pub(crate) trait Dialler: Send + Sync {
    /// See [`Network::connect`].
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

    /// See [`Listener::accept`]. A panic of that is an error like any other.
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
