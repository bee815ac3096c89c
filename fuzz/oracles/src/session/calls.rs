//! Calls and names, as the specification has them: capabilities.md, "Calls" and "Names".

use snow_dist_codec::frame::{
    Call, CallName, CallReply, MonitorExit, MonitorName, Named, RegSend, SendNameTerm,
};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid, Reason as WireReason, Root};
use snow_dist_runtime::core::limits::MONITORED_NAME_BYTES_MAX;
use snow_dist_runtime::core::{Caller, Pid};

use super::model::{Ends, Expected, Model, OURS, THEIRS, What, ours, theirs, theirs_here};
use super::nodes::term;
use super::{Local, Signal};

/// A monitor or a call.
#[derive(Clone, Copy)]
pub(super) struct Held {
    /// The local process.
    pub(super) process: u64,
    /// As the two processes stand in its frames.
    pub(super) ends: Ends,
    pub(super) kind: Kind,
    /// MONITOR_EXIT must be written.
    pub(super) is_owed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Watch,
    /// Who has the name, as soon as NAMED has said it.
    Name(Option<u64>),
    Call,
}

impl Held {
    pub(super) const fn new(process: u64, ends: Ends, kind: Kind) -> Self {
        Self { process, ends, kind, is_owed: false }
    }

    pub(super) fn pids(&self) -> (WirePid, WirePid) {
        (ours(self.ends.0), theirs(self.ends.1))
    }

    pub(super) fn remote_known(&self) -> u64 {
        if let Kind::Name(Some(named)) = self.kind { named } else { self.ends.1 }
    }

    /// MONITOR_EXIT came.
    pub(super) fn ended<'a>(&self, reference: u64, reason: WireReason<'a>) -> Expected<'a> {
        match self.kind {
            Kind::Call => Expected::CallEnded(self.process, reference, reason),
            _ => Expected::Down(self.process, reference, self.remote_known(), reason),
        }
    }
}

type Told<'a> = (bool, Option<Expected<'a>>);

impl Model {
    /// A call or a monitor was asked for: whether it could be made, as far as places do not matter.
    fn made(&mut self, reference: u64, held: Held, could: bool, taken: bool, frame: Frame<'_>) {
        assert!(could || !taken);
        if taken {
            self.watching.insert(reference, held);
            self.must_write(held.process, What::Waiting, frame);
        } else if could {
            self.check_refused();
        }
    }

    fn can_call(&self, frame: &Frame<'_>) -> bool {
        self.capabilities.contains(Capabilities::CALLS) && self.fits(frame)
    }

    fn fits(&self, frame: &Frame<'_>) -> bool {
        frame.encoded_len().is_ok_and(|length| length <= self.bytes_max as usize)
    }

    fn term(&self, local: u64, pids: &[Pid]) -> Vec<u8> {
        term(local, pids, |_, pid| self.nodes.there(pid))
    }

    pub(super) fn call(&mut self, reference: u64, local: u64, remote: u64, pids: &[Pid], taken: bool) {
        let (message, held) = (self.term(local, pids), Held::new(local, (local, remote), Kind::Call));
        let (from, to) = held.pids();
        let frame = Call { from, to, reference, message: &message }.into();
        self.made(reference, held, self.can_call(&frame), taken, frame);
    }

    pub(super) fn call_named(&mut self, reference: u64, local: u64, name: &str, pids: &[Pid], taken: bool) {
        let (message, held) = (self.term(local, pids), Held::new(local, (local, 0), Kind::Call));
        let frame = CallName { from: ours(local), reference, name: name.into(), message: &message }.into();
        self.made(reference, held, self.can_call(&frame), taken, frame);
    }

    pub(super) fn monitor_named(&mut self, reference: u64, local: u64, name: &str, taken: bool) {
        let held = Held::new(local, (local, 0), Kind::Name(None));
        let could = self.capabilities.contains(Capabilities::NAMES) && name.len() <= MONITORED_NAME_BYTES_MAX;
        let frame = MonitorName { from: ours(local), reference, name: name.into() }.into();
        self.made(reference, held, could, taken, frame);
    }

