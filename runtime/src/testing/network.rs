//! The simulated network, and the faults that a test can cause.

use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep};

use super::pipe::Stream;
use super::state::{HostId, State, Way, address_of};
use crate::clock::Clock;
use crate::foreign;
use crate::network::{Connection, Listener, Network};
use crate::sync::Mutex;

/// A network in memory between hosts, on which nodes can run. A test can cut, stall and delay the path between any
/// two hosts.
///
/// Each host has its own IP address, which nodes use like the address of a machine. A connection buffers up to 64 KiB
/// in each direction. When the buffer is full, the writer waits, as over TCP. Clones are handles to the same network.
///
/// # Panics
/// The first call of [`SimulatedNetwork::host`] with a name creates that host. All other methods that take the name
/// of a host panic if the host does not exist.
#[derive(Clone, Debug, Default)]
pub struct SimulatedNetwork(Arc<Shared>);

#[derive(Default)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Notifies waiting dials that something has changed.
    changed: Notify,
    clock: OnceLock<Clock>,
}

impl Shared {
    fn clock(&self) -> Clock {
        *self.clock.get_or_init(Clock::start)
    }

    /// Returns the time since this was called for the first time.
    pub(super) fn now(&self) -> Duration {
        self.clock().now()
    }

    pub(super) fn at(&self, time: Duration) -> Instant {
        self.clock().at(time)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.lock().fmt(f)
    }
}

impl SimulatedNetwork {
    /// Creates a network without hosts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the network as a host sees it, for [`NodeBuilder::start_on`](crate::NodeBuilder::start_on). The first
    /// call with a name creates the host.
    ///
    /// `name` is the part between `@` and `:` in the names of the host's nodes. A node can listen only at addresses
    /// of its own host: for any other address, `start_on` returns [`StartError::Listen`](crate::StartError::Listen).
    #[must_use]
    pub fn host(&self, name: &str) -> SimulatedHost {
        let host = self.0.state.lock().host(name);
        SimulatedHost { shared: Arc::clone(&self.0), host }
    }

    /// Breaks all connections between two hosts at once, at both ends, and makes new dials between them fail until
    /// [`join`](Self::join).
    #[track_caller]
    pub fn cut(&self, a: &str, b: &str) {
        self.change_both(a, b, |way| way.is_cut = true);
    }

    /// Stops all delivery between two hosts without an error: dials wait, and written data is held until
    /// [`join`](Self::join). Nodes notice a stall only by their heartbeats.
    #[track_caller]
    pub fn stall(&self, a: &str, b: &str) {
        self.change_both(a, b, |way| way.is_stalled = true);
    }

    /// Stops delivery in one direction, without an error: data that `from` writes is held until [`join`](Self::join).
    /// Data in the other direction still arrives, on connections that exist. New dials between the two hosts wait.
    #[track_caller]
    pub fn stall_one_way(&self, from: &str, to: &str) {
        let pair = self.pair(from, to);
        self.change(&[pair], |way| way.is_stalled = true);
    }

    /// Sets the delay between two hosts for each direction, from now on. It applies to all data that is written after
    /// this call, and to every dial. The default is zero.
    ///
    /// A new session takes four round trips: with a delay of 200 ms it is up after 1.6 s. Both hosts must exist
    /// before this method is called. To create a host before its node is started, write `let _ =
    /// network.host("north");`.
    #[track_caller]
    pub fn delay(&self, a: &str, b: &str, delay: Duration) {
        self.change_both(a, b, |way| way.delay = delay);
    }

    /// Ends all cuts and stalls between two hosts, in both directions: connections can be made again, and held data
    /// arrives. A delay stays.
    #[track_caller]
    pub fn join(&self, a: &str, b: &str) {
        self.change_both(a, b, heal);
    }

    /// Cuts every host in `part` off from all existing hosts that are not in `part`, as [`cut`](Self::cut) does.
    #[track_caller]
    pub fn split(&self, part: &[&str]) {
        let part: Vec<_> = part.iter().map(|name| self.known(name)).collect();
        let rest: Vec<_> = self.0.state.lock().all_hosts().filter(|host| !part.contains(host)).collect();
        let pairs = part.iter().flat_map(|a| rest.iter().flat_map(|b| [(*a, *b), (*b, *a)]));
        self.change(&pairs.collect::<Vec<_>>(), |way| way.is_cut = true);
    }

    /// Ends all cuts and stalls between all hosts. Delays stay.
    pub fn join_all(&self) {
        let hosts = self.0.state.lock().all_hosts();
        let pairs = hosts.clone().flat_map(|from| hosts.clone().map(move |to| (from, to)));
        self.change(&pairs.collect::<Vec<_>>(), heal);
    }

    /// Simulates the crash of all nodes on a host: their connections break, and no node listens or dials there until
    /// another node is started on the host.
    ///
    /// In the test, the crashed nodes continue to run without reaching any other node. Shut them down before another
    /// node is started on the host, because from then on they could dial again.
    #[track_caller]
    pub fn crash(&self, host: &str) {
        let host = self.known(host);
        let (wakes, listeners) = self.0.state.lock().crash(host);
        drop(listeners);
        self.tell(wakes);
    }

