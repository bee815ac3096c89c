//! The two ends, and what a test can do to them.

use std::num::NonZeroU64;
use std::ops::{Index, IndexMut};
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Framer, Pid as WirePid, Reading};
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::session::{Config, Ending, Timing, Version};
use snow_dist_runtime::core::{NodeNumber, Numbering, Pid, Reason, Session, Start};

use super::table::{Seen, Table};
use super::wire::Wire;

/// How long bytes are under way.
const LATENCY: Duration = Duration::from_millis(10);

/// One of the two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    A,
    B,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The node, as third ones know it.
    #[must_use]
    pub fn start(self) -> Start {
        let name = format!("{self:?}@host:1").to_lowercase().into();
        // The first whose creation is that of the node.
        Start { name, incarnation: NonZeroU64::new(u64::from(self.creation()) - 1).unwrap() }
    }

    /// The creation that this node announces.
    #[must_use]
    pub const fn creation(self) -> u8 {
        match self {
            Self::A => 7,
            Self::B => 9,
        }
    }
}

/// A node, as far as one session needs it.
#[derive(Clone, Debug)]
pub struct End {
    /// The session; what is left of it once it has ended.
    pub session: Session,
    pub table: Table,
    /// Payloads that arrived, in their order.
    pub arrived: Vec<Vec<u8>>,
    /// Why the session ended, in its own words.
    ended: Option<String>,
    framer: Framer,
    outgoing: Wire,
    stopped: bool,
}

/// Two nodes with a session up between them.
#[derive(Clone, Debug)]
pub struct Pair {
    pub now: Duration,
    ends: [End; 2],
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

impl Index<Side> for Pair {
    type Output = End;

    fn index(&self, side: Side) -> &End {
        &self.ends[side as usize]
    }
}

impl IndexMut<Side> for Pair {
    fn index_mut(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }
}

impl Pair {
    /// Each node calls the other 1, and has the processes 1 to 4; 3 and 4 trap exits.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|_, _| ())
    }

    /// As [`Pair::new`], each session's configuration changed first.
    #[must_use]
    pub fn with(change: impl Fn(Side, &mut Config)) -> Self {
        let end = |side: Side| {
            let mut config = Config {
                version: Version::Two,
                peer: NodeNumber::other(1).unwrap(),
                peer_creation: side.other().creation(),
                creation: side.creation(),
                capabilities: Capabilities::NONE,
                bounds: Bounds::default(),
                peer_bounds: Bounds::default(),
                timing: Timing::default(),
                ping: [side.creation(); 8],
            };
            change(side, &mut config);
            let mut framer = Framer::default();
            framer.handshake_done(FRAME_BYTES_MAX);
            let mut table = Table::of(side.start());
            let peer = side.other().start();
            let number = table.numbers.of(&peer.name, Some(peer.incarnation));
            assert_eq!(Some(number), NodeNumber::other(1));
            for local in 1..=2 {
                table.start(local);
                table.start_trapping(local + 2);
            }
            End {
                session: Session::new(&config, Duration::ZERO),
                table,
                arrived: Vec::new(),
                ended: None,
                framer,
                outgoing: Wire::default(),
                stopped: false,
            }
        };
        Self { now: Duration::ZERO, ends: Side::BOTH.map(end) }
    }

    /// A process of the other node, as `side` sees it.
    #[must_use]
    pub fn theirs(side: Side, remote: u64) -> Pid {
        Pid::new(NodeNumber::other(1).unwrap(), side.other().creation(), remote)
    }

    /// A process of `side`, as it sees itself.
    #[must_use]
    pub fn ours(side: Side, local: u64) -> Pid {
        Pid::new(NodeNumber::HERE, side.creation(), local)
    }

    /// A process of `side` in a field with an owner.
    #[must_use]
    pub fn wire(side: Side, local: u64) -> WirePid {
        WirePid::new(0, side.creation(), local).unwrap()
    }

    /// Tells the session of one process that has ended; false if there is none to tell of.
    pub fn tell(&mut self, side: Side) -> bool {
        let end = &mut self[side];
        let Some((local, reason)) = end.table.take_untold() else { return false };
        if end.ended.is_none() {
            end.session.process_ended(local, &reason);
        }
        true
    }

    /// The process ends, and its session is told at once.
    pub fn end_process(&mut self, side: Side, local: u64, reason: Reason) {
        self[side].table.end(local, reason);
        while self.tell(side) {}
    }

    /// Writes until `bytes_wanted` are under way or nothing is left; false if nothing was.
    pub fn write(&mut self, side: Side, bytes_wanted: usize) -> bool {
        let (now, arrival) = (self.now, self.now + LATENCY);
        let end = &mut self[side];
        if end.ended.is_some() {
            return false;
        }
        let mut bytes = Vec::new();
        end.session.write(&mut bytes, bytes_wanted);
        end.session.handle_taken(now);
        let wrote = !bytes.is_empty();
        end.outgoing.put(arrival, bytes);
        wrote
    }

