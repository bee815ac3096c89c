//! Terms, together with the processes that the pids in them stand for. Specification: `capabilities.md`, "Messages
//! that are terms".

use snow_dist_codec::stf::Terms;
use snow_dist_codec::{DecodeError, Pid as WirePid, Reading, stf};

use super::limits::ALLOCATION_BYTES_COUNTED;
use super::{NodeNumber, Pid};

/// A term to be sent, and the processes that its pids stand for. The session that sends the term writes the pids,
/// since the pid of a process on the wire differs from session to session.
///
/// ```
/// use snow_dist_runtime::core::{NodeNumber, Pid, Term};
///
/// // A term that is one pid. It stands for the first process of the list.
/// let bytes = vec![1, 30, 0, 0, 0, 0, 0, 0, 0, 0];
/// let pid = Pid::new(NodeNumber::HERE, 7, 42);
/// let term = Term::new(bytes, &[pid]).unwrap();
/// assert!(term.pids().eq([pid]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    bytes: Vec<u8>,
    /// The offset in bytes and the process of each pid, in ascending order.
    pids: Vec<(usize, Pid)>,
    /// The kind of terms that a reader must support.
    kind: Terms,
    /// The same value as a term of the first kind, if this is a term of the second.
    first: Option<Box<Self>>,
}

/// An error that says why no [`Term`] can be made of the given bytes and pids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermError {
    /// The bytes are not a term.
    #[error("{0}")]
    NoTerm(DecodeError),
    /// The pids in the bytes are not numbered 0, 1, 2 and so on, or there are more or fewer of them than processes
    /// were given.
    #[error("a pid in the term is none of the {named} that were named for it, in order")]
    Pids {
        /// The number of processes that were given.
        named: usize,
    },
}

impl Term {
    /// Creates a term of either kind from its bytes and the processes that its pids stand for.
    ///
    /// The pids in `bytes` must be numbered in the order in which they occur: the first is 0, the next 1, and so on.
    /// `pids` gives the process of each.
    ///
    /// # Errors
    /// Returns [`TermError`] if `bytes` is not one whole term, if its pids are not numbered like that, or if there
    /// are more or fewer of them than `pids` has.
    pub fn new(bytes: Vec<u8>, pids: &[Pid]) -> Result<Self, TermError> {
        let mut found = Vec::new();
        let kind = Terms::Second
            .for_each_pid(&bytes, Reading::Strict, |at, pid| found.push((at, pid)))
            .map_err(TermError::NoTerm)?;
        let numbered = found.iter().map(|(_, pid)| pid.to_bits()).eq(0..pids.len() as u64);
        if !numbered {
            return Err(TermError::Pids { named: pids.len() });
        }
        let pids = found.into_iter().zip(pids).map(|((at, _), pid)| (at, *pid)).collect();
        Ok(Self { bytes, pids, kind, first: None })
    }

    /// Adds the form of this term for readers that support only the first kind. `first` must be the same value,
    /// written as a term of the first kind. `first` is sent in place of this term in a session that lacks `terms_2`.
    ///
    /// Nothing is added if this term is itself of the first kind, if `first` is of the second kind, or if the two
    /// have different pids.
    #[must_use]
    pub fn or_first(mut self, first: Self) -> Self {
        if self.kind == Terms::Second && first.kind == Terms::First && first.pids().eq(self.pids()) {
            self.first = Some(Box::new(first));
        }
        self
    }

    /// Returns the kind of terms that a reader of this term must support. It is the second kind if the term holds
    /// bytes, an integer of 2^63 or more, or a variant with named fields, and the first kind otherwise.
    #[must_use]
    pub const fn kind(&self) -> Terms {
        self.kind
    }

    /// Returns the form of the term for readers that support only the first kind.
    pub(crate) fn as_first(&mut self) -> Option<&mut Self> {
        match self.kind {
            Terms::First => Some(self),
            Terms::Second => self.first.as_deref_mut(),
        }
    }

    /// Returns the processes that the pids of the term stand for, in the order of the pids.
    pub fn pids(&self) -> impl Iterator<Item = Pid> + '_ {
        self.pids.iter().map(|(_, pid)| *pid)
    }

    /// Returns `true` if the term has pids.
    #[must_use]
    pub const fn has_pids(&self) -> bool {
        !self.pids.is_empty()
    }

    /// Converts the term to the form in which a process of this node receives it. Returns the bytes of the term, and
    /// the processes that the pids in the bytes stand for.
    #[must_use]
    pub fn into_local(mut self) -> (Vec<u8>, TermPids) {
        let mut pids = TermPids::of(Terms::Second);
        let mut nodes: Vec<NodeNumber> = Vec::new();
        for (at, pid) in &self.pids {
            let place = nodes.iter().position(|node| *node == pid.node()).unwrap_or_else(|| {
                nodes.push(pid.node());
                nodes.len() - 1
            });
            // There are more nodes than node ids: the pids of the last ones are of unknown nodes.
            let id = u16::try_from(place).unwrap_or(WirePid::NODE_UNKNOWN);
            let there = pid.to_wire(id);
            if id != WirePid::NODE_UNKNOWN {
                pids.note(there, pid.node());
            }
            replace(&mut self.bytes, *at, there);
        }
        (self.bytes, pids)
    }

    /// Returns the term with its pids in their form on the wire.
    pub(crate) fn with_wire(&mut self, mut there: impl FnMut(Pid) -> WirePid) -> &[u8] {
        for (at, pid) in &self.pids {
            replace(&mut self.bytes, *at, there(*pid));
        }
        &self.bytes
    }
}

