//! TLS over a blocking socket, for a thread that reads and a thread that writes.

use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustls::Connection;

use super::{EXPORTER_BYTES, exporter};
use crate::core::connection::Transmit;
use crate::core::handshake::Channel;
use crate::core::host::{Input, Next, Written};

/// Bytes that are read from the socket at once: a record of TLS has hardly more.
const READ_BYTES: usize = 16 << 10;

/// TLS over a blocking TCP connection. [`Tls::connect`](super::Tls::connect) and
/// [`Tls::accept`](super::Tls::accept) return it.
///
/// Its handshake is made by [`handshake`](Self::handshake), or else by the first read or write.
///
/// As with a [`TcpStream`], `&TlsStream` can be read and written, so that one thread may read
/// while another one writes, through an [`Arc`](std::sync::Arc). Neither ever waits for the other: no lock that both
/// take is held while the socket is read or written, once the handshake is complete.
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
    /// Known when the handshake is complete.
    exporter: OnceLock<[u8; EXPORTER_BYTES]>,
    /// [`TlsStream::input`] has given it.
    is_given: AtomicBool,
    /// Locked while the handshake is made, before any of the others: who waits for it must not wait for a read that comes
    /// after it.
    handshaking: Mutex<()>,
    /// Taken for moments only, after one of the others.
    tls: Mutex<Connection>,
    /// What has been read from the socket and not yet been decrypted. Locked while the socket is read.
    incoming: Mutex<VecDeque<u8>>,
    /// What has been encrypted and not yet been written to the socket. Locked while the socket is written, since bytes
    /// have to leave in the order in which they were encrypted.
    outgoing: Mutex<VecDeque<u8>>,
}

impl TlsStream {
    pub(super) fn new(tls: Connection, socket: TcpStream) -> Self {
        let (handshaking, incoming, outgoing) = Default::default();
        let (exporter, is_given) = Default::default();
        Self { socket, exporter, is_given, handshaking, tls: Mutex::new(tls), incoming, outgoing }
    }

    /// From now on neither a read nor a write waits longer than this for the socket: the thread that makes it can look at the
    /// clock. The socket sends small writes at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// Returns the socket's error, or one of the kind `InvalidInput` if the time is zero.
    pub fn looking_every(self, time: Duration) -> Result<Self> {
        self.socket.set_nodelay(true)?;
        self.socket.set_read_timeout(Some(time))?;
        self.socket.set_write_timeout(Some(time))?;
        Ok(self)
    }

    /// What has come, for [`Host::handle_input`](crate::core::Host::handle_input), which says what is `next`: the channel first,
    /// once; bytes are read into `block`. Waits for as long as the socket does, also where nothing is to be read, and for one read
    /// of it only: a peer that sends byte by byte does not keep the thread from its clock.
    ///
    /// The socket may also be non-blocking: this gives [`Input::Nothing`] where it would wait, and [`output`](Self::output) says
    /// [`Written::Part`] or [`Written::Nothing`]. An event loop calls this when there is something to read, until it gives
    /// nothing, but not before the socket is connected, and not while `next` is another one than [`Next::Read`]. Until the channel
    /// is there it calls this also when the socket can be written, since the handshake is made here.
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
                exporter.map(|exporter| Input::Secured(Channel::Tls13 { exporter }))
            })
        };
        match come {
            Ok(Some(Input::Bytes([]))) => Input::Ended("the peer has closed it".to_owned()),
            Ok(come) => come.unwrap_or(Input::Nothing),
            Err(error) if is_timeout(&error) => Input::Nothing,
            Err(error) => Input::Ended(error.to_string()),
        }
    }

    /// Writes what [`Host::transmit`](crate::core::Host::transmit) has given, and takes out of `bytes` what TLS has taken. The
    /// result is for [`Host::handle_written`](crate::core::Host::handle_written): if that asks for it, this is called again with
    /// what is left. Waits for as long as the socket does.
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
    /// Snow DIST's handshake are bound. Once it is complete, this costs nothing.
    ///
    /// A timeout of the socket bounds each read and not the whole handshake. A thread that has set a short one can call
    /// this again after each, and look in between whether the connection is still wanted.
    ///
    /// # Errors
    /// Returns the socket's error, or one of the kind `InvalidData` that holds a [`rustls::Error`] if the peer does not
    /// speak TLS 1.3.
    pub fn handshake(&self) -> Result<[u8; EXPORTER_BYTES]> {
        loop {
            if let Some(exporter) = self.shake()? {
                return Ok(exporter);
            }
        }
    }

    /// Goes on with the handshake, by one read of the socket at most.
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

    /// Sends what the handshake has to say. The exporter, if it is complete.
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
        self.send_counting(outgoing, &mut 0)
    }

    /// The same, and adds to `taken` how many bytes the socket has taken.
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

    /// Decrypts more of what the socket has, and waits for it. Returns 0 if that has ended.
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

    /// Reads bytes that the peer has written, by one read of the socket at most. Nothing: what has come is not whole yet.
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
        self.handshake()?;
        loop {
            if let Some(count) = self.read_once(into)? {
                return Ok(count);
            }
        }
    }
}

impl Write for &TlsStream {
    /// Encrypts bytes and writes them. If the socket fails or is not ready after they were taken, the next call says
    /// so.
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

/// The socket has not been ready for as long as it was to wait.
fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A lock that outlives a panic: nothing here panics half-way while one is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
