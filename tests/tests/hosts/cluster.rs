//! Hosts with a node each, and their network.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use snow_dist_runtime::{ConnectError, Connection, Listener, Network, Node, Pid};
use snow_dist_tests::program::COOKIE;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use turmoil::net::{TcpListener, TcpStream};

/// Time that passes on all hosts in one step.
const TICK: Duration = Duration::from_millis(20);

/// Longer than anything takes, heartbeats and deadlines included.
pub(crate) const LONG: Duration = Duration::from_secs(200);

/// The network of the simulation.
struct Simulated;

struct SimulatedListener(TcpListener);

impl Network for Simulated {
    type Listener = SimulatedListener;

    async fn listen(&self, address: &str) -> io::Result<SimulatedListener> {
        Ok(SimulatedListener(TcpListener::bind(address).await?))
    }

    async fn connect(&self, address: &str) -> io::Result<Connection> {
        Ok(Connection::new(TcpStream::connect(address).await?))
    }
}

impl Listener for SimulatedListener {
    fn port(&self) -> io::Result<u16> {
        Ok(self.0.local_addr()?.port())
    }

    async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        Ok((Connection::new(stream), from))
    }
}

/// The node of a host, while it runs, and the runtime that it runs on.
type Running = Arc<Mutex<Option<(Node, Handle)>>>;

/// All hosts. Time passes only in [`Cluster::step`].
pub(crate) struct Cluster {
    sim: turmoil::Sim<'static>,
    hosts: BTreeMap<&'static str, Running>,
}

/// A dial that goes on while the test does something else.
pub(crate) type Dialling = oneshot::Receiver<Result<(), ConnectError>>;

impl Cluster {
    /// A node on each host, whose name is the host's, and messages that take 0 to 50 ms, as the seed has it.
    pub(crate) fn start(seed: u64, hosts: &[&'static str]) -> Self {
        Self::with_latency(seed, Duration::from_millis(50), hosts)
    }

    /// The same with messages that take at most this long.
    pub(crate) fn with_latency(seed: u64, latency_max: Duration, hosts: &[&'static str]) -> Self {
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(TICK)
            .min_message_latency(Duration::ZERO)
            .max_message_latency(latency_max)
            .simulation_duration(Duration::MAX)
            .build();
        let hosts = hosts.iter().map(|host| (*host, host_with_node(&mut sim, host))).collect();
        let mut cluster = Self { sim, hosts };
        for host in cluster.names() {
            cluster.until("a node", |cluster| cluster.is_up(host));
        }
        cluster
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.hosts.keys().copied().collect()
    }

    /// Lets one step of time pass.
    pub(crate) fn step(&mut self) {
        self.sim.step().unwrap();
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.sim.elapsed() + time;
        while self.sim.elapsed() < end {
            self.step();
        }
    }

    /// Lets time pass until something is so.
    pub(crate) fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let end = self.sim.elapsed() + LONG;
        while !is_so(self) {
            assert!(self.sim.elapsed() < end, "{what} did not come");
            self.step();
        }
    }

    /// The time since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.sim.elapsed()
    }

    pub(crate) fn is_up(&self, host: &str) -> bool {
        self.hosts[host].lock().unwrap().is_some()
    }

    pub(crate) fn node(&self, host: &str) -> Node {
        self.hosts[host].lock().unwrap().as_ref().unwrap().0.clone()
    }

    /// Whether the node of one host has a session with that of the other.
    pub(crate) fn has_session(&self, from: &str, to: &str) -> bool {
        self.node(from).nodes().contains(&name(to).into())
    }

    /// A process as another host's node sees it.
    pub(crate) fn seen_from(&self, host: &str, of: &str, pid: Pid) -> Pid {
        self.node(host).pid_on(&name(of), pid.local()).unwrap()
    }

    /// Begins to dial.
    pub(crate) fn dial(&self, from: &str, to: &str) -> Dialling {
        let (done, is_done) = oneshot::channel();
        let (node, runtime) = self.hosts[from].lock().unwrap().clone().unwrap();
        let to = name(to);
        runtime.spawn(async move { done.send(node.connect(&to).await) });
        is_done
    }

    /// What becomes of a dial.
    pub(crate) fn dialled(&mut self, mut dialling: Dialling) -> Result<(), ConnectError> {
        let mut done = None;
        self.until("the end of a dial", |_| {
            done = dialling.try_recv().ok();
            done.is_some()
        });
        done.unwrap()
    }

    /// Makes a session, and waits until both ends have it.
    pub(crate) fn connect(&mut self, from: &str, to: &str) {
        let dialling = self.dial(from, to);
        self.dialled(dialling).unwrap();
        self.until("the other end", |cluster| cluster.has_session(to, from));
    }

    /// Whether a dial comes to nothing.
    pub(crate) fn dial_fails(&mut self, from: &str, to: &str) -> bool {
        let dialling = self.dial(from, to);
        self.dialled(dialling).is_err()
    }

    /// From now on nothing comes through between the two, and what is under way is lost.
    pub(crate) fn partition(&self, one: &str, other: &str) {
        self.sim.partition(one, other);
    }

    /// The same for what one sends to the other alone.
    pub(crate) fn partition_oneway(&self, from: &str, to: &str) {
        self.sim.partition_oneway(from, to);
    }

    /// What is sent from now on comes through again. A stream of which something was lost meanwhile stands still.
    pub(crate) fn repair(&self, one: &str, other: &str) {
        self.sim.repair(one, other);
    }

    /// From now on all that is sent between the two waits.
    pub(crate) fn hold(&self, one: &str, other: &str) {
        self.sim.hold(one, other);
    }

    /// All that waits goes on.
    pub(crate) fn release(&self, one: &str, other: &str) {
        self.sim.release(one, other);
    }

    /// Ends all that runs on the host. The system closes its connections.
    pub(crate) fn crash(&mut self, host: &'static str) {
        self.sim.crash(host);
        *self.hosts[host].lock().unwrap() = None;
    }

    /// Starts the host that has crashed, with its node.
    pub(crate) fn restart(&mut self, host: &'static str) {
        self.sim.bounce(host);
        self.until("a node", |cluster| cluster.is_up(host));
    }

    /// Takes the power from the host: no other learns that its connections are gone.
    pub(crate) fn pull_the_plug(&mut self, host: &'static str) {
        let others: Vec<_> = self.names().into_iter().filter(|other| *other != host).collect();
        for other in &others {
            self.partition(host, other);
        }
        self.crash(host);
        for other in &others {
            self.repair(host, other);
        }
    }
}

/// The name of a host's node.
pub(crate) fn name(host: &str) -> String {
    format!("{host}@{host}:9000")
}

fn host_with_node(sim: &mut turmoil::Sim<'static>, host: &'static str) -> Running {
    let running = Running::default();
    let on_host = running.clone();
    sim.host(host, move || {
        let running = on_host.clone();
        async move {
            let node = Node::builder(name(host)).listen("0.0.0.0:9000").cookie(COOKIE);
            let node = node.start_on(Simulated).await?;
            *running.lock().unwrap() = Some((node, Handle::current()));
            pending().await
        }
    });
    running
}
