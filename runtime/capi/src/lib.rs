#![doc = include_str!("../README.md")]
//!
//! # Modules
//! - [`api`]: the functions of the interface, in the order of the header;
//! - [`types`]: the types of their arguments and results;
//! - [`limits`]: the limits of the library.
//!
//! The tables of `handles.rs` map handles to objects. Each process of a program is a process of the runtime, which
//! passes everything that it receives to a `queue`. A further process, the guardian of `node.rs`, monitors all of them
//! and learns the reasons of their ends.

pub mod api;
pub mod limits;
pub mod types;

mod boundary;
mod builder;
mod failure;
mod handles;
mod held;
mod log;
mod node;
mod process;
mod queue;
mod signal;
mod sigpipe;
mod wait;
