//! `--trace-file`: the messages of this node as lines of JSON.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use snow_dist_runtime::{Direction, Seen};
use tokio::sync::oneshot;

use crate::trace_file::Sent;

/// Bytes of messages that wait to be written: when there are more, the trace ends.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// Passes what the node sends and receives to a thread that writes it, so that no connection waits for a disk.
pub(super) struct Recorder {
    began: Instant,
    given_name: Arc<str>,
    /// The node's name with its port, once it is known.
    name: OnceLock<Arc<str>>,
    items: Sender<Item>,
    waiting_bytes: Arc<AtomicUsize>,
    /// It is locked while a message gets its time and its place: lines stand in the order of their times.
    has_ended: Mutex<bool>,
    warn: Arc<dyn Fn(&str) + Send + Sync>,
}

enum Item {
    Message(Message),
    /// All messages before it have been written.
    Written(oneshot::Sender<()>),
}

struct Message {
    time: Duration,
    own: Arc<str>,
    peer: String,
    direction: Direction,
    handshake: bool,
    payload: Vec<u8>,
}

impl Recorder {
    /// Starts the thread, which writes each message by `write`. When the trace ends early, `warn` is told why.
    pub(super) fn start(
        name: &str,
        write: impl FnMut(&Sent<'_>) -> io::Result<()> + Send + 'static,
        warn: impl Fn(&str) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let ((items, waiting), warn) = (channel(), Arc::new(warn));
        let waiting_bytes = Arc::<AtomicUsize>::default();
        let (written, warned) = (Arc::clone(&waiting_bytes), Arc::clone(&warn));
        thread::Builder::new().name("trace file".to_owned()).spawn(move || {
            if let Err(error) = write_all(&waiting, write, &written) {
                warned(&format!("the trace ends, since its file cannot be written: {error}"));
            }
        })?;
        let (given_name, name, has_ended) = (name.into(), OnceLock::new(), Mutex::new(false));
        Ok(Self { began: Instant::now(), given_name, name, items, waiting_bytes, has_ended, warn })
    }

    /// Tells it the name by which the node is known to others.
    pub(super) fn is_called(&self, name: &str) {
        self.name.get_or_init(|| name.into());
    }

    /// Takes a message to be written.
    pub(super) fn see(&self, seen: &Seen<'_>) {
        let own = self.name.get().unwrap_or(&self.given_name);
        self.take(|time| Message {
            time,
            own: Arc::clone(own),
            peer: seen.peer.to_owned(),
            direction: seen.direction,
            handshake: seen.handshake,
            payload: seen.payload.to_vec(),
        });
    }

    /// Takes a message with its time. If too much waits, warns and takes nothing any more: a trace has no gap.
    fn take(&self, message: impl FnOnce(Duration) -> Message) {
        let mut has_ended = self.has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        if *has_ended {
            return;
        }
        let is_full = self.waiting_bytes.load(Ordering::Relaxed) >= WAITING_BYTES_MAX;
        *has_ended = is_full || !self.put(message(self.began.elapsed()));
        drop(has_ended);
        if is_full {
            let mib = WAITING_BYTES_MAX >> 20;
            (self.warn)(&format!(
                "the trace ends, since its file takes too long: {mib} MiB wait to be written"
            ));
        }
    }

    /// Returns `false` if nothing is written any more.
    fn put(&self, message: Message) -> bool {
        self.waiting_bytes.fetch_add(message.bytes(), Ordering::Relaxed);
        self.items.send(Item::Message(message)).is_ok()
    }

    /// Waits until all messages so far are written, or nothing is written any more.
    pub(super) async fn written(&self) {
        let (done, is_done) = oneshot::channel();
        if self.items.send(Item::Written(done)).is_ok() {
            let _ = is_done.await;
        }
    }
}

impl Message {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.peer.len() + self.payload.len()
    }

    fn sent(&self) -> Sent<'_> {
        let (from, to) = match self.direction {
            Direction::Out => (&*self.own, &*self.peer),
            Direction::In => (&*self.peer, &*self.own),
        };
        Sent { time: self.time, from, to, handshake: self.handshake, payload: &self.payload }
    }
}

/// Writes until the node has ended, or something cannot be written.
fn write_all(
    items: &Receiver<Item>,
    mut write: impl FnMut(&Sent<'_>) -> io::Result<()>,
    waiting_bytes: &AtomicUsize,
) -> io::Result<()> {
    for item in items {
        match item {
            Item::Message(message) => {
                write(&message.sent())?;
                waiting_bytes.fetch_sub(message.bytes(), Ordering::Relaxed);
            }
            Item::Written(done) => drop(done.send(())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recorder, and what it has warned of.
    fn recorder(
        write: impl FnMut(&Sent<'_>) -> io::Result<()> + Send + 'static,
    ) -> (Recorder, Receiver<String>) {
        let (warn, warnings) = channel();
        let recorder = Recorder::start("a@h:1", write, move |text| warn.send(text.to_owned()).unwrap());
        (recorder.unwrap(), warnings)
    }

    fn see(recorder: &Recorder, payload: Vec<u8>) {
        let (own, peer, direction) = ("a@h:1".into(), "b@h:1".to_owned(), Direction::Out);
        recorder.take(|time| Message { time, own, peer, direction, handshake: false, payload });
    }

    #[tokio::test]
    async fn nobody_waits_for_a_file_that_takes_too_long_and_its_trace_ends_without_a_gap() {
        let (allow, may_write) = channel::<()>();
        let (tell, lengths) = channel();
        let (recorder, warnings) = recorder(move |sent| {
            may_write.recv().unwrap();
            tell.send(sent.payload.len()).unwrap();
            Ok(())
        });
        see(&recorder, b"first".to_vec());
        see(&recorder, vec![0; WAITING_BYTES_MAX]);
        see(&recorder, b"too much".to_vec());
        (0..2).for_each(|_| allow.send(()).unwrap());
        recorder.written().await;
        see(&recorder, b"behind a gap".to_vec());
        drop(recorder);
        let text = "the trace ends, since its file takes too long: 64 MiB wait to be written";
        assert_eq!(warnings.iter().collect::<Vec<_>>(), [text]);
        assert_eq!(lengths.iter().collect::<Vec<_>>(), [5, WAITING_BYTES_MAX]);
    }

    #[tokio::test]
    async fn a_trace_whose_file_cannot_be_written_ends_with_one_warning() {
        let (tell, lengths) = channel();
        let (recorder, warnings) = recorder(move |sent| {
            tell.send(sent.payload.len()).unwrap();
            Err(io::Error::other("no space"))
        });
        see(&recorder, b"first".to_vec());
        see(&recorder, b"second".to_vec());
        recorder.written().await;
        see(&recorder, b"third".to_vec());
        drop(recorder);
        let text = "the trace ends, since its file cannot be written: no space";
        assert_eq!(warnings.iter().collect::<Vec<_>>(), [text]);
        assert_eq!(lengths.iter().collect::<Vec<_>>(), [5]);
    }
}
