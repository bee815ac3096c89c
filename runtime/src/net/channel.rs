//! A connection during the handshake: whole messages over TLS.

use std::io;

use bytes::{Bytes, BytesMut};
use snow_dist_codec::{Framer, FramingError, framing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsStream;

use super::ahead::ReadAhead;
use super::driver::Transport;
use super::tap::{Direction, Tap};
use super::tls::in_words;
use crate::core::handshake;
use crate::tls::exporter;

/// Bytes that TLS may hold for a socket that takes none. These, and what the driver has gathered, stand before every
/// signal that comes later, so both together stay below `signal_delay_bytes_max`.
const TLS_UNSENT_BYTES: usize = 56 << 10;

/// The transport of a session.
pub(crate) type Stream = TlsStream<ReadAhead>;

impl Transport for Stream {
    fn bytes_taken(&self) -> u64 {
        self.get_ref().0.bytes_taken()
    }
}

/// A connection that is no session yet.
pub(crate) struct Channel {
    stream: Stream,
    framer: Framer,
    tap: Option<Tap>,
}

/// A connection is over before it was a session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the peer has closed the connection")]
    Closed,
    #[error("{0}")]
    Framing(#[from] FramingError),
    #[error("a message is too long: {0}")]
    TooLong(#[from] snow_dist_codec::EncodeError),
}

impl Channel {
    pub(crate) fn new(mut stream: Stream, tap: Option<Tap>) -> Self {
        match &mut stream {
            TlsStream::Client(stream) => stream.get_mut().1.set_buffer_limit(Some(TLS_UNSENT_BYTES)),
            TlsStream::Server(stream) => stream.get_mut().1.set_buffer_limit(Some(TLS_UNSENT_BYTES)),
        }
        Self { stream, framer: Framer::default(), tap }
    }

    /// What the proofs are bound to.
    pub(crate) fn bound_to(&self) -> Result<handshake::Channel, Broken> {
        let exporter = match &self.stream {
            TlsStream::Client(stream) => exporter(stream.get_ref().1),
            TlsStream::Server(stream) => exporter(stream.get_ref().1),
        };
        Ok(handshake::Channel::Tls13 { exporter: exporter.map_err(io::Error::other)? })
    }

    pub(crate) async fn read(&mut self) -> Result<Bytes, Broken> {
        loop {
            if let Some(payload) = self.framer.next_payload()? {
                if let Some(tap) = &self.tap {
                    tap.see_handshake("", Direction::In, &payload);
                }
                return Ok(payload);
            }
            self.fill().await?;
        }
    }

    pub(crate) async fn write(&mut self, payload: &[u8]) -> Result<(), Broken> {
        if let Some(tap) = &self.tap {
            tap.see_handshake("", Direction::Out, payload);
        }
        let mut message = Vec::new();
        framing::put(payload, snow_dist_codec::limits::HANDSHAKE_BYTES_MAX, &mut message)?;
        self.stream.write_all(&message).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Waits until the peer closes. What it sends before is kept for the session, and ends the watch.
    pub(crate) async fn closed(&mut self) {
        if self.fill().await.is_ok() {
            std::future::pending().await
        }
    }

    /// Ends the connection, as well as it lets itself be ended.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// The connection as a session's: the transport, and what has come behind the handshake.
    pub(crate) fn into_parts(mut self) -> (Stream, BytesMut) {
        //= spec/connection.md#con-elc-016
        //# An acceptor MUST read bytes that have come behind REPLY as the first bytes of the session, if the
        //# connection becomes one.
        let arrived = std::mem::take(self.framer.buffer_mut());
        (self.stream, arrived)
    }

    async fn fill(&mut self) -> Result<(), Broken> {
        match self.stream.read_buf(self.framer.buffer_mut()).await.map_err(in_words)? {
            0 => Err(Broken::Closed),
            _ => Ok(()),
        }
    }
}
