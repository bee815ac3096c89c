//! What happens at once, in many orders: shuttle runs each test under a thousand schedules, and finds it when all
//! wait for a wake-up that was lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Weak};

use shuttle::sync::mpsc;
use shuttle::{future, thread};

use super::cell::Cell;
use super::remote::Interested;
use super::table::ProcessTable;
use super::{Context, Delivery, Mailbox, Received, RegisterError, SpawnError};
use crate::core::{Pid, Processes, Reason};
use crate::node::Node;
use crate::numbers::SharedNumbers;
use crate::sync::Executor;

const SCHEDULES: usize = 500;
/// Of the schedules that are not random: how often a thread is interrupted where it hurts.
const PREEMPTIONS: usize = 3;

fn check(test: fn()) {
    shuttle::check_random(test, SCHEDULES);
    shuttle::check_pct(test, SCHEDULES, PREEMPTIONS);
}

fn node() -> Node {
    Node::of(ProcessTable::new("", 1, Executor(())))
}

/// Starts a process that hands out what it returns.
fn start<T, F, Fut>(node: &Node, mailbox: Mailbox, process: F) -> (Pid, mpsc::Receiver<T>)
where
    T: Send + 'static,
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let (done, is_done) = mpsc::channel();
    let pid = node.spawn_with(mailbox, async move |ctx| {
        let _ = done.send(process(ctx).await);
    });
    (pid.unwrap(), is_done)
}

/// A process that ends when it receives anything.
fn start_waiting(node: &Node) -> Pid {
    node.spawn(async |mut ctx| drop(ctx.recv().await)).unwrap()
}

/// A thread that sends so many messages.
fn start_sending(node: &Node, to: Pid, count: usize) -> thread::JoinHandle<()> {
    let node = node.clone();
    thread::spawn(move || {
        future::block_on(async {
            for _ in 0..count {
                node.send(to, "x").await.unwrap();
            }
        });
    })
}

fn all_end(node: &Node) {
    while node.process_count() > 0 {
        thread::yield_now();
    }
}

