//! A connection with read-ahead below TLS, which by itself reads 4 KiB per system call.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::network::Connection;

/// The bytes that one system call reads.
const AHEAD_BYTES: usize = 16 << 10;

/// A connection with a read buffer. The buffer exists only while it contains data: an idle connection has none.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    connection: Connection,
    ahead: BytesMut,
    bytes_taken: u64,
}

impl ReadAhead {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, ahead: BytesMut::new(), bytes_taken: 0 }
    }

    /// Returns the number of bytes that the connection has taken so far to be sent.
    pub(crate) const fn bytes_taken(&self) -> u64 {
        self.bytes_taken
    }

    fn count(&mut self, taken: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = taken {
            self.bytes_taken += count as u64;
        }
        taken
    }

    /// Reads available data into the buffer.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.connection.poll_read_ready(cx))?;
        self.ahead.reserve(AHEAD_BYTES);
        let read = pin!(self.connection.read_buf(&mut self.ahead));
        read.poll(cx).map_ok(drop)
    }
}

impl AsyncRead for ReadAhead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let filled = self.poll_fill(cx);
            if filled.is_pending() {
                self.ahead = BytesMut::new();
            }
            ready!(filled)?;
        }
        let count = buf.remaining().min(self.ahead.len());
        buf.put_slice(self.ahead.get(..count).unwrap_or_default());
        self.ahead.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ReadAhead {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.connection).poll_write(cx, bytes);
        self.count(taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.connection).poll_write_vectored(cx, bytes);
        self.count(taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn connected() -> (TcpStream, ReadAhead) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (other, ReadAhead::new(Connection::tcp(listener.accept().await.unwrap().0).unwrap()))
    }

    #[tokio::test]
    async fn all_bytes_come_in_order_however_they_are_asked_for() {
        let (mut other, mut socket) = connected().await;
        let sent: Vec<u8> = (0..=250).cycle().take(100_000).collect();
        let writing = async {
            other.write_all(&sent).await.unwrap();
            other.shutdown().await.unwrap();
        };
        let reading = async {
            let mut got = Vec::new();
            for length in (1..5_000).cycle() {
                let mut part = vec![0; length];
                match socket.read(&mut part).await.unwrap() {
                    0 => return got,
                    count => got.extend_from_slice(part.get(..count).unwrap()),
                }
            }
            got
        };
        assert_eq!(tokio::join!(writing, reading).1, sent);
    }

    #[tokio::test]
    async fn there_is_a_buffer_only_while_there_is_something_to_read() {
        let (mut other, mut socket) = connected().await;
        for _ in 0..3 {
            other.write_all(b"twelve bytes").await.unwrap();
            let mut part = [0; 8];
            socket.read_exact(&mut part).await.unwrap();
            assert_eq!(&*socket.ahead, b"ytes");
            socket.read_exact(&mut part[..4]).await.unwrap();
            let mut nothing = [0; 1];
            let mut nothing = ReadBuf::new(&mut nothing);
            poll_fn(|cx| {
                assert!(Pin::new(&mut socket).poll_read(cx, &mut nothing).is_pending());
                Poll::Ready(())
            })
            .await;
            assert_eq!(socket.ahead.capacity(), 0);
        }
    }
}
