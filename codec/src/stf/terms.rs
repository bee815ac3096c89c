//! The two kinds of terms, and what is done with terms of either.

#[cfg(feature = "serde")]
use alloc::vec::Vec;

use super::{Term, Value, prove, read_version};
use crate::layout::Reader;
use crate::limits::TERM_DEPTH_MAX;
use crate::{DecodeError, Pid, Reading};

/// Says of which kind a term is, or may be. Specification: `stf.md`, "The second kind".
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use snow_dist_codec::Reading;
/// use snow_dist_codec::stf::{Terms, Value};
///
/// let term = Terms::Second.to_vec(&u64::MAX).unwrap();
/// assert_eq!(Terms::Second.decode(&term, Reading::Strict).unwrap().0, Value::U64(u64::MAX));
/// assert!(Terms::First.decode(&term, Reading::Strict).is_err());
/// assert!(Terms::First.to_vec(&u64::MAX).is_err());
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Terms {
    /// What every reader of terms reads.
    #[default]
    First,
    /// That, and bytes, integers from 2^63 to 2^64 - 1, and variants whose fields have names: the capability `terms_2`.
    //= spec/stf.md#stf-knd-001
    //# A reader of the second kind MUST accept each term of the first kind.
    Second,
}

impl Terms {
    /// Reads a term and gives the bytes after it, as [`decode`](super::decode) does.
    ///
    /// # Errors
    /// As [`decode`](super::decode), and a value that terms of this kind do not hold.
    pub fn decode(self, term: &[u8], reading: Reading) -> Result<(Value<'_>, &[u8]), DecodeError> {
        self.decode_at_most(term, reading, TERM_DEPTH_MAX)
    }

    /// As [`Terms::decode`], with a limit of `depth_max` levels. More than [`TERM_DEPTH_MAX`] is taken as that.
    ///
    /// # Errors
    /// As [`Terms::decode`].
    pub fn decode_at_most(
        self,
        term: &[u8],
        reading: Reading,
        depth_max: usize,
    ) -> Result<(Value<'_>, &[u8]), DecodeError> {
        let mut reader = Reader::new(term, reading);
        read_version(&mut reader)?;
        let value = reader;
        prove::value(&mut reader, self, depth_max)?;
        //= spec/stf.md#stf-ver-002
        //# A reader MUST treat bytes after the value as surplus.
        let surplus = reader.finish()?;
        let length = reader.at() - value.at();
        let (value, _) = value.remaining().split_at_checked(length).unwrap_or_default();
        Ok((Term::proven(value).value(), surplus))
    }

    /// Proves a term and hands out its pids, as [`for_each_pid`](super::for_each_pid) does. Gives the kind that the term
    /// needs: the second only if something in it needs that.
    ///
    /// # Errors
    /// As [`Terms::decode`].
    pub fn for_each_pid(
        self,
        term: &[u8],
        reading: Reading,
        found: impl FnMut(usize, Pid),
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(term, reading);
        read_version(&mut reader)?;
        let mut told = Told { found, needs: Self::First };
        prove::value_with(&mut reader, self, TERM_DEPTH_MAX, &mut told)?;
        reader.finish()?;
        Ok(told.needs)
    }

    /// Makes a term of a value.
    ///
    /// # Errors
    /// Such a term cannot say the value: an integer beyond 64 bits, a map with keys that are neither integers nor strings,
    /// something over a limit; in the first kind bytes and integers from 2^63 on as well.
    #[cfg(feature = "serde")]
    pub fn to_vec<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, super::Error> {
        let mut term = Vec::new();
        self.append(value, &mut term)?;
        Ok(term)
    }

    /// Appends a term to a vector: the way to use one buffer for many.
    ///
    /// # Errors
    /// As [`Terms::to_vec`]; the vector is as before then.
    #[cfg(feature = "serde")]
    pub fn append<T: serde::Serialize + ?Sized>(
        self,
        value: &T,
        dst: &mut Vec<u8>,
    ) -> Result<(), super::Error> {
        super::ser::append_in(self, value, dst)
    }

    /// Makes a value of a term, as [`from_slice`](super::from_slice) does.
    ///
    /// # Errors
    /// The bytes are no term of this kind, or a term of other types than asked for: which field, and at, or near, which byte.
    #[cfg(feature = "serde")]
    pub fn from_slice<'de, T: serde::Deserialize<'de>>(self, term: &'de [u8]) -> Result<T, super::Error> {
        super::de::from_slice_in(self, term)
    }
}

/// Hands out pids, and notes what the term needs.
struct Told<F> {
    found: F,
    needs: Terms,
}

impl<F: FnMut(usize, Pid)> prove::Found for Told<F> {
    #[inline]
    fn pid(&mut self, at: usize, pid: Pid) {
        (self.found)(at, pid);
    }

    fn second(&mut self) {
        self.needs = Terms::Second;
    }
}
