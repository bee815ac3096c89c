//! What a member writes without end: each frame that there is, to processes that are there and to such as are not.

use snow_dist_runtime::codec::frame::{
    Call, CallName, CallReply, Close, Demonitor, Exit, Exit2, Fragment, GlobalRegister, GlobalSync,
    GlobalUnregister, Link, Monitor, MonitorExit, MonitorName, Named, NodeTable, PeerList, Ping, Pong,
    RegSend, RoomBroadcast, Send, SendNameTerm, SendTerm, Spawn, SpawnReply, Unlink, UnlinkAck, UnlinkId,
};
use snow_dist_runtime::codec::limits::FRAME_BYTES_MAX;
use snow_dist_runtime::codec::stf::Encoder;
use snow_dist_runtime::codec::{EntriesBuf, Entry, Frame, NamesBuf, Pid, ReasonBuf, Root, Text, framing};
use snow_dist_runtime::core::groups::SERVER;
use snow_dist_runtime::core::handshake::Peer;

use super::MEMBER;
use super::attacks::End;
use super::bounds::Part::{
    self, GlobalNames, Groups, Kept, NodeTable as Table, Processes, Session, Share, Ties,
};
use super::part::Victim;
use super::victim::{END, HOARDERS, POUR, WAIT};

/// A message, or arguments.
const CONTENT: [u8; 100] = [7; 100];

/// Indexes of a node table, more than a node keeps: then they are given anew, to other nodes.
const INDEXES: u64 = 8_192;

/// One of them.
pub(super) struct Flood {
    pub(super) name: &'static str,
    /// The limits of the victim that it can use up.
    pub(super) parts: &'static [Part],
    /// How its sessions end.
    pub(super) end: End,
    /// Whether it reads what it is answered.
    pub(super) reads: bool,
    /// Whether it goes on and on.
    pub(super) repeats: bool,
    /// Adds some frames.
    pub(super) write: fn(&mut Batch),
}

const fn flood(name: &'static str, parts: &'static [Part], end: End, write: fn(&mut Batch)) -> Flood {
    Flood { name, parts, end, reads: true, repeats: true, write }
}

