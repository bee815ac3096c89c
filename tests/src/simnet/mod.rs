//! Two nodes on a simulated wire, in virtual time.
//!
//! Both ends are the sessions that run in production. Nothing here sleeps or draws a number: who acts, how many
//! bytes arrive and when the connection is lost is said by the test.

mod pair;
mod table;
mod wire;

pub use pair::{End, Pair, Side};
pub use table::{Seen, Table, pids_of};
