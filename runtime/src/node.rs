//! A node: its name, its processes, its sessions.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use snow_dist_codec::{NodeName, Pid as WirePid};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::builder::NodeBuilder;
use crate::core::handshake::Local;
use crate::core::{Pid, Reason};
use crate::error::{NotLocal, SendError};
use crate::net::{CODE_SHUTDOWN, ConnectError, Net};
use crate::process::{Cell, Context, Exhausted, Interested, Message, Payload, Spawn, Table, spawn};
use crate::session::{SendRefused, SessionHandle, Stop};
use crate::sync::{Mutex, lock};

/// How long the sessions of a node that stops may take to write what is queued.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// The number of no process, which a node's own messages come from.
const NOBODY: u64 = 0;

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
    pub(crate) table: Arc<Table>,
    pub(crate) net: Arc<Net>,
    pub(crate) runtime: Handle,
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

    /// Starts a process: an async function that is given its [`Context`]. It ends with what the function returns:
    /// `()`, a [`Reason`], or a `Result`.
    ///
    /// # Errors
    /// This node has no process number left.
    pub fn spawn<F, Fut>(&self, run: F) -> Result<Pid, Exhausted>
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        spawn(self, Spawn::default(), run)
    }

    /// As [`Node::spawn`], with a mailbox of one's own choice.
    ///
    /// # Errors
    /// This node has no process number left.
    pub fn spawn_with<F, Fut>(&self, how: Spawn, run: F) -> Result<Pid, Exhausted>
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        spawn(self, how, run)
    }

    /// Who is registered under a name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.0.table.whereis(name)
    }

    /// Ends a process of this node, whether it traps exits or not. What is linked to it sees Killed.
    ///
    /// # Errors
    /// It runs on another node.
    pub fn kill(&self, pid: Pid) -> Result<(), NotLocal> {
        if !pid.is_here() {
            return Err(NotLocal);
        }
        if let Some(cell) = self.0.table.get(pid.local()) {
            cell.doom(Reason::Killed);
        }
        Ok(())
    }

    /// Sends a message that comes from no process: as [`Context::send`].
    ///
    /// # Errors
    /// The other node does not take a message that long.
    pub async fn send(&self, to: Pid, payload: impl Payload) -> Result<(), SendError> {
        if to.is_here() {
            self.0.table.send(to.local(), Message::local(payload.into_bytes())).await;
            return Ok(());
        }
        let session = self.session(to);
        self.over(session, async |session| session.send(NOBODY, to.local(), payload.as_bytes()).await).await
    }

    /// Sends a message that comes from no process: as [`Context::send_named`].
    ///
    /// # Errors
    /// As [`Node::send`], or the name is longer than 65 535 bytes.
    pub async fn send_named(&self, name: &str, node: &str, payload: impl Payload) -> Result<(), SendError> {
        self.send_named_from(NOBODY, name, node, payload).await
    }

    pub(crate) async fn send_named_from(
        &self,
        local: u64,
        name: &str,
        node: &str,
        payload: impl Payload,
    ) -> Result<(), SendError> {
        let node = completed(node);
        if node == *self.name() {
            if let Some(pid) = self.whereis(name) {
                self.0.table.send(pid.local(), Message::local(payload.into_bytes())).await;
            }
            return Ok(());
        }
        let session = self.0.net.registry.session_of(&node);
        self.over(session, async |session| session.send_named(local, name, payload.as_bytes()).await).await
    }

    /// Sends over a session; without one the message is dropped.
    async fn over(
        &self,
        session: Option<Arc<SessionHandle>>,
        send: impl AsyncFnOnce(&SessionHandle) -> Result<(), SendRefused>,
    ) -> Result<(), SendError> {
        let sent = match &session {
            Some(session) => send(session).await,
            None => Err(SendRefused::Closed),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(SendRefused::Closed) => {
                self.count_unconnected();
                Ok(())
            }
            Err(SendRefused::TooLong(error)) => Err(error.into()),
        }
    }

    /// Stops the node: takes no connection any more, ends all sessions in order, then all processes.
    pub async fn shutdown(&self) {
        if let Some(listener) = lock(&self.0.listener).take() {
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
        for cell in self.0.table.all() {
            cell.doom(Reason::Shutdown);
        }
    }

    pub(crate) fn monitor_node(&self, cell: &Cell, name: &str) {
        let registry = &self.0.net.registry;
        let interested: Arc<dyn Interested> = registry.clone();
        if cell.attach(&interested) {
            registry.monitor_node(cell.local, &completed(name));
        }
    }

    pub(crate) fn demonitor_node(&self, local: u64, name: &str) {
        self.0.net.registry.demonitor_node(local, &completed(name));
    }

    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.0.table
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// The session with a process's node.
    pub(crate) fn session(&self, pid: Pid) -> Option<Arc<SessionHandle>> {
        let session = self.0.net.registry.session(pid.node())?;
        (session.peer.creation == pid.creation()).then_some(session)
    }

    pub(crate) fn count_unconnected(&self) {
        self.0.table.counts().unconnected.fetch_add(1, Ordering::Relaxed);
    }
}

/// The name as it is announced and compared; what is no node name stays what it is, and matches none.
fn completed(name: &str) -> String {
    NodeName::parse(name).map_or_else(|_| name.to_owned(), |name| name.completed())
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.name())
    }
}
