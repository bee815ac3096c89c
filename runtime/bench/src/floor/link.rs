//! A connection with a queue before its writer and mailboxes behind its reader.

use std::collections::HashMap;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf};
use tokio::sync::mpsc;

use super::Stream;
use super::frame::{Arrived, Frame, Reader};

/// The process that answers, and the one that measures.
pub(crate) const SERVER: u64 = 42;
/// See [`SERVER`].
pub(crate) const DRIVER: u64 = 1;

/// Frames that may wait in the queue of a connection.
pub(super) const QUEUE_MAX: usize = 4_096;

/// Messages that may wait in a mailbox.
pub(super) const MAILBOX_MAX: usize = 65_536;

/// Frames that are taken from the queue at once.
const BATCH_MAX: usize = 1_024;

/// Bytes that are written at once.
pub(crate) const WRITE_BYTES: usize = 64 << 10;

pub(super) type Mailbox = mpsc::Receiver<Box<[u8]>>;
pub(super) type Outbound = mpsc::Sender<Frame>;

/// Starts the writer. What is sent to the queue goes out in order, as many frames as there are with one write.
pub(super) fn open(stream: Stream, queue_max: usize) -> (Reader<ReadHalf<Stream>>, Outbound) {
    let (read, write) = tokio::io::split(stream);
    let (outbound, queue) = mpsc::channel(queue_max);
    tokio::spawn(write_all(write, queue));
    (Reader::new(read), outbound)
}

/// The same, with a mailbox for the one process at this end.
pub(super) fn open_for(process: u64, stream: Stream) -> (Mailbox, Outbound) {
    let (reader, outbound) = open(stream, QUEUE_MAX);
    let (mailbox, received) = mpsc::channel(MAILBOX_MAX);
    tokio::spawn(deliver(reader, HashMap::from([(process, mailbox)])));
    (received, outbound)
}

/// Hands each message to the mailbox of its process.
pub(super) async fn deliver<R: AsyncRead + Unpin>(
    mut reader: Reader<R>,
    mailboxes: HashMap<u64, mpsc::Sender<Box<[u8]>>>,
) -> io::Result<()> {
    while let Some(frame) = reader.next().await? {
        if let Arrived::Message { to, payload } = frame
            && let Some(mailbox) = mailboxes.get(&to)
        {
            // A process that has ended receives nothing.
            let _ = mailbox.send(payload.into()).await;
        }
    }
    Ok(())
}

/// Writes what comes from the queue.
pub(super) async fn write_all(
    mut stream: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Frame>,
) -> io::Result<()> {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut out = Vec::with_capacity(2 * WRITE_BYTES);
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        for frame in batch.drain(..) {
            frame.write(&mut out)?;
            if out.len() >= WRITE_BYTES {
                stream.write_all(&out).await?;
                out.clear();
            }
        }
        stream.write_all(&out).await?;
        out.clear();
        stream.flush().await?;
    }
    stream.shutdown().await
}

/// The number that a message consists of.
pub(crate) fn number(payload: &[u8]) -> u64 {
    payload.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
