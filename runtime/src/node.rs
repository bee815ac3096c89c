//! A node: its name, its processes, its sessions.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::Pid as WirePid;
use tokio::task::AbortHandle;

use crate::builder::NodeBuilder;
use crate::core::handshake::Local;
use crate::core::{Pid, Reason};
use crate::net::{CODE_SHUTDOWN, ConnectError, Net};
use crate::process::sync::Mutex;
use crate::process::{
    Context, LocalNode, Mailbox, NotHere, Payload, RegisterError, SendError, SpawnError, completed,
};
use crate::session::Stop;

/// How long the sessions of a node that stops may take to write what is queued.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// A node of the system. Cheap to clone: all clones are the same node.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::Node;
///
/// let node = Node::builder("a@127.0.0.1:4000").cookie_file("cookie").start().await?;
/// node.connect("b@127.0.0.1:4001").await?;
/// node.shutdown().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Node(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) local: Arc<Local>,
    pub(crate) processes: LocalNode,
    pub(crate) net: Arc<Net>,
    pub(crate) listener: Mutex<Option<AbortHandle>>,
}

impl Node {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// A node of this name: `name@host:port`, where others find it. Port 9000 if it says none; port 0 lets the
    /// system choose, and the node announces what was chosen.
    pub fn builder(name: impl Into<String>) -> NodeBuilder {
        NodeBuilder::new(name.into())
    }

    /// The node's name, with its port.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.local.name()
    }

    /// The number of this start of the node.
    #[must_use]
    pub fn incarnation(&self) -> NonZeroU64 {
        self.0.local.incarnation()
    }

    /// The creation in the pids of its processes.
    #[must_use]
    pub fn creation(&self) -> u8 {
        self.0.local.creation()
    }

    // Other nodes.

    /// Makes sure that there is a session with a node.
    ///
    /// # Errors
    /// There is none, and why.
    pub async fn connect(&self, name: &str) -> Result<(), ConnectError> {
        self.0.net.connect(name).await
    }

    /// Ends the session with a node. False if there is none.
    pub fn disconnect(&self, name: &str) -> bool {
        let session = self.0.net.registry.session_of(&completed(name));
        if let Some(session) = &session {
            session.stop(CODE_SHUTDOWN, "disconnected", Stop { patience: SHUTDOWN_PATIENCE });
        }
        session.is_some()
    }

    /// The names of all nodes with which there is a session, in order.
    #[must_use]
    pub fn nodes(&self) -> Vec<Arc<str>> {
        self.0.net.registry.nodes()
    }

    /// The process of this number on another node, if there is a session with it. Whether there is such a process,
    /// only that node knows.
    #[must_use]
    pub fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        if local > WirePid::LOCAL_MAX {
            return None;
        }
        let session = self.0.net.registry.session_of(&completed(node))?;
        Some(Pid::new(session.peer.number, session.peer.creation, local))
    }

    // Processes.

    /// The processes of this node, without what they have to do with others.
    #[must_use]
    pub fn processes(&self) -> &LocalNode {
        &self.0.processes
    }

    /// Starts a process: an async function that is given its [`Context`]. It ends with what the function returns:
    /// `()`, a [`Reason`], or a `Result` of one of them, whose error becomes [`Reason::Error`]. A panic ends it with an
    /// error.
    ///
    /// # Errors
    /// No process can be started any more.
    pub fn spawn<F, Fut>(&self, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.0.processes.spawn(start)
    }

    /// As [`Node::spawn`], with a mailbox of one's choice.
    ///
    /// # Errors
    /// No process can be started any more.
    pub fn spawn_with<F, Fut>(&self, mailbox: Mailbox, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.0.processes.spawn_with(mailbox, start)
    }

    /// Registers a process of this node under a name, until it ends.
    ///
    /// # Errors
    /// The name is taken, or there is no such process on this node.
    pub fn register(&self, name: &str, pid: Pid) -> Result<(), RegisterError> {
        self.0.processes.register(name, pid)
    }

    /// Who is registered under a name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.0.processes.whereis(name)
    }

    /// Ends a process of this node, whether it traps exits or not. What is linked to it sees Killed.
    ///
    /// # Errors
    /// It runs on another node.
    pub fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        self.0.processes.kill(pid)
    }

    /// Sends a message that comes from no process: as [`Context::send`].
    ///
    /// # Errors
    /// The other node does not take a message that long.
    pub async fn send(&self, to: Pid, message: impl Payload) -> Result<(), SendError> {
        self.0.processes.send(to, message).await
    }

    /// Sends a message that comes from no process: as [`Context::send_named`].
    ///
    /// # Errors
    /// As [`Node::send`], or the name is longer than 65 535 bytes.
    pub async fn send_named(&self, name: &str, node: &str, message: impl Payload) -> Result<(), SendError> {
        self.0.processes.send_named(name, node, message).await
    }

    /// Stops the node: takes no connection any more, ends all sessions in order, then all processes.
    pub async fn shutdown(&self) {
        if let Some(listener) = self.0.listener.lock().take() {
            listener.abort();
        }
        let registry = &self.0.net.registry;
        registry.close(CODE_SHUTDOWN, "the node stops", Stop { patience: SHUTDOWN_PATIENCE });
        loop {
            let changed = registry.changed();
            if registry.is_idle() {
                break;
            }
            changed.await;
        }
        self.0.processes.table().doom_all(&Reason::Shutdown);
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.name())
    }
}
