//! A node, as a program has it: its processes, and what they have to do with other nodes.

use std::future::Future;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use snow_dist_codec::Pid as WirePid;

use crate::builder::NodeBuilder;
use crate::connect_error::ConnectError;
use crate::core::endpoint::{KeptNode, NotKept};
use crate::core::globals::{NotRegistered, OnConflict};
use crate::core::{Pid, Reason, Term};
use crate::discovery::{DiscoverError, Discovering, Discovery, DiscoveryStatus, Planned};
use crate::notices::ConnectionCounts;
use crate::peer_info::PeerInfo;
use crate::process::remote::Sender;
use crate::process::table::{ProcessTable, Tie};
use crate::process::{
    Context, Delegate, Groups, GroupsError, Left, Mailbox, NotHere, Payload, RegisterError, SendError,
    SpawnError,
};
use crate::process::{groups, term};
#[cfg(not(all(test, shuttle)))]
use crate::sync::Executor;

/// A node of the system. Cheap to clone: all clones are the same node. It is there as long as a clone, a process or
/// a session of it is; [`shutdown`](Node::shutdown) ends it in order.
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
#[derive(Clone, Debug)]
pub struct Node {
    table: Arc<ProcessTable>,
}

impl Node {
    /// A node of this name: `name@host:port`, where others find it. Port 9000 if it says none; port 0 lets the
    /// system choose, and the node announces what was chosen.
    pub fn builder(name: impl Into<String>) -> NodeBuilder {
        NodeBuilder::new(name.into())
    }

    /// A node that is connected to nothing and has no name. Its processes run on this runtime, whose time must be
    /// enabled for receiving with a timeout.
    #[cfg(not(all(test, shuttle)))]
    #[must_use]
    pub fn alone(runtime: tokio::runtime::Handle) -> Self {
        Self::of(ProcessTable::new("", 1, Executor(runtime)))
    }

    /// The node of a table.
    pub(crate) const fn of(table: Arc<ProcessTable>) -> Self {
        Self { table }
    }

    pub(crate) const fn table(&self) -> &Arc<ProcessTable> {
        &self.table
    }

