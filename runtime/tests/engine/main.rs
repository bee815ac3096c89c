//! Whole nodes on the engine alone: no socket, no clock, no task, and nothing but what an embedder has.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod calls;
mod counting;
mod endings;
mod globals;
mod host;
mod misuse;
mod node;
mod sessions;
mod streams;
