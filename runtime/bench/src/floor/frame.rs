//! The floor's frames: the length of what follows in 4 bytes, a kind, the process it is for (8 bytes), and either a
//! payload or, of an exit, the process that has ended (8 bytes) and a reason (1 byte).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

const MESSAGE: u8 = 1;
const EXIT: u8 = 2;
const LENGTH_BYTES: usize = 4;
const HEAD_BYTES: u32 = 9;
const EXIT_BYTES: u32 = HEAD_BYTES + 9;

/// Room of the read buffer, unless there are longer frames.
const ROOM_BYTES: usize = 256 << 10;

/// A frame on its way out.
pub(super) enum Frame {
    Message { to: u64, payload: Box<[u8]> },
    Exit { to: u64, from: u64 },
}

/// A frame that has come, in the buffer it came in.
pub(crate) enum Arrived<'b> {
    Message { to: u64, payload: &'b [u8] },
    Exit { to: u64 },
}

impl Frame {
    pub(super) fn write(&self, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Message { to, payload } => write_message(out, *to, payload)?,
            Self::Exit { to, from } => {
                out.extend_from_slice(&head(EXIT_BYTES, EXIT, *to));
                out.extend_from_slice(&from.to_le_bytes());
                out.push(0);
            }
        }
        Ok(())
    }
}

/// Writes a message without a frame that owns it.
pub(crate) fn write_message(out: &mut Vec<u8>, to: u64, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)? + HEAD_BYTES;
    out.extend_from_slice(&head(length, MESSAGE, to));
    out.extend_from_slice(payload);
    Ok(())
}

fn head(length: u32, kind: u8, to: u64) -> [u8; LENGTH_BYTES + HEAD_BYTES as usize] {
    let [l0, l1, l2, l3] = length.to_le_bytes();
    let [t0, t1, t2, t3, t4, t5, t6, t7] = to.to_le_bytes();
    [l0, l1, l2, l3, kind, t0, t1, t2, t3, t4, t5, t6, t7]
}

impl<'b> Arrived<'b> {
    fn read(frame: &'b [u8]) -> Option<Self> {
        let (kind, rest) = frame.split_first()?;
        let (to, rest) = rest.split_first_chunk()?;
        let to = u64::from_le_bytes(*to);
        match *kind {
            MESSAGE => Some(Self::Message { to, payload: rest }),
            EXIT => Some(Self::Exit { to }),
            _ => None,
        }
    }
}

/// Hands out frames in the one buffer that they are read into.
pub(crate) struct Reader<R> {
    stream: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self::for_payloads(stream, 0)
    }

    /// With room for payloads of so many bytes.
    pub(super) fn for_payloads(stream: R, bytes: usize) -> Self {
        Self { stream, buffer: vec![0; ROOM_BYTES + bytes], start: 0, end: 0 }
    }

    /// The next frame; `None` at the end of the stream, or at a frame that there cannot be.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Arrived<'_>>> {
        let length = loop {
            if let Some(length) = self.whole() {
                break length;
            }
            if !self.read().await? {
                return Ok(None);
            }
        };
        let at = self.start + LENGTH_BYTES;
        self.start = at + length;
        Ok(self.buffer.get(at..self.start).and_then(Arrived::read))
    }

    /// The length of the next frame, when all of it has come.
    #[inline]
    fn whole(&self) -> Option<usize> {
        let (length, rest) = self.buffer.get(self.start..self.end)?.split_first_chunk()?;
        let length = u32::from_le_bytes(*length) as usize;
        (rest.len() >= length).then_some(length)
    }

    /// Reads more; false at the end of the stream.
    async fn read(&mut self) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let count = self.stream.read(self.buffer.get_mut(self.end..).unwrap_or_default()).await?;
        self.end += count;
        Ok(count > 0)
    }
}