    fn sender(&self) -> Sender<'static> {
        Sender::program(self.table.pid(0))
    }

    /// The node's name, with its port; empty if it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.table.node()
    }

    /// Starts a process: it ends when the function's future is done, with the reason that its output stands for.
    /// A panic ends it with an error.
    ///
    /// # Errors
    /// No process can be started any more.
    pub fn spawn<F, Fut>(&self, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.spawn_with(Mailbox::default(), start)
    }

    /// [`spawn`](Self::spawn) with a mailbox of one's choice.
    ///
    /// # Errors
    /// No process can be started any more.
    pub fn spawn_with<F, Fut>(&self, mailbox: Mailbox, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.table.spawn(mailbox, Tie::None, start)
    }

    /// Sends a message from the program, as [`Context::send`] does from a process.
    ///
    /// # Errors
    /// [`SendError::Refused`]: the other node does not take it.
    pub async fn send(&self, to: Pid, message: impl Payload) -> Result<(), SendError> {
        self.table.send(self.sender(), to, message).await
    }

    /// Sends a value as a term (STF) from the program, as [`Context::send_term`] does from a process.
    ///
    /// # Errors
    /// As [`Context::send_term`].
    pub async fn send_term(&self, to: Pid, value: &(impl Serialize + ?Sized)) -> Result<(), SendError> {
        self.send_written_term(to, term::write(value)?).await
    }

    /// Sends a term that is written already from the program, as [`Context::send_written_term`] does from a process.
    ///
    /// # Errors
    /// As [`Context::send_written_term`].
    pub async fn send_written_term(&self, to: Pid, term: Term) -> Result<(), SendError> {
        self.table.send_term(self.sender(), to, term).await
    }

    /// Sends a message from the program to a name, as [`Context::send_named`] does from a process.
    ///
    /// # Errors
    /// As [`Context::send_named`].
    pub async fn send_named(&self, name: &str, node: &str, message: impl Payload) -> Result<(), SendError> {
        self.table.send_named(self.sender(), name, node, message).await
    }

    /// Sends a value as a term (STF) from the program to a name, as [`Context::send_named_term`] does from a process.
    ///
    /// # Errors
    /// As [`Context::send_named_term`].
    pub async fn send_named_term(
        &self,
        name: &str,
        node: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), SendError> {
        self.table.send_named_term(self.sender(), name, node, term::write(value)?).await
    }

    /// Kills a process, as [`Context::kill`] does.
    ///
    /// # Errors
    /// The process runs on another node.
    pub fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        self.table.kill(pid)
    }

    /// Registers a process under a name, until it ends. Any text of up to
    /// [`PROCESS_NAME_BYTES_MAX`](crate::core::limits::PROCESS_NAME_BYTES_MAX) bytes is a name; one of more than
    /// [`MONITORED_NAME_BYTES_MAX`](crate::core::limits::MONITORED_NAME_BYTES_MAX) is monitored by no other node.
    ///
    /// # Errors
    /// The name is taken or too long, or there is no such process on this node.
    pub fn register(&self, name: &str, pid: Pid) -> Result<(), RegisterError> {
        self.table.register(name, pid)
    }

    /// Takes a name away from whoever has it; gives who had it. The name `groups` stays with the server of the
    /// node's groups while that runs, and the answer is `None`.
    pub fn unregister(&self, name: &str) -> Option<Pid> {
        self.table.unregister(name)
    }

    /// Who is registered under a name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.table.whereis(name)
    }

    /// Returns all names that are registered on this node, in order, with who has each.
    #[must_use]
    pub fn registered(&self) -> Vec<(Arc<str>, Pid)> {
        self.table.registered()
    }

    /// Returns the groups of this node. The first call starts their server, a process that is registered as `groups`: from then on
    /// this node takes part in the groups of all nodes that it is connected with ([`Groups`]). A node on which nobody calls this
    /// knows no groups, and they cost it nothing.
    ///
    /// # Errors
    /// Returns [`GroupsError`] if another process has the name `groups`, or no process can be started any more.
    pub fn groups(&self) -> Result<Groups, GroupsError> {
        groups::start(&self.table)
    }

    /// Returns the groups of this node if their server runs, and starts none.
    #[must_use]
    pub fn groups_started(&self) -> Option<Groups> {
        groups::started(&self.table)
    }

    /// Registers a process of this node under a name that holds for all nodes, until it ends. Every connected node is told,
    /// and each node that connects later. [`whereis_global`](Self::whereis_global) finds the process from there.
    ///
    /// Two nodes that do not know of each other can register the same name, at the same moment or while the network is
    /// parted. When they hear of each other, the claim of the node with the smaller incarnation stays, and the other process
    /// loses the name: with [`OnConflict::Exit`] it gets an exit signal with the reason Custom "name conflict", with
    /// [`OnConflict::Tell`] it receives [`Received::NameConflict`](crate::Received::NameConflict).
    ///
    /// Nodes of version 1 are told nothing, and their global names are ignored.
    ///
    /// ```no_run
    /// # async fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// use snow_dist_runtime::{OnConflict, Reason};
    ///
    /// let till = node.spawn(|mut ctx| async move {
    ///     ctx.recv().await;
    ///     Reason::Normal
    /// })?;
    /// node.register_global("till", till, OnConflict::Exit)?;
    /// // On any connected node:
    /// if let Some(till) = node.whereis_global("till") {
    ///     node.send(till, "hello").await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`NotRegistered`] if a process is known that has the name, if the name is too long or one too many, or if
    /// `pid` is no living process of this node.
    pub fn register_global(
        &self,
        name: &str,
        pid: Pid,
        on_conflict: OnConflict,
    ) -> Result<(), NotRegistered> {
        self.table.register_global(name, pid, on_conflict)
    }

    /// Takes a global name of this node back. Returns the process that had it, or `None` if this node does not own the name.
    pub fn unregister_global(&self, name: &str) -> Option<Pid> {
        self.table.unregister_global(name)
    }

    /// Returns the process that has a global name, as far as this node knows: of two that claim it, the one that will keep it.
    ///
    /// The answer can be out of date when it is used. What is sent to a process that has ended meanwhile, or that has lost
    /// the name, is a message to that process all the same: whoever must know monitors the process, or calls it.
    #[must_use]
    pub fn whereis_global(&self, name: &str) -> Option<Pid> {
        self.table.whereis_global(name)
    }

    /// Returns all global names that this node knows, in order, each with the process that
    /// [`whereis_global`](Self::whereis_global) gives.
    #[must_use]
    pub fn global_names(&self) -> Vec<(Arc<str>, Pid)> {
        self.table.global_names()
    }

    /// Returns what acts for a process of this node from outside of its function, from any thread. `None` if there is no
    /// such process.
    #[must_use]
    pub fn delegate(&self, pid: Pid) -> Option<Delegate> {
        self.table.get_pid(pid).map(|cell| Delegate::new(Context::new(cell)))
    }

    /// Whether a process of this node has not ended, nor been ended by a signal.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.table.get_pid(pid).is_some_and(|cell| !cell.is_doomed())
    }

    /// How many processes run here.
    #[must_use]
    pub fn process_count(&self) -> usize {
        self.table.count()
    }

    /// Returns how many processes of this node have failed: those that ended with another reason than [`Reason::Normal`],
    /// [`Reason::Shutdown`] or a [`kill`](Self::kill), by themselves or by an exit signal.
    ///
    /// The log tells of them with a warning each, and in sums with a growing interval when there are many.
    #[must_use]
    pub fn processes_failed(&self) -> u64 {
        self.table.end_counts().failures()
    }

    /// How many messages from other nodes were dropped because a mailbox was full, or their node's share of
    /// [`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max).
    #[must_use]
    pub fn messages_dropped(&self) -> u64 {
        self.table.dropped()
    }
}

