//! Exit reasons, as a node keeps them and passes them on. Specification: `dist.md`, "Exit reasons".

use std::fmt;
use std::sync::Arc;

use snow_dist_codec::{Pid as WirePid, Reason as WireReason, ReasonBuf, Root, Text, UnknownRoot};

use super::Pid;
use super::limits::{ALLOCATION_BYTES_COUNTED, REASON_BYTES_MAX};

/// The reason why a process ended.
///
/// Reasons are cheap to clone: texts and chains are shared.
///
/// ```
/// use snow_dist_runtime::core::Reason;
///
/// let reason = Reason::error("boom");
/// assert!(reason.kills());
/// assert_eq!(reason.to_string(), "error \"boom\"");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The process has finished its work.
    Normal,
    /// The process failed. The text describes the failure.
    Error(Arc<str>),
    /// The process was killed.
    Killed,
    /// The process was ended by an exit signal of another process, usually one with which it was linked.
    Linked(Arc<Chain>),
    /// The process was asked to stop.
    Shutdown,
    /// A reason that the program has defined.
    Custom(Arc<str>),
    /// There is no session with the node of the process, or the session has ended.
    Noconnection,
    /// A reason of a later version of the protocol, as its tag and the bytes that follow the tag.
    Unknown(Arc<[u8]>),
}

/// The processes through which an exit was passed on, and the reason of the process that ended first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    /// The processes, beginning with the last one that passed the exit on. There is at least one.
    pub hops: Vec<Pid>,
    /// The reason of the process that ended first. It is never [`Reason::Linked`].
    pub root: Reason,
}

/// Returns the bytes that an allocation with two counts (an `Arc`) takes for `content` bytes.
pub(crate) const fn arc_bytes(content: usize) -> usize {
    content + 2 * size_of::<usize>() + ALLOCATION_BYTES_COUNTED
}

/// The bytes of a hop on the wire, its tag included.
const HOP_BYTES: usize = 9;
/// The bytes of tag and length of a root with text.
const TEXT_HEAD_BYTES: usize = 9;
/// The largest number of bytes of a root: the hop that the next process adds before it still fits into
/// [`REASON_BYTES_MAX`].
const ROOT_BYTES_MAX: usize = REASON_BYTES_MAX - HOP_BYTES;
/// The largest number of bytes of a root's text.
const TEXT_BYTES_MAX: usize = ROOT_BYTES_MAX - TEXT_HEAD_BYTES;

impl Reason {
    /// Creates [`Reason::Error`] with a text. A text that would make the reason longer than [`REASON_BYTES_MAX`] (4
    /// KiB) is cut between two characters.
    #[must_use]
    pub fn error(text: impl AsRef<str>) -> Self {
        Self::Error(cut(text.as_ref()).into())
    }

    /// Creates [`Reason::Custom`] with a text, which is cut as in [`error`](Self::error).
    #[must_use]
    pub fn custom(text: impl AsRef<str>) -> Self {
        Self::Custom(cut(text.as_ref()).into())
    }

    /// Returns the reason that is reported when a process that does not exist is to be linked or monitored:
    /// [`Reason::Error`] with the text `noproc`.
    #[must_use]
    pub fn noproc() -> Self {
        Self::error("noproc")
    }

    /// Returns the reason with which a process ends when an exit signal from the process `from` ends it. `reason` is
    /// the reason in the exit signal.
    ///
    /// If the chain would grow beyond [`REASON_BYTES_MAX`] (4 KiB), its oldest hops are left out. The root stays.
    #[must_use]
    pub fn linked(from: Pid, reason: &Self) -> Self {
        let (hops, root) = match reason {
            Self::Linked(chain) => (chain.hops.as_slice(), &chain.root),
            root => (&[][..], root),
        };
        //= spec/session.md#ses-exi-004
        //# A process that an exit signal ends MUST end with the reason Linked(from, reason) of that signal.
        Self::chain(std::iter::once(from).chain(hops.iter().copied()), root.clone())
    }

