//! One end of a simulated connection.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use super::network::Shared;
use super::state::{Arrived, PipeId};
use crate::foreign;

/// One end of a connection. Dropping it closes the end.
pub(super) struct Stream {
    shared: Arc<Shared>,
    reads: PipeId,
    writes: PipeId,
    /// The timer for the arrival of data in transit.
    arrival: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(super) const fn new(shared: Arc<Shared>, reads: PipeId, writes: PipeId) -> Self {
        Self { shared, reads, writes, arrival: None }
    }

    /// Looks for data once. Returns `Some` if there is a time to wait for besides a change of the network.
    fn look(&mut self, cx: &Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Code of the program's, as is its drop: neither runs under the lock.
        let mut waker = Some(cx.waker().clone());
        let now = self.shared.now();
        let mut state = self.shared.state.lock();
        let (arrived, wake) = state.read(self.reads, now, |bytes| {
            let fits = bytes.get(..buf.remaining()).unwrap_or(bytes);
            buf.put_slice(fits);
            fits.len()
        })?;
        if !matches!(arrived, Arrived::Something) {
            std::mem::swap(&mut state.pipe(self.reads)?.reader, &mut waker);
        }
        drop(state);
        wake.into_iter().for_each(foreign::wake);
        match arrived {
            Arrived::Something => Poll::Ready(Ok(())),
            Arrived::Nothing => {
                self.arrival = None;
                Poll::Pending
            }
            Arrived::Later(due) => {
                let due = self.shared.at(due);
                match &mut self.arrival {
                    Some(arrival) if arrival.deadline() == due => {}
                    arrival => *arrival = Some(Box::pin(sleep_until(due))),
                }
                Poll::Pending
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Poll::Ready(read) = self.look(cx, buf) {
                return Poll::Ready(read);
            }
            match &mut self.arrival {
                Some(arrival) => ready!(arrival.as_mut().poll(cx)),
                None => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut waker = Some(cx.waker().clone());
        let now = self.shared.now();
        let mut state = self.shared.state.lock();
        let (written, wake) = state.write(self.writes, now, bytes)?;
        if written == 0 && !bytes.is_empty() {
            std::mem::swap(&mut state.pipe(self.writes)?.writer, &mut waker);
            return Poll::Pending;
        }
        drop(state);
        wake.into_iter().for_each(foreign::wake);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let now = self.shared.now();
        let wake = self.shared.state.lock().end(self.writes, now);
        wake.into_iter().for_each(foreign::wake);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let now = self.shared.now();
        let (wakes, gone) = self.shared.state.lock().leave(self.reads, self.writes, now);
        drop(gone);
        wakes.into_iter().for_each(foreign::wake);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("reads", &self.reads)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
