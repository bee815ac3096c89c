//! The registry, driven as connections drive it.

#![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

use std::num::NonZeroU64;
use std::time::Duration;

use snow_dist_codec::NodeName;
use snow_dist_codec::handshake::Capabilities;
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::advance;

use super::*;
use crate::core::connection::{GiveWay, Inbound, Shown, Transmit};
use crate::core::endpoint::Limits;
use crate::core::epochs::Facts;
use crate::core::handshake::{Bounds, Channel, Cookie, Cookies, Local};
use crate::core::limits::VERSION_1_CLEANUP;
use crate::core::session::{Config, Timing, Version};
use crate::core::{NodeNumber, Pid, Reason};
use crate::process::remote::{Denied, Remote, Sender};
use crate::process::{Context, Received};
use crate::sync::Executor;

/// A node that is the larger of two.
const OWN: &str = "b@h:1";
const PEER: &str = "a@h:1";

const TLS_1_3: Channel = Channel::Tls13 { exporter: [7; 32] };

struct Node {
    table: Arc<ProcessTable>,
    routes: Arc<Routes>,
    registry: Arc<Registry>,
}

fn node() -> Node {
    let table = ProcessTable::new(OWN, 1, Executor(Handle::current()));
    let registry = Registry::new(Arc::new(local(OWN, 1)), &table, Timing::default(), Limits::default());
    let routes = registry.routes.clone();
    Node { table, routes, registry }
}

fn somewhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4_000))
}

fn local(name: &str, incarnation: u64) -> Local {
    let cookies = Cookies::from(Cookie::new(*b"of the tests, and long enough").unwrap());
    let incarnation = NonZeroU64::new(incarnation).unwrap();
    Local::new(NodeName::parse(name).unwrap(), incarnation, cookies)
}

fn randomness() -> Randomness {
    Randomness::new(&[0; Randomness::BYTES])
}

/// A process at the other end.
fn a_process_of(session: &SessionHandle) -> Pid {
    Pid::new(session.peer().number, session.peer().creation, 5)
}

impl Node {
    fn accepted(&self) -> Arc<SessionHandle> {
        self.registry.accept(somewhere(), randomness()).unwrap()
    }

    /// The peer, in this start of it, does the handshake on a connection that was accepted, up to REPLY.
    fn verified(&self, connection: &SessionHandle, incarnation: u64) {
        let local = Arc::new(local(PEER, incarnation));
        let mut peer = Endpoint::new(local, Timing::default(), Limits::default(), [0; 8]);
        let Dial::Start(id, mut theirs) = peer.dial(&OWN.into(), randomness(), Duration::ZERO) else {
            panic!("no dial")
        };
        theirs.secured(TLS_1_3);
        connection.secured(TLS_1_3, None);
        let (mut to, mut from) = (Inbound::default(), Inbound::default());
        for _ in 0..4 {
            theirs.transmit(to.buffer(), 1 << 10, Duration::ZERO);
            to.receive_handshake(&mut connection.reader(&mut false), |_| ());
            while let (Some(event), _) = connection.poll_event() {
                self.registry.hear(connection.id, event);
            }
            connection.refill(Duration::ZERO, true, from.buffer(), 1 << 10);
            from.receive_handshake(&mut *theirs, |_| ());
            while let Some(event) = theirs.poll_event() {
                peer.handle_event(id, event, Duration::ZERO);
            }
            while let Some(output) = peer.poll_output() {
                if let Output::Tell(_, event) = output {
                    theirs.handle_event(event, Duration::ZERO);
                }
            }
        }
    }

    /// A connection says that its peer, of version 1, has shown who it is: of that the endpoint alone knows something.
    fn shown_by_version_1(&self, connection: &SessionHandle) {
        let config = Config {
            version: Version::One { node_id: None, seed: [0; 32] },
            peer: NodeNumber::UNKNOWN,
            peer_creation: 1,
            creation: 1,
            capabilities: Capabilities::NONE,
            bounds: Bounds::default(),
            peer_bounds: Bounds::default(),
            timing: Timing::default(),
            ping: [0; 8],
        };
        let facts = Facts { name: PEER.into(), incarnation: None, config };
        let shown = Shown { facts, used_old_cookie: false };
        self.registry.hear(connection.id, EndpointEvent::Verified(Box::new(shown)));
    }

    /// A session that a peer in this start of it has dialled.
    fn taken(&self, incarnation: u64) -> Arc<SessionHandle> {
        let connection = self.accepted();
        self.verified(&connection, incarnation);
        assert!(connection.is_session());
        connection
    }

    fn dial(&self, name: &str) -> Dial<Arc<SessionHandle>> {
        self.registry.dial(&name.into(), randomness())
    }

    fn is_up(&self) -> bool {
        self.registry.state.lock().endpoint.is_up(PEER)
    }

    fn dialled(&self) -> Arc<SessionHandle> {
        let Dial::Start(_, connection) = self.dial(PEER) else { panic!("no dial") };
        connection
    }

