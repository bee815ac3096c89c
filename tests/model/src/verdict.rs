//! What must hold in every state, and what must have come about in some.

/// A property that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    Asymmetric,
    ExitLost,
    ExitUnlinked,
    DownLost,
    DownTwice,
    AfterDown,
    Overlap,
    Stale,
    Order,
    Leftover,
    Protocol,
    Tally,
    Foreign,
    Misnamed,
    CallLost,
    CallTwice,
    ReplyToWhatIsOver,
    Misanswered,
    NameMisled,
    SpawnLost,
    SpawnTwice,
    SpawnUntied,
    ChildFirst,
}

impl Broken {
    pub const ALL: [Self; 23] = [
        Self::Asymmetric,
        Self::ExitLost,
        Self::ExitUnlinked,
        Self::DownLost,
        Self::DownTwice,
        Self::AfterDown,
        Self::Overlap,
        Self::Stale,
        Self::Order,
        Self::Leftover,
        Self::Protocol,
        Self::Tally,
        Self::Foreign,
        Self::Misnamed,
        Self::CallLost,
        Self::CallTwice,
        Self::ReplyToWhatIsOver,
        Self::Misanswered,
        Self::NameMisled,
        Self::SpawnLost,
        Self::SpawnTwice,
        Self::SpawnUntied,
        Self::ChildFirst,
    ];

    /// The property, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asymmetric => "at rest both ends agree on every link",
            Self::ExitLost => "a link that ends without an unlink brings an exit signal",
            Self::ExitUnlinked => "no exit signal without a link, and one for each",
            Self::DownLost => "a monitor that is not given up brings a DOWN",
            Self::DownTwice => "no DOWN without a monitor, and one for each",
            Self::AfterDown => "nothing of an epoch comes outside of it",
            Self::Overlap => "nodedown comes before the next nodeup",
            Self::Stale => "nothing reaches a process of another start",
            Self::Order => "what one process does to another arrives in its order",
            Self::Leftover => "at rest the tables hold what lives, and nothing else",
            Self::Protocol => "no session between two of these nodes ends as a protocol error",
            Self::Tally => "at rest the tallies balance, and nobody is refused at the peer's bound",
            Self::Foreign => "what no node may write does what the specification says and no more",
            Self::Misnamed => "a hop of a reason is the process that it was where the reason was made",
            Self::CallLost => "a call that is not given up brings a reply or a reason",
            Self::CallTwice => "no end of a call without a call, and one for each",
            Self::ReplyToWhatIsOver => "a reply is taken for a call that is open, and for no other",
            Self::Misanswered => "what ends a call is what became of it at the callee",
            Self::NameMisled => "a name stands for the process that had it when it was asked",
            Self::SpawnLost => "a request for a process that is not given up brings what became of it",
            Self::SpawnTwice => "no answer without a request for a process, and one for each",
            Self::SpawnUntied => "a process is linked before its requester is told of it",
            Self::ChildFirst => {
                "nothing of a process comes before its requester is told of it, but for its LINK"
            }
        }
    }
}

/// Something that a model must bring about, so that its properties do not hold for want of an occasion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Situation {
    LinkMeetsUnlink,
    LinksCross,
    UnlinksCross,
    ExitMeetsUnlink,
    ExitMeetsRelink,
    ExitMeetsExit,
    Relinked,
    OldAck,
    AckOutstandingAtEnd,
    LinkToDead,
    MonitorOfDead,
    DemonitorMeetsDown,
    DownVoid,
    ExitAfterMessages,
    MessageToDead,
    Chain,
    ThirdNode,
    EarlierStart,
    UnknownNode,
    CutLosesFrames,
    ExitLostByCut,
    TwoSessions,
    Replaced,
    Probed,
    Refused,
    NextEpoch,
    SameStart,
    StalePid,
    StaleEqualCreation,
    BoundFull,
    WhileEnding,
    DeadUntold,
    ForeignIgnored,
    ForeignEnds,
    CallOfDead,
    NoSuchName,
    CallFull,
    ReplyMeetsGiveUp,
    ReasonMeetsGiveUp,
    ReplyToWhatIsOver,
    EarlierSession,
    Delegated,
    CalleeEndsFirst,
    Unanswered,
    ReplyAfterMessages,
    NameMoved,
    SpawnRefused,
    AnswerMeetsGiveUp,
    ChildEndsAtOnce,
}

