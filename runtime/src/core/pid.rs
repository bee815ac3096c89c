//! Pids, as this node sees them. Specification: `dist.md`, "Pids".

use std::fmt;

use snow_dist_codec::Pid as WirePid;

/// The number by which this node knows a node.
///
/// A number stands for a name *and* an incarnation, so a restarted node has another number. The type is wide enough
/// that no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeNumber(u64);

impl NodeNumber {
    /// The number of this node.
    pub const HERE: Self = Self(0);
    /// The number that stands for a node that is not known: the writer of a pid could not name it, or its name is not
    /// known here.
    pub const UNKNOWN: Self = Self(u64::MAX);

    /// Creates the number of another node. Returns `None` for the two numbers with a special meaning: those of
    /// [`HERE`](Self::HERE) and [`UNKNOWN`](Self::UNKNOWN).
    #[must_use]
    pub const fn other(number: u64) -> Option<Self> {
        match Self(number) {
            Self::HERE | Self::UNKNOWN => None,
            other => Some(other),
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The pid of a process on any node.
///
/// A pid is shown as `<N.L.C>`. `N` is the number by which *this* node knows the node of the process: 0 for this node
/// itself, `?` for [`NodeNumber::UNKNOWN`]. `L` is the number of the process on its node, and `C` the creation of that
/// node.
///
/// A pid remains valid when the session in which it was learnt has ended. In a later session with the same node it
/// stands for the same process. If the node was restarted in between, the pid stands for no process any more. The same
/// holds if the node speaks version 1, or if this node has forgotten it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid {
    node: NodeNumber,
    /// The creation and the local id, as they stand on the wire.
    bits: u64,
}

impl Pid {
    /// Creates the pid of the process with the number `local` on a node with this creation. Only the lowest 40 bits
    /// of `local` are used.
    #[must_use]
    pub const fn new(node: NodeNumber, creation: u8, local: u64) -> Self {
        Self { node, bits: (creation as u64) << 40 | local & WirePid::LOCAL_MAX }
    }

    /// Returns the node that the process runs on.
    #[must_use]
    pub const fn node(self) -> NodeNumber {
        self.node
    }

    /// Returns `true` if the process runs on this node.
    #[must_use]
    pub const fn is_here(self) -> bool {
        self.node.0 == NodeNumber::HERE.0
    }

    /// Returns the number of the process on its node.
    #[must_use]
    pub const fn local(self) -> u64 {
        self.bits & WirePid::LOCAL_MAX
    }

    /// Returns the creation of the node that the process runs on: a number that distinguishes the runs of that node, as
    /// far as 8 bits suffice.
    #[must_use]
    pub const fn creation(self) -> u8 {
        WirePid::from_bits(self.bits).creation()
    }

    /// Returns the pid on the wire, with the node id that stands for its node there.
    #[must_use]
    pub(crate) const fn to_wire(self, node: u16) -> WirePid {
        WirePid::from_bits((node as u64) << 48 | self.bits)
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, creation) = (self.local(), self.creation());
        match self.node {
            NodeNumber::UNKNOWN => write!(f, "<?.{local}.{creation}>"),
            NodeNumber(number) => write!(f, "<{number}.{local}.{creation}>"),
        }
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_in_and_come_out() {
        let node = NodeNumber::other(70_000).unwrap();
        let pid = Pid::new(node, 7, 42);
        assert_eq!((pid.node(), pid.creation(), pid.local()), (node, 7, 42));
        assert_eq!(pid.to_string(), "<70000.42.7>");
        assert_eq!(pid.to_wire(3), WirePid::new(3, 7, 42).unwrap());
        assert_eq!(Pid::new(NodeNumber::UNKNOWN, 1, 2).to_string(), "<?.2.1>");
        assert_eq!(Pid::new(NodeNumber::HERE, 0, u64::MAX).local(), WirePid::LOCAL_MAX);
    }

    #[test]
    fn two_numbers_are_no_other_node() {
        assert_eq!(NodeNumber::other(0), None);
        assert_eq!(NodeNumber::other(u64::MAX), None);
    }
}
