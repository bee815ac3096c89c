//! The I/O of a node's connections on tokio: sockets, TLS, tasks, wakers and the clock. Everything that the
//! specification decides is in [`core`](crate::core), and the interface to processes is in
//! [`sessions`](crate::sessions).
//!
//! ```text
//! front: what a program asks
//!   |- listening -.                             network, tcp: streams
//!   `- dialling, keeping --+-> connection -> driver -.   ahead, tls: what is read and written of them
//!                          |                `-> Inbound, SessionHandle: the core's connection
//!                          `------------------> Registry: the core's endpoint
//! ```

mod ahead;
mod connection;
mod dialling;
mod driver;
mod front;
mod identity;
mod keeping;
mod listening;
mod tcp;
mod tls;

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::discovery::Holds;
use crate::foreign::Kept;
use crate::network::{Dialler, Listening, Network};
use crate::process::remote::Connections;
use crate::sessions::Registry;
use crate::tap::Tap;
use front::Front;

pub(crate) use identity::Identity;
pub use tcp::{Tcp, TcpListeners};

/// The state that all connections of a node share.
struct Net {
    registry: Arc<Registry>,
    /// The reasons for which nodes are kept connected.
    holds: Arc<Holds<Arc<Registry>>>,
    network: Box<dyn Dialler>,
    identity: Identity,
    tap: Option<Tap>,
    /// `true` if a process that uses a node without a session has it dialled.
    dials_when_needed: bool,
    /// The runtime on which all connections run, whoever asks for them.
    runtime: Handle,
}

/// The program's settings for connections, and the node's cookies and certificates.
pub(crate) struct Habits {
    pub(crate) identity: Identity,
    pub(crate) tap: Option<Tap>,
    /// `true` if a process that uses a node without a session has it dialled.
    pub(crate) dials_when_needed: bool,
}

/// Starts the connections of a node in the current runtime. Incoming connections are accepted once the node is
/// told to.
pub(crate) fn start<N: Network>(
    registry: Arc<Registry>,
    network: N,
    listeners: Vec<Listening<N::Listener>>,
    habits: Habits,
) -> Arc<dyn Connections> {
    let network = Box::new(Kept::new(network));
    let holds = Arc::new(Holds::new(registry.clone()));
    let Habits { identity, tap, dials_when_needed } = habits;
    let runtime = Handle::current();
    let net = Net { registry, holds, network, identity, tap, dials_when_needed, runtime };
    Arc::new(Front::new(Arc::new(net), listeners))
}
