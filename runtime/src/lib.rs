//! Nodes of Snow DIST: processes on different machines that send to each other, link and monitor, and learn of
//! each other's end.
//!
//! # Rooms
//! - [`core`]: the protocol, pure; all that is left without the feature `tokio`.

pub mod core;
