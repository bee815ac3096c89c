//! Pids in the terms of a program. The processes that they stand for are known only while a term is encoded or
//! decoded.
//!
//! serde passes no context to the values that it encodes and decodes, so the context of a pid is kept in a
//! thread-local for that time.

use std::cell::RefCell;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};
use snow_dist_codec::stf::Terms;
use snow_dist_codec::{Pid as WirePid, stf};

use crate::core::{Pid, Term, TermPids};

thread_local! {
    /// The pids of the term that is being encoded, so far.
    static WRITTEN: RefCell<Option<Vec<Pid>>> = const { RefCell::new(None) };
    /// The processes that the pids of the term that is being decoded stand for.
    static READ: RefCell<Option<TermPids>> = const { RefCell::new(None) };
}

/// Sets a thread-local for the duration of `act`, and returns its final value. A nested encoding restores the
/// outer value afterwards.
pub(crate) fn with<S, T>(
    place: &'static std::thread::LocalKey<RefCell<Option<S>>>,
    put: S,
    act: impl FnOnce() -> T,
) -> (T, Option<S>) {
    struct Restore<S: 'static>(&'static std::thread::LocalKey<RefCell<Option<S>>>, Option<S>);
    impl<S> Drop for Restore<S> {
        fn drop(&mut self) {
            self.0.replace(self.1.take());
        }
    }
    let restore = Restore(place, place.replace(Some(put)));
    let done = act();
    let left = place.take();
    drop(restore);
    (done, left)
}

/// Encodes a value as a term. The destination is not known yet, so a term of the second kind is also encoded as
/// one of the first kind, if its value allows that.
pub(crate) fn write(value: &(impl Serialize + ?Sized)) -> Result<Term, stf::Error> {
    let second = write_as(Terms::Second, value)?;
    if second.kind() == Terms::First {
        return Ok(second);
    }
    match write_as(Terms::First, value) {
        Ok(first) => Ok(second.or_first(first)),
        Err(_) => Ok(second),
    }
}

fn write_as(terms: Terms, value: &(impl Serialize + ?Sized)) -> Result<Term, stf::Error> {
    let (bytes, pids) = with(&WRITTEN, Vec::new(), || terms.to_vec(value));
    Term::new(bytes?, &pids.unwrap_or_default()).map_err(ser::Error::custom)
}

/// Decodes a value from a term, of a kind that the message can carry.
pub(crate) fn read<'m, T: Deserialize<'m>>(term: &'m [u8], pids: TermPids) -> Result<T, stf::Error> {
    let terms = pids.terms();
    with(&READ, pids, || terms.from_slice(term)).0
}

/// Encodes a pid within a term that is sent. Encoding it in any other format is an error, because a pid has a meaning
/// on this node only, and only until the node is stopped.
impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = WRITTEN.with_borrow_mut(|written| {
            let pids = written.as_mut()?;
            pids.push(*self);
            Some(pids.len() as u64 - 1)
        });
        let number =
            number.ok_or_else(|| ser::Error::custom("a pid is only written into a term that is sent"))?;
        WirePid::from_bits(number).serialize(serializer)
    }
}

/// Decodes a pid within a term that was received. Decoding it from any other format is an error.
impl<'de> Deserialize<'de> for Pid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = WirePid::deserialize(deserializer)?;
        READ.with_borrow(|read| read.as_ref().map(|pids| pids.pid(wire)))
            .ok_or_else(|| de::Error::custom("a pid is only read from a term that was received"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::core::NodeNumber;

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Team {
        lead: Pid,
        others: Vec<(String, Option<Pid>)>,
        by_number: BTreeMap<i64, Pid>,
    }

    fn pid(node: u64, local: u64) -> Pid {
        Pid::new(NodeNumber::other(node).unwrap_or(NodeNumber::HERE), 7, local)
    }

    #[test]
    fn a_value_with_pids_comes_back() {
        let team = Team {
            lead: pid(0, 1),
            others: vec![
                ("a".into(), Some(pid(5, 2))),
                ("b".into(), None),
                ("c".into(), Some(pid(1 << 40, 3))),
            ],
            by_number: [(1, pid(5, 9)), (2, Pid::new(NodeNumber::UNKNOWN, 3, 4))].into(),
        };
        let (bytes, pids) = write(&team).unwrap().into_local();
        assert_eq!(read::<Team>(&bytes, pids).unwrap(), team);
        // Without what is known of its pids, they are of unknown nodes.
        let read: Team = read(&bytes, TermPids::default()).unwrap();
        assert!(read.lead.node() == NodeNumber::UNKNOWN && read.lead.local() == 1);
    }

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    enum Order {
        Buy { count: u64, of: Pid },
    }

    #[test]
    fn a_variant_with_named_fields_is_written_for_both_kinds_of_readers() {
        let buy = |count| Order::Buy { count, of: pid(5, 2) };
        let mut term = write(&buy(3)).unwrap();
        let mut first = term.as_first().unwrap().clone();
        assert_eq!((term.kind(), first.kind()), (Terms::Second, Terms::First));
        assert!(first.pids().eq(term.pids()));
        // What is only of the second kind has no other form.
        assert!(write(&buy(u64::MAX)).unwrap().as_first().is_none());
        let (bytes, pids) = term.into_local();
        assert_eq!(read::<Order>(&bytes, pids).unwrap(), buy(3));
        assert!(read::<Order>(&bytes, TermPids::default()).is_err(), "not to a reader of the first kind");
        assert!(first.as_first().is_some());
    }

    #[test]
    fn a_pid_is_written_nowhere_else() {
        assert!(stf::to_vec(&pid(0, 1)).unwrap_err().to_string().contains("a term that is sent"));
        let raw = stf::to_vec(&WirePid::from_bits(0)).unwrap();
        assert!(stf::from_slice::<Pid>(&raw).is_err());
    }

    #[test]
    fn a_pid_of_the_wire_is_no_process_here() {
        let raw = WirePid::from_bits(0);
        assert!(write(&raw).is_err());
        assert!(write(&(pid(0, 1), raw)).is_err());
        assert!(write(&(raw, pid(0, 1))).is_err());
    }

    #[test]
    fn a_term_may_be_written_while_another_is() {
        struct Nested(Pid);
        impl Serialize for Nested {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                write(&(self.0, self.0)).map_err(ser::Error::custom)?;
                self.0.serialize(serializer)
            }
        }
        let term = write(&(pid(0, 1), Nested(pid(2, 2)), pid(0, 3))).unwrap();
        assert!(term.pids().eq([pid(0, 1), pid(2, 2), pid(0, 3)]));
        assert!(stf::to_vec(&pid(0, 1)).is_err());
    }
}
