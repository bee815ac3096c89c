//! A network of the program's own, with its listener and its streams.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};

use snow_dist_runtime::{
    ConnectError, Connection, Context, Listener, Network, Node, Reason, Received, StartError,
};
use snow_dist_tests::program::{
    COOKIE, assert_they_talk, begin, connect, idle, received, seen_from, until, within,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::{CallsBack, watchdog};

/// Where a network is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Listen,
    Port,
    Connect,
    Accept,
    Read,
    Write,
    Flush,
    Shutdown,
    DropStream,
    DropListener,
    DropNetwork,
}

/// Does something in each place.
type Does = Arc<dyn Fn(Place) + Send + Sync>;

/// Nodes of one program, on pipes in its memory.
struct Memory {
    listeners: Listeners,
    does: Does,
}

/// Who listens, by address.
type Listeners = Arc<Mutex<HashMap<String, UnboundedSender<DuplexStream>>>>;

/// Where a node listens whose name leaves the port to the network.
const PORT_CHOSEN: u16 = 3;

struct Pipes {
    incoming: UnboundedReceiver<DuplexStream>,
    port: u16,
    does: Does,
}

struct Pipe(DuplexStream, Does);

impl Network for Memory {
    type Listener = Pipes;

    async fn listen(&self, address: &str) -> io::Result<Pipes> {
        (self.does)(Place::Listen);
        let (host, port) = address.rsplit_once(':').unwrap();
        let port = if port == "0" { PORT_CHOSEN } else { port.parse().unwrap() };
        let address = format!("{host}:{port}");
        let mut listeners = self.listeners.lock().unwrap();
        if listeners.get(&address).is_some_and(|listener| !listener.is_closed()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (theirs, incoming) = unbounded_channel();
        listeners.insert(address, theirs);
        Ok(Pipes { incoming, port, does: Arc::clone(&self.does) })
    }

    async fn connect(&self, address: &str) -> io::Result<Connection> {
        (self.does)(Place::Connect);
        let (ours, theirs) = duplex(64 << 10);
        let taken =
            self.listeners.lock().unwrap().get(address).and_then(|listener| listener.send(theirs).ok());
        taken.ok_or(io::ErrorKind::ConnectionRefused)?;
        Ok(Connection::new(Pipe(ours, Arc::clone(&self.does))))
    }
}

impl Listener for Pipes {
    fn port(&self) -> io::Result<u16> {
        (self.does)(Place::Port);
        Ok(self.port)
    }

    async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        (self.does)(Place::Accept);
        let pipe = self.incoming.recv().await.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok((Connection::new(Pipe(pipe, Arc::clone(&self.does))), (Ipv4Addr::LOCALHOST, 0).into()))
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        (self.1)(Place::Read);
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        (self.1)(Place::Write);
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        (self.1)(Place::Flush);
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        (self.1)(Place::Shutdown);
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        (self.1)(Place::DropStream);
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        (self.does)(Place::DropListener);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        (self.does)(Place::DropNetwork);
    }
}

async fn start(name: &str, listeners: &Listeners, does: Does) -> Result<Node, StartError> {
    let network = Memory { listeners: Arc::clone(listeners), does };
    Node::builder(name).cookie(COOKIE).start_on(network).await
}

/// Two nodes on one network; `of_a` and `of_b` are what it does for each.
async fn two_nodes(of_a: Does, of_b: Does) -> (Node, Node) {
    let listeners = Listeners::default();
    let (a, b) = (start("a@memory:1", &listeners, of_a), start("b@memory:2", &listeners, of_b));
    (a.await.unwrap(), b.await.unwrap())
}

/// Panics in one place, once, when it has been told to.
#[derive(Clone, Default)]
struct Armed(Arc<Mutex<Option<Place>>>);

impl Armed {
    fn arm(&self, place: Place) {
        *self.0.lock().unwrap() = Some(place);
    }

    fn has_gone_off(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }

    fn does(&self) -> Does {
        let armed = self.clone();
        Arc::new(move |place| {
            let now = armed.0.lock().unwrap().take_if(|armed| *armed == place);
            assert_eq!(now, None, "a network that panics");
        })
    }
}

