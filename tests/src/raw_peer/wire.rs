//! A TLS connection: bytes go out as they are given, payloads come in whole.

use std::io;

use bytes::BytesMut;
use snow_dist_codec::framing;
use snow_dist_codec::handshake::proof::EXPORTER_LABEL;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_runtime::core::handshake::Channel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::program::within;

/// A connection.
pub struct Wire {
    stream: TlsStream<TcpStream>,
    inbox: BytesMut,
}

/// What came.
#[derive(Debug)]
pub enum Heard {
    /// A payload.
    Payload(Vec<u8>),
    /// The other end has closed, and said so in TLS.
    Closed,
    /// The connection is gone.
    Broken(io::Error),
}

impl Heard {
    /// The payload that must have come.
    #[track_caller]
    #[must_use]
    pub fn payload(self) -> Vec<u8> {
        match self {
            Self::Payload(payload) => payload,
            ended => panic!("no payload: {ended:?}"),
        }
    }

    /// The payload, if one has come.
    ///
    /// # Errors
    /// The end that came instead.
    pub fn try_payload(self) -> Result<Vec<u8>, Self> {
        match self {
            Self::Payload(payload) => Ok(payload),
            ended => Err(ended),
        }
    }

    /// Whether nothing comes any more.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        !matches!(self, Self::Payload(_))
    }
}

impl Wire {
    pub(super) fn new(stream: TlsStream<TcpStream>) -> Self {
        Self { stream, inbox: BytesMut::new() }
    }

    /// The channel, as handshakes are bound to it.
    #[must_use]
    pub fn channel(&self) -> Channel {
        Channel::Tls13 { exporter: self.exporter() }
    }

    /// What the proofs hold of the channel.
    #[must_use]
    pub fn exporter(&self) -> [u8; 32] {
        let exported = match &self.stream {
            TlsStream::Client(stream) => {
                stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))
            }
            TlsStream::Server(stream) => {
                stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))
            }
        };
        exported.unwrap()
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Writes bytes on a connection that takes them.
    pub async fn write(&mut self, bytes: &[u8]) {
        within("writing", self.try_write(bytes)).await.unwrap();
    }

    /// Writes a payload behind its length.
    pub async fn say(&mut self, payload: &[u8]) {
        let mut message = Vec::new();
        framing::put(payload, FRAME_BYTES_MAX, &mut message).unwrap();
        self.write(&message).await;
    }

    /// The next payload, or the end.
    pub async fn hear(&mut self) -> Heard {
        loop {
            if let Some(cut) = framing::cut(&self.inbox, FRAME_BYTES_MAX).unwrap() {
                let payload = cut.payload.to_vec();
                let _ = self.inbox.split_to(4 + payload.len());
                return Heard::Payload(payload);
            }
            match within("the other end", self.stream.read_buf(&mut self.inbox)).await {
                Ok(0) => return Heard::Closed,
                Ok(_) => {}
                Err(error) => return Heard::Broken(error),
            }
        }
    }

    /// Reads to the end. Gives the payloads that came before.
    pub async fn hear_all(&mut self) -> (Vec<Vec<u8>>, Heard) {
        let mut payloads = Vec::new();
        loop {
            match self.hear().await {
                Heard::Payload(payload) => payloads.push(payload),
                end => return (payloads, end),
            }
        }
    }

    /// The stream itself.
    #[must_use]
    pub fn into_stream(self) -> TlsStream<TcpStream> {
        self.stream
    }
}
