//! Terms that are known to be terms, and which processes the pids in them are. Specification: `capabilities.md`,
//! "Messages that are terms".

use snow_dist_codec::stf::Terms;
use snow_dist_codec::{DecodeError, Pid as WirePid, Reading, stf};

use super::limits::ALLOCATION_BYTES_COUNTED;
use super::{NodeNumber, Pid};

/// A term to be sent, and which processes its pids are: what stands for one on the wire differs from session to session.
///
/// ```
/// use snow_dist_runtime::core::{NodeNumber, Pid, Term};
///
/// // A pid, which is the first of those that are named.
/// let bytes = vec![1, 30, 0, 0, 0, 0, 0, 0, 0, 0];
/// let pid = Pid::new(NodeNumber::HERE, 7, 42);
/// let term = Term::new(bytes, &[pid]).unwrap();
/// assert!(term.pids().eq([pid]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    bytes: Vec<u8>,
    /// At which byte each stands, in ascending order.
    pids: Vec<(usize, Pid)>,
    /// The kind that it needs.
    kind: Terms,
    /// The same value as a term of the first kind, if this is one of the second.
    first: Option<Box<Self>>,
}

/// Bytes that are no [`Term`] with these pids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermError {
    /// They are no term.
    #[error("{0}")]
    NoTerm(DecodeError),
    /// The pids in them are not numbered from 0 on, or are not as many as were named.
    #[error("a pid in the term is none of the {named} that were named for it, in order")]
    Pids {
        /// How many were named.
        named: usize,
    },
}

impl Term {
    /// A term, of either kind, whose pids are those named, in the order in which they stand: in `bytes` the first is 0, the next 1, and so
    /// on.
    ///
    /// # Errors
    /// The bytes are no whole term, or have other pids.
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

    /// The same value as a term of the first kind, for readers of that kind alone: it goes to peers whose session lacks
    /// `terms_2`. Nothing, if this is a term of the first kind, or `first` is one of the second or has other pids.
    #[must_use]
    pub fn or_first(mut self, first: Self) -> Self {
        if self.kind == Terms::Second && first.kind == Terms::First && first.pids().eq(self.pids()) {
            self.first = Some(Box::new(first));
        }
        self
    }

    /// The kind of terms that it needs: the second if it holds bytes, an integer from 2^63 on, or a variant with named fields.
    #[must_use]
    pub const fn kind(&self) -> Terms {
        self.kind
    }

    /// The term for readers of the first kind alone.
    pub(crate) fn as_first(&mut self) -> Option<&mut Self> {
        match self.kind {
            Terms::First => Some(self),
            Terms::Second => self.first.as_deref_mut(),
        }
    }

    /// Which processes its pids are, in their order.
    pub fn pids(&self) -> impl Iterator<Item = Pid> + '_ {
        self.pids.iter().map(|(_, pid)| *pid)
    }

    /// Whether it has pids.
    #[must_use]
    pub const fn has_pids(&self) -> bool {
        !self.pids.is_empty()
    }

    /// The term for a process of this node: node ids in it are explained by the second value.
    #[must_use]
    pub fn into_local(mut self) -> (Vec<u8>, TermPids) {
        let mut pids = TermPids::of(Terms::Second);
        let mut nodes: Vec<NodeNumber> = Vec::new();
        for (at, pid) in &self.pids {
            let place = nodes.iter().position(|node| *node == pid.node()).unwrap_or_else(|| {
                nodes.push(pid.node());
                nodes.len() - 1
            });
            // More nodes than have ids: the pids of the last ones are of unknown nodes.
            let id = u16::try_from(place).unwrap_or(WirePid::NODE_UNKNOWN);
            let there = pid.to_wire(id);
            if id != WirePid::NODE_UNKNOWN {
                pids.note(there, pid.node());
            }
            replace(&mut self.bytes, *at, there);
        }
        (self.bytes, pids)
    }

    /// The term with its pids as they go on the wire.
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

/// Which processes the pids of a term are that has come: of which node, for each node id and creation in it that names
/// one. And of which kind it is taken for: other bytes are no term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TermPids {
    terms: Terms,
    /// In ascending order.
    nodes: Vec<((u16, u8), NodeNumber)>,
}

impl TermPids {
    pub(crate) const fn of(terms: Terms) -> Self {
        Self { terms, nodes: Vec::new() }
    }

    /// The kind of terms that the message can be one of: the second inside a node and in a session with `terms_2`.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// The process that a pid in the term is: one of an unknown node if nothing is known of it.
    #[must_use]
    pub fn pid(&self, wire: WirePid) -> Pid {
        let node = self.find(wire).ok().and_then(|at| self.nodes.get(at));
        let number = node.map_or(NodeNumber::UNKNOWN, |(_, number)| *number);
        Pid::new(number, wire.creation(), wire.local())
    }

    /// Whether no pid of the term is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the bytes of memory that it keeps alive beside its own: whoever keeps terms of peers counts these.
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

    /// A tuple of pids with these bits.
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
