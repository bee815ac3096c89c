use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Wake, Waker};

use super::super::mailbox::Inbox;
use super::super::table::{EVERY_NODE, TableLimits};
use super::super::{Mailbox, MonitorRef, Received, WhenFull};
use super::*;
use crate::core::limits::{MAILBOX_REMOTE_BYTES_MAX, MESSAGE_BYTES_COUNTED, SIGNALS_BEYOND_PART};
use crate::node::Node;
use crate::sync::{Executor, Mutex};

/// A session that notes what it is told.
#[derive(Default)]
struct Session(Mutex<Vec<(u64, Reason)>>);

impl Interested for Session {
    fn process_ended(&self, local: u64, reason: &Reason) {
        self.0.lock().push((local, reason.clone()));
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn table() -> Arc<ProcessTable> {
    table_that_holds(MAILBOX_REMOTE_BYTES_MAX)
}

fn table_that_holds(held_max: usize) -> Arc<ProcessTable> {
    let limits = TableLimits { mailbox_remote_bytes: held_max, ..TableLimits::default() };
    ProcessTable::with_limits("", 1, Executor(tokio::runtime::Handle::current()), limits)
}

fn delivery(table: &Arc<ProcessTable>, session: &Arc<Session>) -> Delivery {
    let session: Weak<Session> = Arc::downgrade(session);
    Delivery::new(Arc::clone(table), session, "peer@h:1".into(), SharedNumbers::default())
}

fn far(local: u64) -> Pid {
    Pid::new(NodeNumber::UNKNOWN, 1, local)
}

/// Receives all that is there, as a process does.
fn receive(cell: &Cell, inbox: &mut Inbox, cx: &TaskContext<'_>) -> Vec<Received> {
    let mut all = Vec::new();
    loop {
        while let Some(received) = inbox.take(&mut 0, |_| true) {
            cell.has_received(received.takes_a_place(), inbox);
            all.push(received);
        }
        if !cell.refill(inbox, cx) {
            return all;
        }
    }
}

/// What mailboxes count for messages of these lengths.
fn counted(lengths: &[usize]) -> i64 {
    let bytes = lengths.iter().sum::<usize>() + lengths.len() * MESSAGE_BYTES_COUNTED;
    i64::try_from(bytes).unwrap()
}

#[tokio::test]
async fn a_process_is_woken_when_all_its_signals_are_there() {
    let (table, session) = (table(), Arc::default());
    let [cell, other] = [table.add(Mailbox::default()).unwrap(), table.add(Mailbox::default()).unwrap()];
    cell.trap_exit(true);
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let cx = TaskContext::from_waker(&waker);
    let mut inbox = Inbox::default();
    assert!(receive(&cell, &mut inbox, &cx).is_empty());

    let mut delivery = delivery(&table, &session);
    for local in 1..=3 {
        delivery.exit(cell.local(), far(local), Reason::Noconnection);
    }
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    delivery.wake_others();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    delivery.exit(other.local(), far(4), Reason::Noconnection);
    delivery.wake_others();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    delivery.after_frames();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);

    let got = receive(&cell, &mut inbox, &cx);
    let exits = [1, 2, 3].map(|local| Received::Exit { from: far(local), reason: Reason::Noconnection });
    assert_eq!(got, exits);
    assert!(other.is_doomed());
}

#[tokio::test]
async fn bytes_are_held_until_they_are_received() {
    let (table, session) = (table(), Arc::default());
    let cell = table.add(Mailbox::default()).unwrap();
    let mut delivery = delivery(&table, &session);
    delivery.message(cell.local(), b"twelve bytes");
    delivery.message(cell.local(), b"eight b.");
    table.register("name", cell.pid()).unwrap();
    delivery.named_message("name", b"four");
    delivery.named_message("nobody", b"lost");
    delivery.message(1_000, b"lost");
    assert_eq!(table.shares().held(), 0);
    delivery.after_frames();
    assert_eq!(table.shares().held(), counted(&[12, 8, 4]));
    cell.push(Received::Message(Message::new(Bytes::from_static(b"own")))).wake();
    let mut inbox = Inbox::default();
    let got = receive(&cell, &mut inbox, &TaskContext::from_waker(Waker::noop()));
    assert_eq!(got.len(), 4);
    assert_eq!(table.shares().held(), 0);

    delivery.message(cell.local(), &[0; REPORTED_AT_ONCE]);
    assert_eq!(table.shares().held(), counted(&[REPORTED_AT_ONCE]));
    cell.die(Reason::Normal);
    assert_eq!(table.shares().held(), 0);
    delivery.message(cell.local(), b"lost");
    delivery.after_frames();
    assert_eq!(table.shares().held(), 0);
}

#[tokio::test]
async fn a_long_batch_gives_bytes_back_as_it_is_received() {
    let (table, session) = (table(), Arc::default());
    let cell = table.add(Mailbox::default()).unwrap();
    let mut delivery = delivery(&table, &session);
    for _ in 0..32 {
        delivery.message(cell.local(), &[0; 64 << 10]);
    }
    let mut inbox = Inbox::default();
    assert!(cell.refill(&mut inbox, &TaskContext::from_waker(Waker::noop())));
    for _ in 0..16 {
        let received = inbox.take(&mut 0, |_| true).unwrap();
        cell.has_received(received.takes_a_place(), &mut inbox);
    }
    assert_eq!(table.shares().held(), counted(&[64 << 10; 16]));
}

#[tokio::test]
async fn a_full_mailbox_follows_its_policy() {
    let (table, session) = (table(), Arc::default());
    let dropping = table.add(Mailbox::bounded(1)).unwrap();
    let ending = table.add(Mailbox::bounded(1).when_full(WhenFull::EndProcess)).unwrap();
    let mut delivery = delivery(&table, &session);
    for cell in [&dropping, &ending] {
        delivery.message(cell.local(), b"first");
        assert!(!cell.is_doomed());
        delivery.message(cell.local(), b"second");
    }
    assert_eq!(Node::of(Arc::clone(&table)).messages_dropped(), 1);
    assert!(!dropping.is_doomed() && ending.is_doomed());
    assert_eq!(ending.die(Reason::Normal).doom.reason(), Reason::error("mailbox full"));

    // What was received makes room.
    let mut inbox = Inbox::default();
    let cx = TaskContext::from_waker(Waker::noop());
    assert_eq!(receive(&dropping, &mut inbox, &cx).len(), 1);
    delivery.message(dropping.local(), b"third");
    assert_eq!(receive(&dropping, &mut inbox, &cx).len(), 1);
    assert_eq!(table.dropped(), 1);
}

//= spec/session.md#ses-msg-010
//= type=test
//# A node MUST drop a message by which its mailboxes would keep more than `mailbox_remote_bytes_max` for
//# other nodes.
#[tokio::test]
async fn what_is_free_is_everybodys_and_not_more() {
    let table = table_that_holds(10_000);
    let cell = table.add(Mailbox::default()).unwrap();
    let others = table.shares().open(&"other@h:1".into());
    table.shares().hold(&others, 10_000 - 2 * (10 + MESSAGE_BYTES_COUNTED));
    let mut delivery = delivery(&table, &Arc::default());
    delivery.message(cell.local(), &[0; 11]);
    assert_eq!(table.dropped(), 1);
    delivery.message(cell.local(), &[0; 10]);
    // A message without bytes takes memory as well.
    delivery.message(cell.local(), &[]);
    assert_eq!(table.dropped(), 2);
    delivery.after_frames();
    table.shares().release(others.number().into(), 9_000);
    delivery.message(cell.local(), &[]);
    delivery.after_frames();
    let got = receive(&cell, &mut Inbox::default(), &TaskContext::from_waker(Waker::noop()));
    assert_eq!((got.len(), table.dropped()), (2, 2));
}

/// Messages of 1 000 bytes with what they count, to as many processes, until the first that is dropped.
fn hoard(delivery: &mut Delivery, cells: &[Arc<Cell>]) -> usize {
    let before = delivery.table.dropped();
    let sent = cells.iter().cycle().take_while(|cell| {
        delivery.message(cell.local(), &[0; 1_000 - MESSAGE_BYTES_COUNTED]);
        delivery.table.dropped() == before
    });
    let count = sent.count();
    delivery.after_frames();
    count
}

//= spec/session.md#ses-msg-011
//= type=test
//# A node MUST drop a message by which its mailboxes would keep more than half of
//# `mailbox_remote_bytes_max` for one peer.
//= spec/session.md#ses-msg-013
//= type=test
//# A node MUST treat a mailbox as full for a message by which it would keep more than one message and more
//# than an eighth of `mailbox_remote_bytes_max` for one peer.
#[tokio::test]
async fn whoever_hoards_leaves_room_for_the_others() {
    let table = table_that_holds(900_000);
    let cells: Vec<_> = (0..40).map(|_| table.add(Mailbox::default()).unwrap()).collect();
    let peer = |name: &str| {
        Delivery::new(table.clone(), Weak::<Session>::new(), name.into(), SharedNumbers::default())
    };
    let [mut hostile, mut other, mut honest] = ["hostile@h:1", "other@h:1", "honest@h:1"].map(peer);
    // In one mailbox: an eighth of what is free. In all of them: as much as is free.
    assert_eq!(hoard(&mut hostile, &cells[..1]), 100);
    assert_eq!(100 + hoard(&mut hostile, &cells[1..]), 450);
    // The next one as well, for which there is as much as the first one has left.
    assert_eq!(hoard(&mut other, &cells[1..]), 225);
    // Into the very mailbox that is flooded, and into another.
    let before = table.dropped();
    honest.message(cells[0].local(), &[0; 10_000]);
    honest.message(cells[39].local(), &[0; 100_000]);
    assert_eq!(table.dropped(), before);
}

//= spec/session.md#ses-msg-012
//= type=test
//# A node MUST treat a mailbox as full for a message by which it would keep more than half of
//# `mailbox_remote_bytes_max` for other nodes.
#[tokio::test]
async fn one_process_that_takes_nothing_leaves_room_for_the_others() {
    let table = table_that_holds(900_000);
    let [stuck, healthy] = [table.add(Mailbox::default()).unwrap(), table.add(Mailbox::default()).unwrap()];
    for number in 0..20 {
        let name = format!("honest{number}@h:1");
        let mut honest =
            Delivery::new(table.clone(), Weak::<Session>::new(), name.into(), SharedNumbers::default());
        hoard(&mut honest, std::slice::from_ref(&stuck));
        let before = table.dropped();
        honest.message(healthy.local(), &[0; 10_000]);
        assert_eq!(table.dropped(), before, "{number}");
    }
    // A mailbox: as much as is free.
    let stuck_holds = table.shares().held() - 20 * counted(&[10_000]);
    assert!((300_000..=450_000).contains(&stuck_holds), "{stuck_holds}");
}

#[tokio::test]
async fn signals_of_links_are_never_dropped_and_end_the_session() {
    let table = table_that_holds(100_000);
    let cell = table.add(Mailbox::default()).unwrap();
    cell.trap_exit(true);
    let mut delivery = delivery(&table, &Arc::default());
    let mut given = 0;
    while !delivery.are_signals_untaken() {
        delivery.exit(cell.local(), far(given), Reason::Normal);
        given += 1;
    }
    // An eighth of what is free, the part beyond that is for signals, and the one that was too many.
    let beyond = 100_000 / SIGNALS_BEYOND_PART / MESSAGE_BYTES_COUNTED;
    assert_eq!(given, (100_000 / 9 / MESSAGE_BYTES_COUNTED + beyond + 1) as u64);
    delivery.exit(cell.local(), far(given), Reason::Normal);
    assert!(!delivery.has_room(cell.local()));
    let got = receive(&cell, &mut Inbox::default(), &TaskContext::from_waker(Waker::noop()));
    assert_eq!(got.len() as u64, given + 1);
    drop(delivery);
    assert_eq!(table.shares().held(), 0);
}

fn peer_of(table: &Arc<ProcessTable>, name: &str) -> Delivery {
    Delivery::new(table.clone(), Weak::<Session>::new(), name.into(), SharedNumbers::default())
}

//= spec/session.md#ses-bnd-006
//= type=test
//# A node MUST end the session when exit signals of links and DOWNs of the peer go beyond its share, in one
//# mailbox or in all, by more than a sixty-fourth of `mailbox_remote_bytes_max`.
#[tokio::test]
async fn what_others_hoard_ends_no_honest_session_and_no_honest_process() {
    let table = table_that_holds(6_400_000);
    let cells: Vec<_> = (0..40).map(|_| table.add(Mailbox::default()).unwrap()).collect();
    let strict = table.add(Mailbox::default().when_full(WhenFull::EndProcess)).unwrap();
    let supervisor = table.add(Mailbox::default()).unwrap();
    supervisor.trap_exit(true);
    let mut honest = peer_of(&table, "honest@h:1");
    // Its backlog, which it has had since all was free.
    for local in [cells[0].local(), supervisor.local()] {
        honest.message(local, &[0; 500_000]);
    }
    honest.after_frames();
    for name in ["a@h:1", "b@h:1", "c@h:1"] {
        let mut hostile = peer_of(&table, name);
        hoard(&mut hostile, &cells[1..]);
        // What is free is little now, and the process has taken all that it was sent.
        hostile.message(strict.local(), &[0; 1_000]);
        hostile.message(strict.local(), &[0; 80_000]);
    }
    honest.message(strict.local(), &[0; 90_000]);
    honest.message(strict.local(), &[0; 2_000]);
    assert!(!strict.is_doomed());
    let dropped = table.dropped();
    let signals = (6_400_000 / SIGNALS_BEYOND_PART / MESSAGE_BYTES_COUNTED) as u64;
    for number in 0..signals {
        assert!(honest.has_room(supervisor.local()), "{number} of {signals}");
        honest.exit(supervisor.local(), far(number), Reason::Normal);
    }
    assert!(!honest.are_signals_untaken());
    let mut inbox = Inbox::default();
    let cx = TaskContext::from_waker(Waker::noop());
    assert_eq!(receive(&supervisor, &mut inbox, &cx).len() as u64, 1 + signals);
    // What was taken does not count any more.
    for number in 0..signals {
        honest.exit(supervisor.local(), far(number), Reason::Normal);
    }
    assert_eq!((honest.are_signals_untaken(), table.dropped()), (false, dropped));
    for number in 0..2 * signals {
        honest.exit(supervisor.local(), far(number), Reason::Normal);
    }
    assert!(honest.are_signals_untaken());
}

/// A message that is dropped, or is put together and taken, makes no room for signals that go beyond the share.
#[tokio::test]
async fn what_was_never_in_a_mailbox_makes_no_room_for_signals() {
    let table = table_that_holds(6_400_000);
    let cells: Vec<_> = (0..40).map(|_| table.add(Mailbox::default()).unwrap()).collect();
    cells[0].trap_exit(true);
    let mut peer = peer_of(&table, "hostile@h:1");
    assert!(peer.unfinished(500_000));
    hoard(&mut peer, &cells);
    let fit = (6_400_000 / SIGNALS_BEYOND_PART / MESSAGE_BYTES_COUNTED) as u64;
    for number in 0..fit {
        peer.exit(cells[0].local(), far(number), Reason::Normal);
    }
    assert!(!peer.are_signals_untaken());
    let dropped = table.dropped();
    peer.message(cells[1].local(), &[0; 1_000_000]);
    assert!(!peer.unfinished(1_000_000) && !peer.keep_buffer(1_000_000, true));
    assert_eq!(table.dropped(), dropped + 3);
    peer.exit(cells[0].local(), far(fit), Reason::Normal);
    assert!(peer.are_signals_untaken());
    drop(peer);
    cells.iter().for_each(|cell| drop(cell.die(Reason::Normal)));
    assert_eq!(table.shares().held(), 0);
}

//= spec/session.md#ses-bnd-008
//= type=test
//# A node MUST end the session when an exit signal of a link or a DOWN of the peer goes beyond its share in
//# all mailboxes, which then keep more than five quarters of `mailbox_remote_bytes_max` for other nodes.
#[tokio::test]
async fn signals_of_many_peers_have_a_bound() {
    let bound = 640_000;
    let table = table_that_holds(bound);
    let cell = table.add(Mailbox::default()).unwrap();
    cell.trap_exit(true);
    for number in 0..100 {
        let mut peer = peer_of(&table, &format!("peer{number}@h:1"));
        let sent = (0..1_000).take_while(|sent| {
            peer.exit(cell.local(), far(*sent), Reason::Normal);
            !peer.are_signals_untaken()
        });
        let sent = sent.count();
        assert!(sent < 1_000);
        assert!(number > 16 || sent >= bound / SIGNALS_BEYOND_PART / MESSAGE_BYTES_COUNTED);
    }
    let one_each = 100 * MESSAGE_BYTES_COUNTED as i64;
    let held = table.shares().held();
    assert!((bound as i64..=(bound / 4 * 5) as i64 + one_each).contains(&held), "{held}");
}

/// Two sessions that bring much at once do not both find the same room.
#[tokio::test]
async fn what_is_much_is_held_before_it_is_there() {
    let table = table_that_holds(4 * REPORTED_AT_ONCE);
    let cell = table.add(Mailbox::default()).unwrap();
    let mut delivery = delivery(&table, &Arc::default());
    let charge = delivery.charge(REPORTED_AT_ONCE);
    let message = |_: &Bytes| {
        assert_eq!(table.shares().held(), counted(&[REPORTED_AT_ONCE]));
        Received::Message(Message::new(Bytes::from_static(&[0; REPORTED_AT_ONCE])))
    };
    delivery.deliver_message(cell.local(), charge, message);
    assert_eq!(table.shares().held(), counted(&[REPORTED_AT_ONCE]));
    // What finds no room, or no process, holds none.
    for local in [cell.local(), 1_000] {
        delivery.deliver_message(local, delivery.charge(3 * REPORTED_AT_ONCE), |_| unreachable!());
    }
    delivery.after_frames();
    assert_eq!((table.dropped(), table.shares().held()), (1, counted(&[REPORTED_AT_ONCE])));
    let got = receive(&cell, &mut Inbox::default(), &TaskContext::from_waker(Waker::noop()));
    assert_eq!((got.len(), table.shares().held()), (1, 0));
}

/// What lies beside it in a block takes no room from the longest message, at the smallest bound and beside a peer that
/// hoards.
#[tokio::test]
async fn a_message_for_which_its_block_has_no_room_is_copied() {
    const LONGEST: usize = 65_536;
    let table = table_that_holds(4 * (LONGEST + MESSAGE_BYTES_COUNTED));
    let cells: Vec<_> = (0..20).map(|_| table.add(Mailbox::default()).unwrap()).collect();
    hoard(&mut peer_of(&table, "hostile@h:1"), &cells[1..]);
    let mut honest = peer_of(&table, "honest@h:1");
    let (dropped, held) = (table.dropped(), table.shares().held());
    let block = Bytes::from(vec![7; LONGEST + 1_000]);
    honest.arrived(block.clone().into());
    honest.message(cells[0].local(), &block[1_000..]);
    honest.arrived(Block::default());
    honest.after_frames();
    assert_eq!((table.dropped(), table.shares().held() - held), (dropped, counted(&[LONGEST])));
}

//= spec/capabilities.md#cap-rxt-010
//= type=test
//# A node MUST ignore an EXIT2 that does not end its process if a message to that process that keeps as much
//# memory would go beyond a share.
#[tokio::test]
async fn an_exit_signal_that_was_sent_counts_until_it_is_taken() {
    let reason = Reason::error("boom");
    let bytes_each = MESSAGE_BYTES_COUNTED + reason.kept_bytes();
    let (table, session) = (table_that_holds(18 * bytes_each), Arc::default());
    let [cell, plain] = [table.add(Mailbox::default()).unwrap(), table.add(Mailbox::default()).unwrap()];
    cell.trap_exit(true);
    let mut delivery = delivery(&table, &session);
    for _ in 0..3 {
        delivery.sent_exit(cell.local(), far(1), reason.clone());
    }
    delivery.after_frames();
    // The second one is an eighth of what the first one leaves; the third is more.
    assert_eq!((table.dropped(), table.shares().held()), (1, 2 * bytes_each as i64));
    // What owes its signal to a link, and what ends its process, finds room.
    delivery.exit(cell.local(), far(2), Reason::Killed);
    delivery.sent_exit(plain.local(), far(1), reason.clone());
    assert!(plain.is_doomed());
    let mut inbox = Inbox::default();
    let cx = TaskContext::from_waker(Waker::noop());
    let sent = Received::Exit { from: far(1), reason };
    let of_link = Received::Exit { from: far(2), reason: Reason::Killed };
    assert_eq!(receive(&cell, &mut inbox, &cx), [sent.clone(), sent, of_link]);
    delivery.after_frames();
    assert_eq!(table.shares().held(), 0);
}

#[tokio::test]
async fn a_large_message_keeps_its_part_of_the_block() {
    let (table, session) = (table(), Arc::default());
    let cell = table.add(Mailbox::default()).unwrap();
    let mut delivery = delivery(&table, &session);
    const LARGE: usize = PINNED_MAX * SHARE_BYTES_MIN;
    for (allocated, length, shared) in [
        (LARGE, SHARE_BYTES_MIN, true),
        (LARGE, SHARE_BYTES_MIN - 1, false),
        // Of a larger block it would keep too much.
        (LARGE + 1, SHARE_BYTES_MIN, false),
    ] {
        let bytes = Bytes::from(vec![7; length]);
        delivery.arrived(Block { bytes: bytes.clone(), allocated });
        delivery.message(cell.local(), &bytes);
        delivery.arrived(Block::default());
        delivery.after_frames();
        // What it keeps counts, not what it has.
        assert_eq!(table.shares().held(), counted(&[if shared { allocated } else { length }]));
        let got = receive(&cell, &mut Inbox::default(), &TaskContext::from_waker(Waker::noop()));
        let [Received::Message(kept)] = &got[..] else { panic!("{got:?}") };
        assert_eq!(kept.as_bytes().as_ptr() == bytes.as_ptr(), shared, "{length} of {allocated}");
        assert_eq!(table.shares().held(), 0);
    }
}

#[tokio::test]
async fn a_session_is_told_once_of_the_end() {
    let (table, session) = (table(), Arc::<Session>::default());
    let node = Node::of(Arc::clone(&table));
    let mut delivery = delivery(&table, &session);
    let pid = node.spawn(async |mut ctx| drop(ctx.recv().await)).unwrap();
    assert!(delivery.attach(pid.local()) && delivery.attach(pid.local()));
    let other: Arc<Session> = Arc::default();
    assert!(self::delivery(&table, &other).attach(pid.local()));
    drop(other);
    node.send(pid, "end").await.unwrap();
    while node.process_count() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(!delivery.attach(pid.local()));
    assert_eq!(*session.0.lock(), [(pid.local(), Reason::Normal)]);
}

#[tokio::test]
async fn sessions_that_are_over_are_not_kept() {
    let table = table();
    let (cell, living) = (table.add(Mailbox::default()).unwrap(), Arc::default());
    // The first has a place of its own, which is free for another as soon as its session is over.
    assert!(delivery(&table, &living).attach(cell.local()));
    for _ in 0..1_000 {
        assert!(delivery(&table, &Arc::default()).attach(cell.local()));
    }
    assert!(cell.die(Reason::Normal).ties.unwrap().attached.len() <= 8);
}

#[tokio::test]
async fn a_down_counts_once_and_only_while_it_is_waited_for() {
    let (table, session) = (table(), Arc::default());
    let cell = table.add(Mailbox::default()).unwrap();
    cell.watch(7, far(1)).unwrap();
    cell.watch(8, far(1)).unwrap();
    cell.unwatch(8);
    let mut delivery = delivery(&table, &session);
    for reference in [7, 7, 8, 9] {
        delivery.down(cell.local(), reference, far(1), Reason::Killed);
    }
    delivery.after_frames();
    let got = receive(&cell, &mut Inbox::default(), &TaskContext::from_waker(Waker::noop()));
    let down = Received::Down { reference: MonitorRef::new(7), from: far(1), reason: Reason::Killed };
    assert_eq!(got, [down]);
}

#[tokio::test]
async fn whoever_monitors_every_node_is_told_of_each_once() {
    let table = table();
    let cell = table.add(Mailbox::default()).unwrap();
    table.monitor_node(&cell, EVERY_NODE);
    table.monitor_node(&cell, "a@h:1");
    table.node_up("a@h:1");
    table.node_up("b@h:1");
    table.demonitor_node(&cell, EVERY_NODE);
    table.node_down("b@h:1");
    table.node_down("a@h:1");
    let got = receive(&cell, &mut Inbox::default(), &TaskContext::from_waker(Waker::noop()));
    let [a, b]: [Arc<str>; 2] = ["a@h:1".into(), "b@h:1".into()];
    let events = [
        Received::NodeUp { name: Arc::clone(&a) },
        Received::NodeUp { name: b },
        Received::NodeDown { name: a },
    ];
    assert_eq!(got, events);
    table.monitor_node(&cell, EVERY_NODE);
    let ties = cell.die(Reason::Normal).ties.unwrap();
    table.remove_node_monitors(cell.local(), &ties.nodes);
    assert!(!table.is_node_monitored(EVERY_NODE) && !table.is_node_monitored("a@h:1"));
}

#[tokio::test]
async fn nodes_come_and_go_for_whoever_monitors_them() {
    let table = table();
    let cell = table.add(Mailbox::default()).unwrap();
    table.monitor_node(&cell, "a@h:1");
    table.monitor_node(&cell, "a@h:1");
    table.node_up("a@h:1");
    table.node_up("b@h:1");
    table.node_down("a@h:1");
    table.demonitor_node(&cell, "a@h:1");
    table.node_up("a@h:1");
    let got = receive(&cell, &mut Inbox::default(), &TaskContext::from_waker(Waker::noop()));
    let name: Arc<str> = "a@h:1".into();
    assert_eq!(got, [Received::NodeUp { name: Arc::clone(&name) }, Received::NodeDown { name }]);
    table.monitor_node(&cell, "a@h:1");
    let ties = cell.die(Reason::Normal).ties.unwrap();
    table.remove_node_monitors(cell.local(), &ties.nodes);
    assert_eq!(ties.nodes.len(), 1);
    assert!(!table.is_node_monitored("a@h:1"));
}
