//! A peer under the test's control: it makes or takes TLS connections, holds the handshake as a node does or in any
//! other way, and then says whatever bytes it is given and reads what is answered.

pub mod by_hand;
mod node;
mod original;
mod relay;
mod session;
mod tls;
mod version_1;
mod wire;

pub use node::{Challenged, NoSession, RawNode};
pub use original::{Original, Orphan, Refused};
pub use relay::{Edit, Relay};
pub use session::{RawSession, Seen};
pub use tls::{
    Listener, client_config, connect, connect_from, connect_tls12, over, over_with, server_config,
};
pub use version_1::{OldNode, OldWire};
pub use wire::{Heard, Wire};

/// Host and port of a node's name.
#[must_use]
pub fn address(name: &str) -> &str {
    name.split_once('@').unwrap().1
}