fn replace(term: &mut [u8], at: usize, pid: WirePid) {
    let replaced = stf::replace_pid(term, at, pid);
    debug_assert!(replaced, "the place was found in this term");
}

/// The processes that the pids of a received term stand for.
///
/// It maps each node id and creation in the term to the node, if that is known. It also holds the kind of terms that
/// is accepted in the message ([`terms`](Self::terms)). Bytes that a reader of that kind refuses are not a term,
/// even if the sender has marked the message as a term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TermPids {
    terms: Terms,
    /// The nodes by node id and creation, in ascending order.
    nodes: Vec<((u16, u8), NodeNumber)>,
}

impl TermPids {
    pub(crate) const fn of(terms: Terms) -> Self {
        Self { terms, nodes: Vec::new() }
    }

    /// Returns the kind of terms that is accepted in the message. It is the second kind inside a node and in a
    /// session with `terms_2`, and the first kind otherwise.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// Returns the process that a pid in the term stands for. If the node of the pid is not known, the result is a
    /// process of [`NodeNumber::UNKNOWN`].
    #[must_use]
    pub fn pid(&self, wire: WirePid) -> Pid {
        let node = self.find(wire).ok().and_then(|at| self.nodes.get(at));
        let number = node.map_or(NodeNumber::UNKNOWN, |(_, number)| *number);
        Pid::new(number, wire.creation(), wire.local())
    }

    /// Returns `true` if the term has no pid whose node is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the number of bytes of memory that the value keeps alive besides its own size. Code that keeps terms of
    /// peers must count these bytes.
    #[must_use]
    pub const fn kept_bytes(&self) -> usize {
        let allocated = self.nodes.capacity() * size_of::<((u16, u8), NodeNumber)>();
        if allocated == 0 { 0 } else { allocated + ALLOCATION_BYTES_COUNTED }
    }

    pub(crate) fn note(&mut self, wire: WirePid, node: NodeNumber) {
        if let Err(at) = self.find(wire) {
            self.nodes.insert(at, ((wire.node(), wire.creation()), node));
        }
    }

    fn find(&self, wire: WirePid) -> Result<usize, usize> {
        self.nodes.binary_search_by_key(&(wire.node(), wire.creation()), |(key, _)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use snow_dist_codec::stf::Encoder;

    /// Returns a tuple of pids with these bits.
    fn tuple(bits: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        encoder.tuple(bits.len()).unwrap();
        bits.iter().for_each(|bits| encoder.pid(WirePid::from_bits(*bits)));
        encoder.finish().unwrap();
        bytes
    }

    fn pid(node: u64, local: u64) -> Pid {
        Pid::new(NodeNumber::other(node).unwrap_or(NodeNumber::HERE), 7, local)
    }

    #[test]
    fn a_pid_that_was_not_named_is_refused() {
        let named = [pid(1, 1), pid(2, 2)];
        assert!(Term::new(tuple(&[0, 1]), &named).is_ok());
        for bits in [&[0][..], &[0, 1, 2], &[1, 0], &[0, 0], &[0, 5]] {
            assert_eq!(Term::new(tuple(bits), &named), Err(TermError::Pids { named: 2 }), "{bits:?}");
        }
        assert_eq!(Term::new(tuple(&[7]), &[]), Err(TermError::Pids { named: 0 }));
        assert!(matches!(Term::new(vec![1], &[]), Err(TermError::NoTerm(_))));
        assert!(matches!(Term::new(vec![1, 6, 0], &[]), Err(TermError::NoTerm(_))), "surplus is not written");
    }

    #[test]
    fn a_term_of_the_second_kind_has_another_form_if_it_was_given_one() {
        let second = || Term::new(vec![1, 7, 1, 0, 0, 0, 9], &[]).unwrap();
        let first = || Term::new(vec![1, 6], &[]).unwrap();
        assert_eq!((second().kind(), first().kind()), (Terms::Second, Terms::First));
        assert_eq!((second().as_first(), first().as_first()), (None, Some(&mut first())));
        assert_eq!(second().or_first(first()).as_first(), Some(&mut first()));
        assert_eq!((second().or_first(second()), first().or_first(second())), (second(), first()));
        assert_eq!(second().into_local().1.terms(), Terms::Second);
    }

    #[test]
    fn inside_a_node_every_pid_comes_back() {
        let pids = [pid(0, 1), pid(70_000, 2), pid(0, 3), Pid::new(NodeNumber::UNKNOWN, 1, 4), pid(2, 5)];
        let (bytes, map) = Term::new(tuple(&[0, 1, 2, 3, 4]), &pids).unwrap().into_local();
        let mut back = Vec::new();
        stf::for_each_pid(&bytes, Reading::Strict, |_, wire| back.push(map.pid(wire))).unwrap();
        assert_eq!(back, pids);
    }

    #[test]
    fn what_is_written_can_be_written_again() {
        let mut term = Term::new(tuple(&[0, 1]), &[pid(1, 1), pid(2, 2)]).unwrap();
        let first = term.with_wire(|pid| pid.to_wire(3)).to_vec();
        let again = term.with_wire(|pid| pid.to_wire(4)).to_vec();
        assert_eq!(first, tuple(&[pid(1, 1).to_wire(3).to_bits(), pid(2, 2).to_wire(3).to_bits()]));
        assert_eq!(again, tuple(&[pid(1, 1).to_wire(4).to_bits(), pid(2, 2).to_wire(4).to_bits()]));
    }
}
