//! The processes of the nodes, which play the process table and the programs: what they do, what they are given, and how
//! their ends are told.

mod acts;
mod calls;
mod delivery;
mod names;
mod table;

pub(crate) use acts::Wish;
pub(crate) use table::Table;
