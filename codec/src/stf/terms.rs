//! The two kinds of terms, and functions for terms of either kind.

#[cfg(feature = "serde")]
use alloc::vec::Vec;

use super::{Term, Value, prove, read_version};
use crate::layout::Reader;
use crate::limits::TERM_DEPTH_MAX;
use crate::{DecodeError, Pid, Reading};

/// The kind of a term. Specification: `stf.md`, "The second kind".
///
/// The methods do for a term of this kind what the functions of [`stf`](super) do for a term of the first kind. A
/// reader of the second kind also reads terms of the first kind.
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
    /// The first kind, which every reader reads.
    #[default]
    First,
    /// The second kind, which adds bytes, integers from 2^63 to 2^64 - 1, and variants with named fields.
    ///
    /// A peer reads such terms only in a session with the capability `terms_2`.
    //= spec/stf.md#stf-knd-001
    //# A reader of the second kind MUST accept each term of the first kind.
    Second,
}

impl Terms {
    /// Decodes a term of this kind, like [`decode`](super::decode). Returns the value of the term, and the bytes after
    /// the value.
    ///
    /// # Errors
    /// Returns [`DecodeError`] if the bytes are not a term of this kind, or if the values nest deeper than
    /// [`TERM_DEPTH_MAX`] levels.
    pub fn decode(self, term: &[u8], reading: Reading) -> Result<(Value<'_>, &[u8]), DecodeError> {
        self.decode_at_most(term, reading, TERM_DEPTH_MAX)
    }

    /// Decodes a term like [`Terms::decode`], with a limit of `depth_max` levels.
    ///
    /// A limit above [`TERM_DEPTH_MAX`] is reduced to it. With a limit of 0, no term is accepted.
    ///
    /// # Errors
    /// Returns the errors of [`Terms::decode`].
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

    /// Validates a term of this kind, and passes each pid and its offset to `found`, like
    /// [`for_each_pid`](super::for_each_pid).
    ///
    /// Returns the kind that the term needs: [`Terms::Second`] if it contains a value that terms of the first kind
    /// cannot hold, otherwise [`Terms::First`].
    ///
    /// # Errors
    /// Returns the errors of [`Terms::decode`].
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

    /// Serializes a value to a term of this kind.
    ///
    /// # Errors
    /// Returns an error if such a term cannot hold the value: an integer below -2^63 or above 2^64 - 1, a map whose
    /// keys are not all integers or all strings, or something above a [limit](crate::limits). If the term is of the
    /// first kind, bytes and integers from 2^63 on are errors as well.
    #[cfg(feature = "serde")]
    pub fn to_vec<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, super::Error> {
        let mut term = Vec::new();
        self.append(value, &mut term)?;
        Ok(term)
    }

    /// Serializes a value to a term of this kind and appends the term to a vector, for example to use one buffer for
    /// many terms.
    ///
    /// # Errors
    /// Returns the errors of [`Terms::to_vec`]. The vector is unchanged then.
    #[cfg(feature = "serde")]
    pub fn append<T: serde::Serialize + ?Sized>(
        self,
        value: &T,
        dst: &mut Vec<u8>,
    ) -> Result<(), super::Error> {
        super::ser::append_in(self, value, dst)
    }

    /// Deserializes a value from a term of this kind, like [`from_slice`](super::from_slice).
    ///
    /// # Errors
    /// Returns an error if the bytes are not a term of this kind, or if the term cannot be read as a `T`. The error
    /// contains the place in the value, and the byte at or near which reading failed.
    #[cfg(feature = "serde")]
    pub fn from_slice<'de, T: serde::Deserialize<'de>>(self, term: &'de [u8]) -> Result<T, super::Error> {
        super::de::from_slice_in(self, term)
    }
}

/// An observer that passes on pids and records the kind that the term needs.
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
