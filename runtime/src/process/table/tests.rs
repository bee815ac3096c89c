//! The table beside sessions that take a thing only when they have been told to.

#![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

use std::panic::AssertUnwindSafe;
use std::task::{Context as TaskContext, Wake, Waker};

use bytes::Bytes;
use tokio::runtime::Handle;

use super::*;
use crate::core::limits::PROCESS_NAME_BYTES_MAX;
use crate::core::{Caller, SpawnTie, Term};
use crate::process::mailbox::Inbox;
use crate::process::remote::{Sender, Sent};
use crate::process::room::Entrance;
use crate::process::{Message, Received, Refused, RegisterError, SendError};

type Outcome = fn() -> Result<(), Denied>;

/// Sessions that take a thing only when they have been told to.
#[derive(Default)]
struct Sessions {
    entrance: Entrance,
    outcome: Mutex<Option<Outcome>>,
    asked: Mutex<Vec<String>>,
}

impl Sessions {
    fn ask(&self, what: String) -> Result<(), Denied> {
        self.asked.lock().push(what);
        if let Some(outcome) = *self.outcome.lock() {
            return outcome();
        }
        Err(Denied::Full(self.entrance.wait()))
    }

    fn answer(&self, outcome: Outcome) {
        *self.outcome.lock() = Some(outcome);
        self.entrance.open();
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock())
    }
}

impl Remote for Sessions {
    fn send(&self, from: &Sender<'_>, to: Pid, message: &[u8]) -> Result<Sent, Denied> {
        let from = from.pid();
        self.ask(format!("send {from} {to} {}", message.len())).map(|()| Sent::MakeWay)
    }

    fn send_term(&self, from: &Sender<'_>, to: Pid, term: &mut Term) -> Result<Sent, Denied> {
        let from = from.pid();
        self.ask(format!("send term {from} {to} {}", term.pids().count())).map(|()| Sent::GoOn)
    }

    fn send_named(&self, _: &Sender<'_>, node: &str, name: &str, message: &[u8]) -> Result<Sent, Denied> {
        self.ask(format!("send {name}@{node} {}", message.len())).map(|()| Sent::GoOn)
    }

    fn send_named_term(
        &self,
        _: &Sender<'_>,
        node: &str,
        name: &str,
        term: &mut Term,
    ) -> Result<Sent, Denied> {
        self.ask(format!("send term {name}@{node} {}", term.pids().count())).map(|()| Sent::GoOn)
    }

    fn call(&self, _: Pid, to: Pid, reference: u64, _: &mut Term) -> Result<Sent, Denied> {
        self.ask(format!("call {to} {reference}")).map(|()| Sent::GoOn)
    }

    fn spawn(
        &self,
        _: Pid,
        node: &str,
        request: u64,
        _: SpawnTie,
        function: &str,
        _: &mut Term,
    ) -> Result<Sent, Denied> {
        self.ask(format!("spawn {function} on {node} {request}")).map(|()| Sent::GoOn)
    }

    fn call_named(
        &self,
        _: Pid,
        node: &str,
        name: &str,
        reference: u64,
        _: &mut Term,
    ) -> Result<Sent, Denied> {
        self.ask(format!("call {name}@{node} {reference}")).map(|()| Sent::GoOn)
    }

    fn reply(&self, caller: &Caller, _: &mut Term) -> Result<Sent, Denied> {
        self.ask(format!("reply {} {}", caller.pid, caller.reference)).map(|()| Sent::GoOn)
    }

    fn leave_unanswered(&self, caller: &Caller) {
        drop(self.ask(format!("unanswered {} {}", caller.pid, caller.reference)));
    }

    fn monitor_named(&self, _: Pid, node: &str, name: &str, reference: u64) -> Result<(), Denied> {
        self.ask(format!("monitor {name}@{node} {reference}"))
    }

    fn demonitor_named(&self, node: &str, reference: u64) {
        drop(self.ask(format!("demonitor {node} {reference}")));
    }

    fn tell_global(&self, name: &Arc<str>, local: Option<u64>) -> Vec<Arc<Waker>> {
        drop(self.ask(format!("global {name} {local:?}")));
        Vec::new()
    }

