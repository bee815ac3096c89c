//! What nodes tell of, made to happen: `runtime/OBSERVING.md`. Failures of processes are in `failures`, refused connections and what
//! floods are in `attackers`, and cookies in `cookies`.

use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use snow_dist_runtime::core::limits::{NOTICE_INTERVAL_MAX, SESSIONS_TOLD_SINGLY_MAX};
use snow_dist_runtime::discovery::{File, List};
use snow_dist_runtime::server::{self, Server};
use snow_dist_runtime::supervisor::{Child, Started, Strategy, Supervisor};
use snow_dist_runtime::testing::SimulatedNetwork;
use snow_dist_runtime::{Connection, Context, Listener, Mailbox, Network, Node, OnConflict, Reason};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{COOKIE, connect, idle, node, run, seen_from, start, until};
use snow_dist_tests::raw_peer::RawNode;

#[tokio::test]
async fn a_session_is_told_of_and_has_a_span_and_so_has_a_call() {
    let log = Log::down_to_debug();
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let up = log.lines_with("session up");
    let of = |node: &Node| format!("INFO snow_dist_runtime::sessions session up peer={}", node.name());
    assert_eq!(up.len(), 2, "{up:?}");
    assert!(up.contains(&of(&a)) && up.contains(&of(&b)), "{up:?}");
    for is_dialled in [true, false] {
        let span = format!("DEBUG snow_dist_runtime::sessions span session is_dialled={is_dialled}");
        assert_eq!(log.lines_with(&span).len(), 1, "{:?}", log.lines());
    }
    assert_eq!(log.lines_with("span recorded peer=").len(), 2);

    let callee = seen_from(&a, &b, b.spawn(async |_| Reason::error("gone")).unwrap());
    a.call::<u8>(callee, &"?", Duration::from_secs(600)).await.unwrap_err();
    let span = format!("callee={callee}");
    let spans = log.lines_with("DEBUG snow_dist_runtime::processes span call caller=");
    assert!(spans.len() == 1 && spans[0].ends_with(&span), "{spans:?}");

    a.disconnect(b.name());
    until("both ends", || log.lines_with("INFO snow_dist_runtime::sessions session ended peer=").len() == 2)
        .await;
}

#[tokio::test]
async fn a_node_that_is_not_reached_is_told_of() {
    let log = Log::down_to_debug();
    let kept = node("a").await;
    kept.keep("b@127.0.0.1:1").unwrap();
    until("the warning", || log.lines_with("a node that is kept connected is not reached").len() == 1).await;
    let a = start(Node::builder("a@127.0.0.1:0").dial_when_needed(true)).await;
    run(&a, async |ctx: Context| ctx.send_named("x", "b@127.0.0.1:1", "lost").await.unwrap()).await;
    let line = "DEBUG snow_dist_runtime::connections a node that a process has turned to is not reached";
    assert_eq!(log.lines_with(line).len(), 1);
}

#[tokio::test]
async fn a_global_name_that_another_node_keeps_is_told_of() {
    let log = Log::of_this_thread();
    let (a, b) = (node("a").await, node("b").await);
    for node in [&a, &b] {
        let process = node.spawn(idle).unwrap();
        node.register_global("desk", process, OnConflict::Exit).unwrap();
    }
    connect(&a, &b).await;
    let line = "WARN snow_dist_runtime::processes the global name is kept by another node name=desk";
    until("the warning", || log.lines_with(line).len() == 1).await;
}

#[tokio::test]
async fn a_message_that_is_dropped_is_told_of() {
    let log = Log::of_this_thread();
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let full = b.spawn_with(Mailbox::bounded(1), async |_| std::future::pending::<()>().await).unwrap();
    let to = seen_from(&a, &b, full);
    for _ in 0..2 {
        a.send(to, "message").await.unwrap();
    }
    let line = format!("WARN snow_dist_runtime::processes mailbox full: dropped process={full}");
    until("the warning", || log.lines_with(&line).len() == 1).await;
}

/// Connects to nobody, and takes nobody's connection.
struct Deaf;

impl Network for Deaf {
    type Listener = Self;

    async fn listen(&self, _: &str) -> io::Result<Self> {
        Ok(Self)
    }

