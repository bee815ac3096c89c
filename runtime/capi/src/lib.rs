#![doc = include_str!("../README.md")]
//!
//! # Rooms
//! - [`api`]: the functions, as C sees them, in the order of the header;
//! - [`types`]: what they take and give; [`limits`]: how much of it.
//!
//! What a handle stands for is kept in the tables of `handles.rs`. A program's processes are each a process of the runtime
//! that hands on what it receives to a `queue`; another one, the guardian of `node.rs`, learns why they ended.

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
