//! The pids in a term: finding them and replacing them.

use super::Terms;
use crate::{DecodeError, Pid, Reading};

/// Validates a term of the first kind and passes each pid in it to `found`, together with the pid's offset.
///
/// The offset is the byte of the term at which the eight bytes of the pid begin. Pids are passed in the order in
/// which they stand in the term. If the function returns an error, ignore the pids that were passed before the error:
/// the bytes are not a valid term.
///
/// ```
/// use snow_dist_codec::{Pid, Reading};
/// use snow_dist_codec::stf::{self, Encoder};
///
/// let mut term = Vec::new();
/// let mut encoder = Encoder::new(&mut term);
/// encoder.tuple(2).unwrap();
/// encoder.int(7);
/// encoder.pid(Pid::new(0, 7, 42).unwrap());
/// encoder.finish().unwrap();
///
/// let mut places = Vec::new();
/// stf::for_each_pid(&term, Reading::Strict, |at, pid| places.push((at, pid))).unwrap();
/// assert_eq!(places, [(13, Pid::new(0, 7, 42).unwrap())]);
/// assert!(stf::replace_pid(&mut term, 13, Pid::new(1, 9, 42).unwrap()));
/// ```
///
/// # Errors
/// Returns the errors of [`decode`](super::decode).
pub fn for_each_pid(term: &[u8], reading: Reading, found: impl FnMut(usize, Pid)) -> Result<(), DecodeError> {
    Terms::First.for_each_pid(term, reading, found).map(drop)
}

/// Replaces the pid at byte `at` of `term`, and returns `true`.
///
/// `at` must be an offset that [`for_each_pid`] has passed for this term. Returns `false` and changes nothing if the
/// eight bytes from `at` on are not all in `term`, or if the byte before them is not the tag of a pid. Nothing else is
/// checked: other bytes can look like a pid.
#[must_use]
pub fn replace_pid(term: &mut [u8], at: usize, pid: Pid) -> bool {
    let tag = at.checked_sub(1).and_then(|before| term.get(before));
    if tag != Some(&super::tag::PID) {
        return false;
    }
    let place = term.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<{ Pid::LEN }>());
    place.is_some_and(|place| {
        *place = pid.to_bits().to_le_bytes();
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stf::{Encoder, KeyType};
    use std::vec::Vec;

    fn pid(local: u64) -> Pid {
        Pid::new(3, 7, local).unwrap()
    }

    /// A pid in every place where a value can stand, and one that only looks like it.
    fn term() -> Vec<u8> {
        let mut term = Vec::new();
        let mut encoder = Encoder::new(&mut term);
        encoder.list(6).unwrap();
        encoder.pid(pid(1));
        encoder.some();
        encoder.pid(pid(2));
        encoder.map(KeyType::Int, 1).unwrap();
        encoder.int(0x1E1E_1E1E);
        encoder.pid(pid(3));
        encoder.structure("S".into(), 1).unwrap();
        encoder.field("f".into()).unwrap();
        encoder.pid(pid(4));
        encoder.sum("T".into(), 1, 1).unwrap();
        encoder.pid(pid(5));
        encoder.str("\u{1e}12345678".into()).unwrap();
        encoder.finish().unwrap();
        term
    }

    fn places(term: &[u8]) -> Vec<(usize, Pid)> {
        let mut places = Vec::new();
        for_each_pid(term, Reading::Strict, |at, pid| places.push((at, pid))).unwrap();
        places
    }

    #[test]
    fn every_pid_is_found_in_its_place_and_replaced_there() {
        let mut term = term();
        let found = places(&term);
        assert_eq!(found.iter().map(|(_, pid)| *pid).collect::<Vec<_>>(), [1, 2, 3, 4, 5].map(pid));
        let length = term.len();
        for (at, old) in &found {
            assert!(replace_pid(&mut term, *at, pid(old.local() + 10)));
        }
        assert_eq!(term.len(), length);
        assert_eq!(
            places(&term).iter().map(|(_, pid)| *pid).collect::<Vec<_>>(),
            [11, 12, 13, 14, 15].map(pid)
        );
    }

    #[test]
    fn a_pid_is_put_nowhere_but_in_the_place_of_one() {
        let mut term = term();
        let before = term.clone();
        let allowed: Vec<_> = places(&term).into_iter().map(|(at, _)| at).collect();
        for at in (0..term.len() + 9).filter(|at| !allowed.contains(at)) {
            let looks_like_one = at > 0 && term.get(at - 1) == Some(&0x1E) && at + 8 <= term.len();
            let mut copy = term.clone();
            assert_eq!(replace_pid(&mut copy, at, pid(99)), looks_like_one, "at {at}");
        }
        assert!(!replace_pid(&mut term, usize::MAX, pid(99)));
        assert_eq!(term, before);
    }

    #[test]
    fn every_cut_is_an_error_and_surplus_is_judged_by_the_reading() {
        let mut term = term();
        for end in 0..term.len() {
            assert!(for_each_pid(&term[..end], Reading::Compatible, |_, _| ()).is_err(), "cut at {end}");
        }
        term.push(0);
        assert!(for_each_pid(&term, Reading::Strict, |_, _| ()).is_err());
        assert!(for_each_pid(&term, Reading::Compatible, |_, _| ()).is_ok());
    }
}