    /// Returns the processes through which the exit was passed on, beginning with the last one. Returns no process if
    /// the reason is not [`Reason::Linked`]: it then comes directly from the process that ended.
    pub fn hops(&self) -> impl Iterator<Item = Pid> + '_ {
        let chain = if let Self::Linked(chain) = self { Some(&chain.hops) } else { None };
        chain.into_iter().flatten().copied()
    }

    /// Returns `true` if an exit signal with this reason ends a process that does not trap exits. This is the case
    /// for all reasons except [`Normal`](Self::Normal) and [`Shutdown`](Self::Shutdown).
    #[must_use]
    pub const fn kills(&self) -> bool {
        //= spec/session.md#ses-exi-001
        //# A node MUST NOT end a process because of an exit signal whose reason is Normal or Shutdown without
        //# hops.
        !matches!(self, Self::Normal | Self::Shutdown)
    }

    /// Converts a reason that was read, shortened to [`REASON_BYTES_MAX`]: the first hops and the root stay, and text
    /// is cut between two characters. `here` gives the process that a pid of a hop stands for. The flag is set if
    /// anything was cut.
    pub(crate) fn from_wire(wire: &WireReason<'_>, mut here: impl FnMut(WirePid) -> Pid) -> (Self, bool) {
        let (root, root_cut) = Self::from_root(&wire.root);
        let hops = wire.hops();
        let count = hops.len();
        if count == 0 {
            return (root, root_cut);
        }
        let reason = Self::chain(hops.map(&mut here), root);
        let kept = if let Self::Linked(chain) = &reason { chain.hops.len() } else { 0 };
        (reason, root_cut || kept < count)
    }

    fn from_root(root: &Root<'_>) -> (Self, bool) {
        let text = |text: &Text<'_>, of: fn(Arc<str>) -> Self| {
            let kept = cut(text.as_str());
            (of(kept.into()), kept.len() < text.len())
        };
        match root {
            Root::Normal => (Self::Normal, false),
            //= spec/session.md#ses-rsn-004
            //# A node that shortens a reason MUST keep the kind of its root, unless the root is unknown.
            Root::Error(error) => text(error, Self::Error),
            Root::Killed => (Self::Killed, false),
            Root::Shutdown => (Self::Shutdown, false),
            Root::Custom(custom) => text(custom, Self::Custom),
            Root::Noconnection => (Self::Noconnection, false),
            // The meaning of the bytes is unknown, so they cannot be cut.
            Root::Unknown(unknown) if unknown.payload().len() < ROOT_BYTES_MAX => (
                Self::Unknown(
                    std::iter::once(unknown.tag()).chain(unknown.payload().iter().copied()).collect(),
                ),
                false,
            ),
            Root::Unknown(_) => (Self::error("unknown"), true),
        }
    }

    /// Passes the reason to `write` in its form on the wire, within [`REASON_BYTES_MAX`] even if a program made it
    /// longer: so an exit can always be reported. `there` gives the pid on the wire of a hop's process.
    pub(crate) fn with_wire<T>(
        &self,
        mut there: impl FnMut(Pid) -> WirePid,
        write: impl FnOnce(&WireReason<'_>) -> T,
    ) -> T {
        match self {
            Self::Linked(chain) => {
                let hops = chain.hops.iter().take(hops_max(&chain.root)).map(|hop| there(*hop));
                write(&ReasonBuf::new(hops, &chain.root.to_root()).as_reason())
            }
            root => write(&WireReason::from(root.to_root())),
        }
    }

    /// Returns the number of bytes of memory that the reason keeps alive in addition to its own size. Code that keeps
    /// reasons from peers must count these bytes.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        match self {
            Self::Normal | Self::Killed | Self::Shutdown | Self::Noconnection => 0,
            Self::Error(text) | Self::Custom(text) => arc_bytes(text.len()),
            Self::Unknown(bytes) => arc_bytes(bytes.len()),
            Self::Linked(chain) => {
                let hops = chain.hops.capacity() * size_of::<Pid>() + ALLOCATION_BYTES_COUNTED;
                arc_bytes(size_of::<Chain>()) + hops + chain.root.kept_bytes()
            }
        }
    }

    /// Returns the number of bytes of the reason on the wire.
    pub(crate) fn written_bytes(&self) -> usize {
        let hops =
            if let Self::Linked(chain) = self { chain.hops.len().min(hops_max(&chain.root)) } else { 0 };
        hops * HOP_BYTES + WireReason::from(self.to_root()).encoded_len()
    }

    fn to_root(&self) -> Root<'_> {
        match self {
            Self::Normal => Root::Normal,
            Self::Error(text) => Root::Error(Text::from(cut(text))),
            Self::Killed => Root::Killed,
            Self::Shutdown => Root::Shutdown,
            Self::Custom(text) => Root::Custom(Text::from(cut(text))),
            Self::Noconnection => Root::Noconnection,
            Self::Unknown(bytes) => match UnknownRoot::new(bytes) {
                //= spec/session.md#ses-rsn-006
                //# A node that passes on a reason with an unknown root MUST write that root as tag and bytes
                //# as they came, or as Error "unknown".
                Some(unknown) if bytes.len() <= ROOT_BYTES_MAX => Root::Unknown(unknown),
                _ => Root::Error("unknown".into()),
            },
            Self::Linked(chain) => chain.root.to_root(),
        }
    }

    fn chain(hops: impl Iterator<Item = Pid>, root: Self) -> Self {
        //= spec/session.md#ses-rsn-003
        //# A node that leaves out hops to shorten a reason MUST leave out the last ones, next to the root.
        Self::Linked(Arc::new(Chain { hops: hops.take(hops_max(&root)).collect(), root }))
    }
}