impl Situation {
    /// What it is, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinkMeetsUnlink => "a LINK meets an unlink that is outstanding",
            Self::LinksCross => "LINKs cross",
            Self::UnlinksCross => "unlinks cross",
            Self::ExitMeetsUnlink => "an EXIT meets an unlink",
            Self::ExitMeetsRelink => "an EXIT meets a link that was made again, its unlink not acknowledged",
            Self::ExitMeetsExit => "an EXIT meets the end of its receiver",
            Self::Relinked => "a process links again before the acknowledgement",
            Self::OldAck => "an acknowledgement comes for an unlink that is no more",
            Self::AckOutstandingAtEnd => "a session ends with an acknowledgement outstanding",
            Self::LinkToDead => "a LINK is answered noproc",
            Self::MonitorOfDead => "a MONITOR is answered noproc",
            Self::DemonitorMeetsDown => "a MONITOR_EXIT meets the end of its monitor",
            Self::DownVoid => "a DEMONITOR meets the end of the monitored process",
            Self::ExitAfterMessages => "an exit signal or DOWN comes behind messages of its process",
            Self::MessageToDead => "a message comes for a dead process",
            Self::Chain => "an exit signal ends a process that is linked further",
            Self::ThirdNode => "a hop names a process of a third node",
            Self::EarlierStart => "a hop names a process of an earlier start of a node that is up",
            Self::UnknownNode => "a hop names no node, in a session without a node table",
            Self::CutLosesFrames => "a cut loses frames, and others have arrived",
            Self::ExitLostByCut => "a cut loses an EXIT, and Noconnection comes in its place",
            Self::TwoSessions => "each end of a pair of nodes has another session up",
            Self::Replaced => "a session gives way to another connection",
            Self::Probed => "a session is probed",
            Self::Refused => "a connection is refused",
            Self::NextEpoch => "a node sees the next epoch of a peer",
            Self::SameStart => "the next epoch is with the same start of the peer",
            Self::StalePid => "a process holds a pid of an earlier start of a node that is up",
            Self::StaleEqualCreation => "that start had the same creation",
            Self::BoundFull => "a link or monitor is refused for the peer's bound",
            Self::WhileEnding => "a process acts on a session whose end is being told",
            Self::DeadUntold => "a frame comes for a process whose end the session does not know yet",
            Self::ForeignIgnored => "a frame that no node may write is ignored",
            Self::ForeignEnds => "a frame that no node may write ends the session",
            Self::CallOfDead => "a CALL is answered noproc",
            Self::NoSuchName => "a name that nobody has is called or monitored",
            Self::CallFull => "a CALL finds a full mailbox",
            Self::ReplyMeetsGiveUp => "a CALL_REPLY meets the end that its caller has given the call",
            Self::ReasonMeetsGiveUp => "a MONITOR_EXIT meets the end that its caller has given the call",
            Self::ReplyToWhatIsOver => "a process replies to a call that is over",
            Self::EarlierSession => {
                "a process replies to a call of an earlier session, whose number is in use in this one"
            }
            Self::Delegated => "a process replies in the callee's stead",
            Self::CalleeEndsFirst => "a callee ends whose call was delegated",
            Self::Unanswered => "a call is dropped without a reply",
            Self::ReplyAfterMessages => "a reply comes behind messages of its process",
            Self::NameMoved => "a call or monitor by name ends when another process has the name",
            Self::SpawnRefused => "a process is asked for that is not started",
            Self::AnswerMeetsGiveUp => "a SPAWN_REPLY meets the end of its requester or of its request",
            Self::ChildEndsAtOnce => "a process ends before its requester is told of it",
        }
    }

    const COUNT: usize = Self::ChildEndsAtOnce as usize + 1;
}

/// The situations that have come about.
pub type Notes = crate::notes::Notes<Situation, { Situation::COUNT }>;

impl From<Situation> for usize {
    fn from(situation: Situation) -> Self {
        situation as Self
    }
}
