//! Real nodes over real TLS, one topic in each file: what a process sees of another node, and what a peer sees of a
//! node.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bounds;
mod calls;
mod certificates;
mod cookies;
mod dials;
mod discovery;
mod dns;
mod events;
mod exits;
mod failures;
mod fragments;
mod frames;
mod globals;
mod groups;
mod heartbeat;
mod kubernetes;
mod links;
mod mailboxes;
mod mesh;
mod messages;
mod monitors;
mod names;
mod namesakes;
mod node_monitors;
mod originals;
mod outliving;
mod prepared;
mod remote_exits;
mod restarts;
mod runtimes;
mod shares;
mod shutdown;
mod spawns;
mod stats;
mod supervision;
mod third_nodes;
mod tls;
mod unfinished;
mod unlinks;
mod version_1;
