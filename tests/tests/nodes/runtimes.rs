//! The runtime of a node and who else uses the node: other runtimes, other executors, and a runtime that is gone.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use snow_dist_runtime::{
    ConnectError, Connection, Context, Network, Node, NodeBuilder, Received, SpawnError, StartError, Tcp,
};
use snow_dist_tests::program::{COOKIE, within};
use snow_dist_tests::raw_peer::{Listener, RawNode};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// An executor without timers, I/O or anything else.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn builder(name: &str) -> NodeBuilder {
    Node::builder(format!("{name}@127.0.0.1:0")).cookie(COOKIE)
}

fn node(on: &Runtime, name: &str) -> Node {
    on.block_on(builder(name).start()).unwrap()
}

/// A context of a process that goes on running.
fn context(of: &Node) -> Context {
    let (give, given) = oneshot::channel();
    of.spawn(async |ctx: Context| {
        drop(give.send(ctx));
        std::future::pending::<()>().await;
    })
    .unwrap();
    block_on(given).unwrap()
}

#[test]
fn a_node_whose_runtime_is_gone_fails_and_does_not_hang() {
    for runtime in [threads(), one_thread()] {
        let (a, b) = (node(&runtime, "a"), node(&runtime, "b"));
        runtime.block_on(a.connect(b.name())).unwrap();
        let mut ctx = runtime.block_on(async { context_on(&a).await });
        drop(runtime);
        assert!(a.nodes().is_empty());
        let test = async {
            for _ in 0..2 {
                let refused = within("a refusal", a.connect(b.name())).await;
                assert!(matches!(refused, Err(ConnectError::RuntimeGone)), "{refused:?}");
            }
            let refused = a.spawn(async |_| ());
            assert_eq!(refused, Err(SpawnError::RuntimeGone));
            assert_eq!(a.process_count(), 0);
            within("a message", a.send_named("x", b.name(), "lost")).await.unwrap();
            assert_eq!(within("the time", ctx.recv_timeout(Duration::from_secs(600))).await, None);
            within("the end", a.shutdown()).await;
            within("the end", b.shutdown()).await;
        };
        one_thread().block_on(test);
    }
}

/// As [`context`], on a runtime that only runs while it is blocked on.
async fn context_on(of: &Node) -> Context {
    let (give, given) = oneshot::channel();
    of.spawn(async |ctx: Context| {
        drop(give.send(ctx));
        std::future::pending::<()>().await;
    })
    .unwrap();
    given.await.unwrap()
}

#[test]
fn a_runtime_that_goes_in_the_middle_of_a_dial_is_an_error_to_whoever_waits() {
    let runtime = threads();
    let a = node(&runtime, "a");
    let (listener, name) = runtime.block_on(async {
        let listener = Listener::bind().await;
        let name = listener.name("silent");
        (listener, name)
    });
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let (a, name) = (a.clone(), name.clone());
            thread::spawn(move || block_on(a.connect(&name)))
        })
        .collect();
    let _silent = runtime.block_on(listener.accept_tcp());
    drop(listener);
    drop(runtime);
    for caller in callers {
        let refused = caller.join().unwrap();
        assert!(matches!(refused, Err(ConnectError::RuntimeGone)), "{refused:?}");
    }
    block_on(a.shutdown());
}