/// All of them. Those that are named like a frame are floods of it.
pub(super) const FLOODS: &[Flood] = &[
    flood("SEND", &[Session, Share], End::Stays, |to| {
        let pid = to.anyone();
        to.put(Send { to: pid, message: &CONTENT });
    }),
    flood("REG_SEND", &[Session, Share], End::Stays, |to| {
        let name = to.any_name();
        to.put(RegSend { name: name.as_str().into(), message: &CONTENT });
    }),
    flood("PEER_LIST", &[Session, Kept], End::Stays, peer_list),
    flood("LINK", &[Session, Share, Ties], End::Stays, |to| {
        let (from, to_whom) = (to.mine(), to.anyone());
        to.put(Link { from, to: to_whom });
    }),
    flood("UNLINK", &[Session], End::Stays, |to| {
        let (from, to_whom) = (to.mine(), to.anyone());
        to.put(Unlink { from, to: to_whom });
    }),
    flood("EXIT", &[Session, Share, Ties], End::Reaches(Close::LIMIT), |to| {
        let (from, to_whom) = (to.mine(), to.anyone());
        to.put(Link { from, to: to_whom });
        to.put(Exit { from, to: to_whom, reason: Root::Error("boom".into()).into() });
    }),
    flood("MONITOR", &[Session, Ties], End::Stays, |to| {
        let (from, to_whom, reference) = (to.mine(), to.anyone(), to.number());
        to.put(Monitor { from, to: to_whom, reference });
    }),
    flood("DEMONITOR", &[Session, Ties], End::Stays, |to| {
        let (from, to_whom, reference) = (to.mine(), to.anyone(), to.number());
        to.put(Monitor { from, to: to_whom, reference });
        to.put(Demonitor { from, to: to_whom, reference });
    }),
    flood("MONITOR_EXIT", &[Session], End::Stays, |to| {
        let (monitored, monitoring, reference) = (to.mine(), to.anyone(), to.number());
        to.put(MonitorExit { monitored, monitoring, reference, reason: Root::Normal.into() });
    }),
    flood("SPAWN", &[Session, Processes, Ties], End::Stays, |to| {
        let (requester, request) = (to.mine(), to.number());
        let function = if request % 2 == 0 { WAIT } else { "nothing" };
        let link = u8::try_from(request / 2 % 3).unwrap_or_default();
        to.put(Spawn { request, requester, link, function: function.into(), arguments: &unit() });
    }),
    flood("SPAWN_REPLY", &[Session], End::Stays, |to| {
        let request = to.number();
        to.put(SpawnReply { request, status: 0, local: 1 });
    }),
    flood("GLOBAL_REGISTER", &[Session, GlobalNames], End::Stays, |to| {
        let (pid, number) = (to.mine(), to.number());
        to.put(GlobalRegister { name: format!("global {number}").as_str().into(), pid, node: MEMBER.into() });
    }),
    flood("GLOBAL_UNREGISTER", &[Session, GlobalNames], End::Stays, |to| {
        let (pid, number) = (to.mine(), to.number());
        let name = format!("global {number}");
        let name = Text::from(name.as_str());
        to.put(GlobalRegister { name, pid, node: MEMBER.into() });
        to.put(GlobalUnregister { name });
        to.put(GlobalUnregister { name: "of nobody".into() });
    }),
    flood("GLOBAL_SYNC", &[Session, GlobalNames], End::Stays, global_sync),
    flood("ROOM_BROADCAST", &[Session], End::Stays, |to| {
        to.put(RoomBroadcast { room: "room".into(), text: "text".into() });
    }),
    flood("UNLINK_ID", &[Session, Share, Ties], End::Stays, |to| {
        let (from, to_whom, id) = (to.mine(), to.anyone(), to.number());
        to.put(Link { from, to: to_whom });
        to.put(UnlinkId { from, to: to_whom, id });
    }),
    flood("UNLINK_ACK", &[Session], End::Stays, |to| {
        let (from, to_whom, id) = (to.mine(), to.anyone(), to.number());
        to.put(UnlinkAck { from, to: to_whom, id });
    }),
    flood("NODE_TABLE", &[Session, Table], End::Reaches(Close::PROTOCOL_ERROR), |to| {
        let number = to.number();
        let name = format!("{}{number}@127.0.0.1:1", "made-up".repeat(30));
        let index = u16::try_from(number % INDEXES + 1).unwrap_or(1);
        to.put(NodeTable { index, incarnation: number, name: name.as_str().into() });
    }),
    flood("FRAGMENT", &[Session, Share], End::Reaches(Close::PROTOCOL_ERROR), |to| {
        // Each begins a message that never comes to its end.
        let (number, pid) = (to.number(), to.hoarder());
        let mut payload = Vec::new();
        let message = [7; 32 << 10];
        if Frame::from(Send { to: pid, message: &message }).encode(&mut payload).is_ok() {
            to.put(Fragment { number, total: Some(1 << 20), last: false, payload: &payload });
        }
    }),
    flood("CLOSE", &[Session], End::Cut, |to| to.put(Close { code: Close::SHUTDOWN, text: "again".into() })),
    flood("EXIT2", &[Session, Share], End::Stays, |to| {
        let (from, to_whom) = (to.mine(), to.anyone());
        let text = "x".repeat(40);
        let reason = ReasonBuf::new(
            (1..=10).filter_map(|local| Pid::new(0, 0, local)).collect::<Vec<_>>().into_iter(),
            &Root::Error(text.as_str().into()),
        );
        to.put(Exit2 { from, to: to_whom, reason: reason.as_reason() });
    }),
    flood("SEND_TERM", &[Session, Share], End::Stays, |to| {
        let (pid, own) = (to.anyone(), to.mine());
        let term = term(|encoder| encoder.pid(own));
        to.put(SendTerm { to: pid, message: &term });
        to.put(SendTerm { to: pid, message: &CONTENT });
    }),
    flood("CALL", &[Session, Share, Ties], End::Stays, |to| {
        let (from, to_whom, reference) = (to.mine(), to.anyone(), to.number());
        to.put(Call { from, to: to_whom, reference, message: &unit() });
    }),
    flood("CALL_NAME", &[Session, Share, Ties], End::Stays, |to| {
        let (from, reference, name) = (to.mine(), to.number(), to.any_name());
        to.put(CallName { from, reference, name: name.as_str().into(), message: &unit() });
    }),
    flood("CALL_REPLY", &[Session], End::Stays, |to| {
        let (from, to_whom, reference) = (to.mine(), to.anyone(), to.number());
        to.put(CallReply { from, to: to_whom, reference, message: &unit() });
    }),
    flood("SEND_NAME_TERM", &[Session, Share], End::Stays, |to| {
        let name = to.any_name();
        to.put(SendNameTerm { name: name.as_str().into(), message: &unit() });
    }),
    flood("MONITOR_NAME", &[Session, Ties], End::Stays, |to| {
        let (from, reference, name) = (to.mine(), to.number(), to.any_name());
        to.put(MonitorName { from, reference, name: name.as_str().into() });
    }),
    flood("NAMED", &[Session], End::Stays, |to| {
        let (reference, pid) = (to.number(), to.mine());
        to.put(Named { reference, pid });
    }),
    flood("PING", &[Session], End::Stays, |to| to.put(Ping { payload: b"12345678" })),
    flood("PONG", &[Session], End::Stays, |to| to.put(Pong { payload: b"12345678" })),
    flood("unknown frames", &[Session], End::Stays, |to| {
        to.put_payload(&[0x7F; 20]);
        to.put_payload(&[]);
    }),
    flood("pids of third nodes", &[Session], End::Closed(Close::PROTOCOL_ERROR), |to| {
        let pid = to.elsewhere();
        to.put(Send { to: pid, message: &CONTENT });
    }),
    flood("frames that are cut off", &[Session], End::Closed(Close::PROTOCOL_ERROR), |to| {
        to.put_payload(&[0x13; 9])
    }),
    flood("a frame that is too long", &[Session], End::Closed(Close::PROTOCOL_ERROR), |to| {
        to.put_bytes(&[0xFF; 4]);
    }),
    flood("long messages to one that takes nothing", &[Session, Share], End::Stays, |to| {
        let pid = to.hoarder();
        to.put(Send { to: pid, message: &[7; 256 << 10] });
    }),
    flood("memberships of groups", &[Session, Share, Groups], End::Stays, memberships),
    Flood {
        reads: false,
        ..flood("reads nothing: answers due", &[Session, Share, Ties], End::Cut, |to| {
            let (from, to_whom) = (to.mine(), to.nobody());
            to.put(Link { from, to: to_whom });
        })
    },
    Flood {
        reads: false,
        repeats: false,
        ..flood("reads nothing: messages due", &[Session], End::Stays, |to| {
            to.put(RegSend { name: POUR.into(), message: &[] });
        })
    },
    Flood {
        reads: false,
        repeats: false,
        ..flood("reads nothing: exits due", &[Session, Ties], End::Stays, |to| {
            to.put(RegSend { name: END.into(), message: &[] });
        })
    },
];

