//! What a peer can make a mailbox keep.

use snow_dist_codec::frame::{Exit, Exit2, Fragment, Link, RegSend, Send, SendTerm};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::stf::Encoder;
use snow_dist_codec::{Frame, Pid, Reason, ReasonBuf, Root, framing};
use snow_dist_runtime::core::limits::{ALLOCATION_BYTES_COUNTED, MESSAGE_BYTES_COUNTED};
use snow_dist_tests::raw_peer::RawSession;

use super::{SHARE, put};

/// One kind of it.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Writes one more, for this process of the node.
    pub(super) write: fn(&mut Vec<u8>, &RawSession, u64, u64),
    /// Whether the node is to read each by itself.
    pub(super) is_read_alone: bool,
    /// As many as it keeps, of a kind that it never drops.
    pub(super) count_max: Option<u64>,
}

const fn kind(name: &'static str, write: fn(&mut Vec<u8>, &RawSession, u64, u64)) -> Kind {
    Kind { name, write, is_read_alone: false, count_max: None }
}

fn send(bytes: &mut Vec<u8>, session: &RawSession, to: u64, length: usize) {
    put(bytes, Send { to: session.theirs(to), message: &vec![7; length] });
}

fn exit2(bytes: &mut Vec<u8>, session: &RawSession, to: u64, reason: Reason<'_>) {
    put(bytes, Exit2 { from: session.mine(1), to: session.theirs(to), reason });
}

pub(super) fn messages_without_bytes() -> Kind {
    kind("messages without bytes", |bytes, session, to, _| send(bytes, session, to, 0))
}

pub(super) fn messages_of_one_byte() -> Kind {
    kind("messages of one byte", |bytes, session, to, _| send(bytes, session, to, 1))
}

pub(super) fn messages_of_100_bytes() -> Kind {
    kind("messages of 100 bytes", |bytes, session, to, _| send(bytes, session, to, 100))
}

/// Each lies in a read of 32 KiB, of which it would keep all.
pub(super) fn messages_that_could_keep_a_read_of_unknown_frames() -> Kind {
    let write = |bytes: &mut Vec<u8>, session: &RawSession, to: u64, _: u64| {
        send(bytes, session, to, 8_300);
        for _ in 0..24 {
            framing::put(&[0xF7; 1_020], FRAME_BYTES_MAX, bytes).unwrap();
        }
    };
    Kind { is_read_alone: true, ..kind("messages of 8 300 bytes before 24 KiB of unknown frames", write) }
}

pub(super) fn messages_of_64_kib() -> Kind {
    kind("messages of 64 KiB", |bytes, session, to, _| send(bytes, session, to, 64 << 10))
}

pub(super) fn messages_of_1_mib() -> Kind {
    kind("messages of 1 MiB", |bytes, session, to, _| send(bytes, session, to, 1 << 20))
}

pub(super) fn messages_in_fragments() -> Kind {
    kind("messages of 1 MiB in fragments", |bytes, session, to, number| {
        for frame in in_fragments(session, to, number, 1 << 20) {
            bytes.extend_from_slice(&frame);
        }
    })
}

/// A message of so many bytes in fragments, each by itself.
pub(super) fn in_fragments(session: &RawSession, to: u64, number: u64, length: usize) -> Vec<Vec<u8>> {
    let mut payload = Vec::new();
    Frame::from(Send { to: session.theirs(to), message: &vec![7; length] }).encode(&mut payload).unwrap();
    let mut total = Some(u32::try_from(payload.len()).unwrap());
    let mut rest = payload.chunks(60_000).peekable();
    let mut frames = Vec::new();
    while let Some(payload) = rest.next() {
        let mut frame = Vec::new();
        put(&mut frame, Fragment { number, total: total.take(), last: rest.peek().is_none(), payload });
        frames.push(frame);
    }
    frames
}

pub(super) fn messages_to_names() -> Kind {
    kind("messages to names", |bytes, _, _, number| {
        let name = format!("hoarder {}", number % 16);
        put(bytes, RegSend { name: name.as_str().into(), message: b"a" });
    })
}

pub(super) fn terms_with_pids() -> Kind {
    kind("terms with pids", |bytes, session, to, _| {
        let mut term = Vec::new();
        let mut encoder = Encoder::new(&mut term);
        encoder.tuple(2).unwrap();
        let _ = [session.mine(1), Pid::new(0xFFFE, session.peer.creation, to).unwrap()]
            .map(|pid| encoder.pid(pid));
        encoder.finish().unwrap();
        put(bytes, SendTerm { to: session.theirs(to), message: &term });
    })
}

pub(super) fn exit_signals() -> Kind {
    kind("exit signals", |bytes, session, to, _| exit2(bytes, session, to, Root::Normal.into()))
}

pub(super) fn exit_signals_with_hops() -> Kind {
    kind("exit signals with hops", |bytes, session, to, _| {
        let hops = (0..100).map(|local: u32| session.mine(local.into()));
        exit2(bytes, session, to, ReasonBuf::new(hops, &Root::Normal).as_reason());
    })
}

pub(super) fn exit_signals_with_text() -> Kind {
    kind("exit signals with text", |bytes, session, to, _| {
        let text = "x".repeat(40);
        exit2(bytes, session, to, Root::Error(text.as_str().into()).into());
    })
}

/// They are not dropped: one that is too many ends the session.
pub(super) fn exit_signals_of_links() -> Kind {
    const TEXT: &str = "boom";
    // Text and counts of the reason, and what the allocator adds to that.
    let counted = MESSAGE_BYTES_COUNTED + TEXT.len() + 16 + ALLOCATION_BYTES_COUNTED;
    let write = |bytes: &mut Vec<u8>, session: &RawSession, to: u64, number: u64| {
        let (from, to) = (session.mine(number + 2), session.theirs(to));
        put(bytes, Link { from, to });
        put(bytes, Exit { from, to, reason: Root::Error(TEXT.into()).into() });
    };
    Kind { count_max: Some((SHARE / counted) as u64), ..kind("exit signals of links", write) }
}
