//! Scripts out of bytes: the number of a step, and then what it needs.

use std::time::Duration;

use snow_dist_codec::frame::{
    Call, CallName, CallReply, Demonitor, Exit, Exit2, Fragment, Link, Monitor, MonitorExit, MonitorName,
    Named, NodeTable, Ping, RegSend, Send, SendNameTerm, SendTerm, Spawn, Unlink, UnlinkAck, UnlinkId,
};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Pid as WirePid, ReasonBuf, Root};
use snow_dist_runtime::core::limits::MONITORED_NAME_BYTES_MAX;
use snow_dist_runtime::core::{NodeNumber, Pid, Reason};

use super::model::{OURS, PEER, THEIRS};
use super::nodes::start;

/// One step.
pub(super) enum Step<'a> {
    /// Bytes of the peer, in pieces of one size.
    Arrive {
        bytes: Vec<u8>,
        piece: usize,
    },
    Link(u64, u64),
    Unlink(u64, u64),
    Monitor(u64, u64),
    Demonitor(u64),
    Send(u64, u64, Vec<u8>),
    SendNamed(u64, &'a str, Vec<u8>),
    SendTerm(u64, u64, Vec<Pid>),
    Exit(u64, u64, Reason),
    Call(u64, u64, Vec<Pid>),
    CallNamed(u64, &'static str, Vec<Pid>),
    /// To one of the calls that have come, by its place among them.
    Reply(usize, Vec<Pid>),
    LeaveUnanswered(usize),
    SendNamedTerm(u64, &'static str, Vec<Pid>),
    MonitorNamed(u64, &'static str),
    /// A process takes a name.
    Register(u64, &'static str),
    /// A mailbox takes no calls, or takes them again.
    Fill(u64),
    End(u64, Reason),
    Write(usize),
    Pass(Duration),
    Probe,
    Close(&'a str),
}

/// A byte more than a name that is monitored may have.
const LONG_NAME: &str = match std::str::from_utf8(&[b'x'; MONITORED_NAME_BYTES_MAX + 1]) {
    Ok(name) => name,
    Err(_) => unreachable!(),
};

/// What is left of a script.
pub(super) struct Script<'a> {
    rest: &'a [u8],
    /// The creation in pids of the peer's processes.
    pub(super) theirs: u8,
}

impl<'a> Script<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, theirs: THEIRS }
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// The next step; `None` where the script ends.
    pub(super) fn step(&mut self) -> Option<Step<'a>> {
        Some(match self.byte()? % 26 {
            0 => Step::Arrive { piece: self.piece()?, bytes: self.some()?.to_vec() },
            1 => Step::Arrive { piece: self.piece()?, bytes: self.frame()? },
            2 => Step::Link(self.process()?, self.process()?),
            3 => Step::Unlink(self.process()?, self.process()?),
            4 => Step::Monitor(self.process()?, self.process()?),
            5 => Step::Demonitor(self.number()?),
            6 => {
                let (local, remote) = (self.process()?, self.process()?);
                Step::Send(local, remote, self.message(local)?)
            }
            7 => {
                let (local, name) = (self.process()?, self.text()?);
                Step::SendNamed(local, name, self.message(local)?)
            }
            8 => Step::End(self.process()?, self.reason()?),
            9 => Step::Write(self.number()? as usize),
            10 => Step::Pass(Duration::from_secs(self.number()?)),
            11 => Step::Probe,
            12 => Step::Close(self.text()?),
            13 => Step::Arrive { piece: self.piece()?, bytes: self.fragment()? },
            14 => Step::SendTerm(self.process()?, self.process()?, self.pids()?),
            15 => Step::Exit(self.process()?, self.process()?, self.reason()?),
            16 => Step::Call(self.process()?, self.process()?, self.pids()?),
            17 => Step::CallNamed(self.process()?, self.name()?, self.pids()?),
            18 => Step::Reply(self.number()? as usize, self.pids()?),
            19 => Step::LeaveUnanswered(self.number()? as usize),
            20 => Step::SendNamedTerm(self.process()?, self.name()?, self.pids()?),
            21 => Step::MonitorNamed(self.process()?, self.name()?),
            22 => Step::Register(self.process()?, self.name()?),
            23 => Step::Fill(self.process()?),
            _ => Step::Arrive { piece: self.piece()?, bytes: self.frame_of_calls()? },
        })
    }

    fn number(&mut self) -> Option<u64> {
        self.byte().map(u64::from)
    }

    /// Few processes, so that steps meet.
    fn process(&mut self) -> Option<u64> {
        self.number().map(|number| number % 6)
    }

    /// Few names, of which one is too long to be monitored.
    fn name(&mut self) -> Option<&'static str> {
        Some(match self.byte()? {
            255 => LONG_NAME,
            byte => ["n", "m", ""][usize::from(byte % 3)],
        })
    }

    fn piece(&mut self) -> Option<usize> {
        self.byte().map(|size| if size == 0 { usize::MAX } else { usize::from(size) })
    }

    /// So many bytes as the first one says, or as there are.
    fn some(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.byte()?).min(self.rest.len());
        let (some, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(some)
    }

    /// A message that says who sent it, so that no two processes write the same.
    fn message(&mut self, local: u64) -> Option<Vec<u8>> {
        Some([&local.to_le_bytes()[..1], self.some()?].concat())
    }

    fn text(&mut self) -> Option<&'a str> {
        self.some().map(|bytes| std::str::from_utf8(bytes).unwrap_or("no text"))
    }

    fn reason(&mut self) -> Option<Reason> {
        let peer = NodeNumber::other(PEER)?;
        Some(match self.byte()? % 9 {
            0 => Reason::Normal,
            1 => Reason::error(self.text()?),
            2 => Reason::Killed,
            3 => Reason::linked(Pid::new(peer, THEIRS, self.process()?), &Reason::Killed),
            4 => Reason::linked(Pid::new(NodeNumber::HERE, OURS, self.process()?), &Reason::Shutdown),
            5 => Reason::linked(
                Pid::new(NodeNumber::UNKNOWN, 3, self.process()?),
                &Reason::custom(self.text()?),
            ),
            6 => Reason::Noconnection,
            7 => Reason::linked(self.any_pid()?, &Reason::linked(self.any_pid()?, &Reason::Killed)),
            _ => Reason::Error(self.text()?.repeat(usize::from(self.byte()?)).into()),
        })
    }

    /// A process of any node that this one knows.
    fn any_pid(&mut self) -> Option<Pid> {
        let byte = self.byte()?;
        let local = u64::from(byte % 6);
        Some(match byte / 6 % 6 {
            0 => Pid::new(NodeNumber::HERE, OURS, local),
            1 => Pid::new(NodeNumber::other(PEER)?, THEIRS + byte / 128, local),
            2 => Pid::new(NodeNumber::UNKNOWN, 3, local),
            third => {
                let number = u64::from(third) + 2;
                Pid::new(NodeNumber::other(number)?, start(number).creation(), local)
            }
        })
    }

    fn pids(&mut self) -> Option<Vec<Pid>> {
        (0..self.byte()? % 4).map(|_| self.any_pid()).collect()
    }

    /// A pid without an owner: of either node, of one that the table may name, or of nobody.
    fn ownerless(&mut self) -> Option<WirePid> {
        let byte = self.byte()?;
        let local = u64::from(byte % 6);
        match byte / 6 % 4 {
            0 => WirePid::new(0, THEIRS, local),
            1 => WirePid::new(WirePid::NODE_READER, OURS + byte / 128, local),
            2 => WirePid::new(u16::from(byte % 4), 1 + byte % 4, local),
            _ => WirePid::new(WirePid::NODE_UNKNOWN, byte, local),
        }
    }

    /// A frame that is likely to mean something, with its length.
    fn frame(&mut self) -> Option<Vec<u8>> {
        let kind = self.byte()?;
        let [from, to] = [self.pid(self.theirs)?, self.pid(OURS)?];
        let number = self.number()?;
        let reason = self.wire_reason()?;
        let reason = reason.as_reason();
        let text = [kind; 8];
        let mut message = vec![1, 13, 2, 30];
        if kind % 15 == 13 {
            message.extend(self.ownerless()?.to_bits().to_le_bytes());
            message.push(if kind < 240 { 30 } else { 29 });
            message.extend(self.ownerless()?.to_bits().to_le_bytes());
        }
        let frame: Frame<'_> = match kind % 15 {
            0 => Link { from, to }.into(),
            1 => UnlinkId { from, to, id: number }.into(),
            2 => UnlinkAck { from, to, id: number }.into(),
            3 => Exit { from, to, reason }.into(),
            4 => Monitor { from, to, reference: number }.into(),
            5 => Demonitor { from, to, reference: number }.into(),
            6 => MonitorExit { monitored: from, monitoring: to, reference: number, reason }.into(),
            7 => Unlink { from, to }.into(),
            8 => Send { to, message: &text }.into(),
            9 => Ping { payload: &text }.into(),
            10 => Spawn { request: number, requester: from, link: 1, function: "f".into(), arguments: &[] }
                .into(),
            11 => Exit2 { from, to, reason }.into(),
            12 => {
                // Incarnations whose creations pids have, and none.
                let index = u16::from(kind / 15 % 5).wrapping_sub(u16::from(kind >= 240));
                let name = ["c@h", "d@h:1", "no name", "c@h:9000"][usize::from(kind % 4)];
                NodeTable { index, incarnation: number % 4, name: name.into() }.into()
            }
            13 => SendTerm { to, message: &message }.into(),
            _ => Frame::Empty,
        };
        let mut bytes = Vec::new();
        frame.encode_framed(FRAME_BYTES_MAX, &mut bytes).ok()?;
        Some(bytes)
    }

    /// A frame of calls or names that is likely to mean something, with its length.
    fn frame_of_calls(&mut self) -> Option<Vec<u8>> {
        let kind = self.byte()?;
        let [from, to] = [self.pid(self.theirs)?, self.pid(OURS)?];
        let (reference, name) = (self.number()?, self.name()?.into());
        let mut message = vec![1, 30];
        message.extend(self.ownerless()?.to_bits().to_le_bytes());
        message.truncate(if kind < 224 { 10 } else { 5 });
        let message = &*message;
        let frame: Frame<'_> = match kind % 8 {
            0 => Call { from, to, reference, message }.into(),
            1 => CallName { from, reference, name, message }.into(),
            2 => CallReply { from, to, reference, message }.into(),
            3 => SendNameTerm { name, message }.into(),
            4 => MonitorName { from, reference, name }.into(),
            5 => Named { reference, pid: from }.into(),
            6 => Demonitor { from, to, reference }.into(),
            _ => {
                MonitorExit { monitored: from, monitoring: to, reference, reason: Root::Killed.into() }.into()
            }
        };
        let mut bytes = Vec::new();
        frame.encode_framed(FRAME_BYTES_MAX, &mut bytes).ok()?;
        Some(bytes)
    }

    /// A piece of a message, with its length. There are few numbers, so that pieces meet, and each has its message.
    fn fragment(&mut self) -> Option<Vec<u8>> {
        let (number, flags) = (self.number()? % 3, self.byte()?);
        let (from, length) = (usize::from(self.byte()? % 16), usize::from(self.byte()?));
        let mut whole = Vec::new();
        let to = WirePid::new(0, OURS, number + 1)?;
        let (from_pid, term) = (WirePid::new(0, THEIRS, number + 1)?, b"\x01\x05\x02\0\0\0hi");
        let message: Frame<'_> = match flags & 236 {
            32 => Call { from: from_pid, to, reference: number, message: term }.into(),
            64 => CallName { from: from_pid, reference: number, name: "n".into(), message: term }.into(),
            96 => CallReply { from: from_pid, to, reference: number, message: term }.into(),
            128 => SendNameTerm { name: "n".into(), message: term }.into(),
            4 => RegSend { name: "n".into(), message: b"message" }.into(),
            8 => Link { from: to, to }.into(),
            _ => Send { to, message: b"pieces" }.into(),
        };
        message.encode(&mut whole).ok()?;
        let total = if flags & 16 == 0 { whole.len() } else { length << 20 };
        let payload = whole.get(from..whole.len().min(from + length)).unwrap_or_default();
        let first = (flags & 1 != 0).then_some(u32::try_from(total).ok()?);
        let mut bytes = Vec::new();
        let piece = Fragment { number, total: first, last: flags & 2 != 0, payload };
        Frame::from(piece).encode_framed(FRAME_BYTES_MAX, &mut bytes).ok()?;
        Some(bytes)
    }

    /// Mostly a process of the node with this creation; else one of a neighbouring start or of another node.
    fn pid(&mut self, creation: u8) -> Option<WirePid> {
        let byte = self.byte()?;
        let local = u64::from(byte % 6);
        match byte {
            0..240 => WirePid::new(0, creation, local),
            240..250 => WirePid::new(0, creation + 1, local),
            _ => WirePid::new(u16::from(byte), creation, local),
        }
    }

    fn wire_reason(&mut self) -> Option<ReasonBuf> {
        let byte = self.byte()?;
        let nodes = [(0, THEIRS), (WirePid::NODE_READER, OURS), (1, 1), (WirePid::NODE_UNKNOWN, 1)];
        let (node, creation) = nodes[usize::from(byte % 4)];
        let hop = if byte < 192 { WirePid::new(node, creation, 1)? } else { self.ownerless()? };
        let text = "x".repeat(usize::from(byte) * 40);
        let root = match byte % 5 {
            0 => Root::Normal,
            1 => Root::Error(text.as_str().into()),
            2 => Root::Custom(text.as_str().into()),
            3 => Root::Noconnection,
            _ => Root::Killed,
        };
        let hops = vec![hop; if byte < 128 { 0 } else { usize::from(byte) * 4 - 510 }];
        Some(ReasonBuf::new(hops.into_iter(), &root))
    }
}
