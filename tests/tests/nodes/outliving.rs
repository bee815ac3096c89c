//! A context that is kept longer than its process lives: nothing of the process comes behind its end.

use std::sync::Arc;

use snow_dist_runtime::{
    Context, Mailbox, MonitorNodeError, Node, Pid, Reason, Received, Refused, RegisterError, SendError,
    SpawnError,
};
use snow_dist_tests::program::{begin, connected, end_of, received, seen_from, text, within};
use tokio::sync::oneshot;

/// A process that gives its context away, and ends when it is told to.
fn gives_away(node: &Node) -> (Pid, oneshot::Receiver<Context>, oneshot::Sender<Reason>) {
    let ((give, is_given), (end, told)) = (oneshot::channel(), oneshot::channel());
    let pid = node.spawn(async move |ctx: Context| {
        give.send(ctx).unwrap();
        told.await.unwrap_or(Reason::Normal)
    });
    (pid.unwrap(), is_given, end)
}

const fn is_ended(sent: &Result<(), SendError>) -> bool {
    matches!(sent, Err(SendError::Refused(Refused::Ended)))
}

/// A process that is linked with another one, until it has learned of its end.
struct Linked {
    pid: Pid,
    learned: oneshot::Receiver<()>,
    /// What comes behind the exit signal and before a message "mark".
    behind: oneshot::Receiver<Vec<Received>>,
}

impl Linked {
    async fn on(node: &Node, with: Pid) -> Self {
        let ((ready, is_ready), (learn, learned)) = (oneshot::channel(), oneshot::channel());
        let (pid, behind) = begin(node, async move |mut ctx: Context| {
            ctx.trap_exit(true);
            ctx.link(with).await.unwrap();
            ctx.register("linked").unwrap();
            ready.send(()).unwrap();
            // One without a link says Normal.
            while !matches!(received(&mut ctx).await, Received::Exit { reason: Reason::Error(_), .. }) {}
            learn.send(()).unwrap();
            let mut behind = Vec::new();
            loop {
                match received(&mut ctx).await {
                    Received::Message(message) if message.as_bytes() == b"mark" => {
                        ctx.unregister("linked");
                        return behind;
                    }
                    other => behind.push(other),
                }
            }
        });
        within("the link", is_ready).await.unwrap();
        Self { pid, learned, behind }
    }

    /// Waits until it has learned of the end, then sends the mark as `to`.
    async fn assert_nothing_comes_behind(self, node: &Node, to: Pid) {
        within("the exit signal", self.learned).await.unwrap();
        node.send(to, "mark").await.unwrap();
        assert_eq!(within("the mark", self.behind).await.unwrap(), []);
    }
}

//= spec/session.md#ses-ord-002
//= type=test
//# A node MUST write EXIT, MONITOR_EXIT and DEMONITOR of a process that has ended after all its messages to
//# the same process of the peer.
#[tokio::test]
async fn a_context_that_outlives_its_process_does_nothing_and_says_so() {
    let (a, b) = connected().await;
    for receives_on in [&a, &b] {
        let (pid, ctx, end) = gives_away(&a);
        let mut ctx = within("its context", ctx).await.unwrap();
        let seen = if *receives_on.name() == *a.name() { pid } else { seen_from(&b, &a, pid) };
        let linked = Linked::on(receives_on, seen).await;
        let to = linked.pid;
        let to = if *receives_on.name() == *a.name() { to } else { seen_from(&a, &b, to) };
        // As long as it lives, all is as ever.
        ctx.send(to, "before").await.unwrap();
        end.send(Reason::error("boom")).unwrap();
        assert!(matches!(end_of(&a, pid).await, Reason::Error(_)));

        assert!(is_ended(&ctx.send(to, "late").await));
        assert!(is_ended(&ctx.send_term(to, &"late").await));
        assert!(is_ended(&ctx.send_named("linked", receives_on.name(), "late").await));
        assert!(is_ended(&ctx.send_named_term("linked", receives_on.name(), &"late").await));
        assert_eq!(ctx.send_exit(to, Reason::error("late")).await, Err(Refused::Ended));
        assert_eq!(ctx.link(to).await, Err(Refused::Ended));
        assert_eq!(ctx.monitor(to).await, Err(Refused::Ended));
        assert_eq!(ctx.monitor_node(b.name()), Err(MonitorNodeError::Ended));
        assert_eq!(ctx.register("late"), Err(RegisterError::NoProcess(pid)));
        assert_eq!(ctx.spawn(async |_| ()), Err(SpawnError::Ended));
        assert_eq!(ctx.spawn_link(async |_| ()), Err(SpawnError::Ended));
        assert_eq!(ctx.spawn_monitor(async |_| ()).unwrap_err(), SpawnError::Ended);
        // It goes for whoever is not there, too, and what there is nothing of is ended as ever.
        assert!(is_ended(&ctx.send(pid, "to itself").await));
        assert!(is_ended(&ctx.send_named("nobody", "nobody@nowhere:1", "late").await));
        ctx.unlink(to);
        ctx.demonitor_node(b.name()).unwrap();
        linked.assert_nothing_comes_behind(&a, to).await;
        assert_eq!(ctx.recv_timeout(std::time::Duration::from_millis(1)).await, None);
        // What is done for any process goes on.
        assert_eq!(ctx.whereis("nobody"), None);
        assert_eq!(ctx.node().name(), a.name());
    }
}

