//! The process table, as the core is lent it: what the core asks of it, and how signals come out.

use bytes::Bytes;

use super::{GlobalNews, NodeNumber, Pid, Reason, SpawnFailure, SpawnRequest, Start, TermPids};

/// Frames in an allocation of their own, which a message among them can keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The frames, at the beginning of the allocation.
    pub bytes: Bytes,
    /// Bytes of the allocation. Whoever keeps a part of `bytes` keeps all of them.
    pub allocated: usize,
}

impl From<Bytes> for Block {
    /// Bytes that are the whole of their allocation.
    fn from(bytes: Bytes) -> Self {
        Self { allocated: bytes.len(), bytes }
    }
}

/// Who has called, and by which number: the address of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Caller {
    /// The process that waits for the reply.
    pub pid: Pid,
    /// The call's number, its node's choice.
    pub reference: u64,
    /// The session in which the call has come: no other takes the reply, even if a call of that number has come in it.
    pub session: u64,
}

/// The local processes. Every `local` is the number of one of them.
///
/// The calls come in the order in which the process must see what they bring. None of them can call back into the session,
/// which is borrowed meanwhile, and none may block: the session waits. None may panic: a panic passes through the session,
/// and what the same call of the session had still to bring is lost. A table that hands anything to code of a program does
/// so afterwards.
pub trait Processes {
    /// Returns `false` if what the peer has sent already leaves no room in the process's mailbox for a signal of one more
    /// link: the peer's LINK is refused then.
    fn has_room(&mut self, local: u64) -> bool {
        let _ = local;
        true
    }

    /// The session now keeps so many bytes of the peer's messages that are not whole yet, all together: asked before they
    /// become more, told when they are fewer. Returns `false` if there is no room for more: the message whose piece it is
    /// counts as dropped by the table then, the session keeps nothing of it and says so next. Fewer always find room.
    fn unfinished(&mut self, bytes: usize) -> bool {
        let _ = bytes;
        true
    }

    /// Notes that the session has an interest in the process: its end must be told to
    /// [`Session::process_ended`](super::session::Session::process_ended). False if there is no such process, or it has
    /// ended.
    fn attach(&mut self, local: u64) -> bool;

    /// A message. Dropped by the table if there is no such process or its mailbox is full.
    fn message(&mut self, local: u64, message: &[u8]);

