//! Payloads of a TLS connection.

use std::io;

use bytes::BytesMut;
use snow_dist_codec::framing;
use snow_dist_conform::wire::Wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::defects::Defect;

pub(super) struct Stream {
    tls: TlsStream<TcpStream>,
    inbox: BytesMut,
    defect: Option<Defect>,
}

impl Stream {
    pub(super) fn new(wire: Wire, defect: Option<Defect>) -> Self {
        Self { tls: wire.into_stream(), inbox: BytesMut::new(), defect }
    }

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

    pub(super) async fn say(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut message = Vec::new();
        framing::put(payload, u32::MAX, &mut message).unwrap();
        self.tls.write_all(&message).await?;
        self.tls.flush().await
    }

    pub(super) async fn close(mut self) {
        let _ = self.tls.shutdown().await;
    }
}