    pub(super) fn send_named_term(&mut self, local: u64, name: &str, pids: &[Pid], taken: bool) {
        let has = self.capabilities.contains(Capabilities::NAMES);
        let (name, message) = (name.into(), &*self.term(local, pids));
        let frame: Frame<'_> =
            if has { SendNameTerm { name, message }.into() } else { RegSend { name, message }.into() };
        assert_eq!(taken, self.fits(&frame) && (has || pids.is_empty()));
        if taken {
            self.must_write(local, What::Waiting, frame);
        }
    }

    fn open(&self, caller: &Caller) -> Option<Held> {
        let held = self.watched.get(&caller.reference).filter(|it| it.kind == Kind::Call && !it.is_owed);
        held.filter(|it| theirs_here(it.ends.1) == caller.pid).copied()
    }

    pub(super) fn is_called(&self, caller: &Caller) -> bool {
        self.open(caller).is_some()
    }

    pub(super) fn reply(&mut self, caller: &Caller, callee: u64, pids: &[Pid], taken: bool) {
        let Some(held) = self.open(caller) else { return assert!(!taken) };
        let (message, reference, (from, to)) = (self.term(callee, pids), caller.reference, held.pids());
        let frame = CallReply { from, to, reference, message: &message }.into();
        assert_eq!(taken, self.fits(&frame));
        if taken {
            self.watched.remove(&reference);
            self.must_write(held.process, What::Waiting, frame);
        }
    }

    pub(super) fn leave_unanswered(&mut self, caller: &Caller) {
        if self.is_called(caller) {
            self.owe(caller.reference, error("unanswered"));
        }
    }

    /// The end of a monitor or call of the peer must be written.
    pub(super) fn owe(&mut self, reference: u64, reason: WireReason<'_>) {
        let held = self.watched.get_mut(&reference).unwrap();
        held.is_owed = true;
        let (held, (monitored, monitoring)) = (*held, held.pids());
        let exit = MonitorExit { monitored, monitoring, reference, reason };
        self.must_write(held.process, What::Down(reference), exit);
    }

    /// A monitor or a call of the peer is not held.
    pub(super) fn refuse(
        &mut self,
        local: u64,
        monitored: WirePid,
        monitoring: WirePid,
        reference: u64,
        why: &str,
    ) {
        let exit = MonitorExit { monitored, monitoring, reference, reason: error(why) };
        self.must_write(local, What::Other, exit);
    }

