//! The process table, as the core uses it: the questions that the core asks, and the signals that come out.

use bytes::Bytes;

use super::{GlobalNews, NodeNumber, Pid, Reason, SpawnFailure, SpawnRequest, Start, TermPids};

/// A block of frames in an allocation of their own. A process table can keep a message of the block, and the whole
/// allocation with it, instead of copying the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The frames, at the beginning of the allocation.
    pub bytes: Bytes,
    /// The size of the allocation in bytes. A value that keeps a part of `bytes` keeps the whole allocation alive.
    pub allocated: usize,
}

impl From<Bytes> for Block {
    /// Creates a block of bytes that fill their allocation.
    fn from(bytes: Bytes) -> Self {
        Self { allocated: bytes.len(), bytes }
    }
}

/// The address of a reply: the caller, and the number of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Caller {
    /// The process that waits for the reply.
    pub pid: Pid,
    /// The number of the call, which the caller's node has chosen.
    pub reference: u64,
    /// The session in which the call arrived. No other session accepts the reply, even if a call with the same number
    /// arrived in it.
    pub session: u64,
}

/// The table of local processes. In every method, `local` is the number of a local process.
///
/// The calls come in the order in which a process must see their effects. These rules hold for every method:
/// - It cannot call back into the session, which is borrowed during the call.
/// - It must not block, since the session waits for it.
/// - It must not panic. A panic passes through the session, and the rest of what the session had to deliver is lost.
/// - It must not call code of a program. A table that passes anything to such code must do so after the session's own
///   call has returned.
pub trait Processes {
    /// Returns `true` if the process's mailbox has room for the exit signal of one more link.
    ///
    /// Returns `false` if earlier messages and signals of the peer have left no such room: the session then refuses the
    /// peer's LINK, with the reason `limit`. The default returns `true`.
    fn has_room(&mut self, local: u64) -> bool {
        let _ = local;
        true
    }

    /// Reports the number of bytes of memory that the session keeps of all incomplete fragmented messages of the peer
    /// together. The session calls this before the number grows, and after it has shrunk.
    ///
    /// Returns `false` if the table has no room for the larger number. The message to which the new fragment belongs is
    /// then dropped, and the table should count it as dropped. The session keeps nothing of that message, and reports
    /// the smaller number next. When the number has shrunk, the result is ignored. The default returns `true`.
    fn unfinished(&mut self, bytes: usize) -> bool {
        let _ = bytes;
        true
    }

    /// Notes that the session has an interest in the process, and returns `true` if the process is alive. From now
    /// on, the end of the process must be reported to
    /// [`Session::process_ended`](super::session::Session::process_ended).
    ///
    /// Returns `false` if there is no such process, or if it has ended.
    fn attach(&mut self, local: u64) -> bool;

    /// Delivers a message. The table drops the message if there is no such process, or if the mailbox of the process
    /// is full.
    fn message(&mut self, local: u64, message: &[u8]);

