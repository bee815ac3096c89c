//! TLS over a blocking socket, for one thread that reads and one that writes.

use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustls::Connection;

use super::{EXPORTER_BYTES, certified, exporter};
use crate::core::connection::Transmit;
use crate::core::handshake::{Certified, Channel};
use crate::core::host::{Input, Next, Written};

/// The bytes to read from the socket at once. A TLS record is hardly longer.
const READ_BYTES: usize = 16 << 10;

/// TLS over a blocking TCP connection, as [`Tls::connect`](super::Tls::connect) and
/// [`Tls::accept`](super::Tls::accept) return it.
///
/// [`handshake`](Self::handshake) performs the TLS handshake. If that method is not called, the first read or write
/// performs the handshake.
///
/// As with a [`TcpStream`], `&TlsStream` implements reading and writing, so that one thread can read while another
/// one writes, through an [`Arc`](std::sync::Arc). Once the handshake is complete, the two threads do not wait for
/// each other: neither holds a lock that the other needs while it waits for the socket.
///
/// A timeout of the socket ends a read or a write with an error of the kind `WouldBlock` or `TimedOut`. No data is
/// lost by that, and the call can be repeated.
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
///     let mut accepted = &Tls::new().map_err(std::io::Error::other)?.accept(listener.accept()?.0)?;
///     let mut read = [0; 5];
///     accepted.read_exact(&mut read)?;
///     accepted.write_all(&read)?;
///     accepted.handshake()
/// });
/// let channel = Tls::new()?.connect(TcpStream::connect(address)?)?;
/// let mut echo = [0; 5];
/// thread::scope(|threads| {
///     threads.spawn(|| (&channel).write_all(b"hello"));
///     (&channel).read_exact(&mut echo)
/// })?;
/// assert_eq!(&echo, b"hello");
/// assert_eq!(acceptor.join().unwrap()?, channel.handshake()?);
/// # Ok(())
/// # }
/// ```
pub struct TlsStream {
    socket: TcpStream,
    /// The exporter, once the handshake is complete.
    exporter: OnceLock<[u8; EXPORTER_BYTES]>,
    /// `true` once [`TlsStream::input`] has returned the exporter.
    is_given: AtomicBool,
    /// `true` if the peer must have a certificate.
    requires: bool,
    /// Held during the handshake, and locked before all others, so that a thread that waits for the handshake does
    /// not wait for a later read.
    handshaking: Mutex<()>,
    /// Held for moments only, and locked after one of the others.
    tls: Mutex<Connection>,
    /// Bytes that were read from the socket and not decrypted yet. Locked while the socket is read.
    incoming: Mutex<VecDeque<u8>>,
    /// Bytes that were encrypted and not written to the socket yet. Locked while the socket is written, because
    /// bytes must be sent in the order in which they were encrypted.
    outgoing: Mutex<VecDeque<u8>>,
}

impl TlsStream {
    /// Creates a stream. With `requires` the peer must have a certificate.
    pub(super) fn new(tls: Connection, socket: TcpStream, requires: bool) -> Self {
        let (handshaking, incoming, outgoing) = Default::default();
        let (exporter, is_given) = Default::default();
        Self { socket, exporter, is_given, requires, handshaking, tls: Mutex::new(tls), incoming, outgoing }
    }

    /// Sets the read and the write timeout of the socket, so that a thread that waits for the socket can check its
    /// clock at least this often. Also disables Nagle's algorithm (`TCP_NODELAY`).
    ///
    /// # Errors
    /// Returns the socket's error, or an error of the kind `InvalidInput` if the time is zero.
    pub fn looking_every(self, time: Duration) -> Result<Self> {
        self.socket.set_nodelay(true)?;
        self.socket.set_read_timeout(Some(time))?;
        self.socket.set_write_timeout(Some(time))?;
        Ok(self)
    }

