//! Frames that no node of ours writes, put on the wire as if one had.

use std::sync::Arc;

use snow_dist_codec::frame::{
    Call, CallReply, Demonitor, Exit, Link, Monitor, MonitorExit, Named, Send, UnlinkId,
};
use snow_dist_codec::{Frame, Pid, Root};

use crate::turn::{Turn, pid};
use crate::world::{Foreign, Item, Tie, Watch, facts};

/// A creation that no start has.
const STALE: u8 = 99;

/// A term.
const TERM: &[u8] = &[1, 6];

/// The first whose process at the other end is known, and which that is.
fn known(watches: &[Watch]) -> Option<(Watch, usize)> {
    watches.iter().find_map(|watch| Some((*watch, watch.remote?)))
}

impl Turn<'_> {
    /// `side` writes the frame; false if there is nothing that it could be about.
    pub fn inject(&mut self, connection: usize, side: usize, foreign: Foreign) -> bool {
        let it = &self.world.connections[connection];
        let config = facts(self.bounds, it, side).config;
        let (own, theirs, stale) = (
            |process| pid(config.creation, process),
            |process| pid(config.peer_creation, process),
            |process| pid(STALE, process),
        );
        let (mine, other) = (&it.ends[side], &it.ends[1 - side]);
        let reason = Root::Error("foreign".into()).into();
        let frame = match foreign {
            Foreign::StaleSend => Frame::from(Send { to: stale(0), message: &[0, 0, 0, 1] }),
            Foreign::StaleLink => Link { from: own(0), to: stale(0) }.into(),
            Foreign::StaleUnlink => UnlinkId { from: own(0), to: stale(0), id: 1_000 }.into(),
            Foreign::StaleExit => Exit { from: own(0), to: stale(0), reason }.into(),
            Foreign::StaleMonitor => Monitor { from: own(0), to: stale(0), reference: 1_000 }.into(),
            Foreign::StaleMonitorExit => {
                let Some(watch) = other.watches.first() else { return false };
                let Some(remote) = watch.remote else { return false };
                let (monitored, monitoring) = (own(remote), stale(watch.own));
                MonitorExit { monitored, monitoring, reference: watch.reference, reason }.into()
            }
            Foreign::StaleSender => Link { from: stale(0), to: theirs(0) }.into(),
            Foreign::ThirdNode => {
                let third = Pid::new(5, config.peer_creation, 1).expect("a small local id");
                Link { from: own(0), to: third }.into()
            }
            Foreign::DuplicateReference => {
                // What is queued comes behind this frame: only a MONITOR that is written is before it.
                let Some(watch) = mine.watches.first().filter(|_| !mine.has_output()) else { return false };
                let Some(remote) = watch.remote else { return false };
                let (from, to) = (own(watch.own), theirs(remote));
                Monitor { from, to, reference: watch.reference }.into()
            }
            Foreign::OtherDemonitor => {
                let Some(watch) = mine.watches.first() else { return false };
                let Some(remote) = watch.remote else { return false };
                let (from, to) = (own(1 - watch.own), theirs(remote));
                Demonitor { from, to, reference: watch.reference }.into()
            }
            Foreign::OtherMonitorExit => {
                let Some(watch) = other.watches.first() else { return false };
                let Some(remote) = watch.remote else { return false };
                let (monitored, monitoring) = (own(1 - remote), theirs(watch.own));
                MonitorExit { monitored, monitoring, reference: watch.reference, reason }.into()
            }
            Foreign::ExitUnlinked if mine.ties[0][0] == Tie::Active => return false,
            Foreign::ExitUnlinked => Exit { from: own(0), to: theirs(0), reason }.into(),
            Foreign::OtherReply => {
                let Some((call, remote)) = known(&other.calls) else { return false };
                let (from, to) = (own(1 - remote), theirs(call.own));
                CallReply { from, to, reference: call.reference, message: TERM }.into()
            }
            Foreign::ReplyToMonitor => {
                let Some((watch, remote)) = known(&other.watches) else { return false };
                let (from, to) = (own(remote), theirs(watch.own));
                CallReply { from, to, reference: watch.reference, message: TERM }.into()
            }
            Foreign::DuplicateCall => {
                let Some((call, remote)) = known(&mine.calls).filter(|_| !mine.has_output()) else {
                    return false;
                };
                let (from, to) = (own(call.own), theirs(remote));
                Call { from, to, reference: call.reference, message: TERM }.into()
            }
            Foreign::NamedAgain => {
                let Some((watch, remote)) = known(&other.watches) else { return false };
                Named { reference: watch.reference, pid: own(1 - remote) }.into()
            }
        };
        let mut payload = Vec::new();
        frame.encode(&mut payload).expect("a short frame");
        self.world.left.injections -= 1;
        self.put(connection, side, Item::Foreign(foreign, Arc::from(payload)));
        true
    }

    /// Whether the frame is by now one that a node could have written: an EXIT for a link that has been made since, or
    /// whose end is owed, or a CALL whose ref is in use no more.
    pub fn is_foreign_no_more(
        &self,
        connection: usize,
        side: usize,
        foreign: Foreign,
        frame: &Frame<'_>,
    ) -> bool {
        let it = &self.world.connections[connection];
        let here = &self.world.nodes[it.nodes[side]];
        match (foreign, frame) {
            (Foreign::ExitUnlinked, _) => {
                it.ends[side].ties[0][0] == Tie::Active || !here.processes[0].lives()
            }
            (Foreign::DuplicateCall, Frame::Call(call)) => !here.requests.iter().any(|request| {
                let of = (request.connection, request.caller.reference, request.is_open);
                of == (it.id, call.reference, true)
            }),
            _ => false,
        }
    }
}