    fn is_empty(&self) -> bool {
        let state = self.registry.state.lock();
        state.endpoint.is_empty() && state.connections.is_empty()
    }
}

//= spec/session.md#ses-upd-002
//= type=test
//# A node MUST give a process the NODEUP of a session before everything else of that session.
#[tokio::test]
async fn exits_then_downs_then_nodedown_then_the_next_nodeup() {
    let node = node();
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let (tell, told) = tokio::sync::oneshot::channel();
    let (go_on, goes_on) = tokio::sync::oneshot::channel();
    crate::node::Node::of(node.table.clone())
        .spawn(async move |mut process: Context| {
            process.trap_exit(true);
            process.monitor_node(PEER).unwrap();
            ready.send(()).unwrap();
            let remote: Pid = goes_on.await.unwrap();
            process.monitor(remote).await.unwrap();
            process.link(remote).await.unwrap();
            process.send(remote, "linked").await.unwrap();
            let mut all = Vec::new();
            while all.len() < 5 {
                all.push(process.recv().await);
            }
            tell.send(all).unwrap();
        })
        .unwrap();
    is_ready.await.unwrap();

    let session = node.taken(1);
    let remote = a_process_of(&session);
    go_on.send(remote).unwrap();
    let mut written = false;
    while !written {
        let given = session.refill(Duration::ZERO, true, &mut Vec::new(), 1 << 20).given;
        written = matches!(given, Transmit::Bytes { is_handshake: false, .. });
        yield_now().await;
    }
    // Another start of the peer waits, and comes up as soon as this one has ended.
    let next = node.accepted();
    node.verified(&next, 2);
    assert!(!next.is_session());
    node.registry.finish(&session);
    assert!(next.is_session());

    let name: Arc<str> = PEER.into();
    let all = told.await.unwrap();
    assert_eq!(all[0], Received::NodeUp { name: name.clone() });
    assert_eq!(all[1], Received::Exit { from: remote, reason: Reason::Noconnection });
    assert!(matches!(&all[2], Received::Down { from, .. } if *from == remote));
    assert_eq!(all[3], Received::NodeDown { name: name.clone() });
    assert_eq!(all[4], Received::NodeUp { name });
}

#[tokio::test]
async fn who_waits_for_a_dial_is_not_put_off_by_other_connections() {
    let node = node();
    let dial = node.dialled();
    assert!(matches!(node.dial(PEER), Dial::Underway));
    let waiting = tokio::spawn({
        let registry = node.registry.clone();
        async move { registry.settled(PEER).await }
    });
    for _ in 0..10 {
        yield_now().await;
        node.registry.finish(&node.accepted());
    }
    yield_now().await;
    assert!(!waiting.is_finished());
    node.registry.finish(&dial);
    waiting.await.unwrap();
    assert!(matches!(node.dial(PEER), Dial::Start(..)));
}

//= spec/connection.md#con-cls-017
//= type=test
//# A node that stops MUST close every connection that is not a session.
#[tokio::test]
async fn a_node_that_stops_dials_no_more_and_waits_for_what_it_has() {
    let node = node();
    let (session, knocking) = (node.taken(1), node.accepted());
    node.registry.stop();
    assert!(matches!(node.dial("c@h:1"), Dial::Stopped));
    assert_eq!(knocking.ending(), Some(Ending::GaveWay(GiveWay::Stop)));
    assert!(session.ending().is_none(), "it is ended in order");
    assert!(node.routes.session_of(PEER).is_none());
    let idle = tokio::spawn({
        let registry = node.registry.clone();
        async move { registry.idle().await }
    });
    for connection in [knocking, session] {
        yield_now().await;
        assert!(!idle.is_finished());
        node.registry.finish(&connection);
    }
    idle.await.unwrap();
}

#[tokio::test]
async fn a_session_that_ends_is_found_by_what_must_wait_for_its_last_signals() {
    let node = node();
    let cell = node.table.add(crate::process::Mailbox::default()).unwrap();
    let session = node.taken(1);
    let (own, remote) = (cell.pid(), a_process_of(&session));
    node.routes.link(own, remote).unwrap();
    // As `finish` does, until the exits go out.
    node.routes.ending(&session);
    assert!(node.routes.nodes().is_empty());
    assert!(matches!(node.routes.send(&Sender::program(own), remote, b"lost"), Err(Denied::NotConnected)));
    // The link that is there is not made twice, and no exit comes of one that is ended now.
    node.routes.link(own, remote).unwrap();
    node.routes.unlink(own, remote);
    node.registry.finish(&session);
    assert!(!cell.is_doomed());
    assert!(matches!(node.routes.link(own, remote), Err(Denied::NotConnected)));
}

#[tokio::test]
async fn a_connection_whose_task_is_gone_as_it_comes_up_leaves_nothing() {
    let node = node();
    let connection = node.taken(1);
    assert!(node.routes.session_of(PEER).is_some());
    node.registry.finish(&connection);
    assert!(node.routes.session_of(PEER).is_none());
    assert!(node.is_empty());
    // Nor does a dial of which nothing has come.
    let dial = node.dialled();
    node.registry.finish(&dial);
    assert!(node.is_empty());
}