    /// A call came, of `monitored`, which is a living process or none.
    pub(super) fn called<'a>(
        &mut self,
        callee: Result<u64, u64>,
        monitored: WirePid,
        ends: Ends,
        (reference, message): (u64, &[u8]),
        here: &Local,
    ) -> Told<'a> {
        if self.watched.contains_key(&reference) {
            return (false, None);
        }
        let monitoring = theirs(ends.1);
        match callee {
            Err(dead) => self.refuse(dead, monitored, monitoring, reference, "noproc"),
            Ok(callee) if here.full.contains(&callee) => {
                self.refuse(callee, monitored, monitoring, reference, "full");
            }
            Ok(callee) => {
                self.watched.insert(reference, Held::new(callee, ends, Kind::Call));
                let (from, pids) = ((theirs_here(ends.1), reference), self.pids(message));
                return (true, Some(Expected::Signal(Signal::Call(callee, from, message.to_vec(), pids))));
            }
        }
        (true, None)
    }

    /// A frame with a name, or about one, came.
    pub(super) fn of_a_name<'a>(&mut self, frame: &Frame<'a>, here: &Local) -> Told<'a> {
        match frame {
            Frame::SendNameTerm(send) => {
                let pids = self.pids(send.message);
                let term = Signal::NamedTerm(send.name.as_str().to_owned(), send.message.to_vec(), pids);
                (true, Some(Expected::Signal(term)))
            }
            Frame::CallName(call) if is_of_peer(call.from) => {
                let callee = here.named(call.name.as_str()).ok_or(0);
                self.called(callee, ours(0), (0, call.from.local()), (call.reference, call.message), here)
            }
            Frame::MonitorName(monitor) if is_of_peer(monitor.from) => {
                (self.monitored_by_name(monitor, here), None)
            }
            Frame::Named(named) if is_of_peer(named.pid) => (true, self.has_name(named)),
            _ => (true, None),
        }
    }

    fn monitored_by_name(&mut self, monitor: &MonitorName<'_>, here: &Local) -> bool {
        let reference = monitor.reference;
        if self.watched.contains_key(&reference) {
            return false;
        }
        match here.named(monitor.name.as_str()) {
            None => self.refuse(0, ours(0), monitor.from, reference, "noproc"),
            Some(local) => {
                let ends = (0, monitor.from.local());
                self.watched.insert(reference, Held::new(local, ends, Kind::Name(None)));
                self.must_write(local, What::Other, Named { reference, pid: ours(local) });
            }
        }
        true
    }

    fn has_name<'a>(&mut self, named: &Named) -> Option<Expected<'a>> {
        let held = self.watching.get_mut(&named.reference).filter(|it| it.kind == Kind::Name(None))?;
        held.kind = Kind::Name(Some(named.pid.local()));
        let pid = theirs_here(named.pid.local());
        Some(Expected::Signal(Signal::HasName(held.process, named.reference, pid)))
    }

    /// Whether this is a call of this node that is not over.
    pub(super) fn is_waiting(&self, reference: u64, ends: Ends) -> bool {
        self.watching.get(&reference).is_some_and(|it| it.ends == ends && it.kind == Kind::Call)
    }

    /// The last piece of a message came for which there had been no room.
    pub(super) fn dropped<'a>(&mut self, payload: &[u8], here: &Local) -> Told<'a> {
        let Some(head) = head(payload) else { return (true, None) };
        if !self.capabilities.contains(Capabilities::CALLS) || head.to.is_some_and(|to| to.node() != 0) {
            return (false, None);
        }
        if !is_of_peer(head.from) {
            return (true, None);
        }
        let is_ours = head.to.is_some_and(|to| to.creation() == OURS);
        let local = head.to.filter(|_| is_ours).map_or(0, WirePid::local);
        let (reference, ends) = (head.reference, (local, head.from.local()));
        if head.is_reply {
            let is_lost = is_ours && self.is_waiting(reference, ends);
            let lost = is_lost.then(|| self.watching.remove(&reference));
            return (true, lost.map(|_| Expected::Signal(Signal::ReplyLost(local, reference))));
        }
        if self.watched.contains_key(&reference) {
            return (false, None);
        }
        let is_dead = head.to.is_some() && !(is_ours && here.lives(local));
        let monitored = head.to.unwrap_or_else(|| ours(0));
        self.refuse(local, monitored, head.from, reference, if is_dead { "noproc" } else { "full" });
        (true, None)
    }
}

/// What is said of a call or a reply before its message.
struct Head {
    is_reply: bool,
    from: WirePid,
    /// None of a CALL_NAME.
    to: Option<WirePid>,
    reference: u64,
}

fn head(payload: &[u8]) -> Option<Head> {
    let number = |at: usize| Some(u64::from_le_bytes(payload.get(at..at + 8)?.try_into().unwrap()));
    let pid = |at: usize| number(at).map(WirePid::from_bits);
    let tag = *payload.first()?;
    Some(match tag {
        0x88 => Head { is_reply: false, from: pid(1)?, to: None, reference: number(9)? },
        0x87 | 0x89 => {
            Head { is_reply: tag == 0x89, from: pid(1)?, to: Some(pid(9)?), reference: number(17)? }
        }
        _ => return None,
    })
}

fn is_of_peer(pid: WirePid) -> bool {
    (pid.node(), pid.creation()) == (0, THEIRS)
}

fn error(text: &str) -> WireReason<'_> {
    Root::Error(text.into()).into()
}