/// Frames that are written at once.
pub(super) struct Batch {
    bytes: Vec<u8>,
    frames: u64,
    number: u64,
    turn: u64,
    creation: u8,
    of_victim: u8,
    hoarder: u64,
    sink: u64,
    /// The server of groups that has asked who is the one here.
    server: Option<Pid>,
    /// How often that has been told something.
    told: i64,
}

impl Batch {
    pub(super) fn new(victim: &Victim, peer: &Peer, creation: u8) -> Self {
        Self {
            bytes: Vec::new(),
            frames: 0,
            number: 0,
            turn: 0,
            creation,
            of_victim: peer.creation,
            hoarder: victim.hoarder,
            sink: victim.sink(),
            server: None,
            told: 0,
        }
    }

    pub(super) fn begin(&mut self) {
        self.bytes.clear();
        self.frames = 0;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn frames(&self) -> u64 {
        self.frames
    }

    fn put<'f>(&mut self, frame: impl Into<Frame<'f>>) {
        // All that is put here can be carried.
        let is_put = frame.into().encode_framed(FRAME_BYTES_MAX, &mut self.bytes).is_ok();
        self.frames += u64::from(is_put);
    }

    fn put_payload(&mut self, payload: &[u8]) {
        let is_put = framing::put(payload, FRAME_BYTES_MAX, &mut self.bytes).is_ok();
        self.frames += u64::from(is_put);
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.frames += 1;
    }

    /// A number that was not there before.
    fn number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn pid(node: u16, creation: u8, local: u64) -> Pid {
        Pid::new(node, creation, local).unwrap_or(Pid::from_bits(0))
    }