    fn link(&self, _: Pid, to: Pid) -> Result<(), Denied> {
        self.ask(format!("link {to}"))
    }

    fn unlink(&self, _: Pid, to: Pid) {
        drop(self.ask(format!("unlink {to}")));
    }

    fn exit(&self, _: Sender<'_>, to: Pid, reason: &Reason) -> Result<(), Denied> {
        self.ask(format!("exit {to} {reason}"))
    }

    fn monitor(&self, _: Pid, to: Pid, reference: u64) -> Result<(), Denied> {
        self.ask(format!("monitor {to} {reference}"))
    }

    fn demonitor(&self, _: Pid, to: Pid, reference: u64) {
        drop(self.ask(format!("demonitor {to} {reference}")));
    }
}

fn far() -> Pid {
    Pid::new(NodeNumber::UNKNOWN, 1, 5)
}

fn table() -> (Arc<ProcessTable>, Arc<Sessions>) {
    let table = ProcessTable::new("here@h:1", 1, Executor(Handle::current()));
    let sessions = Arc::new(Sessions::default());
    table.connect(Arc::clone(&sessions) as Arc<dyn Remote>);
    (table, sessions)
}

//= spec/session.md#ses-pid-008
//= type=test
//# A node MUST NOT give one local id to two processes in the same start.
//= spec/session.md#ses-pid-009
//= type=test
//# A node MUST NOT give a process the local id 0.
#[tokio::test]
async fn numbers_begin_with_one_and_end() {
    let (table, _) = table();
    assert_eq!(table.add(Mailbox::default()).unwrap().local(), 1);
    table.locals_given.store(WirePid::LOCAL_MAX - 1, Ordering::Relaxed);
    assert_eq!(table.add(Mailbox::default()).unwrap().local(), WirePid::LOCAL_MAX);
    for _ in 0..2 {
        assert_eq!(table.add(Mailbox::default()).unwrap_err(), SpawnError::Exhausted);
    }
}

#[tokio::test]
async fn an_exit_signal_waits_for_a_session_and_is_dropped_without_one() {
    let (table, sessions) = table();
    let cell = table.add(Mailbox::default()).unwrap();
    let sending = tokio::spawn({
        let table = Arc::clone(&table);
        async move { table.send_exit(&cell, far(), Reason::Killed).await }
    });
    // It has its turn after the first attempt, and waits for room after the second.
    while sessions.asked.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!sending.is_finished());
    sessions.answer(|| Err(Denied::NotConnected));
    sending.await.unwrap().unwrap();
    assert_eq!(sessions.asked(), ["exit <?.5.1> killed"; 3]);
}

#[tokio::test]
async fn a_sender_waits_for_a_session_and_tries_again() {
    let (table, sessions) = table();
    let sending = tokio::spawn({
        let table = Arc::clone(&table);
        async move { table.send(Sender::program(table.pid(1)), far(), "four").await }
    });
    // It has its turn after the first attempt, and waits for room after the second.
    while sessions.asked.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!sending.is_finished());
    sessions.answer(|| Ok(()));
    sending.await.unwrap().unwrap();
    assert_eq!(sessions.asked(), ["send <0.1.1> <?.5.1> 4"; 3]);
}

#[tokio::test]
async fn what_is_for_another_node_goes_to_its_session() {
    let (table, sessions) = table();
    let own = table.add(Mailbox::default()).unwrap();
    sessions.answer(|| Ok(()));
    table.send_named(Sender::process(&own), "name", "far@h:1", "four").await.unwrap();
    table.send_named(Sender::process(&own), "name", "here@h:1", "four").await.unwrap();
    ProcessTable::link(&own, far()).await.unwrap();
    table.unlink(&own, far());
    let reference = ProcessTable::monitor(&own, far()).await.unwrap();
    table.demonitor(&own, reference);
    table.demonitor(&own, reference);
    assert_eq!(
        sessions.asked(),
        ["send name@far@h:1 4", "link <?.5.1>", "unlink <?.5.1>", "monitor <?.5.1> 1", "demonitor <?.5.1> 1"]
    );
}