#[test]
fn no_wake_up_is_lost() {
    check(|| {
        let node = node();
        let (pid, done) = start(&node, Mailbox::default(), async |mut ctx| {
            for _ in 0..4 {
                ctx.recv().await;
            }
        });
        let senders = [start_sending(&node, pid, 2), start_sending(&node, pid, 2)];
        done.recv().unwrap();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn no_sender_waits_for_ever() {
    check(|| {
        let node = node();
        let (pid, done) = start(&node, Mailbox::bounded(1), async |mut ctx| {
            // The last one is freed by the end.
            for _ in 0..3 {
                ctx.recv().await;
            }
        });
        let senders = [start_sending(&node, pid, 2), start_sending(&node, pid, 3)];
        done.recv().unwrap();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn two_threads_may_send_with_one_context_while_a_receiver_ends() {
    check(|| {
        let node = node();
        let (stays, got) = start(&node, Mailbox::bounded(1), async |mut ctx| {
            for _ in 0..4 {
                ctx.recv().await;
            }
        });
        let ends = start_waiting(&node);
        let (_, sent) = start(&node, Mailbox::default(), async move |ctx| {
            let ctx = Arc::new(ctx);
            let threads = [(); 2].map(|()| {
                let ctx = Arc::clone(&ctx);
                thread::spawn(move || {
                    future::block_on(async {
                        for to in [stays, ends, stays] {
                            ctx.send(to, "x").await.unwrap();
                        }
                    });
                })
            });
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        got.recv().unwrap();
        sent.recv().unwrap();
        all_end(&node);
    });
}

#[test]
fn a_process_that_is_started_while_the_node_stops_ends_or_is_refused() {
    check(|| {
        let node = node();
        let starting = {
            let node = node.clone();
            thread::spawn(move || node.spawn(async |mut ctx| drop(ctx.recv().await)))
        };
        future::block_on(node.shutdown());
        let started = starting.join().unwrap();
        assert!(matches!(started, Ok(_) | Err(SpawnError::Stopped)));
        assert_eq!(node.spawn(async |_| ()), Err(SpawnError::Stopped));
        all_end(&node);
    });
}

#[test]
fn nothing_of_a_process_comes_behind_its_end() {
    check(|| {
        let node = node();
        let ((tell, told), (give, given)) = (mpsc::channel(), mpsc::channel());
        let (watcher, got) = start(&node, Mailbox::default(), async move |mut ctx| {
            ctx.trap_exit(true);
            tell.send(()).unwrap();
            while !matches!(ctx.recv().await, Received::Exit { reason: Reason::Error(_), .. }) {}
            tell.send(()).unwrap();
            ctx.recv().await
        });
        told.recv().unwrap();
        node.spawn(async move |ctx: Context| {
            ctx.link(watcher).await.unwrap();
            give.send(ctx).unwrap();
            Reason::error("boom")
        })
        .unwrap();
        let ctx = given.recv().unwrap();
        future::block_on(async {
            for _ in 0..2 {
                // Whether it comes too late is the schedule's to say.
                let _ = ctx.send(watcher, "x").await;
                let _ = ctx.send_exit(watcher, Reason::Normal).await;
            }
        });
        drop(ctx);
        told.recv().unwrap();
        future::block_on(node.send(watcher, "mark")).unwrap();
        assert_eq!(got.recv().unwrap().into_message().unwrap().as_bytes(), b"mark");
        all_end(&node);
    });
}

#[test]
fn a_link_gives_one_signal_whenever_the_other_ends() {
    check(|| {
        let node = node();
        let other = node.spawn(async |_| Reason::error("boom")).unwrap();
        let (pid, got) = start(&node, Mailbox::default(), async move |mut ctx| {
            ctx.trap_exit(true);
            ctx.link(other).await.unwrap();
            // The second is the same link, or another to a dead process.
            ctx.link(other).await.unwrap();
            let first = ctx.recv().await;
            let cell = ctx.node().table().get(ctx.pid().local()).unwrap();
            assert!(!cell.has_link(other.local()));
            first
        });
        let Received::Exit { from, reason } = got.recv().unwrap() else { panic!() };
        assert_eq!(from, other);
        assert!(reason == Reason::error("boom") || reason == Reason::noproc());
        assert_ne!(pid, other);
        all_end(&node);
    });
}

#[test]
fn a_link_is_had_by_both_or_by_none() {
    check(|| {
        let node = node();
        let cells: [Arc<Cell>; 2] = [(); 2].map(|()| node.table().add(Mailbox::default()).unwrap());
        let [first, second] = cells.clone();
        let table = node.table();
        let linking = {
            let (table, first, second) = (Arc::clone(table), Arc::clone(&first), Arc::clone(&second));
            thread::spawn(move || {
                future::block_on(ProcessTable::link(&first, second.pid())).unwrap();
                table.unlink(&first, second.pid());
                future::block_on(ProcessTable::link(&first, second.pid())).unwrap();
            })
        };
        future::block_on(ProcessTable::link(&second, first.pid())).unwrap();
        table.unlink(&second, first.pid());
        linking.join().unwrap();
        assert_eq!(first.has_link(second.local()), second.has_link(first.local()));
    });
}

#[test]
fn a_monitor_gives_one_down_whenever_the_other_ends() {
    check(|| {
        let node = node();
        let other = node.spawn(async |_| Reason::error("boom")).unwrap();
        let (_, got) = start(&node, Mailbox::default(), async move |mut ctx| {
            let reference = ctx.monitor(other).await.unwrap();
            let down = ctx.recv().await;
            let cell = ctx.node().table().get(ctx.pid().local()).unwrap();
            assert_eq!(cell.unwatch(reference.number()), None);
            down
        });
        let Received::Down { from, reason, .. } = got.recv().unwrap() else { panic!() };
        assert_eq!(from, other);
        assert!(reason == Reason::error("boom") || reason == Reason::noproc());
        all_end(&node);
    });
}

#[test]
fn nothing_of_a_link_or_monitor_comes_after_its_end() {
    check(|| {
        let node = node();
        let other = start_waiting(&node);
        let (_, got) = start(&node, Mailbox::default(), async move |mut ctx| {
            ctx.trap_exit(true);
            ctx.link(other).await.unwrap();
            let reference = ctx.monitor(other).await.unwrap();
            ctx.send(other, "end").await.unwrap();
            ctx.unlink(other);
            ctx.demonitor_flush(reference);
            // What came before the unlink is here; nothing else may follow.
            ctx.send(ctx.pid(), "mark").await.unwrap();
            while !matches!(ctx.recv().await, Received::Message(_)) {}
            while ctx.node().process_count() > 1 {
                future::yield_now().await;
            }
            ctx.send(ctx.pid(), "mark").await.unwrap();
            ctx.recv().await
        });
        assert!(matches!(got.recv().unwrap(), Received::Message(_)));
        all_end(&node);
    });
}

#[test]
fn two_that_end_at_once_end() {
    check(|| {
        let node = node();
        let other = start_waiting(&node);
        let (linked, is_linked) = mpsc::channel();
        let pid = node.spawn(async move |mut ctx: Context| {
            ctx.link(other).await.unwrap();
            let _ = linked.send(());
            ctx.recv().await;
        });
        is_linked.recv().unwrap();
        let killing = {
            let node = node.clone();
            thread::spawn(move || node.kill(other).unwrap())
        };
        node.kill(pid.unwrap()).unwrap();
        killing.join().unwrap();
        all_end(&node);
    });
}

#[test]
fn a_name_does_not_outlive_its_process() {
    check(|| {
        let node = node();
        let pid = node.spawn(async |_| {}).unwrap();
        match node.register("name", pid) {
            Ok(()) => {}
            Err(refused) => assert_eq!(refused, RegisterError::NoProcess(pid)),
        }
        all_end(&node);
        assert_eq!(node.whereis("name"), None);
        let next = start_waiting(&node);
        node.register("name", next).unwrap();
        future::block_on(node.send(next, "end")).unwrap();
        all_end(&node);
    });
}

#[test]
fn who_was_spawned_is_found() {
    check(|| {
        let node = node();
        let (_, got) = start(&node, Mailbox::default(), async |mut ctx| {
            ctx.trap_exit(true);
            let child = ctx.spawn_link(async |mut ctx| drop(ctx.recv().await)).unwrap();
            let node = ctx.node();
            let killing = thread::spawn(move || {
                assert!(node.is_alive(child));
                node.kill(child).unwrap();
            });
            let exit = ctx.recv().await;
            killing.join().unwrap();
            exit == Received::Exit { from: child, reason: Reason::Killed }
        });
        assert!(got.recv().unwrap());
        all_end(&node);
    });
}

/// A session that counts what it is told.
struct Session(mpsc::Sender<u64>);

impl Interested for Session {
    fn process_ended(&self, local: u64, _: &Reason) {
        self.0.send(local).unwrap();
    }
}

#[test]
fn a_session_is_attached_and_told_or_neither() {
    check(|| {
        let node = node();
        let (told, is_told) = mpsc::channel();
        let session: Arc<dyn Interested> = Arc::new(Session(told));
        let pid = node.spawn(async |_| {}).unwrap();
        let mut delivery = Delivery::new(
            Arc::clone(node.table()),
            Arc::downgrade(&session),
            "p".into(),
            SharedNumbers::default(),
        );
        if delivery.attach(pid.local()) {
            assert_eq!(is_told.recv().unwrap(), pid.local());
        }
        all_end(&node);
        drop(session);
        assert!(is_told.recv().is_err());
    });
}

#[test]
fn what_mailboxes_hold_is_given_back() {
    check(|| {
        let node = node();
        let (pid, done) = start(&node, Mailbox::default(), async |mut ctx| {
            for _ in 0..2 {
                ctx.recv().await;
            }
        });
        let mut delivery = Delivery::new(
            Arc::clone(node.table()),
            Weak::<Session>::new() as Weak<dyn Interested>,
            "p".into(),
            SharedNumbers::default(),
        );
        for _ in 0..3 {
            delivery.message(pid.local(), b"three");
            delivery.after_frames();
        }
        done.recv().unwrap();
        all_end(&node);
        assert_eq!(node.table().shares().held(), 0);
    });
}
