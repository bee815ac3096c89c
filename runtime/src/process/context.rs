//! A process, as it sees itself.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;
use snow_dist_codec::stf;

use super::cell::{Cell, is_down_of};
use super::spawn::{Tie, start};
use super::{Exhausted, Message, MonitorRef, NameTaken, Payload, Received, Spawn};
use crate::core::{Pid, Reason};
use crate::error::{LinkError, NotLocal, SendError, SendTermError};
use crate::node::Node;
use crate::session::{SendRefused, SessionHandle};

/// Bytes of received remote messages that are reported together.
const RELEASED_BYTES: usize = 64 << 10;

/// What a process can do. It is handed to the process's function, and belongs to it alone.
///
/// ```no_run
/// # fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::Received;
///
/// node.spawn(async |mut ctx| {
///     ctx.trap_exit(true);
///     while let Received::Message(message) = ctx.recv().await {
///         println!("{} bytes", message.as_bytes().len());
///     }
/// })?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Context {
    node: Node,
    cell: Arc<Cell>,
    /// What has been taken out of the mailbox and not been received.
    taken: VecDeque<Received>,
    /// Whether the mailbox counts what is received.
    bounded: bool,
    /// Bytes of remote messages that were received and are still counted.
    unreleased: usize,
    /// The session that was used last: messages go out in runs.
    route: Option<Arc<SessionHandle>>,
}

impl Context {
    pub(super) const fn new(node: Node, cell: Arc<Cell>) -> Self {
        Self { node, cell, taken: VecDeque::new(), bounded: false, unreleased: 0, route: None }
    }