    /// Another process of the member each time.
    fn mine(&mut self) -> Pid {
        Self::pid(0, self.creation, self.number() % 1_000_000 + 2)
    }

    /// The one that passes for the member's server of groups.
    fn server(&self) -> Pid {
        Self::pid(0, self.creation, 1)
    }

    fn nobody(&self) -> Pid {
        Self::pid(0, self.of_victim, Pid::LOCAL_MAX)
    }

    fn hoarder(&mut self) -> Pid {
        let local = self.hoarder + self.number() % HOARDERS;
        Self::pid(0, self.of_victim, local)
    }

    const fn turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn % 8
    }

    /// Each of these in turn: a process that takes all, nobody, one of another start, and some that take nothing.
    fn anyone(&mut self) -> Pid {
        match self.turn() {
            0 => Self::pid(0, self.of_victim, self.sink),
            1 => self.nobody(),
            2 => Self::pid(0, self.of_victim.wrapping_add(1), self.sink),
            _ => self.hoarder(),
        }
    }

    /// One of a node that is not the reader.
    fn elsewhere(&self) -> Pid {
        Self::pid(77, self.of_victim, self.sink)
    }

    fn any_name(&mut self) -> String {
        match self.turn() {
            0 => "nobody".to_owned(),
            1 => String::new(),
            2 => SERVER.to_owned(),
            number => format!("hoarder {number}"),
        }
    }

    /// Answers that there is a server of groups here.
    pub(super) fn serve_groups(&mut self, server: Pid, reference: u64) {
        self.server = Some(server);
        self.told = 0;
        let pid = self.server();
        self.begin();
        self.put(Named { reference, pid });
    }
}

/// The term `()`.
fn unit() -> Vec<u8> {
    term(|encoder| encoder.unit())
}

fn term(write: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
    let mut term = Vec::new();
    let mut encoder = Encoder::new(&mut term);
    write(&mut encoder);
    // What is whole ends.
    let _ = encoder.finish();
    term
}

/// Made-up nodes of this machine, where nobody listens.
fn peer_list(to: &mut Batch) {
    let mut names = NamesBuf::default();
    for _ in 0..100 {
        let number = to.number();
        let name =
            format!("made-up{number}@127.{}.{}.{}:1", number >> 16 & 0x7F, number >> 8 & 0xFF, number & 0xFF);
        let _ = names.push(name.as_str().into());
    }
    to.put(PeerList { names: names.as_names() });
}

fn global_sync(to: &mut Batch) {
    let mut entries = EntriesBuf::default();
    for _ in 0..100 {
        let (pid, number) = (to.mine(), to.number());
        let name = format!("global {number}");
        let _ = entries.push(&Entry { name: name.as_str().into(), pid, node: MEMBER.into() });
    }
    to.put(GlobalSync { entries: entries.as_entries() });
}

/// The next message of a stream that names more and more, to the server that has asked; before that, one from nobody.
fn memberships(to: &mut Batch) {
    let asked = to.server.map_or(0, |server| server.local());
    let (from, server) = (to.server(), Batch::pid(Pid::NODE_READER, to.of_victim, asked));
    let (number, first) = (to.told, to.number());
    to.told += 1;
    let message = term(|encoder| {
        let _ = members(encoder, from, server, number, first);
    });
    to.put(SendNameTerm { name: SERVER.into(), message: &message });
}

fn members(
    encoder: &mut Encoder<'_>,
    from: Pid,
    to: Pid,
    number: i64,
    first: u64,
) -> Result<(), snow_dist_runtime::codec::EncodeError> {
    encoder.tuple(9)?;
    encoder.str("members".into())?;
    encoder.int(1);
    encoder.pid(from);
    encoder.pid(to);
    encoder.int(1);
    encoder.int(number);
    encoder.bool(false);
    encoder.list(1)?;
    encoder.tuple(2)?;
    encoder.str(format!("{} {first}", "group".repeat(40)).as_str().into())?;
    encoder.list(100)?;
    for local in 0..100 {
        encoder.pid(Batch::pid(0, from.creation(), first * 100 + local));
    }
    encoder.list(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_flood_of_each_frame() {
        for (_, name) in Frame::TAGS {
            assert!(FLOODS.iter().any(|flood| flood.name == *name), "{name}");
        }
    }
}
