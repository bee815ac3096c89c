//! The holders of nodes that are kept connected. A node is kept as long as it has a holder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::core::endpoint::NotKept;
use crate::sync::Mutex;

/// The object that keeps nodes connected: the endpoint. Keeping a node that is kept already has no effect.
pub(crate) trait Keep: Send + Sync + 'static {
    /// Keeps a session with the node of this name.
    fn keep(&self, name: &Arc<str>) -> Result<(), NotKept>;

    /// Stops keeping a session with the node. Returns `false` if it was not kept.
    fn let_go(&self, name: &str) -> bool;
}

/// The owner of a wish to keep a node connected: the program, or one of its discoveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Holder(u64);

impl Holder {
    /// The program, by [`Node::keep`](crate::Node::keep).
    pub(crate) const PROGRAM: Self = Self(0);

    /// The discovery with this number, which begins at 1.
    pub(super) const fn discovery(number: u64) -> Self {
        Self(number)
    }
}

/// The holders of each name that is kept.
///
/// The object that keeps the nodes is called without the lock, because it writes to the log. Two calls for one name
/// can therefore overtake each other. Each of them checks afterwards whether its action is still wanted.
#[derive(Debug)]
pub(crate) struct Holds<K> {
    kept_by: K,
    names: Mutex<BTreeMap<Arc<str>, BTreeSet<Holder>>>,
}

impl<K: Keep> Holds<K> {
    pub(crate) fn new(kept_by: K) -> Self {
        Self { kept_by, names: Mutex::default() }
    }

    /// Adds a holder of a name. If the name cannot be kept, returns an error and changes nothing.
    pub(crate) fn hold(&self, holder: Holder, name: &Arc<str>) -> Result<(), NotKept> {
        self.names.lock().entry(Arc::clone(name)).or_default().insert(holder);
        if let Err(error) = self.kept_by.keep(name) {
            self.forget(holder, name);
            return Err(error);
        }
        if !self.is_held(name) {
            self.kept_by.let_go(name);
        }
        Ok(())
    }

    /// Removes a holder of a name, and stops keeping the name for the program and its discoveries if no holder is
    /// left. Returns `false` if this holder did not hold the name.
    pub(crate) fn release(&self, holder: Holder, name: &Arc<str>) -> bool {
        let held = self.forget(holder, name);
        if self.is_held(name) {
            return held;
        }
        // A name that a peer's list contains stays kept for that list.
        let kept = self.kept_by.let_go(name);
        if self.is_held(name) {
            // If this fails, the node is shutting down, or has reached its maximum number of kept names meanwhile.
            let _ = self.kept_by.keep(name);
        }
        held || kept
    }

    fn is_held(&self, name: &str) -> bool {
        self.names.lock().contains_key(name)
    }

    /// Removes a holder of a name. Returns `false` if it did not hold the name.
    fn forget(&self, holder: Holder, name: &str) -> bool {
        let mut names = self.names.lock();
        let Some(holders) = names.get_mut(name) else { return false };
        let held = holders.remove(&holder);
        if holders.is_empty() {
            names.remove(name);
        }
        held
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
pub(super) mod tests {
    use super::*;

    /// Keeps at most `max` names, and never its own.
    #[derive(Clone)]
    pub(in super::super) struct Few {
        max: usize,
        kept: Arc<Mutex<BTreeSet<Arc<str>>>>,
    }

    pub(in super::super) const OWN: &str = "own@h:1";

    impl Few {
        pub(in super::super) fn new(max: usize) -> Self {
            Self { max, kept: Arc::default() }
        }

        pub(in super::super) fn kept(&self) -> Vec<String> {
            self.kept.lock().iter().map(ToString::to_string).collect()
        }
    }

    impl Keep for Few {
        fn keep(&self, name: &Arc<str>) -> Result<(), NotKept> {
            let mut kept = self.kept.lock();
            if **name == *OWN {
                return Err(NotKept::OwnName);
            }
            if kept.len() == self.max && !kept.contains(name) {
                return Err(NotKept::TooMany { max: self.max });
            }
            kept.insert(Arc::clone(name));
            Ok(())
        }

        fn let_go(&self, name: &str) -> bool {
            self.kept.lock().remove(name)
        }
    }

    fn one_name() -> (Few, Holds<Few>, Arc<str>) {
        let few = Few::new(2);
        (few.clone(), Holds::new(few), "a@h:1".into())
    }

    #[test]
    fn a_name_is_kept_until_the_last_lets_go_of_it() {
        let (few, holds, name) = one_name();
        let (first, second) = (Holder::discovery(1), Holder::discovery(2));
        for holder in [first, Holder::PROGRAM, second, first] {
            holds.hold(holder, &name).unwrap();
        }
        assert!(holds.release(first, &name) && !holds.release(first, &name));
        assert!(holds.release(Holder::PROGRAM, &name));
        assert_eq!(few.kept(), ["a@h:1"]);
        assert!(holds.release(second, &name) && !holds.release(second, &name));
        assert!(few.kept().is_empty());
    }

    #[test]
    fn a_name_that_cannot_be_kept_is_held_by_nobody() {
        let (few, holds, _) = one_name();
        assert_eq!(holds.hold(Holder::PROGRAM, &OWN.into()), Err(NotKept::OwnName));
        assert!(!holds.release(Holder::PROGRAM, &OWN.into()) && few.kept().is_empty());
    }

    #[test]
    fn the_program_lets_go_of_what_a_peers_list_has_named() {
        let (few, holds, name) = one_name();
        few.keep(&name).unwrap();
        assert!(holds.release(Holder::PROGRAM, &name) && few.kept().is_empty());
    }

    #[test]
    fn whoever_comes_last_decides_however_calls_overtake_each_other() {
        let (few, holds, name) = one_name();
        std::thread::scope(|scope| {
            for holder in [Holder::PROGRAM, Holder::discovery(1)] {
                let (holds, name) = (&holds, &name);
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        holds.hold(holder, name).unwrap();
                        holds.release(holder, name);
                    }
                    if holder == Holder::PROGRAM {
                        holds.hold(holder, name).unwrap();
                    }
                });
            }
        });
        assert_eq!(few.kept(), ["a@h:1"]);
    }
}