    /// Returns the next input for [`Host::handle_input`](crate::core::Host::handle_input). `next` is the result of
    /// the last call of that method. The first input is the TLS channel, after its handshake. All further inputs are
    /// bytes, which are read into `block`.
    ///
    /// Each call makes at most one read of the socket and waits for at most the socket's timeout, even if `next` asks
    /// for no bytes. A peer that sends byte by byte therefore cannot keep the thread from checking its clock.
    ///
    /// The socket can also be non-blocking. Instead of waiting, this method then returns [`Input::Nothing`], and
    /// [`output`](Self::output) returns [`Written::Part`] or [`Written::Nothing`]. An event loop should call this
    /// method whenever the socket is readable, again and again until it returns [`Input::Nothing`]. It must not call
    /// the method before the socket is connected, nor while `next` is anything but [`Next::Read`]. Until the method
    /// has returned the channel, the loop should also call it when the socket is writable, because this method makes
    /// the handshake.
    pub fn input<'b>(&self, next: Next, block: &'b mut [u8]) -> Input<'b> {
        if next != Next::Read {
            std::thread::sleep(self.socket.read_timeout().ok().flatten().unwrap_or_default());
            return Input::Nothing;
        }
        let come = if self.is_given.load(Ordering::Relaxed) {
            let read = self.read_once(block);
            read.map(|count| count.and_then(|count| block.get(..count)).map(Input::Bytes))
        } else {
            self.shake().map(|exporter| {
                self.is_given.store(exporter.is_some(), Ordering::Relaxed);
                exporter.map(|exporter| {
                    let channel = Channel::Tls13 { exporter };
                    match self.certified() {
                        Some(certified) => Input::Certified(channel, certified),
                        None => Input::Secured(channel),
                    }
                })
            })
        };
        match come {
            Ok(Some(Input::Bytes([]))) => Input::Ended("the peer has closed it".to_owned()),
            Ok(come) => come.unwrap_or(Input::Nothing),
            Err(error) if is_timeout(&error) => Input::Nothing,
            Err(error) => Input::Ended(error.to_string()),
        }
    }

    /// Writes the bytes that [`Host::transmit`](crate::core::Host::transmit) has returned, and removes from `bytes`
    /// those that TLS has accepted. Waits for at most the socket's timeout.
    ///
    /// Pass the result to [`Host::handle_written`](crate::core::Host::handle_written). If the result is
    /// [`Written::Part`] or [`Written::Nothing`], call this method again later with the remaining bytes.
    pub fn output(&self, given: Transmit, bytes: &mut Vec<u8>) -> Written {
        let (mut outgoing, mut taken) = (lock(&self.outgoing), 0);
        if given == Transmit::Close {
            lock(&self.tls).send_close_notify();
        }
        let done = loop {
            if let Err(error) = self.send_counting(&mut outgoing, &mut taken) {
                break Err(error);
            }
            if bytes.is_empty() {
                break Ok(());
            }
            match lock(&self.tls).writer().write(bytes) {
                Ok(count) => drop(bytes.drain(..count)),
                Err(error) => break Err(error),
            }
        };
        match done {
            Ok(()) => Written::All,
            Err(error) if !is_timeout(&error) => Written::Failed(error.to_string()),
            Err(_) if taken > 0 => Written::Part,
            Err(_) => Written::Nothing,
        }
    }

    /// Completes the handshake, and returns the [`exporter`](super::exporter) of this channel, to which the proofs of
    /// Snow DIST's handshake are bound. Once the handshake is complete, the call does no I/O.
    ///
    /// A timeout of the socket limits each single read, not the whole handshake. A thread with a short timeout can
    /// call this method again after each timeout, and check in between whether the connection is still wanted.
    ///
    /// # Errors
    /// Returns the socket's error, or an error of the kind `InvalidData` that contains a [`rustls::Error`] if the
    /// peer does not speak TLS 1.3.
    pub fn handshake(&self) -> Result<[u8; EXPORTER_BYTES]> {
        loop {
            if let Some(exporter) = self.shake()? {
                return Ok(exporter);
            }
        }
    }

    /// Continues the handshake with at most one read of the socket.
    fn shake(&self) -> Result<Option<[u8; EXPORTER_BYTES]>> {
        if let Some(exporter) = self.exporter.get() {
            return Ok(Some(*exporter));
        }
        let _made_by_one = lock(&self.handshaking);
        if let Some(exporter) = self.exporter.get() {
            return Ok(Some(*exporter));
        }
        let mut incoming = lock(&self.incoming);
        if let Some(exporter) = self.shaken()? {
            return Ok(Some(exporter));
        }
        match self.receive(&mut incoming) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => self.shaken(),
            Err(error) => {
                // An alert tells the peer what was wrong.
                let _ = self.send(&mut lock(&self.outgoing));
                Err(error)
            }
        }
    }

    /// Sends pending handshake data. Returns the exporter if the handshake is complete.
    fn shaken(&self) -> Result<Option<[u8; EXPORTER_BYTES]>> {
        self.send(&mut lock(&self.outgoing))?;
        let tls = lock(&self.tls);
        if tls.is_handshaking() {
            return Ok(None);
        }
        let exporter = match &*tls {
            Connection::Client(tls) => exporter(tls),
            Connection::Server(tls) => exporter(tls),
        };
        let exporter = exporter.map_err(std::io::Error::other)?;
        Ok(Some(*self.exporter.get_or_init(|| exporter)))
    }

    /// Returns the names that the peer's certificate covers, once [`handshake`](Self::handshake) is complete. Do not
    /// use the result before that, because it may contain no names.
    ///
    /// Returns `None` if this side does not require certificates.
    #[must_use]
    pub fn certified(&self) -> Option<Certified> {
        self.requires.then(|| match &*lock(&self.tls) {
            Connection::Client(tls) => certified(tls),
            Connection::Server(tls) => certified(tls),
        })
    }

    /// Ends the TLS channel in the direction to the peer: writes all pending TLS data, and then the alert
    /// `close_notify`. After a failed read, the pending data includes an alert that tells the peer the error. The
    /// socket stays open; shut it down through [`get_ref`](Self::get_ref).
    ///
    /// # Errors
    /// Returns the socket's error.
    pub fn close(&self) -> Result<()> {
        let mut outgoing = lock(&self.outgoing);
        lock(&self.tls).send_close_notify();
        self.send(&mut outgoing)
    }

    /// Writes all encrypted bytes.
    fn send(&self, outgoing: &mut VecDeque<u8>) -> Result<()> {
        self.send_counting(outgoing, &mut 0)
    }

    /// Writes all encrypted bytes, and adds the number of bytes that the socket has taken to `taken`.
    fn send_counting(&self, outgoing: &mut VecDeque<u8>, taken: &mut usize) -> Result<()> {
        let mut tls = lock(&self.tls);
        while tls.wants_write() {
            tls.write_tls(outgoing)?;
        }
        drop(tls);
        while !outgoing.is_empty() {
            match (&self.socket).write(outgoing.as_slices().0) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    outgoing.drain(..count);
                    *taken += count;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        (&self.socket).flush()
    }

    /// Waits for more bytes from the socket and decrypts them. Returns 0 if the socket's stream has ended.
    fn receive(&self, incoming: &mut VecDeque<u8>) -> Result<usize> {
        if incoming.is_empty() {
            let mut block = [0; READ_BYTES];
            let count = loop {
                match (&self.socket).read(&mut block) {
                    // A process that was stopped and goes on: a read with a timeout ends by that.
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    done => break done?,
                }
            };
            incoming.extend(block.iter().take(count));
        }
        // Still empty: that is how the connection learns of the socket's end.
        let mut tls = lock(&self.tls);
        let count = tls.read_tls(incoming)?;
        tls.process_new_packets().map_err(|error| std::io::Error::new(ErrorKind::InvalidData, error))?;
        Ok(count)
    }

    /// Reads bytes that the peer has written, with at most one read of the socket. Returns `None` if the received
    /// bytes are incomplete.
    fn read_once(&self, into: &mut [u8]) -> Result<Option<usize>> {
        let mut incoming = lock(&self.incoming);
        if let Some(count) = self.decrypted(into)? {
            return Ok(Some(count));
        }
        self.receive(&mut incoming)?;
        self.decrypted(into)
    }

    fn decrypted(&self, into: &mut [u8]) -> Result<Option<usize>> {
        match lock(&self.tls).reader().read(into) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            decided => decided.map(Some),
        }
    }

    /// Returns the underlying connection, to set its timeouts or to shut it down.
    pub const fn get_ref(&self) -> &TcpStream {
        &self.socket
    }
}

impl Read for &TlsStream {
    /// Reads bytes that the peer has written. Returns 0 when the peer has said that it writes no more.
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        self.handshake()?;
        loop {
            if let Some(count) = self.read_once(into)? {
                return Ok(count);
            }
        }
    }
}

impl Write for &TlsStream {
    /// Encrypts bytes and writes them. If the socket fails or is not ready after the bytes were taken, the next
    /// call returns that error.
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.handshake()?;
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

/// Returns `true` if the socket was not ready within its timeout.
fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Locks a mutex, ignoring poison: nothing here panics half-way while holding a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
