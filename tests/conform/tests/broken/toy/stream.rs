//! Payloads of a TLS connection. Its two halves go apart when it becomes a session.

use std::io;

use bytes::BytesMut;
use snow_dist_codec::framing;
use snow_dist_conform::wire::Wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::defects::Defect;

pub(super) struct Stream {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

pub(super) struct Reader {
    tls: ReadHalf<TlsStream<TcpStream>>,
    inbox: BytesMut,
    defect: Option<Defect>,
}

pub(super) struct Writer {
    tls: WriteHalf<TlsStream<TcpStream>>,
}

impl Stream {
    pub(super) fn new(wire: Wire, defect: Option<Defect>) -> Self {
        let (tls, write) = tokio::io::split(wire.into_stream());
        Self { reader: Reader { tls, inbox: BytesMut::new(), defect }, writer: Writer { tls: write } }
    }

    pub(super) async fn next(&mut self, length_max: u32) -> io::Result<Vec<u8>> {
        self.reader.next(length_max).await
    }

    pub(super) async fn say(&mut self, payload: &[u8]) -> io::Result<()> {
        self.writer.say(payload).await
    }

    pub(super) async fn close(mut self) {
        self.writer.close().await;
    }
}

impl Reader {
    /// The next payload. Nothing is lost if this is dropped before it is ready.
    pub(super) async fn next(&mut self, length_max: u32) -> io::Result<Vec<u8>> {
        loop {
            match framing::cut(&self.inbox, length_max) {
                Ok(Some(cut)) => {
                    let payload = cut.payload.to_vec();
                    let _ = self.inbox.split_to(4 + payload.len());
                    return Ok(payload);
                }
                Ok(None) => {}
                Err(_) if self.defect == Some(Defect::LengthUnlimited) => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            }
            if self.defect == Some(Defect::PieceIsFrame) {
                self.inbox.clear();
            }
            self.inbox.reserve(1 << 16);
            if self.tls.read_buf(&mut self.inbox).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl Writer {
    pub(super) async fn say(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut message = Vec::new();
        framing::put(payload, u32::MAX, &mut message).unwrap();
        self.tls.write_all(&message).await?;
        self.tls.flush().await
    }

    /// close_notify, and the end of what is written.
    pub(super) async fn close(&mut self) {
        let _ = self.tls.shutdown().await;
    }
}
