//! What moves the bytes of a node's connections, on tokio: sockets, TLS, tasks, wakers and the clock. All that the specification
//! decides is in [`core`](crate::core), and what processes have to do with it in [`sessions`](crate::sessions).
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
use crate::tls::TlsError;
use front::Front;
use tls::Tls;

pub use tcp::{Tcp, TcpListeners};

/// What all connections of a node share.
struct Net {
    registry: Arc<Registry>,
    /// Who wants which nodes kept connected.
    holds: Arc<Holds<Arc<Registry>>>,
    network: Box<dyn Dialler>,
    tls: Tls,
    tap: Option<Tap>,
    /// Whether a process that turns to a node without a session has it dialled.
    dials_when_needed: bool,
    /// On which all connections run, whoever asks for them.
    runtime: Handle,
}

/// What a program wants of the connections of its node.
pub(crate) struct Habits {
    /// The keys of all channels are written to a file.
    pub(crate) key_log: bool,
    pub(crate) tap: Option<Tap>,
    /// A process that turns to a node without a session has it dialled.
    pub(crate) dials_when_needed: bool,
}

/// Makes connections from now on, and takes them once it is told to, in the runtime in which this is called.
pub(crate) fn start<N: Network>(
    registry: Arc<Registry>,
    network: N,
    listeners: Vec<Listening<N::Listener>>,
    habits: Habits,
) -> Result<Arc<dyn Connections>, TlsError> {
    let network = Box::new(Kept::new(network));
    let holds = Arc::new(Holds::new(registry.clone()));
    let Habits { key_log, tap, dials_when_needed } = habits;
    let (tls, runtime) = (Tls::new(key_log)?, Handle::current());
    let net = Net { registry, holds, network, tls, tap, dials_when_needed, runtime };
    Ok(Arc::new(Front::new(Arc::new(net), listeners)))
}