/// All that a process of `a` with a link to one of `b`, a monitor of it and one of its node receives from now on, three
/// things.
async fn watch(a: &Node, b: &Node) -> oneshot::Receiver<[Received; 3]> {
    let far = b.spawn(idle).unwrap();
    let far = seen_from(a, b, far);
    let (ready, is_ready) = oneshot::channel();
    let name = b.name().to_owned();
    let (_, watched) = begin(a, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        ctx.link(far).await.unwrap();
        ctx.monitor(far).await.unwrap();
        ctx.monitor_node(&name).unwrap();
        ready.send(()).unwrap();
        [received(&mut ctx).await, received(&mut ctx).await, received(&mut ctx).await]
    });
    within("the ties", is_ready).await.unwrap();
    watched
}

fn assert_lost(watched: &[Received; 3], what: Place) {
    let [exit, down, node_down] = watched;
    assert!(matches!(exit, Received::Exit { reason: Reason::Noconnection, .. }), "{what:?}: {exit:?}");
    assert!(matches!(down, Received::Down { reason: Reason::Noconnection, .. }), "{what:?}: {down:?}");
    assert!(matches!(node_down, Received::NodeDown { .. }), "{what:?}: {node_down:?}");
}

#[tokio::test]
async fn a_network_may_use_the_node_in_every_place() {
    let _watchdog = watchdog();
    let calls_back = CallsBack::default();
    let (inside, in_network) = (Arc::new(Mutex::new(())), calls_back.clone());
    let places = Arc::new(Mutex::new(HashSet::new()));
    let reached = Arc::clone(&places);
    let does: Does = Arc::new(move |place| {
        // What it does may come here in turn.
        if let Ok(_inside) = inside.try_lock()
            && in_network.call_if_known()
        {
            reached.lock().unwrap().insert(place);
        }
    });
    let (a, b) = two_nodes(Arc::clone(&does), does).await;
    let [of_a, of_b] = [&a, &b].map(|node| node.spawn(idle).unwrap());
    calls_back.know(vec![(a.clone(), of_a), (b.clone(), of_b)], Vec::new());
    connect(&a, &b).await;
    let watched = watch(&a, &b).await;
    assert_they_talk(&a, &b).await;
    a.disconnect(b.name());
    assert_lost(&within("its signals", watched).await.unwrap(), Place::Shutdown);
    until("the other end", || b.nodes().is_empty()).await;
    connect(&a, &b).await;
    a.shutdown().await;
    b.shutdown().await;
    calls_back.assert_finished().await;
    let places = || places.lock().unwrap().len();
    // The network itself goes with the last of its nodes, which this one holds.
    until("every place but that", || places() >= 8).await;
}

/// No other place is reached before there is a node.
const WHILE_A_NODE_STARTS: [Place; 2] = [Place::Listen, Place::Port];

#[tokio::test]
async fn a_network_may_use_another_node_while_a_node_starts() {
    let _watchdog = watchdog();
    let (listeners, nothing) = (Listeners::default(), Armed::default().does());
    let other = start("other@memory:1", &listeners, nothing).await.unwrap();
    let (calls_back, places) = (CallsBack::default(), Arc::new(Mutex::new(Vec::new())));
    calls_back.know(vec![(other.clone(), other.spawn(idle).unwrap())], Vec::new());
    let (in_network, reached) = (calls_back.clone(), Arc::clone(&places));
    let does: Does = Arc::new(move |place| {
        if WHILE_A_NODE_STARTS.contains(&place) {
            in_network.call();
            reached.lock().unwrap().push(place);
        }
    });
    let node = start("a@memory:0", &listeners, does).await.unwrap();
    assert_eq!(*places.lock().unwrap(), WHILE_A_NODE_STARTS);
    calls_back.assert_finished().await;
    connect(&node, &other).await;
    assert_they_talk(&other, &node).await;
}