#[tokio::test]
async fn what_a_session_refuses_leaves_nothing_behind() {
    let (table, sessions) = table();
    let own = table.add(Mailbox::default()).unwrap();
    // Whoever gives up waiting has no monitor.
    let waiting = tokio::time::timeout(std::time::Duration::ZERO, ProcessTable::monitor(&own, far())).await;
    assert!(waiting.is_err());
    sessions.answer(|| Err(Refused::TooMany { count_max: 1 }.into()));
    let refused = Refused::TooMany { count_max: 1 };
    assert_eq!(ProcessTable::monitor(&own, far()).await, Err(refused.clone()));
    assert_eq!(ProcessTable::link(&own, far()).await, Err(refused));
    assert!(matches!(table.send(Sender::process(&own), far(), "x").await, Err(SendError::Refused(_))));
    let ties = own.die(Reason::Normal).ties;
    assert_eq!(ties.map_or(0, |ties| ties.watching.len()), 0);
}

/// Whoever sends to a session that always has room waits for nothing, and still does not keep its thread from others.
#[tokio::test]
async fn a_process_that_only_sends_lets_others_run() {
    let (table, sessions) = table();
    let own = table.add(Mailbox::default()).unwrap();
    sessions.answer(|| Ok(()));
    let other = tokio::spawn(async {});
    for _ in 0..1_000 {
        let term = crate::process::term::write(&1).unwrap();
        table.send_term(Sender::process(&own), far(), term).await.unwrap();
    }
    assert!(other.is_finished());
    assert_eq!(sessions.asked().len(), 1_000);
}

#[tokio::test]
async fn any_name_that_a_frame_carries_is_a_name() {
    let (table, _) = table();
    let pid = table.add(Mailbox::default()).unwrap().pid();
    let longest = "n".repeat(PROCESS_NAME_BYTES_MAX);
    for name in ["", "\u{0}", &longest] {
        table.register(name, pid).unwrap();
        assert_eq!(table.whereis(name), Some(pid));
    }
    let (length, length_max) = (longest.len() + 1, PROCESS_NAME_BYTES_MAX);
    assert_eq!(table.register(&(longest + "n"), pid), Err(RegisterError::TooLong { length, length_max }));
}

/// A message whose destructor panics.
struct Panics;

impl AsRef<[u8]> for Panics {
    fn as_ref(&self) -> &[u8] {
        b"it"
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[tokio::test]
async fn a_message_that_is_refused_and_panics_leaves_its_place_to_others() {
    let table = ProcessTable::new("", 1, Executor::current());
    let (own, to) = (table.add(Mailbox::default()).unwrap(), table.add(Mailbox::bounded(1)).unwrap());
    drop(own.die(Reason::Normal));
    let message = || Received::Message(Message::new(Bytes::from_owner(Panics)));
    let put = || to.put_here(&Sender::process(&own), message()).map(drop);
    assert!(std::panic::catch_unwind(AssertUnwindSafe(put)).is_err());
    let message = Received::Message(Message::new(Bytes::new()));
    assert!(to.put_here(&Sender::program(table.pid(0)), message).unwrap().is_none());
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Counted(AtomicU64);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn whoever_has_polled_last_is_woken_and_no_other() {
    let table = ProcessTable::new("", 1, Executor::current());
    let cell = table.add(Mailbox::default()).unwrap();
    let send = || cell.push(Received::Message(Message::new(Bytes::new()))).wake();
    let counted = [(); 2].map(|()| Arc::<Counted>::default());
    let wakers = counted.each_ref().map(|counted| Waker::from(Arc::clone(counted)));
    let woken = || counted.each_ref().map(|counted| counted.0.load(Ordering::Relaxed));
    let mut inbox = Inbox::default();
    let mut poll = |of: usize| {
        let refilled = cell.refill(&mut inbox, &TaskContext::from_waker(&wakers[of]));
        while inbox.take(&mut 0, |_| true).is_some() {}
        refilled
    };
    // Before anything was received, and after.
    for round in 1..=2 {
        assert!([0, 0, 1, 1].into_iter().all(|of| !poll(of)));
        send();
        assert_eq!(woken(), [0, 2 * round - 1]);
        assert!(poll(0) && !poll(1));
        // Whoever looks at what is there keeps the one that waits.
        cell.gather(&mut Inbox::default());
        send();
        assert_eq!(woken(), [0, 2 * round]);
        assert!(poll(1));
    }
}
