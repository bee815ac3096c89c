//! What must hold of connections in every state, and what must have come about in some.

/// A property that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    Overlap,
    Outside,
    EarlyAck,
    Verdict,
    Wish,
    Places,
    Overdue,
    Hasty,
    Spurious,
    Code,
    Lost,
    Forever,
    Disagree,
    Leftover,
    Unreached,
    Needless,
    Unkept,
}

impl Broken {
    pub const ALL: [Self; 17] = [
        Self::Overlap,
        Self::Outside,
        Self::EarlyAck,
        Self::Verdict,
        Self::Wish,
        Self::Places,
        Self::Overdue,
        Self::Hasty,
        Self::Spurious,
        Self::Code,
        Self::Lost,
        Self::Forever,
        Self::Disagree,
        Self::Leftover,
        Self::Unreached,
        Self::Needless,
        Self::Unkept,
    ];

    /// The property, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overlap => "NODEUP and NODEDOWN alternate, each of the one session that is up",
            Self::Outside => "nothing of a session comes before its NODEUP or after its NODEDOWN",
            Self::EarlyAck => {
                "ACK is written on no connection but the session, after the one before it has ended"
            }
            Self::Verdict => "a verdict is told to the connection that waits for it, and does what it says",
            Self::Wish => "whoever wants or ends a session is told what there is",
            Self::Places => {
                "places for handshakes are as many as there may be, and taken from nobody while one is free"
            }
            Self::Overdue => "nothing is waited for longer than its deadline",
            Self::Hasty => "nobody is given up before the time is over, nor for an older byte",
            Self::Spurious => "nobody is given up who was neither held up nor cut off",
            Self::Code => "a peer that is told by CLOSE reads the code of the ending",
            Self::Lost => "what a session that is ended in order had queued arrives",
            Self::Forever => "every connection that is no session ends",
            Self::Disagree => "in the end both nodes have the same session, or none",
            Self::Leftover => "when all is over, nothing is taken and everybody can dial",
            Self::Needless => {
                "a name is dialled by itself while it is kept, and no connection with it is there or under way"
            }
            Self::Unkept => {
                "in the end whoever keeps a name connected has a session with its node, if that runs"
            }
            Self::Unreached => "whoever dials when nothing goes wrong has a session in the end",
        }
    }
}

/// Something that a model must bring about, so that its properties do not hold for want of an occasion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Situation {
    Crossed,
    Probed,
    Spared,
    Refused,
    GaveWay,
    Silent,
    LateAck,
    LateHandshake,
    Closed,
    ProtocolError,
    OutOfPatience,
    Answered,
    Stuck,
    HeldUp,
    LostItsPlace,
    Replaced,
    Later,
    KeptAgain,
    LetGo,
}

impl Situation {
    /// What it is, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crossed => "dials cross",
            Self::Probed => "a session is probed",
            Self::Spared => "a session that is probed shows that it lives",
            Self::Refused => "a connection is refused",
            Self::GaveWay => "a dial gives way to another connection",
            Self::Silent => "a peer is given up for its silence",
            Self::LateAck => "ACK does not come in time",
            Self::LateHandshake => "a handshake takes too long",
            Self::Closed => "a session ends in order",
            Self::ProtocolError => "a peer is told that it broke a rule",
            Self::OutOfPatience => "the end of a session that is ended in order is not waited for any longer",
            Self::Answered => "a PING is answered",
            Self::Stuck => "a stream that takes nothing is given up",
            Self::HeldUp => "a node that was held up keeps its session",
            Self::LostItsPlace => "a connection loses its place to a newer one",
            Self::Replaced => "a session is ended for another connection, and its peer is told",
            Self::Later => "a node is told to dial later",
            Self::KeptAgain => "a name that is kept connected is dialled after its session was lost",
            Self::LetGo => "a name is let go of while it is dialled",
        }
    }

    const COUNT: usize = Self::LetGo as usize + 1;
}

/// The situations that have come about.
pub type Notes = crate::notes::Notes<Situation, { Situation::COUNT }>;

impl From<Situation> for usize {
    fn from(situation: Situation) -> Self {
        situation as Self
    }
}
