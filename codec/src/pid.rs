//! Process identifiers. Specification: `dist.md`, "Pids".

use core::{fmt, str::FromStr};

/// A process identifier: a process and its node, by the writer's numbering of nodes.
///
/// A pid is one `u64` of three parts, most significant first: node id (16 bits), creation (8 bits), local id (40
/// bits). **A node id has a meaning only for the node that wrote it.** Node id 0 is that node itself. Some fields of
/// frames, such as `to`, always name a process of the receiver; in these, node id 0 is the receiver.
///
/// ```
/// use snow_dist_codec::Pid;
///
/// let pid = Pid::new(1, 7, 42).unwrap();
/// assert_eq!(pid.to_bits(), 0x0001_07_00_0000_002a);
/// assert_eq!(pid.to_string(), "<1.42.7>");
/// assert_eq!("<1.42.7>".parse(), Ok(pid));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Pid(u64);

impl Pid {
    /// The size of a pid on the wire, in bytes.
    pub const LEN: usize = 8;
    /// The largest local id. Local ids have 40 bits.
    pub const LOCAL_MAX: u64 = (1 << 40) - 1;
    /// The node id of the reader's own node, in pids that are not a sender or receiver field: in terms and in the hops
    /// of a reason (`session.md`, "Pids").
    pub const NODE_READER: u16 = 0xFFFE;
    /// The node id of a node that the writer cannot name, in the same pids as [`Pid::NODE_READER`].
    ///
    /// The writer can name its own node, the reader's node, and the nodes in its node table.
    pub const NODE_UNKNOWN: u16 = 0xFFFF;

    /// Creates a pid from its three parts, or returns `None` if `local` is above [`Pid::LOCAL_MAX`].
    #[must_use]
    pub const fn new(node: u16, creation: u8, local: u64) -> Option<Self> {
        if local > Self::LOCAL_MAX {
            return None;
        }
        Some(Self((node as u64) << 48 | (creation as u64) << 40 | local))
    }

    /// Creates a pid from its 64 bits. Every value is a pid.
    #[inline(always)]
    #[must_use]
    //= spec/dist.md#dist-pid-001
    //# A reader MUST accept every 64-bit value where a table says pid.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns the 64 bits of the pid as one number.
    #[inline(always)]
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns the node id: the writer's number for the node of the process. See [`Pid`] for node id 0.
    #[must_use]
    pub const fn node(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// Returns the creation: 8 bits that identify the run of the node in which the process was started. Few runs of a
    /// node have the same creation.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the shift leaves the 8 bits wanted at the bottom")]
    pub const fn creation(self) -> u8 {
        (self.0 >> 40) as u8
    }

    /// Returns the local id: the number of the process on its node, at most [`Pid::LOCAL_MAX`].
    #[must_use]
    pub const fn local(self) -> u64 {
        self.0 & Self::LOCAL_MAX
    }
}

/// Shows a pid as `<0.L>` if node id and creation are both 0, and as `<N.L.C>` otherwise.
impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        //= spec/dist.md#dist-pid-002
        //# The text form of a pid MUST be `<0.L>` if node id and creation are both 0, and `<N.L.C>`
        //# otherwise, with node id N, local id L and creation C in decimal without leading zeros.
        match (self.node(), self.creation()) {
            (0, 0) => write!(f, "<0.{}>", self.local()),
            (node, creation) => write!(f, "<{node}.{}.{creation}>", self.local()),
        }
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An error that says that a text is not the text form of a pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsePidError;

impl fmt::Display for ParsePidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pid is written <0.LOCAL> or <NODE.LOCAL.CREATION>, at most <65535.1099511627775.255>")
    }
}

impl core::error::Error for ParsePidError {}

/// Parses `<0.L>` or `<N.L.C>`, the text form in which a [`Pid`] is displayed.
impl FromStr for Pid {
    type Err = ParsePidError;

    fn from_str(text: &str) -> Result<Self, ParsePidError> {
        let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).ok_or(ParsePidError)?;
        let mut parts = inner.split('.');
        let node = number(parts.next())?;
        let local = number(parts.next())?;
        let creation = match parts.next() {
            None if node == 0 => 0,
            creation => number(creation)?,
        };
        match parts.next() {
            None => Self::new(node, creation, local).ok_or(ParsePidError),
            Some(_) => Err(ParsePidError),
        }
    }
}

/// Accepts digits only: `str::parse` would accept a sign.
fn number<T: FromStr>(digits: Option<&str>) -> Result<T, ParsePidError> {
    digits
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or(ParsePidError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn parts_go_in_and_come_out() {
        let pid = Pid::new(0xABCD, 0xEF, Pid::LOCAL_MAX).unwrap();
        assert_eq!((pid.node(), pid.creation(), pid.local()), (0xABCD, 0xEF, Pid::LOCAL_MAX));
        assert_eq!(pid.to_bits(), 0xABCD_EFFF_FFFF_FFFF);
        assert_eq!(Pid::new(0, 0, Pid::LOCAL_MAX + 1), None);
    }

    #[test]
    fn text_form_has_two_shapes() {
        for (bits, text) in [(0, "<0.0>"), (42, "<0.42>"), (1 << 40, "<0.0.1>"), (1 << 48 | 3, "<1.3.0>")] {
            assert_eq!(Pid::from_bits(bits).to_string(), text);
            assert_eq!(alloc::format!("{:?}", Pid::from_bits(bits)), text);
            assert_eq!(text.parse(), Ok(Pid::from_bits(bits)));
        }
    }

    #[test]
    fn refuses_what_is_no_pid() {
        for text in [
            "",
            "<>",
            "<1>",
            "<1.2>",
            "1.2.3",
            "<1.2.3",
            "<1.2.3.4>",
            "<65536.1.1>",
            "<1.1.256>",
            "<1.+2.3>",
            "<0.1099511627776>",
            "<0.>",
            "<-1.2.3>",
        ] {
            assert_eq!(text.parse::<Pid>(), Err(ParsePidError), "{text}");
        }
    }

    #[test]
    fn the_error_shows_what_a_pid_looks_like() {
        let shown = "nothing".parse::<Pid>().unwrap_err().to_string();
        let (_, largest) = shown.split_once("at most ").unwrap();
        assert_eq!(largest.parse(), Ok(Pid::new(0xFFFF, 0xFF, Pid::LOCAL_MAX).unwrap()));
    }
}
