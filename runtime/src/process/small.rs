//! A map from numbers that costs nothing while it is empty, and no allocation for its first entry: most processes
//! have one link.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map from the numbers of processes, monitors or nodes.
pub(crate) type NumberMap<V, K = u64> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// A hasher for numbers that this node has assigned in sequence. No peer can choose them, so no secret is needed
/// against collisions.
#[derive(Debug, Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0 ^ u64::from(byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        // Fibonacci hashing. The high half of the product is the well mixed one and the table looks at the low
        // bits first.
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// A map that is empty, holds one entry inline, or is a hash table.
#[derive(Debug, Default)]
pub(crate) enum Small<V> {
    #[default]
    Empty,
    One(u64, V),
    Many(Box<NumberMap<V>>),
}

impl<V> Small<V> {
    pub(crate) fn contains(&self, number: u64) -> bool {
        match self {
            Self::Empty => false,
            Self::One(only, _) => *only == number,
            Self::Many(entries) => entries.contains_key(&number),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(..) => 1,
            Self::Many(entries) => entries.len(),
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<&V> {
        match self {
            Self::One(only, value) if *only == number => Some(value),
            Self::Many(entries) => entries.get(&number),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut V> {
        match self {
            Self::One(only, value) if *only == number => Some(value),
            Self::Many(entries) => entries.get_mut(&number),
            _ => None,
        }
    }

    /// Inserts an entry, and replaces an existing one with the same number.
    pub(crate) fn insert(&mut self, number: u64, value: V) {
        match self {
            Self::Empty => *self = Self::One(number, value),
            Self::Many(entries) => drop(entries.insert(number, value)),
            Self::One(only, present) if *only == number => *present = value,
            Self::One(..) => {
                let first = std::mem::take(self);
                *self = Self::Many(Box::new(first.into_iter().chain([(number, value)]).collect()));
            }
        }
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<V> {
        match self {
            Self::Many(entries) if entries.len() > 1 => entries.remove(&number),
            // A table that would be left empty is given back.
            present if present.contains(number) => {
                std::mem::take(present).into_iter().next().map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

impl<V> IntoIterator for Small<V> {
    type Item = (u64, V);
    type IntoIter = IntoIter<V>;

    fn into_iter(self) -> IntoIter<V> {
        match self {
            Self::Empty => IntoIter::One(None),
            Self::One(number, value) => IntoIter::One(Some((number, value))),
            Self::Many(entries) => IntoIter::Many(entries.into_iter()),
        }
    }
}

/// The entries of a [`Small`], in no order.
#[derive(Debug)]
pub(crate) enum IntoIter<V> {
    One(Option<(u64, V)>),
    Many(std::collections::hash_map::IntoIter<u64, V>),
}

impl<V> Iterator for IntoIter<V> {
    type Item = (u64, V);

    fn next(&mut self) -> Option<(u64, V)> {
        match self {
            Self::One(entry) => entry.take(),
            Self::Many(entries) => entries.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_at_every_size() {
        let mut small = Small::default();
        for number in 1..=3 {
            small.insert(number, number * 10);
            small.insert(number, number * 100);
        }
        assert_eq!((small.len(), Small::<u64>::Empty.len()), (3, 0));
        assert!(small.contains(2) && !small.contains(4));
        assert_eq!(small.remove(4), None);
        assert_eq!(small.remove(2), Some(200));
        assert_eq!(small.remove(3), Some(300));
        assert_eq!(small.remove(4), None);
        assert_eq!(small.remove(1), Some(100));
        assert!(matches!(small, Small::Empty));
        small.insert(9, 0);
        assert!(matches!(small, Small::One(9, 0)));
        assert_eq!(small.into_iter().collect::<Vec<_>>(), [(9, 0)]);
    }
}
