//! Processes, as this node sees them. Specification: `dist.md`, "Pids".

use std::fmt;

use snow_dist_codec::Pid as WirePid;

/// A node, as this node numbers them: wide enough that no number is given twice. What another node is bound to is
/// its name *and* its incarnation, so that a restarted node has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeNumber(u64);

impl NodeNumber {
    /// This node.
    pub const HERE: Self = Self(0);
    /// A node that whoever wrote the pid could not name.
    pub const UNKNOWN: Self = Self(u64::MAX);

    /// The number of another node; `None` for the two numbers with a meaning of their own.
    #[must_use]
    pub const fn other(number: u64) -> Option<Self> {
        match Self(number) {
            Self::HERE | Self::UNKNOWN => None,
            other => Some(other),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A process on any node.
///
/// Shown as `<N.L.C>`: the node's number *here* (0 is this node, `?` one that could not be named), the process's
/// number there, and that node's creation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid {
    node: NodeNumber,
    /// Creation and local id as they stand on the wire.
    bits: u64,
}

impl Pid {
    /// The process numbered `local` (at most 40 bits are used) on a node.
    #[must_use]
    pub const fn new(node: NodeNumber, creation: u8, local: u64) -> Self {
        Self { node, bits: (creation as u64) << 40 | local & WirePid::LOCAL_MAX }
    }

    /// The node the process runs on.
    #[must_use]
    pub const fn node(self) -> NodeNumber {
        self.node
    }

    /// Whether it runs on this node.
    #[must_use]
    pub const fn is_here(self) -> bool {
        self.node.0 == NodeNumber::HERE.0
    }

    /// The process's number on its node.
    #[must_use]
    pub const fn local(self) -> u64 {
        self.bits & WirePid::LOCAL_MAX
    }

    /// The creation of its node: which of its starts, as far as 8 bits can say.
    #[must_use]
    pub const fn creation(self) -> u8 {
        WirePid::from_bits(self.bits).creation()
    }

    /// The pid on the wire, with the node id that stands for its node there.
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
