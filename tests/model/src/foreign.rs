//! Frames that no node of ours writes, put on the wire as if one had.

use std::sync::Arc;

use snow_dist_codec::frame::{Demonitor, Exit, Link, Monitor, MonitorExit, Send, UnlinkId};
use snow_dist_codec::{Frame, Pid, Root};

use crate::turn::{Turn, pid};
use crate::world::{Foreign, Item, Tie, facts};

/// A creation that no start has.
const STALE: u8 = 99;

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
                let (monitored, monitoring) = (own(watch.remote), stale(watch.own));
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
                let (from, to) = (own(watch.own), theirs(watch.remote));
                Monitor { from, to, reference: watch.reference }.into()
            }
            Foreign::OtherDemonitor => {
                let Some(watch) = mine.watches.first() else { return false };
                let (from, to) = (own(1 - watch.own), theirs(watch.remote));
                Demonitor { from, to, reference: watch.reference }.into()
            }
            Foreign::OtherMonitorExit => {
                let Some(watch) = other.watches.first() else { return false };
                let (monitored, monitoring) = (own(1 - watch.remote), theirs(watch.own));
                MonitorExit { monitored, monitoring, reference: watch.reference, reason }.into()
            }
            Foreign::ExitUnlinked if mine.ties[0][0] == Tie::Active => return false,
            Foreign::ExitUnlinked => Exit { from: own(0), to: theirs(0), reason }.into(),
        };
        let mut payload = Vec::new();
        frame.encode(&mut payload).expect("a short frame");
        self.world.left.injections -= 1;
        self.put(connection, side, Item::Foreign(foreign, Arc::from(payload)));
        true
    }

    /// Whether the frame is by now one that a node could have written: an EXIT for a link that has been made since, or
    /// whose end is owed.
    pub fn is_foreign_no_more(&self, connection: usize, side: usize, foreign: Foreign) -> bool {
        let it = &self.world.connections[connection];
        let lives = self.world.nodes[it.nodes[side]].processes[0].lives();
        foreign == Foreign::ExitUnlinked && (it.ends[side].ties[0][0] == Tie::Active || !lives)
    }
}
