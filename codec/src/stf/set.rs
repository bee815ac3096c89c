//! Sets, which serde has no word for.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What serde shall write as a set, not as a list: any collection that serialises as a sequence. Anything else in
/// it is an error of the serialiser. In reading, a list and a tuple are taken as well.
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

/// The name by which the serialiser knows a set.
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