/// Other nodes.
impl Node {
    /// How many messages from other nodes were for names that nobody had. They are dropped, and their senders are not told: who
    /// wants to know [calls](Self::call_named).
    #[must_use]
    pub fn messages_to_nobody(&self) -> u64 {
        self.table.nameless()
    }

    /// The number of this start of the node; none of a node that is alone.
    #[must_use]
    pub fn incarnation(&self) -> Option<NonZeroU64> {
        self.table.connections().map(|connections| connections.incarnation())
    }

    /// The creation in the pids of its processes.
    #[must_use]
    pub fn creation(&self) -> u8 {
        self.table.pid(0).creation()
    }

    /// Makes sure that there is a session with a node. If this node is ending one with it, this waits for its end and
    /// then dials. A dial that has begun is seen through even if this is dropped before it is ready.
    ///
    /// It can be awaited anywhere, also on another runtime or executor: it uses the runtime in which the node was started.
    ///
    /// If the peer has just given this node's place to another connection, because another node has this one's name, the
    /// dial waits: for a second at first, and up to [`RIVAL_PAUSE_MAX`](crate::core::limits::RIVAL_PAUSE_MAX) if it happens
    /// again and again. A session that the peer dials meanwhile ends the wait.
    ///
    /// # Errors
    /// Returns [`ConnectError`] if no session could be established, for example because the peer does not answer,
    /// presents a wrong name, or does not know the cookie.
    pub async fn connect(&self, name: &str) -> Result<(), ConnectError> {
        match self.table.connections() {
            Some(connections) => connections.connect(name).await,
            None => Err(ConnectError::Alone),
        }
    }

    /// Begins to end the session with a node: what is queued is still sent, for at most 5 s. Returns `false` if there is
    /// no session with `name`, or if its end has begun already.
    ///
    /// From here on nothing can be sent to that node, and [`nodes`](Self::nodes) does not list it. NODEDOWN follows when
    /// the session has ended; a [`connect`](Self::connect) waits for that.
    pub fn disconnect(&self, name: &str) -> bool {
        let connections = self.table.connections();
        let name = self.table.completed(name);
        connections.zip(name.ok()).is_some_and(|(connections, name)| connections.disconnect(&name))
    }