    async fn connect(&self, _: &str) -> io::Result<Connection> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

impl Listener for Deaf {
    fn port(&self) -> io::Result<u16> {
        Ok(1)
    }

    async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        Err(io::Error::other("too many open files"))
    }
}

#[tokio::test]
async fn a_listener_that_accepts_nothing_is_told_of() {
    let log = Log::of_this_thread();
    let a = Node::builder("a@127.0.0.1:0").cookie(COOKIE).start_on(Deaf).await.unwrap();
    let line =
        "WARN snow_dist_runtime::connections no connection can be accepted error=too many open files times=";
    until("the warning", || !log.lines_with(line).is_empty()).await;
    a.shutdown().await;
}

#[tokio::test]
async fn an_address_that_this_machine_does_not_have_is_told_of() {
    let log = Log::down_to_debug();
    let nowhere = Node::builder("a@127.0.0.1:0").cookie(COOKIE).listen("192.0.2.1:0").start().await;
    assert!(nowhere.is_err());
    let line = "DEBUG snow_dist_runtime::connections this machine does not have the address: it is left out \
                address=192.0.2.1:0";
    assert_eq!(log.lines_with(line).len(), 1, "{:?}", log.lines());
}

/// Each node has a line for each of the first beginnings and ends, and then one for many.
#[tokio::test(start_paused = true)]
async fn very_many_sessions_are_told_of_in_sum() {
    const ROUNDS: usize = SESSIONS_TOLD_SINGLY_MAX as usize / 2 + 1;
    let log = Log::of_this_thread();
    let network = SimulatedNetwork::new();
    let start = async |name: &str| {
        let builder = Node::builder(format!("{name}@{name}:1")).cookie(COOKIE);
        builder.start_on(network.host(name)).await.unwrap()
    };
    let (a, b) = (start("a").await, start("b").await);
    for round in 0..=ROUNDS {
        if round == ROUNDS {
            // Until then what is beyond the first lines is counted.
            assert_eq!(log.lines_with("sessions have begun or ended"), Vec::<String>::new());
            tokio::time::advance(NOTICE_INTERVAL_MAX).await;
        }
        a.connect(b.name()).await.unwrap();
        a.disconnect(b.name());
        until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    }
    let line = "INFO snow_dist_runtime::sessions sessions have begun or ended ";
    until("the sums of both", || log.lines_with(line).len() == 2).await;
}

#[tokio::test]
async fn what_discoveries_find_and_do_not_is_told_of() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    let _list = a.discover(List::new(["b@127.0.0.1:1"])).unwrap();
    until("a change", || {
        log.lines_with("INFO snow_dist_runtime::discovery the nodes that are there").len() == 1
    })
    .await;
    let _file = a.discover(File::new("/nothing/is/here")).unwrap();
    until("a failure", || {
        log.lines_with("WARN snow_dist_runtime::discovery a look for nodes has").len() == 1
    })
    .await;
    let _bad = a.discover(List::new(["no node name"])).unwrap();
    until("a name", || log.lines_with("names of nodes are passed over, the first of them").len() == 1).await;
}

#[tokio::test]
async fn a_cookie_that_is_short_is_told_of() {
    let log = Log::of_this_thread();
    let short = Node::builder("a@127.0.0.1:0").cookie("short").start().await.unwrap();
    short.shutdown().await;
    assert_eq!(log.lines_with("WARN snow_dist_runtime::configuration the cookie is short").len(), 1);
}