    /// This process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.node.table().pid(self.cell.local)
    }

    /// The node it runs on.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    // Receiving.

    /// Takes the next of the mailbox, and waits for it if there is none. Cancelling loses nothing.
    pub async fn recv(&mut self) -> Received {
        poll_fn(|cx| {
            if self.taken.is_empty() {
                self.bounded = self.cell.take_mail(&mut self.taken, cx.waker());
            }
            self.taken.pop_front().map_or(Poll::Pending, |received| Poll::Ready(self.received(received)))
        })
        .await
    }

    /// As [`Context::recv`], but gives up after `time`.
    pub async fn recv_timeout(&mut self, time: Duration) -> Option<Received> {
        tokio::time::timeout(time, self.recv()).await.ok()
    }

    /// Takes the first of the mailbox that is `wanted`, and leaves what stands before it. Cancelling loses nothing.
    pub async fn recv_where(&mut self, mut wanted: impl FnMut(&Received) -> bool) -> Received {
        let mut seen = 0;
        poll_fn(|cx| {
            loop {
                let found = self.taken.iter().skip(seen).position(&mut wanted);
                if let Some(received) = found.and_then(|index| self.taken.remove(seen + index)) {
                    return Poll::Ready(self.received(received));
                }
                seen = self.taken.len();
                self.bounded = self.cell.take_mail(&mut self.taken, cx.waker());
                if self.taken.len() == seen {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// As [`Context::recv_where`], but gives up after `time`.
    pub async fn recv_where_timeout(
        &mut self,
        time: Duration,
        wanted: impl FnMut(&Received) -> bool,
    ) -> Option<Received> {
        tokio::time::timeout(time, self.recv_where(wanted)).await.ok()
    }

    fn received(&mut self, received: Received) -> Received {
        if let Received::Message(message) = &received {
            self.unreleased += message.held_bytes();
            if self.unreleased >= RELEASED_BYTES || self.taken.is_empty() {
                self.node.table().release(std::mem::take(&mut self.unreleased));
            }
            if self.bounded {
                self.cell.received();
            }
        }
        received
    }

    // Sending.

    /// Sends a message. It waits while the session's queue, or a bounded mailbox of this node, is full. A message to
    /// a process that has ended, or to a node without a session, is dropped.
    ///
    /// # Errors
    /// The other node does not take a message that long.
    pub async fn send(&mut self, to: Pid, payload: impl Payload) -> Result<(), SendError> {
        if to.is_here() {
            self.node.table().send(to.local(), Message::local(payload.into_bytes())).await;
            return Ok(());
        }
        let local = self.cell.local;
        let Some(session) = self.route(to) else {
            self.node.count_unconnected();
            return Ok(());
        };
        match session.send(local, to.local(), payload.as_bytes()).await {
            Ok(()) => Ok(()),
            Err(SendRefused::Closed) => {
                self.route = None;
                self.node.count_unconnected();
                Ok(())
            }
            Err(SendRefused::TooLong(error)) => Err(error.into()),
        }
    }

    /// Sends a value as a term.
    ///
    /// # Errors
    /// A term cannot say the value; or as [`Context::send`].
    pub async fn send_term(&mut self, to: Pid, value: &impl Serialize) -> Result<(), SendTermError> {
        let term = stf::to_vec(value)?;
        Ok(self.send(to, term).await?)
    }

    /// Sends a message to whoever is registered under `name` on `node`; this node's own name stands for itself. If
    /// nobody is, or there is no session, it is dropped.
    ///
    /// # Errors
    /// As [`Context::send`], or the name is longer than 65 535 bytes.
    pub async fn send_named(
        &mut self,
        name: &str,
        node: &str,
        payload: impl Payload,
    ) -> Result<(), SendError> {
        self.node.send_named_from(self.cell.local, name, node, payload).await
    }

    /// The session with the node of a process, if there is one.
    fn route(&mut self, to: Pid) -> Option<&Arc<SessionHandle>> {
        let known = self.route.as_ref().is_some_and(|route| route.peer.number == to.node());
        if !known {
            self.route = self.node.session(to);
        }
        self.route.as_ref().filter(|route| route.peer.creation == to.creation())
    }

    // Links and monitors.

    /// Links this process with another: when one ends, the other gets an exit signal. If the other has ended
    /// already, or there is no session with its node, the signal comes at once.
    ///
    /// # Errors
    /// The other node holds no more links and monitors for this one.
    pub async fn link(&mut self, other: Pid) -> Result<(), LinkError> {
        let table = self.node.table();
        if other.is_here() {
            table.link(&self.cell, other.local());
            return Ok(());
        }
        if let Some(session) = self.attached(other)
            && let Ok(linked) = session.link(self.cell.local, other.local()).await
        {
            return Ok(linked?);
        }
        self.cell.exits([other], &Reason::Noconnection);
        Ok(())
    }

    /// Ends a link: no exit signal comes of it any more.
    pub fn unlink(&mut self, other: Pid) {
        if other.is_here() {
            self.node.table().unlink(&self.cell, other.local());
        } else if let Some(session) = self.node.session(other) {
            // In a session that has ended, no link is left.
            let _ = session.unlink(self.cell.local, other.local());
        }
    }

    /// Watches a process: when it ends, [`Received::Down`] comes, once. If it has ended already, or there is no
    /// session with its node, that comes at once.
    ///
    /// # Errors
    /// The other node holds no more links and monitors for this one.
    pub async fn monitor(&mut self, other: Pid) -> Result<MonitorRef, LinkError> {
        let table = self.node.table();
        let monitor = MonitorRef { reference: table.next_reference(), pid: other };
        if other.is_here() {
            table.monitor(&self.cell, monitor);
            return Ok(monitor);
        }
        if let Some(session) = self.attached(other) {
            let (local, remote) = (self.cell.local, other.local());
            if let Ok(watched) = session.monitor(local, remote, monitor.reference).await {
                watched?;
                return Ok(monitor);
            }
        }
        self.cell.push_signal(Received::Down { monitor, reason: Reason::Noconnection });
        Ok(monitor)
    }

    /// Ends a monitor: no DOWN comes of it any more, though one may be in the mailbox. False if it was over.
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        if monitor.pid.is_here() {
            return self.node.table().demonitor(&self.cell, monitor);
        }
        self.node.session(monitor.pid).is_some_and(|session| session.demonitor(monitor.reference) == Ok(true))
    }

    /// As [`Context::demonitor`], and takes a DOWN of it out of the mailbox.
    pub fn demonitor_flush(&mut self, monitor: MonitorRef) {
        self.demonitor(monitor);
        self.taken.retain(|received| !is_down_of(received, monitor));
        self.cell.flush(monitor);
    }

    /// The session with a process's node, once it will be told of this process's end.
    fn attached(&self, other: Pid) -> Option<Arc<SessionHandle>> {
        let session = self.node.session(other)?;
        let interested: Arc<dyn super::Interested> = session.clone();
        self.cell.attach(&interested).then_some(session)
    }

    /// Tells this process of nodeup and nodedown of a node, from now on.
    pub fn monitor_node(&mut self, name: &str) {
        self.node.monitor_node(&self.cell, name);
    }

    /// Tells it no longer.
    pub fn demonitor_node(&mut self, name: &str) {
        self.node.demonitor_node(self.cell.local, name);
    }

    // Ending.

    /// Whether exit signals come as [`Received::Exit`] instead of ending this process. At first they do not.
    pub fn trap_exit(&mut self, traps: bool) {
        self.cell.set_traps(traps);
    }

    /// Ends this process with a reason.
    pub async fn exit(&mut self, reason: Reason) -> Infallible {
        self.cell.doom(reason);
        pending().await
    }

    /// Ends a process of this node, whether it traps exits or not. What is linked to it sees Killed.
    ///
    /// # Errors
    /// It runs on another node: kill is local.
    pub fn kill(&self, pid: Pid) -> Result<(), NotLocal> {
        self.node.kill(pid)
    }

    // Other processes.

    /// Starts a process.
    ///
    /// # Errors
    /// This node has no process number left.
    pub fn spawn<F, Fut>(&self, run: F) -> Result<Pid, Exhausted>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.node.spawn(run)
    }

    /// Starts a process that is linked with this one from its beginning.
    ///
    /// # Errors
    /// This node has no process number left.
    pub fn spawn_link<F, Fut>(&self, run: F) -> Result<Pid, Exhausted>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        start(&self.node, Spawn::default(), Tie::LinkedTo(&self.cell), run)
    }

    /// Starts a process that this one watches from its beginning.
    ///
    /// # Errors
    /// This node has no process number left.
    pub fn spawn_monitor<F, Fut>(&self, run: F) -> Result<MonitorRef, Exhausted>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        let reference = self.node.table().next_reference();
        let pid = start(&self.node, Spawn::default(), Tie::WatchedBy(&self.cell, reference), run)?;
        Ok(MonitorRef { reference, pid })
    }

    /// Registers this process under a name, until it ends. It may have several.
    ///
    /// # Errors
    /// The name is taken.
    pub fn register(&self, name: &str) -> Result<(), NameTaken> {
        self.node.table().register(name, &self.cell)
    }

    /// Ends a registration of this process. False if there was none.
    pub fn unregister(&self, name: &str) -> bool {
        self.node.table().unregister(name, &self.cell)
    }

    /// Who is registered under a name on this node.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.node.whereis(name)
    }
}

/// What was taken and not received counts no longer.
impl Drop for Context {
    fn drop(&mut self) {
        let taken: usize = self.taken.iter().map(Received::held_bytes).sum();
        self.node.table().release(self.unreleased + taken);
    }
}
