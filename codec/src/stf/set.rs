//! Sets, which serde's data model does not have.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A wrapper that makes serde write a collection as a set instead of a list.
///
/// The collection can be any type that serializes as a sequence. Writing a term with another type in a `Set` fails with
/// [`ErrorKind::Unsupported`](super::ErrorKind::Unsupported). A list or a tuple can be read as a `Set`, too.
///
/// ```
/// use snow_dist_codec::stf::{self, Set};
/// use std::collections::BTreeSet;
///
/// let set = Set(BTreeSet::from([1, 2]));
/// let term = stf::to_vec(&set).unwrap();
/// assert_eq!(term[..2], [1, 12]);
/// assert_eq!(stf::from_slice::<Set<BTreeSet<i64>>>(&term).unwrap(), set);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Set<T>(pub T);

/// The name by which the serializer recognises a set.
pub(super) const NEWTYPE: &str = "$snow_dist::Set";

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NEWTYPE, &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}
