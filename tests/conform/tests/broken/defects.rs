//! What can be wrong with a toy, and which cases find it.

use std::time::Duration;

use snow_dist_conform::PATIENCE;
use snow_dist_conform::cases::Role;

/// One line a defect: the roles in which it is looked for, and the cases that must fail then, `*` for all that begin
/// so. No other case may fail.
macro_rules! defects {
    ($($(#[$doc:meta])* $defect:ident: $roles:ident, [$($case:literal),* $(,)?];)*) => {
        /// A defect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Defect {
            $($(#[$doc])* $defect,)*
            /// The adapter says yes to everything.
            SaysYes,
            /// It takes its time over an ACK, which is no defect.
            SlowToBegin,
        }

        impl Defect {
            /// All that cases find.
            pub(crate) const ALL: &[Self] = &[$(Self::$defect),*];

            /// The roles in which it is looked for.
            pub(crate) const fn roles(self) -> &'static [Role] {
                match self {
                    $(Self::$defect => $roles,)*
                    Self::SaysYes | Self::SlowToBegin => BOTH,
                }
            }

            /// The cases that must fail, each in those of the roles that it has.
            pub(crate) const fn caught_by(self) -> &'static [&'static str] {
                match self {
                    $(Self::$defect => &[$($case),*],)*
                    Self::SaysYes | Self::SlowToBegin => &[],
                }
            }
        }
    };
}

const ACCEPTOR: &[Role] = &[Role::Acceptor];
const INITIATOR: &[Role] = &[Role::Initiator];
const BOTH: &[Role] = &[Role::Acceptor, Role::Initiator];

defects! {
    // Of the handshake.

    /// The proof of REPLY is not checked.
    ProofUnchecked: ACCEPTOR, [
        "reply-proof-first-bit", "reply-proof-last-bit", "reply-proof-zero", "reply-other-cookie",
        "reply-of-another-channel", "reply-of-another-name", "reply-of-the-other-role",
        "name-tells-nothing-without-the-cookie", "reject-refused", "cookie-accepted",
        "claimed-name", "no-nodeup-without-a-session"];
    /// The proof of ACK is not checked.
    AckUnchecked: INITIATOR, [
        "ack-proof-last-bit", "ack-proof-zero", "ack-reflected", "ack-of-the-other-role",
        "ack-of-another-channel", "ack-other-cookie",
    ];
    /// The label of either role will do.
    LabelsTheSame: ACCEPTOR, ["reply-of-the-other-role"];
    /// A proof of another channel will do.
    ChannelUnbound: ACCEPTOR, ["reply-of-another-channel"];
    /// The own proof will do as that of ACK.
    ReflectionTaken: INITIATOR, ["ack-reflected"];
    /// A REPLY of version 1 will do in a handshake of version 2, with whatever challenge.
    ReplyOfVersion1: ACCEPTOR, ["reply-challenge-of-the-subject", "reply-of-version-1"];
    /// A challenge without the sentinel will do beside a block.
    SentinelUnchecked: BOTH, ["reply-block-without-sentinel", "challenge-block-without-sentinel"];
    /// Challenges are written without the sentinel.
    NoSentinel: BOTH, ["challenge-sentinel", "reply-sentinel"];
    /// A NAME with a damaged block is taken for one of version 1.
    DamageIsVersion1: ACCEPTOR, [
        "name-mandatory-extension", "name-block-cut", "name-block-surplus", "name-block-order",
        "name-control-character", "reject-malformed",
    ];
    /// A NAME of version 1 is answered.
    Version1Answered: ACCEPTOR, ["name-without-block", "handshake-longest"];
    /// A CHALLENGE of version 1 is answered.
    DigestGivenAway: INITIATOR, ["challenge-without-block", "challenge-block-taken-away"];
    /// A peer can have the own name.
    OwnNameTaken: ACCEPTOR, ["name-of-the-subject", "reject-name"];
    /// Whoever answers a dial will do.
    AnybodyAnswers: INITIATOR, ["challenge-other-name", "challenge-own-name"];
    /// The creation is not that of the incarnation.
    CreationOfItsOwn: BOTH, ["challenge-as-it-should-be", "name-as-it-should-be"];
    /// Only the first cookie is accepted.
    OneCookie: ACCEPTOR, ["cookie-accepted"];
    /// No application protocol is offered or selected.
    NoAlpn: BOTH, ["tls-alpn"];
    /// A handshake can take for ever.
    NoDeadline: ACCEPTOR, ["deadline-silence", "deadline-without-reply", "deadline-trickle"];
    /// There can be any number of handshakes, from one address too.
    PlacesUnlimited: ACCEPTOR, [
        "place-too-many", "place-silent", "place-stalled", "places-all-taken", "places-of-many-addresses"];
    /// How far a handshake has come does not count for its place.
    ProgressUnseen: ACCEPTOR, ["place-silent"];
    /// Whoever has just come loses the place again, if the others have come farther.
    NewestIsJudged: ACCEPTOR, ["place-stalled", "place-too-many"];
    /// Of several that have come equally far the youngest gives way.
    YoungestGivesWay: ACCEPTOR, [
        "place-too-many", "place-stalled", "places-all-taken", "places-of-many-addresses"];
    /// When no place is left, it does not count how many an address holds.
    AnyAddressGivesWay: ACCEPTOR, ["places-all-taken"];

    // Of certificates.

    /// The own certificate is not presented.
    CertificateKept: BOTH, ["certificate-presented", "certificate-right"];
    /// Nobody is asked for a certificate.
    CertificateUnasked: ACCEPTOR, [
        "certificate-right", "certificate-of-another-node", "certificate-of-no-node"];
    /// Who has a certificate requires them.
    RequiresUnasked: BOTH, ["certificate-presented"];
    /// A peer need not have a certificate.
    NoneWillDo: ACCEPTOR, ["certificate-of-nobody"];
    /// A certificate need not lead to an anchor.
    AnyChainWillDo: INITIATOR, ["certificate-of-nobody", "certificate-untrusted", "certificate-expired"];
    /// A certificate that was valid once will do.
    ExpiredWillDo: ACCEPTOR, ["certificate-expired"];
    /// The certificate of any node will do.
    NameUncertified: BOTH, ["certificate-of-another-node", "certificate-of-no-node"];
    /// A certificate that names no node will do for all.
    NoUriIsAnyUri: ACCEPTOR, ["certificate-of-no-node"];
    /// A certificate speaks for the names of its issuer too.
    IssuersSpeak: INITIATOR, ["certificate-of-no-node"];
    /// A name is decoded twice.
    EscapesDecodedTwice: INITIATOR, ["certificate-of-another-node"];
    /// A name is not decoded.
    EscapesUndecoded: ACCEPTOR, ["certificate-right"];

    // Of frames.

    /// The Strict reading is used.
    SurplusRefused: ACCEPTOR, [
        "surplus-ping", "surplus-unlink-id", "surplus-link", "surplus-monitor",
        "surplus-elsewhere", "reason-unknown-root", "exit-unknown-root",
    ];
    /// A frame with an unknown tag ends the session.
    UnknownTagCloses: INITIATOR, ["unknown-tags"];
    /// An empty frame ends the session.
    EmptyCloses: ACCEPTOR, ["frame-empty", "frames-empty-many", "frames-in-one-piece"];
    /// A frame that cannot be read is ignored.
    DamageIgnored: ACCEPTOR, [
        "cut-*", "frames-before-a-refused-one", "utf8-reg-send", "utf8-overlong", "utf8-reason",
        "length-str16", "length-str64", "length-str64-wraps", "count-names", "count-entries",
        "reason-hop-cut", "reason-without-root", "close-code-of-a-protocol-error",
        "exit-by-a-refused-frame", "errors-stay-in-their-session",
    ];
    /// A frame whose text is not UTF-8 is ignored.
    Utf8Ignored: INITIATOR, ["utf8-reg-send", "utf8-overlong", "utf8-reason"];
    /// A length above the limit is waited for.
    LengthUnlimited: BOTH, [
        "handshake-too-long", "frame-too-long", "frame-far-too-long",
        "handshake-too-long-for-an-initiator",
    ];
    /// What one read brings is taken for whole frames, and the rest is thrown away.
    PieceIsFrame: ACCEPTOR, ["handshake-in-pieces", "frame-in-pieces", "writing-does-not-wait-for-reading"];
    /// Frames of capabilities that the session does not have are taken.
    CapabilitiesUnchecked: INITIATOR, [
        "capability-node-table", "capability-fragment", "capability-exit2", "capability-send-term", "fragments-of-what-the-session-lacks", "capability-call", "capability-call-name", "capability-call-reply", "capability-send-name-term", "capability-monitor-name", "capability-named"];

    // Of pids.

    /// The creation of a receiver is not looked at.
    CreationUnchecked: ACCEPTOR, ["message-of-another-start", "call-reply-with-other-pids"];
    /// The node id of a receiver is not looked at.
    NodeUnchecked: INITIATOR, ["send-elsewhere", "link-elsewhere", "sender-and-receiver-elsewhere", "call-elsewhere", "call-reply-elsewhere"];
    /// A sender can be of any node and any start.
    SenderUnchecked: ACCEPTOR, ["sender-of-another-node", "sender-of-another-start", "call-of-a-caller-elsewhere", "monitor-name-of-who-is-elsewhere", "call-reply-with-other-pids", "monitor-name-is-written", "call-ref-in-use"];

    // Of links.

    /// A LINK to a dead process is not answered.
    LinkToDeadUnanswered: ACCEPTOR, ["surplus-link", "link-to-nobody", "link-to-another-start"];
    /// A LINK to a dead process is answered with another reason.
    NoprocByAnotherName: INITIATOR, ["link-to-nobody", "link-to-another-start"];
    /// An EXIT needs no link.
    ExitWithoutLink: ACCEPTOR, [
        "unlink-is-written", "unlink-ids-differ", "unlinks-cross", "exit-before-the-ack",
        "exit-before-the-ack-of-an-end", "exit-without-a-link", "exit-once", "links-go-with-their-session",
    ];
    /// An EXIT does not end its link.
    LinksEndTwice: INITIATOR, [
        "monitor-name-of-who-ends", "message-behind-a-fatal-exit", "exit-once", "exit-answers-an-exit-no-more",
        "exit-ends-error", "exit-ends-killed", "exit-ends-custom", "exit-ends-noconnection",
        "exit-with-hops", "exit-unknown-root", "exit-long-text", "exit-longest-text",
        "exit-by-close", "read-on-after-close", "reason-of-more-hops-than-fit", "spawn-linked-to-nobody",
    ];
    /// No unlink is acknowledged.
    UnlinkUnanswered: ACCEPTOR, [
        "frame-in-pieces", "frames-before-a-refused-one", "surplus-unlink-id", "unlink-of-nobody",
        "unlink-of-another-start", "unlink-then-end", "unlink-after-the-end",
        "unlink-then-link-again", "ack-before-link", "unlinks-cross",
    ];
    /// The unlink of a dead process is not acknowledged.
    DeadUnlinkUnanswered: INITIATOR, [
        "frame-in-pieces", "frames-before-a-refused-one", "surplus-unlink-id", "unlink-of-nobody",
        "unlink-of-another-start", "unlink-after-the-end",
    ];
    /// An acknowledgement has another id than its unlink.
    AckOfItsOwnId: ACCEPTOR, [
        "frame-in-pieces", "frames-before-a-refused-one", "surplus-unlink-id", "unlink-of-nobody",
        "unlink-of-another-start", "unlink-then-end", "unlink-after-the-end",
        "unlink-then-link-again", "ack-before-link", "unlinks-cross",
    ];
    /// An acknowledgement comes behind what its process does later.
    AckLate: ACCEPTOR, ["ack-before-link"];
    /// Any acknowledgement ends an unlink.
    AckIdUnchecked: INITIATOR, ["unlink-ids-differ"];
    /// An EXIT ends a link that was made again, also before the unlink is acknowledged.
    OldExitTaken: ACCEPTOR, ["exit-before-the-ack", "exit-before-the-ack-of-an-end"];
    /// All unlinks have the same id.
    UnlinkIdReused: ACCEPTOR, ["unlink-ids-differ"];
    /// Unlinks are written as in version 1.
    UnlinkOfVersion1: INITIATOR, [
        "unlink-is-written", "unlink-ids-differ", "link-behind-the-ack",
        "link-again-before-the-ack", "exit-before-the-ack", "exit-before-the-ack-of-an-end", "unlinks-cross",
        "end-while-an-unlink-is-outstanding", "session-ends-while-an-unlink-is-outstanding",
    ];
    /// A link that is there is made again.
    LinkWrittenTwice: ACCEPTOR, ["link-is-written", "link-that-is-linked"];
    /// A process that ends sends EXIT for a link that it has given up.
    ExitWhileUnlinking: INITIATOR, [
        "end-while-an-unlink-is-outstanding", "session-ends-while-an-unlink-is-outstanding",
    ];
    /// The peer's bound of links and monitors is not kept.
    BoundIgnored: ACCEPTOR, ["link-bound", "monitor-bound", "call-bound", "monitor-name-bound"];

    // Of exits.

    /// Every reason is written as Normal.
    ReasonLost: INITIATOR, ["message-before-the-end", "link-then-end", "link-twice-then-end", "unlink-after-the-end", "unlink-then-link-again", "monitor-then-end", "demonitor-then-end", "exit-ends-error", "exit-ends-killed", "exit-ends-custom", "exit-ends-noconnection", "exit-unknown-root", "exit-long-text", "exit-longest-text", "kill", "reason-of-more-hops-than-fit", "full-mailbox-ends", "links-and-monitors-too-many", "spawn-ends-at-once", "spawn-linked", "remote-exit-is-written", "remote-exit-ends", "call-then-end", "call-delegated-then-end", "monitor-name-then-end", "call-ends-a-full-process", "monitor-name-then-demonitor", "call-with-too-long-a-reply", "spawn-monitored", "spawn-monitored-ends-at-once"];
    /// Texts are cut too early.
    ReasonCut: ACCEPTOR, ["exit-long-text", "exit-longest-text"];
    /// Hops are passed on as they came.
    HopsUntranslated: INITIATOR, [
        "exit-ends-error", "exit-ends-killed", "exit-ends-custom", "exit-ends-noconnection",
        "exit-with-hops", "exit-unknown-root", "exit-long-text", "reason-of-more-hops-than-fit", "remote-exit-ends"];
    /// Normal and Shutdown end processes.
    NormalEnds: ACCEPTOR, ["exit-normal-and-shutdown"];
    /// Killed ends a process that traps exits.
    KilledUntrapped: INITIATOR, [
        "link-behind-the-ack", "link-again-before-the-ack", "exit-once", "full-mailbox-takes-signals",
        "request-answered", "remote-exit-traps"];
    /// Nobody is told of the end of a session.
    CutUntold: ACCEPTOR, [
        "session-ends-while-an-unlink-is-outstanding", "monitor-and-the-end-of-the-session",
        "exit-at-the-end-of-the-session", "exit-by-close", "exit-by-a-refused-frame",
        "links-go-with-their-session", "link-without-a-session", "disconnect-closes", "global-name", "links-of-another-node", "nodedown*", "request-and-the-end-of-the-session", "remote-exit-without-a-session", "link-behind-close", "call-and-the-end-of-the-session", "monitor-name-and-the-end-of-the-session"];

    // Of monitors.

    /// An answer has the own pids and not those of the MONITOR.
    AnswerOfItsOwn: ACCEPTOR, ["monitor-of-another-start", "call-of-nobody"];
    /// A ref can be used while it is in use.
    RefReused: INITIATOR, ["monitor-ref-in-use", "call-ref-in-use", "call-name-ref-in-use", "call-ref-of-a-monitor", "monitor-ref-of-a-call", "monitor-name-ref-in-use", "monitor-name-ref-of-a-call"];
    /// All own monitors have the same ref.
    OwnRefReused: ACCEPTOR, [
        "monitor-is-written", "call-is-written", "call-name-is-written", "monitor-name-is-written", "call-is-given-up",
        "call-ends-with-its-process", "monitor-name-is-given-up", "groups-of-nobody", "groups-of-somebody-else",
        "groups-of-a-server-that-ends"];
    /// DEMONITOR is held against the ref alone.
    DemonitorByRef: INITIATOR, ["demonitor-then-end", "call-that-was-given-up", "monitor-name-then-demonitor"];
    /// MONITOR_EXIT is held against nothing.
    DownUnchecked: ACCEPTOR, ["monitor-is-written", "monitor-exit-with-other-pids", "demonitor-is-written", "call-exit", "call-is-given-up", "monitor-name-is-written", "monitor-name-is-given-up", "request-monitored"];

    // Of sessions.

    /// A PING is not answered.
    PongMissing: INITIATOR, [
        "frames-in-one-piece", "surplus-ping", "pong", "pong-of-the-last", "both-dial-and-both-get-ack",
        "writing-does-not-wait-for-reading",
    ];
    /// A PONG has another payload than its PING.
    PongOfItsOwn: ACCEPTOR, [
        "frames-in-one-piece", "surplus-ping", "bytes-behind-reply", "pong", "pong-of-the-last",
        "writing-does-not-wait-for-reading",
    ];
    /// Silence is not asked.
    NoHeartbeat: ACCEPTOR, [
        "silence-is-asked", "any-byte-is-a-sign-of-life", "ping-payloads-differ", "held-up", "held-up-after-ping",
    ];
    /// Time in which it does not run counts against its peers.
    CountsHoldUps: ACCEPTOR, ["held-up", "held-up-after-ping", "held-up-in-a-handshake"];
    /// CLOSE is ignored.
    CloseIgnored: INITIATOR, ["exit-by-close", "close-ends", "close-unknown-code", "close-and-more", "close-notify-answers-close", "nodedown"];
    /// CLOSE is answered by CLOSE.
    CloseAnswered: ACCEPTOR, ["close-ends", "close-unknown-code", "close-and-more", "close-notify-answers-close", "nodedown"];
    /// A node that stops says nothing.
    StopUnsaid: INITIATOR, ["stop-closes"];
    /// A session with another start of the peer is asked like one with the same.
    OldStartStays: ACCEPTOR, [
        "other-incarnation", "other-incarnation-close"];
    /// A connection that was begun before the session of a later start takes its place.
    DeadStartTaken: ACCEPTOR, ["connection-of-a-start-before"];
    /// Which of two starts is the later one is told by when their sessions, and not their connections, were begun.
    StartsBySession: ACCEPTOR, ["connection-of-a-later-start"];
    /// An ACK on a dial is passed over while there is a session.
    AckBesideSession: INITIATOR, ["both-dial-and-both-get-ack"];
    /// Any number of peers is taken.
    PeersUnlimited: ACCEPTOR, ["too-many-peers"];
    /// One address can have any number of peers.
    AddressUnlimited: ACCEPTOR, ["too-many-peers-of-an-address"];
    /// When all places are taken, nobody gives way.
    NobodyGivesWay: ACCEPTOR, [
        "place-too-many", "place-silent", "place-stalled", "places-all-taken", "places-of-many-addresses"];
    /// A name is dialled while a dial to it is under way.
    DialsTwice: INITIATOR, ["one-dial"];
    /// A name is dialled with which there is a session.
    DialsBesideSession: INITIATOR, ["no-dial-beside-a-session"];
    /// A message for which there is no session makes the node dial.
    DialsByItself: INITIATOR, ["nothing-dials-by-itself"];
    /// After its own CLOSE it reads nothing.
    DeafAfterClose: ACCEPTOR, ["read-on-after-close"];
    /// What waits is dropped when the program ends the session.
    UnsentAtTheEnd: ACCEPTOR, ["disconnect-writes-what-is-queued"];
    /// In a session that ends messages are still taken.
    TakesLateMessages: INITIATOR, ["disconnect-writes-what-is-queued"];
    /// Who links behind CLOSE is told nothing.
    LinkBehindCloseLost: INITIATOR, ["link-behind-close"];
    /// The stream just ends.
    NoCloseNotify: INITIATOR, ["close-notify", "close-notify-answers-close"];
    /// A node that stops leaves handshakes to their deadline.
    StopLeavesHandshakes: ACCEPTOR, ["stop-closes-handshakes"];

    // Of those who watch.

    /// Nobody is told that a node is up.
    NodeupUnsaid: ACCEPTOR, [
        "nodeup*", "no-nodeup-without-a-session", "nodedown*", "disconnect-closes",
    ];
    /// Nobody is told that a node is down.
    NodedownUnsaid: INITIATOR, [
        "nodedown*", "disconnect-closes", "nothing-dials-by-itself", "peer-that-takes-nothing", "remote-exit-without-a-session"];
    /// NODEDOWN comes before the exits of its session.
    NodedownFirst: ACCEPTOR, ["nodedown-comes-last"];

    // Of bounds.

    /// Any number of links and monitors of the peer is held.
    BoundUnkept: INITIATOR, ["links-and-monitors-too-many", "calls-too-many", "monitor-names-too-many"];
    /// A MONITOR too many ends the session.
    BoundEndsTheSession: ACCEPTOR, ["links-and-monitors-too-many", "calls-too-many", "monitor-names-too-many"];
    /// A full mailbox ends a process for another reason.
    FullByAnotherName: INITIATOR, ["full-mailbox-ends", "call-ends-a-full-process"];
    /// It does not read while a process takes nothing.
    ReadingWaitsForProcesses: ACCEPTOR, [
        "reading-does-not-wait-for-a-process", "full-mailbox-drops", "full-mailbox-takes-signals",
        "full-mailbox-ends", "call-of-a-full-mailbox", "call-ends-a-full-process"];

    // Of the queue.

    /// It does not read while something waits to be written.
    ReadingWaitsForWriting: INITIATOR, [
        "reading-does-not-wait-for-writing", "answers-that-are-not-read",
    ];
    /// Senders never wait.
    QueueUnlimited: ACCEPTOR, [
        "flood-waits", "reading-does-not-wait-for-writing", "heartbeat-goes-first",
        "signals-do-not-wait-for-room", "signals-overtake", "peer-that-takes-nothing",
        "replaced-session-is-not-drained", "disconnect-writes-what-is-queued",
    ];
    /// What finds no room is dropped.
    DropsWhenFull: INITIATOR, [
        "flood-waits", "reading-does-not-wait-for-writing", "heartbeat-goes-first",
        "signals-do-not-wait-for-room", "signals-overtake", "peer-that-takes-nothing",
        "disconnect-writes-what-is-queued",
    ];
    /// PONG waits behind everything else.
    HeartbeatLast: ACCEPTOR, ["heartbeat-goes-first"];
    /// One queue keeps the order of all, and the node does not say so.
    OneQueue: INITIATOR, ["signals-overtake", "processes-take-turns", "fragments-let-others-through"];
    /// Answers can wait without end.
    AnswersUnlimited: ACCEPTOR, [
        "answers-that-are-not-read", "void-signals-count",
    ];
    /// A signal that the peer has made void does not count as an answer.
    VoidUncounted: ACCEPTOR, ["void-signals-count"];
    /// A peer that takes nothing is waited for without end.
    DrainsForEver: INITIATOR, ["peer-that-takes-nothing"];
    /// A session that is replaced is drained first.
    ReplacedIsDrained: ACCEPTOR, ["replaced-session-is-not-drained"];
    /// Signals wait until there is room for messages.
    SignalsWaitForRoom: ACCEPTOR, ["signals-do-not-wait-for-room", "signals-overtake"];

    // Of names.

    /// An empty cookie will do.
    AnyCookie: ACCEPTOR, ["cookie-empty", "cookie-with-a-zero-byte"];
    /// Peer lists need no leave.
    ListNeedsNoLeave: INITIATOR, ["peer-list-without-leave"];
    /// A text that is no node name ends a peer list.
    BadNameEndsTheList: INITIATOR, ["peer-list", "peer-list-too-long"];
    /// All names of a peer list are used.
    LongListUsed: INITIATOR, ["peer-list-too-long"];
    /// Peer lists can bring about any number of dials.
    ListsDialOften: INITIATOR, ["peer-lists-too-often"];
    /// A peer list names the node that it is written to.
    ListNamesItsReader: ACCEPTOR, ["peer-list-written"];
    /// A peer list names nodes that lists of others have named.
    ListsHandedOn: ACCEPTOR, ["peer-list-written"];
    /// Anybody can tell the global name of a third node.
    AnybodyTells: ACCEPTOR, ["global-name"];
    /// Anybody can take a global name back.
    AnybodyTakesBack: ACCEPTOR, ["global-name-of-another", "global-name-of-two"];
    /// Global names stay when their session has ended.
    GlobalNamesStay: INITIATOR, ["global-name"];
    /// Global names of others are handed on.
    NamesHandedOn: ACCEPTOR, ["global-names-are-told"];
    /// All global names go into one frame.
    SyncUnsplit: ACCEPTOR, ["global-names-are-told"];
    /// A process of whatever node can have the global name of a peer.
    GlobalNameOfAnybody: ACCEPTOR, ["global-name-of-a-foreign-process"];
    /// A global name that is known can be registered.
    TakenNameRegistered: ACCEPTOR, ["global-name-taken"];
    /// A global name of any length can be registered.
    LongGlobalName: ACCEPTOR, ["global-name-too-long"];
    /// Whoever owns a global name keeps it.
    GivesNoWay: ACCEPTOR, ["global-name-conflict"];
    /// A process that loses its global name is not told.
    ConflictUntold: ACCEPTOR, ["global-name-conflict"];
    /// Of two that claim a global name the one counts that was heard last.
    LastClaimCounts: ACCEPTOR, ["global-name-of-two"];
    /// A global name is not taken back when its process ends.
    GlobalNameOutlivesItsProcess: ACCEPTOR, ["global-name-of-a-process-that-ends"];
    /// All processes have the same local id.
    LocalIdAgain: ACCEPTOR, ["local-ids"];

    // Of processes that others ask for.

    /// No process is linked.
    SpawnUnlinked: ACCEPTOR, [
        "spawn-linked", "spawn-linked-to-nobody", "spawn-ends-at-once", "spawn-beyond-the-bound",
    ];
    /// Every process is linked.
    SpawnAlwaysLinked: INITIATOR, [
        "spawn", "spawn-other-flags", "spawn-beyond-the-bound", "spawn-arguments", "spawn-demonitored",
        "spawn-monitored", "spawn-monitored-ends-at-once", "spawn-monitors-too-many", "spawn-ref-in-use",
    ];
    /// The peer's bound is not kept.
    SpawnBeyondTheBound: ACCEPTOR, ["spawn-beyond-the-bound"];
    /// SPAWN_REPLY comes before LINK.
    ReplyBeforeLink: INITIATOR, [
        "spawn-linked", "spawn-linked-to-nobody", "spawn-ends-at-once",
    ];
    /// A process that ends at once is told of before it is.
    EndBeforeReply: ACCEPTOR, ["spawn-ends-at-once", "spawn-monitored-ends-at-once"];
    /// All requests have the same number.
    RequestReused: INITIATOR, ["requests-differ"];
    /// The next request, monitor or call has the number of the request.
    RequestUncounted: INITIATOR, ["requests-differ", "request-refused"];
    /// A request can be of any length.
    LongRequest: ACCEPTOR, ["request-too-long"];
    /// No process is monitored.
    SpawnUnmonitored: INITIATOR, [
        "spawn-monitored", "spawn-monitored-ends-at-once", "spawn-ref-in-use", "spawn-monitors-too-many",
    ];
    /// The number of a request is not judged.
    SpawnRefUnchecked: ACCEPTOR, ["spawn-ref-in-use"];
    /// More processes are monitored than the node holds monitors of the peer.
    SpawnMonitorsUnbounded: INITIATOR, ["spawn-monitors-too-many"];
    /// The end of a monitored process names it.
    ChildByItsPid: ACCEPTOR, ["spawn-monitored", "spawn-monitored-ends-at-once", "spawn-demonitored"];
    /// Arguments are never a term.
    ArgumentsAsBytes: INITIATOR, ["spawn-arguments"];
    /// Arguments are written as bytes.
    NoTermAsArguments: ACCEPTOR, ["request-arguments"];
    /// A MONITOR_EXIT is taken for the answer to a request.
    EarlyDownTaken: INITIATOR, ["request-monitored"];
    /// The peer's bound is not kept by requests.
    RequestBeyondTheBound: ACCEPTOR, ["request-beyond-the-bound"];
    /// A request that was not answered is forgotten with its session.
    RequestForgotten: ACCEPTOR, ["request-and-the-end-of-the-session"];

    // Of long messages.

    /// Long messages go out whole.
    LongMessageWhole: ACCEPTOR, ["fragments-are-written", "fragments-longer-than-a-frame", "fragments-let-others-through", "call-in-fragments"];
    /// A piece is as long as a message that goes out whole, without its own head.
    PieceTooLong: INITIATOR, ["fragments-are-written", "fragments-longer-than-a-frame", "fragments-let-others-through", "call-in-fragments"];
    /// All long messages have the same number.
    NumberAgain: ACCEPTOR, ["fragments-are-written", "call-in-fragments"];
    /// What a process does does not wait for the pieces of its messages.
    PiecesOvertaken: INITIATOR, ["fragments-are-written"];
    /// A message in pieces can have any length.
    LongestUnkept: ACCEPTOR, ["fragments-longer-than-a-frame"];
    /// Pieces are put together without a look at their number.
    PiecesMixed: INITIATOR, ["fragments-are-read", "fragments-of-too-much"];
    /// A first piece takes the place of what has come of a message with its number.
    BegunAgain: ACCEPTOR, ["fragments-begun-twice"];
    /// A piece of a message that was not begun is ignored.
    StrayPieceIgnored: INITIATOR, ["fragments-not-begun", "fragments-go-with-the-session"];
    /// What is in pieces is looked at when it is whole.
    AnythingInPieces: ACCEPTOR, ["fragments-of-no-message"];
    /// A total can be any number.
    TotalUnlimited: INITIATOR, ["fragments-of-too-long-a-frame"];
    /// Any number of unfinished messages is held, and of their bytes.
    PiecesUnbounded: ACCEPTOR, ["fragments-of-too-much"];
    /// Pieces can be longer together than their total.
    PiecesBeyondTotal: INITIATOR, ["fragments-longer-than-their-total"];
    /// A message is whole when its last piece is there, whatever is missing.
    LastIsEnough: ACCEPTOR, ["fragments-shorter-than-their-total"];
    /// A message that is whole waits for its last piece.
    WholeWithoutLast: INITIATOR, ["fragments-without-a-last"];
    /// A piece can be empty.
    EmptyPieceTaken: ACCEPTOR, ["fragments-that-are-empty"];
    /// What a session has left unfinished goes on in the next one.
    PiecesOutliveTheSession: INITIATOR, ["fragments-go-with-the-session"];
    /// What comes in pieces may need a capability that the session does not have.
    WholeUnchecked: ACCEPTOR, ["fragments-of-what-the-session-lacks"];

    // Of exit signals without a link.

    /// They need a link.
    RemoteExitNeedsLink: ACCEPTOR, ["remote-exit-traps", "remote-exit-ends"];
    /// One that is read ends the link of the two.
    RemoteExitUnlinks: INITIATOR, ["remote-exit-traps"];
    /// One that is written ends the link of the two.
    SentExitUnlinks: ACCEPTOR, ["remote-exit-is-written"];
    /// Killed ends a process that traps exits, if no link has brought it.
    RemoteExitKills: INITIATOR, ["remote-exit-traps"];
    /// A dead process says that it is dead.
    RemoteExitToDeadAnswered: ACCEPTOR, ["remote-exit-to-nobody"];
    /// They are written as if there were a link.
    RemoteExitIsExit: INITIATOR, ["remote-exit-is-written", "remote-exit-without-a-session"];
    /// They are written in sessions that do not have them.
    RemoteExitUnasked: ACCEPTOR, ["remote-exit-without-the-capability"];
    /// Without a session, one comes back to its sender as the end of a link would.
    UnsentExitComesBack: INITIATOR, ["remote-exit-without-a-session"];

    // Of terms.

    /// They are marked in sessions that do not have that, and not marked in those that have it.
    TermMarkMistaken: ACCEPTOR, ["term-is-written", "term-without-the-capability"];
    /// Processes of the peer are written as own ones.
    TermPidsUntranslated: INITIATOR, ["term-is-written", "call-is-written", "call-is-answered", "name-term-is-written", "request-arguments"];
    /// Pids are written where nobody would know whose they are.
    TermPidsUnmarked: INITIATOR, ["term-without-the-capability", "name-term-without-the-capability"];
    /// The process is not told that a message is marked as a term.
    TermMarkLost: ACCEPTOR, [
        "term-is-read", "term-that-is-none", "term-of-the-second-kind", "term-of-the-second-kind-unasked",
        "name-term-is-read"];
    /// Pids of other starts are taken for those of the present ones.
    TermPidsUnchecked: INITIATOR, ["term-is-read", "call-is-answered", "name-term-is-read"];
    /// What is no term ends the session.
    NoTermCloses: ACCEPTOR, ["term-that-is-none", "term-of-the-second-kind", "term-of-the-second-kind-unasked"];
    /// Terms of the second kind are read in sessions that do not have them.
    SecondKindUnasked: INITIATOR, ["term-of-the-second-kind-unasked"];
    /// They are announced and not read.
    SecondKindUnread: ACCEPTOR, ["term-of-the-second-kind"];

    // Of calls that come.

    /// A call of a dead process is not answered.
    CallOfDeadUnanswered: INITIATOR, [
        "call-of-nobody", "call-name-of-nobody", "call-is-answered", "calls-too-many"];
    /// A call too many is not answered.
    CallTooManyUnanswered: ACCEPTOR, ["calls-too-many"];
    /// A call for which a mailbox has no room is dropped as a message is.
    CallWithoutRoomDropped: INITIATOR, ["call-of-a-full-mailbox"];
    /// Monitors and calls have refs of their own.
    RefsApart: ACCEPTOR, ["call-ref-of-a-monitor", "monitor-ref-of-a-call", "monitor-name-ref-of-a-call"];
    /// A reply leaves the call as it is.
    ReplyLeavesTheCall: INITIATOR, ["call-is-replied-to-once", "call-that-was-given-up", "call-is-delegated", "call-then-end", "calls-too-many"];
    /// A call that the caller has given up is replied to.
    GivenUpCallStays: ACCEPTOR, ["call-that-was-given-up"];
    /// A reply goes to the call with its ref, in whatever session.
    ReplyInAnotherSession: INITIATOR, ["call-that-is-replied-to-in-another-session"];
    /// Who replies in another's stead replies as itself.
    DeputyRepliesForItself: ACCEPTOR, ["call-is-delegated"];
    /// The end of the callee is not told.
    CalleeEndsUntold: INITIATOR, ["call-then-end", "call-delegated-then-end", "call-ends-a-full-process"];
    /// A call that was delegated goes on without the callee.
    DelegatedOutlivesTheCallee: ACCEPTOR, ["call-delegated-then-end"];
    /// A process that lets go of a call tells nobody.
    LetGoUntold: INITIATOR, ["call-without-an-answer"];
    /// The end of who could reply in the callee's stead is not told.
    DeputyEndsUntold: ACCEPTOR, ["call-without-its-deputy"];
    /// A reply is written that the peer does not take.
    LongReplyWritten: INITIATOR, ["call-with-too-long-a-reply"];
    /// A call whose reply the peer does not take is forgotten.
    LongReplyEndsNothing: ACCEPTOR, ["call-with-too-long-a-reply"];

    // Of calls that processes make.

    /// They are written in sessions that do not have them.
    CallUnasked: INITIATOR, ["call-without-the-capability"];
    /// One that was refused takes a place.
    LongCallTakesAPlace: ACCEPTOR, ["call-too-long"];
    /// One that is given up stays called.
    GivenUpUntold: INITIATOR, ["call-is-given-up", "call-bound", "call-in-fragments"];
    /// The end of the caller is not told.
    CallerEndsUntold: ACCEPTOR, ["call-ends-with-its-process"];
    /// A reply is held against the ref alone.
    ReplyByRef: INITIATOR, ["call-name-is-written", "call-reply-with-other-pids"];
    /// A reply does not end its call.
    ReplyTakenTwice: ACCEPTOR, [
        "call-is-written", "call-ends-with-its-process", "call-bound"];
    /// A reply can be to a monitor.
    ReplyToAMonitor: INITIATOR, ["call-reply-to-a-monitor"];
    /// The end of a call is told as that of a monitor.
    CallEndIsDown: ACCEPTOR, ["call-exit", "call-name-is-written"];
    /// A call waits on when its session is over.
    CallOutlivesTheSession: INITIATOR, ["call-and-the-end-of-the-session"];
    /// A call for which there is no session waits for one.
    CallWithoutASessionWaits: ACCEPTOR, ["call-and-the-end-of-the-session"];

    // Of names on other nodes.

    /// Whoever has a name stands with the own pid in frames.
    NamedByItsPid: INITIATOR, [
        "call-name-is-answered", "call-that-was-given-up", "call-then-end", "call-without-an-answer",
        "call-of-a-full-mailbox", "calls-too-many", "call-in-fragments", "monitor-name-then-end",
        "monitor-name-then-demonitor", "monitor-names-too-many", "monitor-name-of-who-ends"];
    /// Nobody is told who has a name.
    NamedMissing: ACCEPTOR, [
        "monitor-name-then-end", "monitor-name-then-demonitor", "monitor-name-ref-in-use",
        "monitor-names-too-many", "monitor-name-of-who-ends", "groups-are-told", "groups-are-learned", "groups-are-asked-for",
        "groups-asked", "groups-of-nobody", "groups-of-somebody-else", "groups-of-a-server-that-ends",
        "groups-and-the-end-of-the-session", "groups-nonsense", "groups-entries", "groups-are-sent-to"];
    /// Who has a name is told behind the end of that process.
    NamedLate: INITIATOR, ["monitor-name-of-who-ends"];
    /// A second NAMED is taken.
    NamedTwice: ACCEPTOR, ["monitor-name-is-written"];
    /// A NAMED is taken for a monitor that is not by name.
    NamedOfAnyMonitor: INITIATOR, ["named-of-a-monitor"];
    /// The end of a monitor by name is that of nobody.
    NamedForgotten: ACCEPTOR, ["monitor-name-is-written", "monitor-name-and-the-end-of-the-session"];
    /// A monitor by name goes on as one of the process that has the name.
    NamedIsMonitored: INITIATOR, [
        "monitor-name-is-written", "monitor-name-is-given-up", "monitor-name-ends-with-its-process"];
    /// Names are monitored in sessions that do not have that.
    MonitorNameUnasked: ACCEPTOR, ["monitor-name-without-the-capability", "groups-without-names"];
    /// A name of any length is monitored.
    LongNameMonitored: INITIATOR, ["monitor-name-longest"];
    /// Terms to names are not marked.
    NameTermUnmarked: ACCEPTOR, ["name-term-is-written"];

    // Of groups.

    /// A name of any length is that of a group.
    AnyNameOfAGroup: ACCEPTOR, ["groups-names"];
    /// A member that ends leaves no group.
    MemberOutlivesItsProcess: ACCEPTOR, ["groups-of-a-process-that-ends"];
    /// Who leaves is not told of.
    LeavingUntold: INITIATOR, ["groups-are-told"];
    /// Anybody tells of members.
    AnybodyTellsMembers: ACCEPTOR, ["groups-of-nobody", "groups-of-somebody-else"];
    /// Who was heard while a server was sought is forgotten.
    HeardIsForgotten: ACCEPTOR, ["groups-of-somebody-else"];
    /// A server that has ended is not sought again.
    ServerIsSoughtOnce: ACCEPTOR, ["groups-of-a-server-that-ends", "groups-are-sent-to"];
    /// Members of a peer stay when their session has ended.
    MembersOutliveTheSession: ACCEPTOR, ["groups-and-the-end-of-the-session"];
    /// All streams have the same number.
    StreamAgain: ACCEPTOR, [
        "groups-asked", "groups-of-somebody-else", "groups-of-a-server-that-ends", "groups-and-the-end-of-the-session"];
    /// What a new stream does not name stays.
    UnnamedMembersStay: INITIATOR, ["groups-are-learned"];
    /// Messages are taken in whatever order they come.
    GapUnnoticed: ACCEPTOR, ["groups-are-learned", "groups-are-asked-for"];
    /// Who is asked for another stream begins none.
    AskForgotten: ACCEPTOR, ["groups-asked"];
    /// Messages of any version are read.
    AnyVersionOfGroups: ACCEPTOR, ["groups-nonsense"];
    /// A message for another server is read.
    AnyReaderOfGroups: ACCEPTOR, ["groups-nonsense"];
    /// A server tells of processes of any node.
    MembersOfAnybody: ACCEPTOR, ["groups-entries"];
}

impl Defect {
    /// It is about what waits to be written: the cases with much to write are played too.
    pub(crate) const fn is_of_the_queue(self) -> bool {
        matches!(
            self,
            Self::ReadingWaitsForWriting
                | Self::QueueUnlimited
                | Self::DropsWhenFull
                | Self::HeartbeatLast
                | Self::OneQueue
                | Self::AnswersUnlimited
                | Self::VoidUncounted
                | Self::DrainsForEver
                | Self::ReplacedIsDrained
                | Self::SignalsWaitForRoom
                | Self::UnsentAtTheEnd
                | Self::TakesLateMessages
        )
    }

    /// It is about what counts as an answer: the cases that tell all kinds apart are played too.
    pub(crate) const fn is_of_answers(self) -> bool {
        matches!(self, Self::AnswersUnlimited | Self::VoidUncounted)
    }

    /// It is about messages that go out in pieces: the cases with much to write of these are played too.
    pub(crate) const fn is_of_long_messages(self) -> bool {
        matches!(
            self,
            Self::LongMessageWhole
                | Self::PieceTooLong
                | Self::NumberAgain
                | Self::PiecesOvertaken
                | Self::LongestUnkept
        )
    }

    /// It is about times of the protocol: the cases that wait for them are played too.
    pub(crate) const fn is_of_time(self) -> bool {
        matches!(self, Self::NoDeadline | Self::NoHeartbeat | Self::CountsHoldUps | Self::DrainsForEver)
    }

    /// The most patience that its cases may have: with more they would see what comes in place of what is missing.
    pub(crate) const fn patience_max(self) -> Duration {
        match self {
            // The heartbeat ends a session that is not ended because nothing is taken.
            Self::DrainsForEver => PATIENCE,
            _ => Duration::MAX,
        }
    }

    /// Cases that can fail beside those that must: it is a matter of time which of them do.
    pub(crate) const fn may_be_caught_by(self) -> &'static [&'static str] {
        match self {
            Self::UnsentAtTheEnd => &["stop-closes"],
            Self::ReadingWaitsForWriting => &["answers-that-are-read", "heartbeat-goes-first"],
            Self::PieceIsFrame => &[
                "reading-does-not-wait-for-a-process",
                "frames-in-one-piece",
                "frame-long",
                "reason-many-hops",
            ],
            _ => &[],
        }
    }
}
