//! Nodes of Snow DIST: processes on different machines that send to each other, link and monitor, and learn of
//! each other's end.
//!
//! # Rooms
//! - [`core`]: the protocol, pure; all that is left without the feature `tokio`.

pub mod core;

#[cfg(feature = "tokio")]
mod builder;
#[cfg(feature = "tokio")]
mod error;
#[cfg(feature = "tokio")]
mod net;
#[cfg(feature = "tokio")]
mod node;
#[cfg(feature = "tokio")]
mod process;
#[cfg(feature = "tokio")]
mod session;

pub use core::{Chain, NodeNumber, Pid, Reason};

#[cfg(feature = "tokio")]
pub use {
    builder::NodeBuilder,
    core::session::Timing,
    error::StartError,
    net::{ConnectError, Direction, Seen, TlsError},
    node::Node,
    process::{
        Context, LocalNode, Mailbox, Message, MonitorRef, NotHere, Payload, Received, Refused, RegisterError,
        SendError, SpawnError, WhenFull,
    },
};
