//! Global names as they are in truth: who was given one, and who has it now.
//!
//! It is kept from what programs ask for and what ends. Of two nodes in a session the one with the smaller incarnation keeps a
//! name; names of nodes decide between equal incarnations, which no two of a run's have.

use std::num::NonZeroU64;

use rustc_hash::FxHashSet;
use snow_dist_runtime::core::globals::OnConflict;

use super::{Checked, Who, check};

/// Global names that processes claim.
pub(crate) const GLOBALS: u8 = 4;

/// A process that has a name, by its number on its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) local: u32,
    pub(crate) on_conflict: OnConflict,
}

/// Who has which name of this cluster's starts.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// By the start of a node, and the number of the name.
    owners: Vec<[Option<Owner>; GLOBALS as usize]>,
    /// Whoever has had a name.
    given: FxHashSet<(u8, Who)>,
    /// And were given it once more.
    again: FxHashSet<(u8, Who)>,
}

const TAKEN: &str = "a global name is given to nobody while somebody is known who has it";
const FOUND: &str = "a global name stands for a process that was given it";
const GIVES_WAY: &str = "who loses a global name has it, and another node that goes before keeps it";

impl Claims {
    fn slot(&mut self, start: u32, name: u8) -> &mut Option<Owner> {
        let start = start as usize;
        self.owners.resize(self.owners.len().max(start + 1), Default::default());
        &mut self.owners[start][usize::from(name)]
    }

    pub(crate) fn owner(&self, start: u32, name: u8) -> Option<Owner> {
        self.owners.get(start as usize).and_then(|names| names[usize::from(name)])
    }

    /// The names of a process, a bit for each.
    pub(crate) fn of(&self, who: Who) -> u8 {
        let has = |name: &u8| self.owner(who.start, *name).is_some_and(|owner| owner.local == who.local);
        (0..GLOBALS).filter(has).fold(0, |names, name| names | 1 << name)
    }

    /// Those of them that it had before, and was without for a time: what it sent then may still be under way.
    pub(crate) fn of_again(&self, who: Who) -> u8 {
        (0..GLOBALS)
            .filter(|name| self.again.contains(&(*name, who)))
            .fold(0, |names, name| names | 1 << name)
    }

    /// A process was given a name.
    pub(crate) fn registered(&mut self, who: Who, name: u8, on_conflict: OnConflict) -> Checked {
        let before = self.slot(who.start, name).replace(Owner { local: who.local, on_conflict });
        if !self.given.insert((name, who)) {
            self.again.insert((name, who));
        }
        check(before.is_none(), TAKEN, || format!("name {name} was that of {before:?}, and {who} has it now"))
    }

    /// A process of this start was not, because of another one.
    pub(crate) fn refused(&self, start: u32, name: u8, by: Option<Who>) -> Checked {
        let Some(by) = by else { return check(false, FOUND, || format!("name {name} of nobody")) };
        self.was_given(name, by)?;
        let has_it = by.start != start || self.owner(start, name).is_some_and(|it| it.local == by.local);
        check(has_it, TAKEN, || format!("name {name} is refused because of {by}, who gave it back"))
    }

    pub(crate) fn was_given(&self, name: u8, who: Who) -> Checked {
        check(self.given.contains(&(name, who)), FOUND, || format!("name {name} of {who}"))
    }

    pub(crate) fn taken_back(&mut self, start: u32, name: u8) -> Option<Owner> {
        self.slot(start, name).take()
    }

    /// A process has ended. Gives how many names it had.
    pub(crate) fn ended(&mut self, who: Who) -> u32 {
        let names = self.of(who);
        (0..GLOBALS)
            .filter(|name| names >> name & 1 == 1)
            .for_each(|name| *self.slot(who.start, name) = None);
        names.count_ones()
    }

    /// A start of a node is gone.
    pub(crate) fn gone(&mut self, start: u32) {
        (0..GLOBALS).for_each(|name| *self.slot(start, name) = None);
    }

    /// A process of this start loses a name to another one.
    pub(crate) fn lost(
        &mut self,
        (start, name): (u32, u8),
        loser: Owner,
        winner: Who,
        starts: &[NonZeroU64],
    ) -> Checked {
        self.was_given(name, winner)?;
        let goes_before = starts[winner.start as usize] < starts[start as usize];
        let had = self.slot(start, name).take();
        check(had == Some(loser) && goes_before, GIVES_WAY, || {
            format!("{loser:?} of start {start} loses name {name}, which {had:?} had, to {winner}")
        })
    }

    /// Who must be found under a name where these starts are known: the one that goes before all others.
    pub(crate) fn holder(&self, name: u8, known: &[u32], starts: &[NonZeroU64]) -> Option<Who> {
        let owners = known.iter().filter_map(|start| {
            self.owner(*start, name).map(|owner| Who { start: *start, local: owner.local })
        });
        owners.min_by_key(|who| starts[who.start as usize])
    }

    /// How many of these starts own a name.
    pub(crate) fn owners(&self, name: u8, known: &[u32]) -> usize {
        known.iter().filter(|start| self.owner(**start, name).is_some()).count()
    }
}

/// The name of a number.
pub(crate) fn global_name(number: u8) -> String {
    format!("global {number}")
}

/// The number of a name.
pub(crate) fn global_of(name: &str) -> Option<u8> {
    name.strip_prefix("global ")?.parse().ok().filter(|number| *number < GLOBALS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_goes_before_is_found_and_nobody_else_loses() {
        let starts = [7, 5, 6].map(|it| NonZeroU64::new(it).unwrap_or(NonZeroU64::MIN));
        let who = |start| Who { start, local: start + 1 };
        let mut claims = Claims::default();
        for start in 0..3 {
            assert_eq!(claims.registered(who(start), 2, OnConflict::Exit), Ok(()));
        }
        assert_eq!(claims.holder(2, &[0, 1, 2], &starts), Some(who(1)));
        assert_eq!(claims.holder(2, &[0, 2], &starts), Some(who(2)));
        let owner = |local| Owner { local, on_conflict: OnConflict::Exit };
        assert_eq!(claims.lost((0, 2), owner(1), who(1), &starts), Ok(()));
        assert!(claims.lost((0, 2), owner(1), who(1), &starts).is_err());
        assert!(claims.lost((1, 2), owner(2), who(2), &starts).is_err());
        assert!(claims.registered(who(2), 2, OnConflict::Exit).is_err());
    }

    #[test]
    fn names_go_with_their_process() {
        let (one, other) = (Who { start: 0, local: 1 }, Who { start: 0, local: 2 });
        let mut claims = Claims::default();
        assert_eq!(claims.registered(one, 0, OnConflict::Tell), Ok(()));
        assert_eq!(claims.registered(other, 1, OnConflict::Tell), Ok(()));
        assert_eq!((claims.of(one), claims.of(other)), (1, 2));
        assert_eq!((claims.ended(one), claims.of(one), claims.of(other)), (1, 0, 2));
        assert!(claims.refused(0, 0, Some(one)).is_err());
        assert_eq!(claims.refused(0, 1, Some(other)), Ok(()));
    }
}
