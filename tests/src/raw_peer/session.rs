//! A session of the peer's: frames in and out.

use snow_dist_codec::frame::{Monitor, MonitorExit};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Pid, Reading, Root};
use snow_dist_runtime::core::handshake::Peer;

use super::{Heard, Wire};

/// A session with a node.
pub struct RawSession {
    /// The connection.
    pub wire: Wire,
    /// What the node said of itself.
    pub peer: Peer,
    creation: u8,
    fences: u64,
}

/// A payload that came.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen(pub Vec<u8>);

impl Seen {
    /// The frame.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame::decode(&self.0, Reading::Strict).unwrap()
    }
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.frame().fmt(f)
    }
}

/// A monitor's number that no test uses.
const FENCE: u64 = 1 << 60;

impl RawSession {
    pub(super) const fn new(wire: Wire, peer: Peer, creation: u8) -> Self {
        Self { wire, peer, creation, fences: 0 }
    }

    /// A process of the peer's, where the peer is its owner.
    #[must_use]
    pub fn mine(&self, local: u64) -> Pid {
        Pid::new(0, self.creation, local).unwrap()
    }

    /// A process of the node, where the node is its owner.
    #[must_use]
    pub fn theirs(&self, local: u64) -> Pid {
        Pid::new(0, self.peer.creation, local).unwrap()
    }

    /// Sends a frame.
    pub async fn send<'f>(&mut self, frame: impl Into<Frame<'f>>) {
        let mut bytes = Vec::new();
        frame.into().encode_framed(FRAME_BYTES_MAX, &mut bytes).unwrap();
        self.wire.write(&bytes).await;
    }

    /// The next frame.
    pub async fn next(&mut self) -> Seen {
        Seen(self.wire.hear().await.payload())
    }

    /// The next frame is this one.
    pub async fn expect<'f>(&mut self, frame: impl Into<Frame<'f>>) {
        assert_eq!(self.next().await.frame(), frame.into());
    }

    /// Waits until the node has handled all that was sent, and gives the signals that it sent before it had: the
    /// monitor of nobody is answered behind them.
    pub async fn fence(&mut self) -> Vec<Seen> {
        self.fences += 1;
        let (reference, monitoring, monitored) =
            (FENCE + self.fences, self.mine(1), self.theirs(Pid::LOCAL_MAX));
        self.send(Monitor { from: monitoring, to: monitored, reference }).await;
        let reason = Root::Error("noproc".into()).into();
        let answer = MonitorExit { monitored, monitoring, reference, reason };
        let mut seen = Vec::new();
        loop {
            let next = self.next().await;
            if next.frame() == Frame::from(answer) {
                return seen;
            }
            seen.push(next);
        }
    }

    /// The node ends the session with a CLOSE of this code, and nothing else.
    pub async fn expect_close(&mut self, code: u16) {
        let (payloads, end) = self.wire.hear_all().await;
        let frames: Vec<_> = payloads.into_iter().map(Seen).collect();
        let [last] = frames.as_slice() else { panic!("{frames:?}, then {end:?}") };
        let Frame::Close(close) = last.frame() else { panic!("{last:?}") };
        assert_eq!(close.code, code, "{close:?}");
    }

    /// The node ends the session; what it says before does not matter.
    pub async fn expect_end(&mut self) -> Heard {
        self.wire.hear_all().await.1
    }
}