#[tokio::test]
async fn a_network_that_panics_while_a_node_starts_is_its_callers_and_nothing_is_left() {
    let _watchdog = watchdog();
    let (listeners, armed) = (Listeners::default(), Armed::default());
    let other = start("other@memory:1", &listeners, Armed::default().does()).await.unwrap();
    let any_port = "a@memory:0";
    let taken_port = "a@memory:1";
    let starts = [(any_port, Place::Listen), (any_port, Place::Port), (taken_port, Place::DropNetwork)];
    for (name, place) in starts {
        let (network, does) = (Arc::clone(&listeners), armed.does());
        armed.arm(place);
        let starting = tokio::spawn(async move { start(name, &network, does).await });
        let panic = within("the end of the start", starting).await.unwrap_err();
        assert!(panic.is_panic() && armed.has_gone_off(), "{place:?}");
        assert_eq!(Arc::strong_count(&armed.0), 1, "{place:?}: the network and its listener are gone");
    }
    let node = start(any_port, &listeners, armed.does()).await.unwrap();
    connect(&node, &other).await;
    assert_they_talk(&other, &node).await;
}

#[tokio::test]
async fn a_stream_that_panics_has_failed() {
    let _watchdog = watchdog();
    let armed = Armed::default();
    let (a, b) = two_nodes(armed.does(), Armed::default().does()).await;
    for place in [Place::Read, Place::Write, Place::Flush, Place::Shutdown, Place::DropStream] {
        connect(&a, &b).await;
        let (of_a, of_b) = (watch(&a, &b).await, watch(&b, &a).await);
        armed.arm(place);
        let any = seen_from(&a, &b, b.spawn(async |_: Context| ()).unwrap());
        a.send(any, "written").await.unwrap();
        if matches!(place, Place::Shutdown | Place::DropStream) {
            a.disconnect(b.name());
        }
        for watched in [of_a, of_b] {
            assert_lost(&within("the signals of both ends", watched).await.unwrap(), place);
        }
        until("it has panicked", || armed.has_gone_off()).await;
        until("both ends", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    }
    connect(&a, &b).await;
    assert_they_talk(&a, &b).await;
}

#[tokio::test]
async fn a_network_that_panics_fails_one_dial_and_its_listener_goes_on() {
    let _watchdog = watchdog();
    let armed = Armed::default();
    let (a, b) = two_nodes(armed.does(), armed.does()).await;
    armed.arm(Place::Connect);
    let failed = within("the dial", a.connect(b.name())).await.unwrap_err();
    assert!(
        matches!(&failed, ConnectError::Panic(words) if words.contains("a network that panics")),
        "{failed}"
    );
    // The listener of b waits already: it panics when it is asked for the connection after this one.
    armed.arm(Place::Accept);
    connect(&a, &b).await;
    until("it has panicked", || armed.has_gone_off()).await;
    a.disconnect(b.name());
    until("both ends", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    connect(&a, &b).await;
    assert_they_talk(&a, &b).await;
}

#[tokio::test]
async fn a_connection_whose_stream_panics_in_its_handshake_is_counted() {
    let _watchdog = watchdog();
    let armed = Armed::default();
    let (a, b) = two_nodes(Armed::default().does(), armed.does()).await;
    armed.arm(Place::Read);
    let _ = within("the dial", a.connect(b.name())).await;
    let refused = b.connection_counts().refused;
    assert_eq!(refused.tls + refused.broken, 1, "{refused}");
    connect(&a, &b).await;
    assert_they_talk(&a, &b).await;
}

#[tokio::test]
async fn a_node_that_goes_is_gone_even_if_its_network_panics() {
    let _watchdog = watchdog();
    for place in [Place::DropListener, Place::DropNetwork] {
        let armed = Armed::default();
        let (a, b) = two_nodes(armed.does(), Armed::default().does()).await;
        connect(&a, &b).await;
        let watched = watch(&b, &a).await;
        armed.arm(place);
        a.shutdown().await;
        drop(a);
        assert_lost(&within("its signals", watched).await.unwrap(), place);
        until("it has panicked", || armed.has_gone_off()).await;
        b.shutdown().await;
    }
}