#[tokio::test]
async fn what_supervisors_do_is_told_of() {
    let log = Log::of_this_thread();
    let node = Node::alone(tokio::runtime::Handle::current());
    let child = Child::new("worker", async |_: Context| Reason::error("boom"));
    Supervisor::new(Strategy::OneForOne)
        .restarts(1, Duration::from_secs(600))
        .child(child)
        .start(&node)
        .unwrap();
    until("its end", || node.process_count() == 0).await;
    assert_eq!(log.lines_with("INFO snow_dist_runtime::processes a child is started again").len(), 1);
    assert_eq!(log.lines_with("ERROR snow_dist_runtime::processes a supervisor gives up").len(), 1);
    let counts = node.stats().supervisors;
    assert_eq!((counts.restarts, counts.gave_up), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_killed_for_its_time_is_told_of_with_the_limit() {
    let log = Log::of_this_thread();
    let node = Node::alone(tokio::runtime::Handle::current());
    let supervisor = Supervisor::new(Strategy::OneForOne).start(&node).unwrap();
    let unstarted = Child::starting("unstarted", async |_: Context, started: Started| {
        std::future::pending::<()>().await;
        drop(started);
    });
    let error = supervisor.start_child(unstarted.starts_within(Duration::from_secs(3))).await.unwrap_err();
    assert!(error.to_string().contains("within 3s (`starts_within`)"), "{error}");
    let unstopped = Child::new("unstopped", async |_: Context| std::future::pending::<()>().await);
    let pid = supervisor.start_child(unstopped.stops_within(Duration::from_secs(4))).await.unwrap();
    supervisor.stop().await;
    let own = supervisor.pid().unwrap();
    let line = |what: &str, child: &str| {
        format!(
            "WARN snow_dist_runtime::processes a child that has not {what} in time is killed supervisor={own} child={child} "
        )
    };
    let started = log.lines_with(&line("started", "unstarted"));
    assert!(started.len() == 1 && started[0].ends_with(" within=3s"), "{:?}", log.lines());
    let stopped = log.lines_with(&line("stopped", "unstopped"));
    assert!(stopped.len() == 1 && stopped[0].ends_with(&format!("process={pid} within=4s")), "{stopped:?}");
}

#[tokio::test]
async fn processes_that_a_shutdown_kills_are_told_of() {
    let log = Log::of_this_thread();
    let node = Node::alone(tokio::runtime::Handle::current());
    let first = node
        .spawn(async |ctx: Context| {
            ctx.describe("counts sheep");
            idle(ctx).await
        })
        .unwrap();
    node.register("deaf", first).unwrap();
    node.spawn(idle).unwrap();
    tokio::task::yield_now().await;
    let left = node.shutdown_within(Duration::ZERO).await;
    let descriptions: Vec<_> = left.iter().map(|left| left.description.as_deref()).collect();
    assert_eq!(descriptions, [Some("counts sheep"), None]);
    let line = format!(
        "WARN snow_dist_runtime::processes processes that have not ended in time are killed count=2 process={first} name=deaf \
         description=counts sheep"
    );
    assert_eq!(log.lines_with(&line).len(), 1, "{:?}", log.lines());
}

/// A server that takes numbers and does nothing with them.
struct Numbers;

impl Server for Numbers {
    type Message = u64;

    async fn handle(&mut self, _: &mut Context, _: u64) -> ControlFlow<Reason> {
        ControlFlow::Continue(())
    }
}

#[tokio::test]
async fn a_message_that_a_server_passes_over_is_told_of() {
    let log = Log::of_this_thread();
    let node = Node::alone(tokio::runtime::Handle::current());
    let numbers = server::start(&node, Numbers).unwrap();
    node.send_term(numbers.pid(), "no number").await.unwrap();
    let line = format!(
        "WARN snow_dist_runtime::processes a server has passed over a message that is not of its type process={} error=",
        numbers.pid()
    );
    until("the warning", || log.lines_with(&line).len() == 1).await;
}

#[tokio::test]
async fn a_message_of_a_timer_that_is_refused_is_told_of() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    let mut peer = RawNode::new("raw@127.0.0.1:1", 7);
    peer.local.bounds.frame_bytes = 1 << 16;
    let _session = peer.join(a.name()).await;
    let far = a.pid_on(peer.name(), 3).unwrap();
    let own = a.spawn(async move |ctx: Context| {
        ctx.send_after(Duration::ZERO, far, vec![0; 1 << 16]).unwrap();
        std::future::pending::<()>().await;
    });
    let own = own.unwrap();
    let line =
        format!("WARN snow_dist_runtime::processes the message of a timer is refused process={own} error=");
    until("the warning", || log.lines_with(&line).len() == 1).await;
    assert!(log.lines_with(&line)[0].contains("bytes are more than the other node takes"));
}