    /// Delivers a message that its sender has marked as a term. `pids` gives the processes that its pids stand for.
    ///
    /// The table drops the term in the same cases as a [`message`](Self::message). The default delivers the term as
    /// an ordinary message, in which the pids are just bytes.
    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        drop(pids);
        self.message(local, term);
    }

    /// Returns the number by which this node knows a start that the peer's node table names: see
    /// [`Numbers::heard_of`](super::Numbers::heard_of). The default returns [`NodeNumber::UNKNOWN`].
    fn heard_of(&mut self, start: Start) -> NodeNumber {
        drop(start);
        NodeNumber::UNKNOWN
    }

    /// Delivers a message to the process that is registered under `name`. The table drops the message if no process
    /// has that name, or if the mailbox of the process is full.
    fn named_message(&mut self, name: &str, message: &[u8]);

    /// Delivers a term to the process that is registered under `name`. The parameters are those of [`Processes::term`].
    /// The table drops the term in the same cases as a [`named_message`](Self::named_message). The default delivers the
    /// term as an ordinary message.
    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        drop(pids);
        self.named_message(name, term);
    }

    // Calls and monitors by name. A table that supports them implements all of these. With the defaults no name is
    // registered, and every call finds a full mailbox.

    /// Returns the process that is registered under `name`, or `None` if there is none. The default returns `None`.
    fn whereis(&mut self, name: &str) -> Option<u64> {
        let _ = name;
        None
    }

    /// Delivers the message of a call to a process for which [`attach`](Self::attach) has just returned `true`.
    ///
    /// Returns `false` if the mailbox accepts no message: the call then ends with the error `full`. If the process has
    /// ended, or ends because its mailbox is full, the table must return `true`, since the end of the process answers
    /// the call. The default returns `false`.
    ///
    /// The process replies to `caller` with [`Session::reply`]. Code that gives up the call without a reply must call
    /// [`Session::leave_unanswered`]. [`Host`](super::Host) has methods of the same names.
    ///
    /// [`Session::reply`]: super::session::Session::reply
    /// [`Session::leave_unanswered`]: super::session::Session::leave_unanswered
    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        let _ = (local, caller, term, pids);
        false
    }

    /// Delivers the reply to a call of a local process. If the table has no room for the reply, it must tell the
    /// process that the reply was lost, as [`Processes::reply_lost`] does. The default does nothing.
    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        let _ = (local, reference, term, pids);
    }

    /// Reports that the reply to a call of a local process has arrived and was dropped for lack of room. The default
    /// does nothing.
    fn reply_lost(&mut self, local: u64, reference: u64) {
        let _ = (local, reference);
    }

    /// Reports that a call of a local process has ended without a reply, for this reason.
    /// [`Event::CallEnded`](super::host::Event::CallEnded) lists the reasons. The default does nothing.
    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        let _ = (local, reference, reason);
    }

    /// Reports to `local` that `pid` is the process that its monitor by name with this reference watches. The default
    /// does nothing.
    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        let _ = (local, reference, pid);
    }

    // Processes that other nodes ask for. A table that starts some implements the first two methods; the defaults
    // refuse every request as one for an unknown function. A table whose processes ask for some implements the third.

    /// Returns `true` if the program has registered a function under this name, and the node of `requester` may start
    /// it. If this returns `false`, the request is refused with [`SpawnFailure::NotOffered`]. The default returns
    /// `false`.
    fn offers(&mut self, requester: Pid, function: &str) -> bool {
        let _ = (requester, function);
        false
    }

    /// Starts a process with a function that [`Processes::offers`] has just accepted, and returns its number.
    ///
    /// This method is called during a call of the session, and the new process must not run before that call has
    /// returned. By then the process is tied to its requester, and its own messages follow the answer. This method
    /// must call neither code of the program nor code that reads the arguments.
    ///
    /// # Errors
    /// If no process is started, returns the [`SpawnFailure`] that the peer is told. The default returns
    /// [`SpawnFailure::NotOffered`].
    fn spawn(&mut self, request: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        let _ = request;
        Err(SpawnFailure::NotOffered)
    }

    /// Reports the outcome of the request of `local` for a process of the peer. This is called once for each request.
    ///
    /// If a link was requested, it is made without a further call. If a monitor was requested, its reference is the
    /// number of the request. The default does nothing.
    fn spawned(&mut self, local: u64, request: u64, outcome: Result<Pid, SpawnFailure>) {
        let _ = (local, request, outcome);
    }

    // Global names and rooms. By default a table ignores them.

    /// Handles an announcement of the peer about a global name. A [`Host`](super::Host) handles announcements itself,
    /// and does not pass them to its table.
    ///
    /// Returns `false` if the table ignores the announcement, as by default. The session then counts it in
    /// [`Counts::left_alone`](super::session::Counts::left_alone).
    fn global(&mut self, news: GlobalNews<'_>) -> bool {
        let _ = news;
        false
    }

    /// Delivers a text to all processes of this node that are in the room.
    ///
    /// Returns `false` if the table ignores the text, as by default. The session then counts it in
    /// [`Counts::left_alone`](super::session::Counts::left_alone).
    fn broadcast(&mut self, room: &str, text: &str) -> bool {
        let _ = (room, text);
        false
    }

    /// Delivers to `local` the exit signal of its link with the process `from`. The link has just ended.
    fn exit(&mut self, local: u64, from: Pid, reason: Reason);

    /// Delivers an exit signal that the process `from` of the peer has sent to `local`, whether or not the two are
    /// linked. The table drops the signal if there is no process `local`.
    ///
    /// The peer can send any number of such signals, so a table that puts them into a mailbox must bound their number
    /// there. The default calls [`exit`](Self::exit).
    fn sent_exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.exit(local, from, reason);
    }

    /// Delivers, at the end of a session, the exit signals of all links that one process has in the session. The
    /// process is to wake only when all of them have been delivered. The default calls [`exit`](Self::exit) for each.
    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        from.iter().for_each(|from| self.exit(local, *from, reason.clone()));
    }

    /// Delivers to `local` the DOWN of its monitor with this reference: the process `from` has ended, for this reason.
    /// The reason is `noproc` if there was no such process, and Noconnection if the session has ended.
    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason);

    // Further details about what a connection delivers. A table that copies each message and wakes its processes at
    // once needs none of these.

    /// Reports that the connection keeps the beginning of a frame in a buffer of `bytes` bytes. This is called only for
    /// buffers of more than [`UNFINISHED_BYTES_UNCOUNTED`](super::limits::UNFINISHED_BYTES_UNCOUNTED) bytes. If it is
    /// called again for the same frame, `bytes` is no smaller than before.
    ///
    /// Returns `false` if the frame is a message and the table has no room for these bytes. The message is then
    /// dropped: the connection skips the rest of it and keeps nothing, and the table should count it as dropped. If
    /// `is_message` is `false`, the result has no effect: a signal is never dropped. The default returns `true`.
    fn keep_buffer(&mut self, bytes: usize, is_message: bool) -> bool {
        let _ = (bytes, is_message);
        true
    }

    /// Reports that the buffer of the last [`keep_buffer`](Self::keep_buffer) is no longer kept, because its frame is
    /// complete or the session has ended. It may also be called when no buffer is kept.
    fn release_buffer(&mut self) {}

    /// Returns `true` if the table keeps a message of `message_bytes` bytes together with its allocation of `of_bytes`
    /// bytes, and `false` if it copies the message. The default returns `false`.
    #[must_use]
    fn keeps(message_bytes: usize, of_bytes: usize) -> bool
    where
        Self: Sized,
    {
        let _ = (message_bytes, of_bytes);
        false
    }

    /// Sets the block that holds the next messages, and returns the block that was set before. The block is valid
    /// until the next call of this method or of [`Processes::after_frames`]. The default does nothing and returns an
    /// empty block.
    fn arrived(&mut self, block: Block) -> Block {
        let _ = block;
        Block::default()
    }

    /// Reports that a frame has been handled, and that no lock of the session is held. The table may now wake the
    /// processes for which the frame has brought something.
    fn between_frames(&mut self) {}

    /// Reports that everything that had arrived has been handled, and that no lock of the session is held. The table
    /// must now wake the processes that it has not woken yet.
    fn after_frames(&mut self) {}

    /// Returns `true` if the exit signals and DOWNs of the peer hold more memory than the table allows one peer.
    /// Since none of them can be dropped, the session then ends. The default returns `false`.
    #[must_use]
    fn are_signals_untaken(&self) -> bool {
        false
    }
}