    /// A message that its sender has marked as a term; dropped likewise. `pids` says which processes its pids are. A
    /// table that does not tell terms from other messages takes it for one of these, and its pids are bytes then.
    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        drop(pids);
        self.message(local, term);
    }

    /// The number that a start of another node has here, which the peer's node table names. A table that numbers no
    /// nodes knows none.
    fn heard_of(&mut self, start: Start) -> NodeNumber {
        drop(start);
        NodeNumber::UNKNOWN
    }

    /// A message to whoever is registered under `name`; dropped likewise.
    fn named_message(&mut self, name: &str, message: &[u8]);

    /// A message to a name that its sender has marked as a term, as [`Processes::term`].
    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        drop(pids);
        self.named_message(name, term);
    }

    // Calls and monitors by name. Who has them implements all of these; without, nobody is registered, and every call finds a
    // full mailbox.

    /// The process that is registered under `name`.
    fn whereis(&mut self, name: &str) -> Option<u64> {
        let _ = name;
        None
    }

    /// The message of a call, for the mailbox of a process that has just been attached. [`Session::reply`] takes the reply to
    /// `caller`; whoever lets go of the call without one says so to [`Session::leave_unanswered`]. Returns `false` if the
    /// mailbox takes no message. If the process has ended, or ends because its mailbox is full, that is `true`: its end
    /// answers the call.
    ///
    /// [`Session::reply`]: super::session::Session::reply
    /// [`Session::leave_unanswered`]: super::session::Session::leave_unanswered
    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        let _ = (local, caller, term, pids);
        false
    }

    /// The reply to a call of a local process. A table that has no room for it tells the process what
    /// [`Processes::reply_lost`] says.
    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        let _ = (local, reference, term, pids);
    }

    /// The reply to a call of a local process has come, and was dropped for want of room.
    fn reply_lost(&mut self, local: u64, reference: u64) {
        let _ = (local, reference);
    }

    /// The end of a call without a reply.
    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        let _ = (local, reference, reason);
    }

    /// Whom a monitor by name is of.
    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        let _ = (local, reference, pid);
    }

    // Processes that other nodes ask for. Who starts some implements the first two; without, every request is refused as one
    // for a function that is not there. Who asks for some implements the third.

    /// Returns `true` if the program has registered a function under this name, and the node of this process may have it
    /// started.
    fn offers(&mut self, requester: Pid, function: &str) -> bool {
        let _ = (requester, function);
        false
    }

    /// Makes the process that is asked for, of a function that [`Processes::offers`] has just said is offered. It does not run
    /// before the call of the session has returned in which this is called: by then it is tied to the one that asks, and what
    /// it does comes behind the answer. What the program has written, and what reads the arguments, is not called here.
    ///
    /// # Errors
    /// Why none is made, which the peer is told.
    fn spawn(&mut self, request: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        let _ = request;
        Err(SpawnFailure::NotOffered)
    }

    /// What has come of a local process's request for a process of the peer, told once. If the request was for a link, that
    /// comes about by itself; if for a monitor, the request's number is that of the monitor from now on.
    fn spawned(&mut self, local: u64, request: u64, outcome: Result<Pid, SpawnFailure>) {
        let _ = (local, request, outcome);
    }

    // Global names and rooms. A table that knows none leaves them alone.

    /// What the peer says of a global name. Returns `false` if the table leaves it alone: it is counted then.
    fn global(&mut self, news: GlobalNews<'_>) -> bool {
        let _ = news;
        false
    }

    /// A text for all processes of this node that are in the room. Returns `false` if the table leaves it alone.
    fn broadcast(&mut self, room: &str, text: &str) -> bool {
        let _ = (room, text);
        false
    }

    /// An exit signal of a link that has just ended here.
    fn exit(&mut self, local: u64, from: Pid, reason: Reason);

    /// An exit signal that a process of the peer has sent, with or without a link. Dropped by the table if there is no
    /// such process. As many can come as the peer likes: those that are put into a mailbox must be bounded there.
    fn sent_exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.exit(local, from, reason);
    }

    /// Exit signals of all links of one process that a lost session ends. The process wakes when all are there.
    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        from.iter().for_each(|from| self.exit(local, *from, reason.clone()));
    }

    /// The end of a monitored process.
    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason);

    // What else a connection says of what it delivers: a table that copies each message and wakes its processes at once
    // needs none of it.

    /// The connection keeps the beginning of a frame in a buffer of so many bytes, no fewer than before. Returns `false` if
    /// there is no room for them and the frame is a message: it counts as dropped, the connection passes over what still comes
    /// of it, and keeps nothing.
    fn keep_buffer(&mut self, bytes: usize, is_message: bool) -> bool {
        let _ = (bytes, is_message);
        true
    }

    /// That frame is whole.
    fn release_buffer(&mut self) {}

    /// Whether a message of so many bytes, which lies in an allocation of so many, is kept as a part of that rather than copied.
    #[must_use]
    fn keeps(message_bytes: usize, of_bytes: usize) -> bool
    where
        Self: Sized,
    {
        let _ = (message_bytes, of_bytes);
        false
    }

    /// The messages that come next lie in this allocation, until [`Processes::after_frames`]. Gives the one of those before.
    fn arrived(&mut self, block: Block) -> Block {
        let _ = block;
        Block::default()
    }

    /// A frame has been handled, and no lock of the session is held: what it has brought may wake its process.
    fn between_frames(&mut self) {}

    /// All that had arrived has been handled, and no lock of the session is held.
    fn after_frames(&mut self) {}

    /// Returns `true` if exit signals and DOWNs of the peer, none of which can be dropped, hold more memory than the table
    /// allows one peer: the session ends then.
    #[must_use]
    fn are_signals_untaken(&self) -> bool {
        false
    }
}
