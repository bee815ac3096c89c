//! Nodes on several hosts, each with the production driver, TLS and handshake, on a network and a clock that turmoil
//! simulates: partitions, holds, latency, crashes and restarts.
//!
//! What the network does follows a seed. Keys and challenges are random all the same, and so is the order in which a
//! table hands out many exits: nothing here depends on either.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod cluster;
mod crashes;
mod dials;
mod holds;
mod partitions;
mod storms;
mod witness;