    /// Keeps a session with a node: dials it now, and again whenever there is none, until [`let_go`](Self::let_go). It never gives
    /// up. After each dial that fails it waits longer, from [`KEEP_PAUSE_MIN`](crate::core::limits::KEEP_PAUSE_MIN) to
    /// [`KEEP_PAUSE_MAX`](crate::core::limits::KEEP_PAUSE_MAX), a part of it by chance; the log tells of the first failure, the
    /// second, the fourth and so on, and [`kept`](Self::kept) how it goes. To keep a name that is kept already changes nothing.
    ///
    /// A session that [`disconnect`](Self::disconnect) ends is dialled again as well: let go of the node first.
    ///
    /// ```no_run
    /// # fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// node.keep("b@10.0.0.2:4000")?;
    /// for node in node.kept() {
    ///     println!("{}: {:?}, {} dials", node.name, node.state, node.dials);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The name cannot be dialled or is this node's own, as many are kept as may be
    /// ([`NodeBuilder::nodes_kept_max`]), or the node stops or is alone.
    pub fn keep(&self, name: &str) -> Result<(), NotKept> {
        self.table.connections().ok_or(NotKept::Alone)?.keep(name)
    }

    /// Does not dial a node any more by itself. The session with it stays, if there is one, and is not made again when it is
    /// lost. Returns `false` if the node was not kept connected, or only by a discovery, which goes on to
    /// ([`discover`](Self::discover)).
    pub fn let_go(&self, name: &str) -> bool {
        self.table.connections().is_some_and(|connections| connections.let_go(name))
    }

    /// Returns the nodes that are kept connected, in the order of their names, and how it goes with each: by
    /// [`keep`](Self::keep), those that discoveries have found ([`discover`](Self::discover)), and those that peers' lists have named ([`NodeBuilder::peer_lists`]).
    #[must_use]
    pub fn kept(&self) -> Vec<KeptNode> {
        self.table.connections().map(|connections| connections.kept()).unwrap_or_default()
    }