/// Threads that send by it all the time, in every way, while it ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_of_a_process_comes_behind_its_end_whenever_that_comes() {
    let (a, b) = connected().await;
    for round in 0..60 {
        let receives_on = if round % 2 == 0 { &a } else { &b };
        let (pid, ctx, end) = gives_away(&a);
        let ctx = Arc::new(within("its context", ctx).await.unwrap());
        let seen = if *receives_on.name() == *a.name() { pid } else { seen_from(&b, &a, pid) };
        let linked = Linked::on(receives_on, seen).await;
        let to = linked.pid;
        let to = if *receives_on.name() == *a.name() { to } else { seen_from(&a, &b, to) };
        let (sending, is_sending) = oneshot::channel();
        let by_pid = tokio::spawn({
            let ctx = Arc::clone(&ctx);
            async move {
                ctx.send(to, "by pid").await.unwrap();
                sending.send(()).unwrap();
                while !is_ended(&ctx.send(to, "by pid").await) {}
            }
        });
        let others = tokio::spawn({
            let name = receives_on.name().to_owned();
            async move {
                while !is_ended(&ctx.send_named("linked", &name, "by name").await)
                    && !is_ended(&ctx.send_term(to, &"a term").await)
                    && ctx.send_exit(to, Reason::Normal).await != Err(Refused::Ended)
                {}
            }
        });
        within("the first message", is_sending).await.unwrap();
        end.send(Reason::error("boom")).unwrap();
        within("its last message", by_pid).await.unwrap();
        within("its last other things", others).await.unwrap();
        linked.assert_nothing_comes_behind(&a, to).await;
    }
}

#[tokio::test]
async fn a_sender_that_ends_while_it_waits_for_room_sends_nothing_and_takes_no_place() {
    let a = Node::alone(tokio::runtime::Handle::current());
    let (all, full) = (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(tokio::sync::Notify::new()));
    let to = a.spawn_with(Mailbox::bounded(1), {
        let (all, full) = (Arc::clone(&all), Arc::clone(&full));
        async move |mut ctx: Context| {
            full.notified().await;
            assert_eq!(text(&mut ctx).await, "first");
            assert_eq!(text(&mut ctx).await, "third");
            all.add_permits(1);
        }
    });
    let to = to.unwrap();
    let (pid, ctx, end) = gives_away(&a);
    let ctx = within("its context", ctx).await.unwrap();
    ctx.send(to, "first").await.unwrap();
    let waiting = tokio::spawn(async move { ctx.send(to, "second").await });
    tokio::task::yield_now().await;
    end.send(Reason::Normal).unwrap();
    end_of(&a, pid).await;
    full.notify_one();
    assert!(is_ended(&within("the answer", waiting).await.unwrap()));
    within("a place", a.send(to, "third")).await.unwrap();
    within("both", all.acquire()).await.unwrap().forget();
}
