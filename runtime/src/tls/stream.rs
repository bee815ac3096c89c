//! TLS over a blocking socket, for a thread that reads and a thread that writes.

use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::Connection;

use super::{EXPORTER_BYTES, exporter};

/// Bytes that are read from the socket at once: a record of TLS has hardly more.
const READ_BYTES: usize = 16 << 10;

/// TLS over a blocking TCP connection, with its handshake complete. [`Tls::connect`](super::Tls::connect) and
/// [`Tls::accept`](super::Tls::accept) return it.
///
/// As with a [`TcpStream`], `&TlsStream` can be read and written, so that one thread may read
/// while another one writes, through an [`Arc`](std::sync::Arc). Neither ever waits for the other: no lock that both
/// take is held while the socket is read or written.
///
/// A timeout of the socket ends a read or a write with an error of the kind `WouldBlock` or `TimedOut`. Nothing is lost
/// then, and the call can be made again.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::{TcpListener, TcpStream};
/// use std::thread;
///
/// use snow_dist_runtime::tls::Tls;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let acceptor = thread::spawn(move || {
///     let mut accepted = &Tls::new()?.accept(listener.accept()?.0)?;
///     let mut read = [0; 5];
///     accepted.read_exact(&mut read)?;
///     accepted.write_all(&read)?;
///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(accepted.exporter())
/// });
/// let channel = Tls::new()?.connect(TcpStream::connect(address)?)?;
/// let mut echo = [0; 5];
/// thread::scope(|threads| {
///     threads.spawn(|| (&channel).write_all(b"hello"));
///     (&channel).read_exact(&mut echo)
/// })?;
/// assert_eq!(&echo, b"hello");
/// assert_eq!(acceptor.join().unwrap().unwrap(), channel.exporter());
/// # Ok(())
/// # }
/// ```
pub struct TlsStream {
    socket: TcpStream,
    exporter: [u8; EXPORTER_BYTES],
    /// Taken for moments only, after one of the others.
    tls: Mutex<Connection>,
    /// What has been read from the socket and not yet been decrypted. Locked while the socket is read.
    incoming: Mutex<VecDeque<u8>>,
    /// What has been encrypted and not yet been written to the socket. Locked while the socket is written, since bytes
    /// have to leave in the order in which they were encrypted.
    outgoing: Mutex<VecDeque<u8>>,
}

impl TlsStream {
    /// Completes the handshake.
    pub(super) fn complete(mut tls: Connection, socket: TcpStream) -> Result<Self> {
        while tls.is_handshaking() {
            tls.complete_io(&mut &socket)?;
        }
        let exporter = match &tls {
            Connection::Client(tls) => exporter(tls),
            Connection::Server(tls) => exporter(tls),
        };
        Ok(Self {
            socket,
            exporter: exporter.map_err(std::io::Error::other)?,
            tls: Mutex::new(tls),
            incoming: Mutex::default(),
            outgoing: Mutex::default(),
        })
    }

    /// Tells the peer that nothing more will be written, and writes what TLS still has to say: after a failed read
    /// that is an alert, which tells the peer what was wrong. The socket stays open; [`get_ref`](Self::get_ref) is
    /// what to shut down.
    ///
    /// # Errors
    /// Returns the socket's error.
    pub fn close(&self) -> Result<()> {
        let mut outgoing = lock(&self.outgoing);
        lock(&self.tls).send_close_notify();
        self.send(&mut outgoing)
    }

    /// Writes all that has been encrypted.
    fn send(&self, outgoing: &mut VecDeque<u8>) -> Result<()> {
        let mut tls = lock(&self.tls);
        while tls.wants_write() {
            tls.write_tls(outgoing)?;
        }
        drop(tls);
        while !outgoing.is_empty() {
            match (&self.socket).write(outgoing.as_slices().0) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => drop(outgoing.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        (&self.socket).flush()
    }
}

impl TlsStream {
    /// What the proofs of Snow DIST's handshake are bound to: see [`exporter`](super::exporter).
    pub const fn exporter(&self) -> [u8; EXPORTER_BYTES] {
        self.exporter
    }

    /// The connection below, to set its timeouts or to shut it down.
    pub const fn get_ref(&self) -> &TcpStream {
        &self.socket
    }
}

impl Read for &TlsStream {
    /// Reads bytes that the peer has written. 0: it has said that it writes no more.
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let mut incoming = lock(&self.incoming);
        loop {
            match lock(&self.tls).reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                decided => return decided,
            }
            if incoming.is_empty() {
                let mut block = [0; READ_BYTES];
                let count = (&self.socket).read(&mut block)?;
                incoming.extend(block.iter().take(count));
            }
            // Still empty: that is how the connection learns of the socket's end.
            let mut tls = lock(&self.tls);
            tls.read_tls(&mut *incoming)?;
            tls.process_new_packets().map_err(|error| std::io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }
}

impl Write for &TlsStream {
    /// Encrypts bytes and writes them. If the socket fails or is not ready after they were taken, the next call says
    /// so.
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut outgoing = lock(&self.outgoing);
        self.send(&mut outgoing)?;
        let count = lock(&self.tls).writer().write(bytes)?;
        let _ = self.send(&mut outgoing);
        Ok(count)
    }

    fn flush(&mut self) -> Result<()> {
        self.send(&mut lock(&self.outgoing))
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// A lock that outlives a panic: nothing here panics half-way while one is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