/// The time at which a version 1 node has forgotten its last session is over, and nobody has said so yet: the connection
/// that waits becomes the session by the very call that says that it is over, or that the node is to be disconnected.
#[tokio::test(start_paused = true)]
async fn a_connection_that_time_makes_the_session_is_one_for_whatever_is_called_next() {
    let node = node();
    let first = node.accepted();
    node.shown_by_version_1(&first);
    assert!(!first.is_session());
    advance(VERSION_1_CLEANUP).await;
    node.registry.finish(&first);
    assert!(node.routes.session_of(PEER).is_none());
    assert!(node.is_empty());

    let second = node.accepted();
    node.shown_by_version_1(&second);
    assert!(!second.is_session());
    advance(VERSION_1_CLEANUP).await;
    assert!(node.registry.disconnect(PEER));
    assert!(second.is_session() && node.routes.session_of(PEER).is_none(), "it is to end");
    node.registry.finish(&second);
    assert!(node.is_empty());
}

/// Nobody calls: the timer that the endpoint has asked for does it.
#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_for_time_alone_becomes_the_session() {
    let node = node();
    let waiting = node.accepted();
    node.shown_by_version_1(&waiting);
    assert!(!waiting.is_session());
    tokio::time::sleep(VERSION_1_CLEANUP * 2).await;
    assert!(waiting.is_session());
}

//= spec/connection.md#con-cls-007
//= type=test
//# A node MUST NOT queue a message in a session that it has begun to end.
#[tokio::test]
async fn nothing_is_queued_in_a_session_that_is_ordered_to_end() {
    let node = node();
    let own = node.table.add(crate::process::Mailbox::default()).unwrap().pid();
    let session = node.taken(1);
    let remote = a_process_of(&session);
    assert!(node.routes.send(&Sender::program(own), remote, b"before").is_ok());
    assert!(node.registry.disconnect(PEER));
    assert!(matches!(node.routes.send(&Sender::program(own), remote, b"late"), Err(Denied::NotConnected)));
}

#[tokio::test]
async fn a_session_that_is_closed_in_order_is_none_to_whoever_would_use_it() {
    let node = node();
    let mailbox = crate::process::Mailbox::default();
    let (own, other) = (node.table.add(mailbox).unwrap(), node.table.add(mailbox).unwrap());
    let session = node.taken(1);
    let remote = a_process_of(&session);
    node.routes.link(own.pid(), remote).unwrap();
    assert!(node.registry.disconnect(PEER));
    assert!(!node.registry.disconnect(PEER));
    assert!(node.routes.nodes().is_empty() && node.routes.node_of(remote).is_none());
    assert!(!node.is_up());
    assert!(matches!(
        node.routes.send(&Sender::program(own.pid()), remote, b"late"),
        Err(Denied::NotConnected)
    ));
    assert!(matches!(
        node.routes.send_named(&Sender::program(own.pid()), PEER, "x", b"late"),
        Err(Denied::NotConnected)
    ));
    assert!(matches!(node.routes.link(other.pid(), remote), Err(Denied::NotConnected)));
    assert!(matches!(node.routes.monitor(own.pid(), remote, 7), Err(Denied::NotConnected)));
    // The link that is there has its one exit signal when the session ends.
    node.routes.link(own.pid(), remote).unwrap();
    assert!(!own.is_doomed());
    // Whoever wants a session waits for the end of this one.
    assert!(matches!(node.dial(PEER), Dial::Underway));
    let waiting = tokio::spawn({
        let registry = node.registry.clone();
        async move { registry.settled(PEER).await }
    });
    yield_now().await;
    assert!(!waiting.is_finished());
    node.registry.finish(&session);
    waiting.await.unwrap();
    assert!(own.is_doomed() && !other.is_doomed());
    assert!(matches!(node.dial(PEER), Dial::Start(..)));
}

#[tokio::test]
async fn who_waits_for_room_is_let_go_when_the_session_is_ordered_to_end() {
    let node = node();
    let own = node.table.add(crate::process::Mailbox::default()).unwrap().pid();
    let session = node.taken(1);
    let remote = a_process_of(&session);
    let room = loop {
        match node.routes.send(&Sender::program(own), remote, &[0; 1 << 16]) {
            Ok(_) => {}
            Err(Denied::Full(room)) => break room,
            Err(other) => panic!("{other:?}"),
        }
    };
    let (mut first, mut second) = (None, None);
    room.wait(&mut first).await;
    let Err(Denied::Full(opens)) = node.routes.send(&Sender::program(own), remote, b"first") else {
        panic!()
    };
    let Err(Denied::Full(turn)) = node.routes.send(&Sender::program(own), remote, b"second") else {
        panic!()
    };
    assert!(node.registry.disconnect(PEER));
    opens.wait(&mut first).await;
    turn.wait(&mut second).await;
    assert!(second.is_none());
    assert!(matches!(node.routes.send(&Sender::program(own), remote, b"late"), Err(Denied::NotConnected)));
}
