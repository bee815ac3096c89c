//! What a run has come through: counted, so that what is never reached shows.

use std::fmt;

use crate::oracle::LinkState;

/// A column of the table of link states in `session.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkEvent {
    Link,
    Unlink,
    End,
    Written,
    OnLink,
    OnLinkDead,
    OnUnlinkId,
    OnExit,
    OnOldExit,
    OnAck,
    OnOtherAck,
    SessionEnds,
}

const STATES: [&str; 4] = ["none", "active", "unlinking", "ending"];

/// Each with the states in which it cannot be: `-` for those that `session.md` calls so, or where no line of
/// `session.md` leads.
const LINK_EVENTS: [(&str, [bool; 4]); 12] = [
    ("the own process links", [true, true, true, false]),
    ("the own process unlinks", [true, true, true, false]),
    ("the own process ends", [false, true, true, false]),
    ("EXIT is written", [false, false, false, true]),
    ("LINK, the process lives", [true, true, true, false]),
    // The process is dead, and the session has not been told yet: its links are active until then.
    ("LINK, the process is dead", [true, true, true, true]),
    ("UNLINK_ID", [true, true, true, true]),
    ("EXIT", [true, true, false, true]),
    ("EXIT, an unlink outstanding", [true, true, true, true]),
    ("UNLINK_ACK of its id", [false, false, true, false]),
    ("UNLINK_ACK of another id", [true, true, true, true]),
    ("the session ends", [false, true, true, true]),
];

macro_rules! counted {
    ($($group:ident: $($name:ident $text:literal),+;)+) => {
        /// Something that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Of { $($($name),+),+ }

        const COUNTED: &[(&str, Of, &str)] = &[$($((stringify!($group), Of::$name, $text)),+),+];
    };
}

counted! {
    events:
        Bytes "deliveries of bytes", Frame "frames handled",
        Said "messages of handshakes handled", Operation "operations of processes", Told "ends of processes told",
        Timer "deadlines judged", Passage "connections begun or over", FaultStep "faults";
    faults:
        Cut "connections cut at some byte", CutUnseen "of these, one end learns of it by silence",
        Silence "half-open: one direction or both say nothing any more", Stall "nothing arrives for a while",
        Restart "restarts", RestartSame "of these, with an equal creation", RestartSilent "of these, without a word to the peers",
        Suspend "nodes that stand still", SuspendClock "nodes that stand still with their clocks", Slow "connections that become slow", MassEnd "mass ends", Flood "floods of messages",
        BothDial "simultaneous dials", Disconnect "sessions ended by programs", Part "partitions";
    handshakes:
        NameRead "NAME read", ChallengeRead "CHALLENGE read", ReplyRead "REPLY read", AckRead "ACK read", RejectRead "REJECT read",
        DialLate "a dial that was not answered in time", AcceptLate "an accepted connection that said too little",
        Unreachable "nobody there", BrokenOff "broken off";
    verdicts:
        DialStarted "a dial begins", DialUp "not dialled: there is a session", DialUnderway "not dialled: one is being made", DialBusy "not dialled: there are as many sessions as there may be",
        UpAccepted "an accepted connection is the session", UpDialled "a dial is the session",
        RejectDuplicate "refused as duplicate", RejectBusy "refused as busy", CloseDial "a dial is closed", Probe "a session is probed", Alive "a probed session lives",
        EndSession "a session gives way";
    meshes:
        KeptDial "dials to names that are kept connected", Learned "peers that were told of others", Apart "dials into a partition", Complete "times that a mesh became complete";
    endings:
        EndLost "the stream has ended", EndClosed "CLOSE was read", EndSilent "no sign of life", EndStuck "the transport takes nothing", EndStopped "the own node ends it";
    processes:
        Started "processes started", Ended "processes ended by themselves", Killed "processes ended by an exit signal",
        Sent "messages sent", SentNamed "messages to names", Received "messages received", Unsent "messages without a session", ToDead "messages to the dead",
        Exits "exit signals", Noconnections "of these, for a lost session", Noprocs "of these, for a process that is not there",
        Downs "DOWNs", DownsLost "of these, for a lost session", Chains "reasons with two hops or more", Named "hops of reasons that name a process", Unnamed "hops that name none",
        StaleUsed "pids of an earlier start used", TooLong "messages refused as too long", LinksFull "links and monitors refused at the bound", Terms "terms with a pid sent", Pieces "messages that came in pieces", RemoteExit "exit signals sent to whoever", Waited "senders that waited for room";
    calls:
        CallMade "calls made", CallNamed "calls by name made", Called "calls that have come to a process", CallRefused "calls that have come to nobody", CallFull "of these, for a full mailbox",
        Delegated "calls handed on", Replied "replies that have come", ReplyIgnored "replies that have come too late", ReplyRefused "replies to what was over", ReplyTooLong "replies refused as too long",
        TimedOut "calls given up", Unanswered "calls that were dropped", CallsOfDead "calls of the dead", CallsEnded "calls that have ended with their callee", CallsLost "calls that have ended with their session",
        NamedTerms "terms to names sent", MonitorNamed "monitors by name", WhoHasName "processes that were found by name";
    globals:
        NameGiven "global names registered", NameTaken "refused, since somebody has the name", NameTakenBack "global names taken back", NameOfDead "global names of processes that ended",
        NameFound "found on another node", NameFoundHere "found on the own node", NameNotFound "not found", NameHeard "claims told by peers", NameHeardBack "told by peers to be free", SenderFound "senders that their receivers find",
        ConflictEnds "conflicts that ended a process", ConflictTrapped "conflicts whose signal was trapped", ConflictTold "conflicts that were told";
    groups:
        Joined "processes that joined", Left "processes that left", LeftByEnd "memberships of processes that ended", ServerSent "messages between servers", ServerSought "monitors of servers", ServerInterval "intervals of servers", ServerMissed "messages that servers missed",
        ServerEnded "servers that ended", ServerNotWatched "servers that could not be watched, at the bound of monitors";
}