    /// Keeps the nodes connected that `discovery` finds, now and in time to come: see [`discovery`](crate::discovery). A node that
    /// does not listen yet ([`NodeBuilder::prepare`]) begins when it does.
    ///
    /// ```no_run
    /// # async fn example(node: snow_dist_runtime::Node) -> Result<(), snow_dist_runtime::discovery::DiscoverError> {
    /// use snow_dist_runtime::discovery::File;
    ///
    /// let discovering = node.discover(File::new("/etc/snow/nodes"))?;
    /// println!("{:?}", discovering.status());
    /// discovering.stop().await; // lets go of its nodes
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`DiscoverError`] if its interval is out of bounds, if the node has
    /// [`DISCOVERIES_MAX`](crate::core::limits::DISCOVERIES_MAX) already, or if it stops or is alone.
    pub fn discover(&self, discovery: impl Discovery) -> Result<Discovering, DiscoverError> {
        self.table.connections().ok_or(DiscoverError::Alone)?.discover(Planned::new(discovery))
    }

    /// Returns how it goes with each discovery that runs, in the order in which they began: those of
    /// [`NodeBuilder::discover`] first.
    #[must_use]
    pub fn discoveries(&self) -> Vec<DiscoveryStatus> {
        self.table.connections().map(|connections| connections.discoveries()).unwrap_or_default()
    }

    /// Returns the names of all nodes to which this one can send, in order: those with which there is a session that
    /// has not begun to end.
    #[must_use]
    pub fn nodes(&self) -> Vec<Arc<str>> {
        self.table.connections().map(|connections| connections.nodes()).unwrap_or_default()
    }

    /// Returns what is known of each node that [`nodes`](Self::nodes) lists, in the same order.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.table.connections().map(|connections| connections.peers()).unwrap_or_default()
    }

    /// The process of this number on another node, if there is a session with it. Whether there is such a process,
    /// only that node knows.
    #[must_use]
    pub fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        let connections = self.table.connections().filter(|_| local <= WirePid::LOCAL_MAX)?;
        connections.pid_on(&self.table.completed(node).ok()?, local)
    }

    /// The name of the node that a process runs on, if it is this one or there is a session with it.
    #[must_use]
    pub fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        if pid.is_here() {
            return Some(self.name().into());
        }
        self.table.connections()?.node_of(pid)
    }

    /// Messages to other nodes that were dropped because there was no session with them.
    #[must_use]
    pub fn messages_unsent(&self) -> u64 {
        self.table.unsent()
    }

    /// Returns what has become of the connections of this node since it started: for metrics, and to find out why a peer
    /// does not get in. All zero for a node that is alone.
    ///
    /// The log tells of refused connections too, in sums with a growing interval when there are many.
    #[must_use]
    pub fn connection_counts(&self) -> ConnectionCounts {
        self.table.connections().map(|connections| connections.counts()).unwrap_or_default()
    }

    /// Stops the node when its processes have ended: tells them to, waits for that, and kills those that are left. Gives who was left;
    /// nobody, if all ended in time.
    ///
    /// Each process is sent an exit signal with [`Reason::Shutdown`], which it *receives* as [`Received::Exit`](crate::Received::Exit)
    /// whether it traps exits or not: it does what is left to be done and returns. Children of a supervisor are stopped by
    /// that, in its order and with their own times. A process that never looks into its mailbox is killed, with [`Reason::Killed`],
    /// when the patience is over; with [`Duration::ZERO`] all are.
    ///
    /// Until then sessions stay, so that processes can still say what others must know. No process is started
    /// any more ([`SpawnError::Stopped`]), not for other nodes either, and [`call`](Self::call) is refused. Then the node is stopped as
    /// by [`shutdown`](Self::shutdown).
    ///
    /// A process of this node must not wait for this, since it waits for that process: it would be killed, and the node would
    /// not be stopped. If this is dropped before it is ready, no process is started any more, and those that are there go on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use snow_dist_runtime::{Context, Node, Received};
    ///
    /// let node = Node::alone(tokio::runtime::Handle::current());
    /// node.spawn(async |mut ctx: Context| while !matches!(ctx.recv().await, Received::Exit { .. }) {})?;
    /// let deaf = node.spawn(async |_| std::future::pending::<()>().await)?;
    /// node.register("deaf", deaf)?;
    /// let left = node.shutdown_within(Duration::from_secs(10)).await;
    /// assert_eq!(left.len(), 1);
    /// assert_eq!((left[0].pid, &*left[0].names[0]), (deaf, "deaf"));
    /// # Ok(()) }
    /// ```
    pub async fn shutdown_within(&self, patience: Duration) -> Vec<Left> {
        let left = self.table.end_within(patience).await;
        self.shutdown().await;
        left
    }

    /// Stops the node at once: takes no connection and starts no process any more ([`SpawnError::Stopped`]), ends all
    /// sessions in order, then all processes. When this returns, the port is free and no connection is left;
    /// processes have been told to end, with [`Reason::Shutdown`], and do so when they next wait. The functions that are registered
    /// ([`register_function`](Self::register_function)) have been taken back. [`shutdown_within`](Self::shutdown_within) lets
    /// processes finish what they do.
    ///
    /// No [`Discovery::look`] may wait for this, which waits for the looks.
    pub async fn shutdown(&self) {
        self.table.stop();
        if let Some(connections) = self.table.connections() {
            connections.shutdown().await;
        }
        self.table.end_all();
        self.table.functions().unregister_all();
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context as TaskContext, Waker};

    use tokio::net::TcpListener;
    use tokio::task::yield_now;

    use super::*;
    use crate::error::StartError;

    async fn start(name: &str) -> Node {
        Node::builder(name).cookie("a cookie of thirty-two letters..").start().await.unwrap()
    }

    #[tokio::test]
    async fn a_node_that_has_been_shut_down_leaves_its_port() {
        let (a, b) = (start("a@127.0.0.1:0").await, start("b@127.0.0.1:0").await);
        a.connect(b.name()).await.unwrap();
        let name = a.name().to_owned();
        a.shutdown().await;
        assert!(matches!(a.connect(b.name()).await, Err(ConnectError::Stopped)));
        let again = start(&name).await;
        again.connect(b.name()).await.unwrap();
        assert_eq!(again.nodes(), [b.name().into()]);
        again.shutdown().await;
        b.shutdown().await;
        b.shutdown().await;
    }

    #[tokio::test]
    async fn a_start_that_fails_leaves_its_port() {
        let before = start("a@127.0.0.1:0").await;
        let name = before.name().to_owned();
        before.shutdown().await;
        let builder = || Node::builder(&*name).cookie("a cookie of thirty-two letters..").answer_about(true);
        let too_many = builder().nodes_kept_max(1).keep_connected(["b@127.0.0.1:1", "c@127.0.0.1:1"]);
        let failed = too_many.start().await;
        assert!(matches!(failed, Err(StartError::Keep { .. })), "{failed:?}");
        builder().start().await.unwrap().shutdown().await;
    }

    #[tokio::test]
    async fn a_node_that_has_been_shut_down_keeps_no_function() {
        let node = start("a@127.0.0.1:0").await;
        let captured = Arc::new(node.clone());
        let kept = Arc::downgrade(&captured);
        let run = move |_, ()| {
            let _ = &captured;
            async {}
        };
        node.register_function("captures", crate::Allowed::Nobody, run).unwrap();
        node.shutdown().await;
        assert!(kept.upgrade().is_none());
    }

    #[tokio::test]
    async fn what_is_known_of_the_other_node_is_what_it_has_announced() {
        let (a, b) = (start("a@127.0.0.1:0").await, start("b@127.0.0.1:0").await);
        a.connect(b.name()).await.unwrap();
        let (of_a, of_b) = (a.peers(), b.peers());
        let ([of_a], [of_b]) = (&of_a[..], &of_b[..]) else { panic!("{of_a:?} {of_b:?}") };
        assert_eq!((&*of_a.name, of_a.incarnation, of_a.is_dialled), (b.name(), b.incarnation(), true));
        assert_eq!((&*of_b.name, of_b.incarnation, of_b.is_dialled), (a.name(), a.incarnation(), false));
        assert_eq!((of_a.version, of_a.capabilities), (2, crate::CAPABILITIES));
        assert_eq!(of_a.round_trip, None);
        a.shutdown().await;
        assert!(a.peers().is_empty());
        b.shutdown().await;
    }

    #[tokio::test]
    async fn all_names_are_told_with_who_has_them() {
        let node = Node::alone(tokio::runtime::Handle::current());
        let spawn = || node.spawn(async |_| std::future::pending::<()>().await).unwrap();
        let (one, other) = (spawn(), spawn());
        node.register("b", one).unwrap();
        node.register("a", other).unwrap();
        assert_eq!(node.registered(), [("a".into(), other), ("b".into(), one)]);
        node.unregister("a");
        assert_eq!(node.registered(), [("b".into(), one)]);
    }

    #[tokio::test]
    async fn a_dial_that_nobody_waits_for_any_more_is_seen_through() {
        let (a, b) = (start("a@[::1]:0").await, start("b@[::1]:0").await);
        {
            let mut cx = TaskContext::from_waker(Waker::noop());
            assert!(pin!(a.connect(b.name())).poll(&mut cx).is_pending());
        }
        while a.nodes().is_empty() || b.nodes().is_empty() {
            yield_now().await;
        }
        a.shutdown().await;
        assert!(a.nodes().is_empty());
        b.shutdown().await;
    }

    #[tokio::test]
    async fn many_who_connect_at_once_share_one_connection() {
        let (a, b) = (start("a@127.0.0.1:0").await, start("b@127.0.0.1:0").await);
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let (a, name) = (a.clone(), b.name().to_owned());
                tokio::spawn(async move { a.connect(&name).await })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap().unwrap();
        }
        a.shutdown().await;
        b.shutdown().await;
    }

    #[tokio::test]
    async fn a_node_that_stops_does_not_wait_for_a_peer_that_says_nothing() {
        let a = start("a@127.0.0.1:0").await;
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = format!("b@{}", silent.local_addr().unwrap());
        let connecting = tokio::spawn({
            let a = a.clone();
            async move { a.connect(&name).await }
        });
        let (_socket, _) = silent.accept().await.unwrap();
        a.shutdown().await;
        assert!(matches!(connecting.await.unwrap(), Err(ConnectError::Stopped)));
    }
}
