#![cfg_attr(feature = "tokio", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "The protocol of Snow DIST, pure: sessions, links, monitors and exits."
)]
//!
//! # Rooms
//! - [`core`]: the protocol, pure; all that is left without features;
#![cfg_attr(
    feature = "rustls",
    doc = "- [`tls`]: TLS as the protocol asks for it, for hosts with sockets of their own;"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`Node`]: how a program begins; [`NodeBuilder`]: what can be chosen then;"
)]
#![cfg_attr(feature = "tokio", doc = "- [`Context`]: what a process can do; [`Received`]: what it receives;")]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`discovery`]: how nodes find each other, and where their names come from;"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`server`]: processes whose messages have a type: addresses, calls, and a loop over both;"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`supervisor`]: processes that start others, and start them again when they fail;"
)]
#![cfg_attr(
    feature = "testing",
    doc = "- [`testing`]: a whole cluster in one test, on a network that it cuts and stalls;"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "- [`embedding`]: three ways in, which to take, and a first program for each;"
)]
#![cfg_attr(feature = "tokio", doc = "- [`observing`]: what an operator sees: events, spans, counts;")]
//! - [`Pid`], [`Reason`]: who a process is, and why it ended.

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
#[cfg(feature = "tokio")]
mod foreign;
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
pub use core::{Chain, NodeNumber, Pid, Reason};
/// The codec whose types stand in signatures here, such as that of a term's error.
pub use snow_dist_codec as codec;
pub use snow_dist_codec::{NodeName, NodeNameError, handshake::Capabilities};

#[cfg(feature = "tokio")]
pub use {
    about::{ABOUT_NAME, ABOUT_REQUEST, AboutNode, AboutPeer},
    builder::NodeBuilder,
    connect_error::{ConnectError, Stage},
    core::endpoint::{KeptFor, KeptNode, KeptState, NotDialled, NotKept},
    core::handshake::{PeerLists, RemoteExit, Version1},
    core::session::{CAPABILITIES, Counts, Timing, Traffic},
    error::StartError,
    net::{Tcp, TcpListeners},
    network::{Connection, Listener, Network},
    node::Node,
    notices::{ConnectionCounts, RefusedConnections},
    peer_info::PeerInfo,
    prepared::PreparedNode,
    process::{
        Allowed, Call, CallError, Context, Delegate, EndCounts, GroupChanges, Groups, GroupsError, JoinError,
        Left, Mailbox, Message, MonitorNamedError, MonitorNodeError, MonitorRef, NotHere, Payload,
        ProcessInfo, ProcessStats, Received, Refused, RegisterError, RegisterFunctionError, Replier,
        ReplyError, Selection, SendError, SpawnError, SpawnOnError, Timer, WhenFull,
    },
    stats::{PeerStats, SessionTotals, Stats},
    tap::{Direction, Seen},
};