    #[track_caller]
    fn known(&self, name: &str) -> HostId {
        let known = self.0.state.lock().known(name);
        assert!(
            known.is_some(),
            "no host of this network has the name {name:?}: `SimulatedNetwork::host` makes one"
        );
        known.unwrap_or_default()
    }

    #[track_caller]
    fn pair(&self, a: &str, b: &str) -> (HostId, HostId) {
        (self.known(a), self.known(b))
    }

    #[track_caller]
    fn change_both(&self, a: &str, b: &str, change: impl Fn(&mut Way)) {
        let (a, b) = self.pair(a, b);
        self.change(&[(a, b), (b, a)], change);
    }

    fn change(&self, pairs: &[(HostId, HostId)], change: impl Fn(&mut Way)) {
        let mut state = self.0.state.lock();
        let wakes = pairs.iter().flat_map(|(from, to)| state.change(*from, *to, &change)).collect();
        drop(state);
        self.tell(wakes);
    }

    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(super) fn pipe_count(&self) -> usize {
        self.0.state.lock().pipe_count()
    }

    fn tell(&self, wakes: Vec<Waker>) {
        wakes.into_iter().for_each(foreign::wake);
        self.0.changed.notify_waiters();
    }
}

const fn heal(way: &mut Way) {
    way.is_cut = false;
    way.is_stalled = false;
}

/// A [`SimulatedNetwork`] as one host sees it.
#[derive(Clone, Debug)]
pub struct SimulatedHost {
    shared: Arc<Shared>,
    host: HostId,
}

impl SimulatedHost {
    /// Dials, if the result is known now. Returns `None` while nothing arrives.
    fn dial(&self, address: &str) -> Option<io::Result<Stream>> {
        let mut state = self.shared.state.lock();
        let refused = || Some(Err(io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens there")));
        let Some(to) = state.host_of(address) else { return refused() };
        if state.has_crashed(self.host) {
            return Some(Err(io::Error::new(
                io::ErrorKind::NetworkDown,
                "the host of this node has crashed",
            )));
        }
        let ways = [state.way(self.host, to), state.way(to, self.host)];
        if ways.iter().any(|way| way.is_cut) {
            return Some(Err(io::Error::new(io::ErrorKind::HostUnreachable, "the network is cut there")));
        }
        if ways.iter().any(|way| way.is_stalled) {
            return None;
        }
        let Some((_, arrivals)) = state.listeners.get(address) else { return refused() };
        let arrivals = arrivals.clone();
        let [there, back] = state.connection(self.host, to);
        // An end that nobody takes is dropped, which takes the lock.
        drop(state);
        let dialled = Stream::new(Arc::clone(&self.shared), back, there);
        let accepted = Stream::new(Arc::clone(&self.shared), there, back);
        match arrivals.send((accepted, address_of(self.host, 0))) {
            Ok(()) => Some(Ok(dialled)),
            Err(_) => refused(),
        }
    }
}

impl Network for SimulatedHost {
    type Listener = SimulatedListener;

    async fn listen(&self, address: &str) -> io::Result<SimulatedListener> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "not `host:port`");
        let (host, port) = address.rsplit_once(':').ok_or_else(invalid)?;
        let mut port: u16 = port.parse().map_err(|_| invalid())?;
        let mut state = self.shared.state.lock();
        if state.known(host) != Some(self.host) {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!(
                    "this host of the simulated network is {:?}: a node on it is `name@{0}:port`",
                    state.name_of(self.host)
                ),
            ));
        }
        if port == 0 {
            port = state.free_port()?;
        }
        let address = format!("{host}:{port}");
        if state.listeners.get(&address).is_some_and(|(_, arrivals)| !arrivals.is_closed()) {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "a node of this network listens there"));
        }
        let (sender, arrivals) = unbounded_channel();
        let before = state.listen(self.host, address, sender);
        drop((state, before));
        Ok(SimulatedListener { port, arrivals })
    }

    async fn connect(&self, address: &str) -> io::Result<Connection> {
        loop {
            let changed = self.shared.changed.notified();
            if let Some(dialled) = self.dial(address) {
                let delay = self.delay_to(address);
                if !delay.is_zero() {
                    sleep(delay).await;
                }
                return dialled.map(Connection::new);
            }
            changed.await;
        }
    }
}

impl SimulatedHost {
    /// Returns the time of a round trip, which a connection takes to be made.
    fn delay_to(&self, address: &str) -> Duration {
        let state = self.shared.state.lock();
        let Some(to) = state.host_of(address) else { return Duration::ZERO };
        state.way(self.host, to).delay.saturating_add(state.way(to, self.host).delay)
    }
}

/// A listener at an address of a [`SimulatedHost`].
#[derive(Debug)]
pub struct SimulatedListener {
    port: u16,
    arrivals: UnboundedReceiver<(Stream, SocketAddr)>,
}

impl Listener for SimulatedListener {
    fn port(&self) -> io::Result<u16> {
        Ok(self.port)
    }

    async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        match self.arrivals.recv().await {
            Some((stream, from)) => Ok((Connection::new(stream), from)),
            // The host has crashed.
            None => pending().await,
        }
    }
}