/// Numbers of one run, or of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    links: [[u64; 4]; LINK_EVENTS.len()],
    counts: Vec<u64>,
    /// Bytes of other processes that stood before a signal, at most, in sessions that have fragments.
    pub before_signal_max: u64,
    /// The same in all others.
    pub before_signal_whole_max: u64,
    /// Messages of the cluster's largest queue, in bytes.
    pub queue_max: u64,
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            links: Default::default(),
            counts: vec![0; COUNTED.len()],
            before_signal_max: 0,
            before_signal_whole_max: 0,
            queue_max: 0,
        }
    }
}

impl Coverage {
    pub(crate) fn count(&mut self, what: Of) {
        self.counts[what as usize] += 1;
    }

    pub(crate) fn link(&mut self, state: LinkState, event: LinkEvent) {
        let state = match state {
            LinkState::None => 0,
            LinkState::Active => 1,
            LinkState::Unlinking(_) => 2,
            LinkState::Ending => 3,
        };
        self.links[event as usize][state] += 1;
    }

    /// Steps of the simulation: bytes that are delivered to a connection's end, a frame or a message of the
    /// handshake that is handled, something that a process does, the end of one that is told to a session, a
    /// deadline that is judged, a connection that begins or is over at one end, and a fault. Turns of a connection's
    /// loop in which nothing of this happens do not count.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.group("events").map(|(_, count)| count).sum()
    }

    /// Faults, of all kinds.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.counts[Of::FaultStep as usize]
    }

    /// The names of groups of what is counted, in order.
    pub fn groups() -> impl Iterator<Item = &'static str> {
        let mut last = "";
        COUNTED
            .iter()
            .filter_map(move |(group, ..)| (std::mem::replace(&mut last, group) != *group).then_some(*group))
    }

    /// What is counted in a group, and how often it was seen.
    pub fn group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = (&'static str, u64)> + 'a {
        let of_it = COUNTED.iter().filter(move |(of, ..)| *of == group);
        of_it.map(|(_, what, text)| (*text, self.counts[*what as usize]))
    }

    /// What could be and was never seen: events of links by state, and everything else that is counted.
    #[must_use]
    pub fn never(&self) -> Vec<String> {
        let cells = LINK_EVENTS.iter().zip(&self.links).flat_map(|((event, can_be), counts)| {
            let unseen = (0..4).filter(|state| can_be[*state] && counts[*state] == 0);
            unseen.map(move |state| format!("a link that is {}: {event}", STATES[state]))
        });
        let others = COUNTED.iter().filter(|(_, what, _)| self.counts[*what as usize] == 0);
        cells.chain(others.map(|(group, _, text)| format!("{group}: {text}"))).collect()
    }

    /// Adds what another run has come through.
    pub fn add(&mut self, other: &Self) {
        for (sums, counts) in self.links.iter_mut().zip(&other.links) {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
        self.before_signal_max = self.before_signal_max.max(other.before_signal_max);
        self.before_signal_whole_max = self.before_signal_whole_max.max(other.before_signal_whole_max);
        self.queue_max = self.queue_max.max(other.queue_max);
    }
}

/// The table of links as `session.md` has it, with counts.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>28}", "")?;
        STATES.iter().try_for_each(|state| write!(f, "{state:>13}"))?;
        for ((event, can_be), counts) in LINK_EVENTS.iter().zip(&self.links) {
            write!(f, "\n{event:>28}")?;
            for (count, can_be) in counts.iter().zip(can_be) {
                if *can_be || *count > 0 { write!(f, "{count:>13}") } else { write!(f, "{:>13}", "-") }?;
            }
        }
        Ok(())
    }
}