    /// `side` reads at most `bytes_max` of what has arrived; at the end of the stream its session ends. False if
    /// there was nothing to read.
    pub fn read(&mut self, side: Side, bytes_max: usize) -> bool {
        let now = self.now;
        if self[side].ended.is_some() {
            return false;
        }
        let wire = &mut self[side.other()].outgoing;
        let bytes = wire.take(now, bytes_max);
        if bytes.is_empty() && wire.is_over() {
            self.finish(side, "connection lost");
            return true;
        }
        if bytes.is_empty() {
            return false;
        }
        let end = &mut self[side];
        end.session.handle_received(now);
        end.framer.push(&bytes);
        if let Err(ending) = end.handle_arrived() {
            self.finish(side, &ending);
        }
        true
    }

    /// Puts a frame before `side` as if the other node had written it.
    pub fn inject<'f>(&mut self, side: Side, frame: impl Into<Frame<'f>>) {
        let mut payload = Vec::new();
        frame.into().encode(&mut payload).unwrap();
        self.inject_payload(side, &payload);
    }

    /// As [`Pair::inject`], with any payload.
    pub fn inject_payload(&mut self, side: Side, payload: &[u8]) {
        let mut bytes = Vec::new();
        snow_dist_codec::framing::put(payload, FRAME_BYTES_MAX, &mut bytes).unwrap();
        self.inject_raw(side, &bytes);
    }

    /// As [`Pair::inject`], with bytes that need be no frame.
    pub fn inject_raw(&mut self, side: Side, bytes: &[u8]) {
        let arrival = self.now + LATENCY;
        self[side.other()].outgoing.put(arrival, bytes.to_vec());
    }

    /// The connection is lost. Of what each side has written, so many bytes still arrive; each side notices when
    /// it has read them.
    pub fn lose(&mut self, kept_of_a: usize, kept_of_b: usize) {
        self[Side::A].outgoing.lose(kept_of_a);
        self[Side::B].outgoing.lose(kept_of_b);
    }

    /// What `side` writes does not arrive any more, and nobody is told.
    pub fn silence(&mut self, side: Side) {
        self[side].outgoing.silence();
    }

    /// The node stands still, as after SIGSTOP; the connection stays.
    pub fn stop(&mut self, side: Side) {
        self[side].stopped = true;
    }

    /// The node stands still for so long, and the other one goes on.
    pub fn hold_up(&mut self, side: Side, time: Duration) {
        self.stop(side);
        self.run(time);
        self[side].stopped = false;
    }

    /// Both nodes stand still for so long.
    pub fn hold_up_both(&mut self, time: Duration) {
        self.now += time;
    }

    /// Whatever can be told, written and read is, until nothing is under way. No deadline is waited for.
    pub fn settle(&mut self) {
        loop {
            while self.turn() {}
            let Some(arrival) = self.next_arrival() else { break };
            self.now = self.now.max(arrival);
        }
    }

    /// Lets time pass, deadlines included.
    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            while self.turn() {}
            let deadlines = self.running().map(|side| self[side].session.deadline().0).min();
            let next = [self.next_arrival(), deadlines].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            // What has arrived is read before a deadline is judged.
            while self.turn() {}
            for side in self.running().collect::<Vec<_>>() {
                self.judge(side);
            }
        }
        self.now = until;
    }

    /// Why the session of `side` has ended; `None` while it is up.
    #[must_use]
    pub fn ended(&self, side: Side) -> Option<&str> {
        self[side].ended.as_deref()
    }

    /// What a process has seen.
    #[must_use]
    pub fn seen(&self, side: Side, local: u64) -> &[Seen] {
        self[side].table.seen(local)
    }

    fn judge(&mut self, side: Side) {
        let now = self.now;
        let session = &mut self[side].session;
        if session.deadline().0 > now {
            return;
        }
        if let Err(ending) = session.handle_timeout(now) {
            self.finish(side, &ending.to_string());
        }
    }

    /// One step of each node that runs; false if none could take one.
    fn turn(&mut self) -> bool {
        let mut moved = false;
        for side in Side::BOTH.into_iter().filter(|side| !self[*side].stopped).collect::<Vec<_>>() {
            moved |= self.tell(side) | self.write(side, 64 << 10) | self.read(side, usize::MAX);
        }
        moved
    }

    fn running(&self) -> impl Iterator<Item = Side> {
        Side::BOTH.into_iter().filter(|side| !self[*side].stopped && self[*side].ended.is_none())
    }

    /// When the next bytes reach somebody who reads.
    fn next_arrival(&self) -> Option<Duration> {
        self.running().filter_map(|side| self[side.other()].outgoing.next_arrival()).min()
    }

    /// The session of `side` has ended; the other side will notice when it has read what is under way.
    fn finish(&mut self, side: Side, ending: &str) {
        let end = &mut self[side];
        end.session.end(&mut end.table);
        end.ended = Some(ending.to_owned());
        self.lose(usize::MAX, usize::MAX);
    }
}

impl End {
    /// Frames that arrived, by name and fields.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame<'_>> {
        self.arrived.iter().map(|payload| Frame::decode(payload, Reading::Compatible).unwrap()).collect()
    }

    /// Names of the frames that arrived.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.frames().iter().map(Frame::name).collect()
    }

    fn handle_arrived(&mut self) -> Result<(), String> {
        while let Some(payload) = self.framer.next_payload().map_err(|error| error.to_string())? {
            self.arrived.push(payload.to_vec());
            let frame = Frame::decode(&payload, Reading::Compatible).map_err(|error| error.to_string())?;
            self.session
                .handle_frame(&frame, &mut self.table)
                .map_err(|ending: Ending| ending.to_string())?;
        }
        Ok(())
    }
}
