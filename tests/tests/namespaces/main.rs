//! Nodes in processes of the operating system, each on a machine of its own: a network namespace, behind a bridge
//! that is cut.
//!
//! To be run by `check.sh` beside this file, which makes the namespace that all of this happens in, or says that the
//! system does not allow it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod cuts;
mod lan;
mod links;
mod processes;
