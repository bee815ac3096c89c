//! What holds the code against the specification.
//!
//! The vectors are made here, by a layout of their own that knows nothing of the codec's, and run by the tests
//! beside this crate. [`example`] is a whole session as the specification shows it. [`simnet`] is two sessions of the runtime's core on a wire that does what a test says;
//! [`program`] starts nodes and processes, and [`raw_peer`] and [`adapter`] are whom they may have to do with.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    reason = "a test fails by panicking"
)]

pub mod adapter;
pub mod example;
pub mod log;
pub mod program;
pub mod raw_peer;
pub mod requirements;
pub mod run;
pub mod simnet;
pub mod vectors;

/// The programs in the READMEs are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../codec/README.md")]
struct Readmes;
