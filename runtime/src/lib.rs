#![cfg_attr(feature = "tokio", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "The protocol of Snow DIST without I/O: sessions, links, monitors and exits."
)]
//!
//! # Modules
#![cfg_attr(feature = "tokio", doc = "- [`guide`]: the first hour, from a service to its operation;")]
//! - [`core`]: the protocol without I/O, which is available without any feature;
#![cfg_attr(
    feature = "rustls",
    doc = "- [`tls`]: TLS as the protocol requires it, for hosts with their own sockets;"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`Node`]: a node, with which a program starts; [`NodeBuilder`]: the settings of a node;"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`Context`]: the actions of a process; [`Received`]: the items that it receives;"
)]
#![cfg_attr(feature = "tokio", doc = "- [`discovery`]: sources of the names by which nodes find each other;")]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`server`]: processes with typed messages: addresses, calls, and a receive loop;"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`supervisor`]: processes that start other processes, and restart them when they fail;"
)]
#![cfg_attr(
    feature = "testing",
    doc = "- [`testing`]: a cluster in one test, on a network that the test can cut and stall;"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`embedding`]: the three ways to embed Snow DIST, and a first program for each;"
)]
#![cfg_attr(feature = "tokio", doc = "- [`observing`]: events, spans and counters for operators;")]
//! - [`Pid`], [`Reason`]: the identity of a process, and the reason of its end.

#[cfg(all(feature = "rustls", not(any(feature = "aws-lc-rs", feature = "ring"))))]
compile_error!("TLS needs a cryptographic provider: choose the feature `aws-lc-rs` or `ring`");

pub mod core;
#[cfg(feature = "tokio")]
#[doc = include_str!("../EMBEDDING.md")]
pub mod embedding {}
#[cfg(feature = "rustls")]
pub mod tls;

#[cfg(feature = "tokio")]
mod about;
#[cfg(feature = "tokio")]
mod builder;
#[cfg(feature = "tokio")]
mod clock;
#[cfg(feature = "tokio")]
mod connect_error;
#[cfg(feature = "tokio")]
pub mod discovery;
#[cfg(feature = "tokio")]
mod error;
#[cfg(feature = "rustls")]
mod file;
#[cfg(feature = "tokio")]
mod foreign;
#[cfg(feature = "tokio")]
#[doc = include_str!("guide/first_hour.md")]
pub mod guide {
    #[doc = include_str!("guide/service.md")]
    pub mod service {}

    #[doc = include_str!("guide/client.md")]
    pub mod client {}

    #[doc = include_str!("guide/supervision.md")]
    pub mod supervision {}

    #[cfg(feature = "testing")]
    #[doc = include_str!("guide/testing.md")]
    pub mod testing {}

    #[doc = include_str!("guide/operation.md")]
    pub mod operation {}
}
#[cfg(feature = "tokio")]
mod net;
#[cfg(feature = "tokio")]
mod network;
#[cfg(feature = "tokio")]
mod node;
#[cfg(feature = "tokio")]
mod notices;
#[cfg(feature = "tokio")]
mod numbers;
#[cfg(feature = "tokio")]
pub mod observing;
#[cfg(feature = "tokio")]
mod peer_info;
#[cfg(feature = "tokio")]
mod prepared;
#[cfg(feature = "tokio")]
mod process;
#[cfg(feature = "tokio")]
mod random;
#[cfg(feature = "tokio")]
mod reloading;
#[cfg(feature = "tokio")]
mod secret;
#[cfg(feature = "tokio")]
pub mod server;
#[cfg(feature = "tokio")]
mod sessions;
#[cfg(feature = "signals")]
pub mod signals;
#[cfg(feature = "tokio")]
mod stats;
#[cfg(feature = "tokio")]
pub mod supervisor;
#[cfg(feature = "tokio")]
mod sync;
#[cfg(feature = "tokio")]
mod tap;
#[cfg(feature = "testing")]
pub mod testing;

pub use core::globals::{NotRegistered, OnConflict};
pub use core::{Allowed, Chain, NodeNumber, Pid, Reason};
/// The codec, whose types appear in signatures of this crate, such as the error of a term.
pub use snow_dist_codec as codec;
pub use snow_dist_codec::{NodeName, NodeNameError, handshake::Capabilities};

#[cfg(feature = "tokio")]
pub use {
    about::{ABOUT_NAME, ABOUT_REQUEST, AboutNode, AboutPeer},
    builder::NodeBuilder,
    connect_error::{ConnectError, Stage},
    core::endpoint::{KeptFor, KeptNode, KeptState, NotDialled, NotKept},
    core::session::{CAPABILITIES, Counts, Timing, Traffic},
    error::{ReloadError, StartError},
    net::{Tcp, TcpListeners},
    network::{Connection, Listener, Network},
    node::Node,
    notices::{ConnectionCounts, RefusedConnections},
    peer_info::PeerInfo,
    prepared::PreparedNode,
    process::{
        Call, CallError, Context, Delegate, EndCounts, GroupChanges, Groups, GroupsError, JoinError, Left,
        Mailbox, Message, MonitorNamedError, MonitorNodeError, MonitorRef, NotHere, Payload, ProcessInfo,
        ProcessStats, Received, Refused, RegisterError, RegisterFunctionError, Replier, ReplyError,
        Selection, SendError, SpawnError, SpawnOnError, SupervisorCounts, Timer, WhenFull,
    },
    stats::{PeerStats, SessionTotals, Stats},
    tap::{Direction, Seen},
};