/// Returns the number of hops that are kept before a root. There is at least one, which says whose end this is.
fn hops_max(root: &Reason) -> usize {
    //= spec/session.md#ses-rsn-002
    //# A node MUST NOT write a reason of more than `reason_bytes_max` bytes.
    (REASON_BYTES_MAX - WireReason::from(root.to_root()).encoded_len()) / HOP_BYTES
}

/// Returns the longest beginning of at most [`TEXT_BYTES_MAX`] bytes that ends between two characters.
fn cut(text: &str) -> &str {
    //= spec/session.md#ses-rsn-005
    //# A node that shortens the text of a root MUST keep its first characters, as many as fit into 4 078
    //# bytes.
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text)
}

/// Converts the result of a process that returns nothing into [`Reason::Normal`].
impl From<()> for Reason {
    fn from((): ()) -> Self {
        Self::Normal
    }
}

/// Converts the result of a process. An error becomes [`Reason::Error`] with the text of the error. The value in `Ok`
/// is converted by its own conversion into a reason.
impl<T: Into<Self>, E: fmt::Display> From<Result<T, E>> for Reason {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(end) => end.into(),
            Err(error) => Self::error(error.to_string()),
        }
    }
}

/// Formats a reason, for example as `linked(<1.7.3>, error "boom")`. For a chain of more than eight hops, only the
/// first eight and the number of the others are written.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let Self::Linked(chain) = self else {
            return fmt::Display::fmt(&self.to_root(), f);
        };
        f.write_str("linked(")?;
        for hop in chain.hops.iter().take(SHOWN) {
            write!(f, "{hop}, ")?;
        }
        if chain.hops.len() > SHOWN {
            write!(f, "{} more, ", chain.hops.len() - SHOWN)?;
        }
        write!(f, "{})", chain.root)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::NodeNumber;
    use snow_dist_codec::Reading;

    fn pid(local: u64) -> Pid {
        Pid::new(NodeNumber::HERE, 1, local)
    }

    fn round_trip(reason: &Reason) -> (Reason, bool) {
        let here = |wire: WirePid| Pid::new(NodeNumber::HERE, wire.creation(), wire.local());
        reason.with_wire(|pid| pid.to_wire(0), |wire| Reason::from_wire(wire, here))
    }

    #[test]
    fn as_many_bytes_are_written_as_are_counted() {
        let mut long = Reason::custom("x".repeat(5_000));
        for reason in [Reason::Normal, Reason::error("boom"), long.clone(), Reason::Unknown([9, 1].into())] {
            assert_eq!(
                reason.with_wire(|pid| pid.to_wire(0), |wire| wire.encoded_len()),
                reason.written_bytes()
            );
        }
        for local in 0..500 {
            long = Reason::linked(pid(local), &long);
            assert_eq!(long.with_wire(|pid| pid.to_wire(0), |wire| wire.encoded_len()), long.written_bytes());
        }
    }

    #[test]
    fn every_kind_comes_back() {
        let linked = Reason::linked(pid(2), &Reason::linked(pid(1), &Reason::error("boom")));
        assert_eq!(linked.to_string(), "linked(<0.2.1>, <0.1.1>, error \"boom\")");
        for reason in [
            Reason::Normal,
            Reason::error("e"),
            Reason::Killed,
            linked,
            Reason::Shutdown,
            Reason::custom("c"),
            Reason::Noconnection,
            Reason::Unknown([9, 1, 2].into()),
        ] {
            assert_eq!(round_trip(&reason), (reason.clone(), false));
        }
    }

    #[test]
    fn a_chain_stops_growing_and_keeps_its_root() {
        let mut reason = Reason::error("first");
        for local in 0..1_000 {
            reason = Reason::linked(pid(local), &reason);
        }
        let Reason::Linked(chain) = &reason else { panic!("not a chain") };
        assert_eq!(chain.hops[0], pid(999));
        assert_eq!(chain.hops.len(), (REASON_BYTES_MAX - 9 - 5) / 9);
        assert_eq!(chain.root, Reason::error("first"));
    }

    //= spec/session.md#ses-rsn-004
    //= type=test
    //# A node that shortens a reason MUST keep the kind of its root, unless the root is unknown.
    //= spec/session.md#ses-rsn-005
    //= type=test
    //# A node that shortens the text of a root MUST keep its first characters, as many as fit into 4 078
    //# bytes.
    #[test]
    fn long_texts_are_cut_between_characters() {
        // Three bytes each: the limit falls into a character.
        let text = "\u{20ac}".repeat(REASON_BYTES_MAX);
        let wire = ReasonBuf::from(&WireReason::from(Root::Custom(text.as_str().into())));
        let (reason, was_cut) = Reason::from_wire(&wire.as_reason(), |_| pid(0));
        let Reason::Custom(kept) = reason else { panic!("another reason") };
        assert!(was_cut && kept.len() == TEXT_BYTES_MAX - TEXT_BYTES_MAX % 3, "{}", kept.len());
    }

    #[test]
    fn whatever_a_program_makes_is_within_the_limit_on_the_wire() {
        let text: Arc<str> = "x".repeat(2 * REASON_BYTES_MAX).into();
        let roots = [
            Reason::Error(text.clone()),
            Reason::Custom(text),
            Reason::Unknown(vec![9; ROOT_BYTES_MAX].into()),
            Reason::Unknown(vec![9; 2 * REASON_BYTES_MAX].into()),
            Reason::Unknown([3].into()),
            Reason::Killed,
        ];
        for root in roots {
            let hops = vec![pid(1); REASON_BYTES_MAX];
            for reason in [Reason::linked(pid(2), &root), Reason::Linked(Chain { hops, root }.into())] {
                let bytes = reason.with_wire(|hop| hop.to_wire(0), |wire| wire.encoded_len());
                assert!(bytes <= REASON_BYTES_MAX, "{bytes}");
                let (kept, was_cut) = round_trip(&reason);
                assert!(!was_cut, "what is written can be kept");
                let Reason::Linked(chain) = kept else { panic!("not a chain") };
                assert!(!chain.hops.is_empty());
            }
        }
    }

    #[test]
    fn an_unknown_root_too_long_to_keep_is_an_error() {
        let bytes = vec![9; REASON_BYTES_MAX + 1];
        let (wire, _) = WireReason::decode(&bytes, Reading::Compatible).unwrap();
        assert_eq!(Reason::from_wire(&wire, |_| pid(0)), (Reason::error("unknown"), true));
    }

    #[test]
    fn what_a_process_returns_is_its_reason() {
        assert_eq!(Reason::from(()), Reason::Normal);
        assert_eq!(Reason::from(Ok::<_, &str>(())), Reason::Normal);
        assert_eq!(Reason::from(Ok::<_, &str>(Reason::Shutdown)), Reason::Shutdown);
        assert_eq!(Reason::from(Err::<(), _>("boom")), Reason::error("boom"));
    }

    #[test]
    fn normal_and_shutdown_do_not_kill() {
        let killing =
            [Reason::Killed, Reason::Noconnection, Reason::noproc(), Reason::linked(pid(1), &Reason::Normal)];
        assert!(killing.iter().all(Reason::kills));
        assert!(!Reason::Normal.kills() && !Reason::Shutdown.kills());
    }
}