#[test]
fn a_node_is_used_from_any_executor() {
    let runtime = threads();
    let (a, b) = (node(&runtime, "a"), node(&runtime, "b"));
    for callers in [1, 8] {
        let callers: Vec<_> = (0..callers)
            .map(|_| {
                let (a, name) = (a.clone(), b.name().to_owned());
                thread::spawn(move || block_on(a.connect(&name)))
            })
            .collect();
        for caller in callers {
            caller.join().unwrap().unwrap();
        }
        // Waits for the end of what is ending.
        assert!(a.disconnect(b.name()));
        block_on(a.connect(b.name())).unwrap();
        assert!(a.disconnect(b.name()));
    }
    block_on(a.connect(b.name())).unwrap();
    let mut ctx = context(&b);
    ctx.monitor_node(a.name()).unwrap();
    let to = a.pid_on(b.name(), ctx.pid().local()).unwrap();
    block_on(a.send(to, "here")).unwrap();
    let got = block_on(ctx.recv_timeout(Duration::from_secs(600)));
    assert!(matches!(got, Some(Received::Message(_))), "{got:?}");
    assert_eq!(block_on(ctx.recv_timeout(Duration::from_millis(20))), None);
    assert_eq!(block_on(ctx.recv_where_timeout(|_| true, Duration::from_millis(20))), None);
    // Another runtime, without timers.
    let bare = Builder::new_current_thread().build().unwrap();
    assert_eq!(bare.block_on(ctx.recv_timeout(Duration::from_millis(20))), None);
    bare.block_on(a.connect(b.name())).unwrap();
    bare.block_on(a.shutdown());
    let got = block_on(ctx.recv());
    assert!(matches!(got, Received::NodeDown { .. }), "{got:?}");
    block_on(b.shutdown());
}

#[test]
fn a_dial_that_is_made_again_needs_no_timer_of_whoever_asked_for_it() {
    let runtime = threads();
    let a = node(&runtime, "a");
    let (listener, name) = runtime.block_on(async {
        let listener = Listener::bind().await;
        let name = listener.name("b");
        (listener, name)
    });
    let asking = thread::spawn({
        let (a, name) = (a.clone(), name.clone());
        move || block_on(a.connect(&name))
    });
    let _session = runtime.block_on(async {
        let peer = RawNode::new(&name, 7);
        // Refused as one too many, which it is not: a dial follows.
        let (mut wire, verified) = peer.accept_to_reply(&listener).await;
        let duplicate = snow_dist_codec::handshake::Reject::DUPLICATE;
        wire.say(&verified.refuse(duplicate, "no").unwrap()).await;
        peer.accept(&listener).await
    });
    asking.join().unwrap().unwrap();
    block_on(a.shutdown());
}

#[test]
fn a_runtime_that_cannot_run_a_node_is_refused() {
    let refused = block_on(builder("a").start()).unwrap_err();
    assert!(matches!(refused, StartError::Runtime(_)), "{refused}");
    let without_timers = Builder::new_current_thread().enable_io().build().unwrap();
    let refused = without_timers.block_on(builder("a").start()).unwrap_err();
    assert!(matches!(refused, StartError::Runtime(_)), "{refused}");
    assert!(refused.to_string().contains("enable_time"), "{refused}");
    let without_io = Builder::new_current_thread().enable_time().build().unwrap();
    let refused = without_io.block_on(builder("a").start()).unwrap_err();
    assert!(matches!(refused, StartError::Listen { .. }), "{refused}");
    assert!(refused.to_string().contains("enable_io"), "{refused}");
}

#[test]
fn a_panic_in_a_dial_is_called_one() {
    struct Panics;
    impl Network for Panics {
        type Listener = <Tcp as Network>::Listener;
        async fn listen(&self, address: &str) -> io::Result<Self::Listener> {
            Tcp.listen(address).await
        }
        async fn connect(&self, address: &str) -> io::Result<Connection> {
            panic!("no way to {address}")
        }
    }
    let runtime = threads();
    let a = runtime.block_on(builder("a").start_on(Panics)).unwrap();
    // The first leaves nothing behind that the second would wait for.
    for _ in 0..2 {
        let refused = block_on(a.connect("b@127.0.0.1:1")).unwrap_err();
        assert!(matches!(refused, ConnectError::Panic(_)), "{refused}");
        assert_eq!(refused.to_string(), "the dial panicked: no way to 127.0.0.1:1");
    }
    block_on(a.shutdown());
}
