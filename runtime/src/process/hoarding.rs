//! A node with an honest peer and a hostile one, driven by scripts: what the hostile one writes and breaks, whatever that
//! is, costs the honest one no message to a process that takes them and no signal, and its own share is all that it fills.
//!
//! Sessions, deliveries, shares and mailboxes are those that run; there are no tasks and no connections.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use proptest::prelude::*;
use snow_dist_codec::frame::{
    Exit, Exit2, Fragment, Link, Monitor, MonitorExit, RegSend, Send, SendTerm, UnlinkId,
};
use snow_dist_codec::{Frame, Pid as WirePid, Reading, Reason as WireReason, ReasonBuf, Root};

use super::cell::Cell;
use super::mailbox::Inbox;
use super::remote::Interested;
use super::table::{ProcessTable, TableLimits};
use super::{Delivery, Mailbox, Message, Received};
use crate::core::handshake::Bounds;
use crate::core::limits::{MESSAGE_BYTES_COUNTED, REASON_BYTES_MAX, SIGNALS_BEYOND_PART};
use crate::core::session::{CAPABILITIES, Config, Ending, Offered, Timing, Version, deliver};
use crate::core::{NodeNumber, Pid, Processes, Reason, Session};
use crate::numbers::SharedNumbers;
use crate::sync::Executor;

/// Bytes that mailboxes keep.
const BOUND: usize = 1 << 20;

const CREATION: u8 = 1;

/// Links and monitors of each side of a session.
const TIES_MAX: u32 = 40;

/// The signals that may be beyond the share, those that the end of a session brings, and the one that ended it, whatever it
/// holds.
const BEYOND: usize =
    BOUND / SIGNALS_BEYOND_PART + 3 * TIES_MAX as usize * MESSAGE_BYTES_COUNTED + 16 * REASON_BYTES_MAX;

/// Processes by their numbers: before these those that take nothing; one that takes some things in each step, one that
/// takes all, and one that an exit signal ends.
const SLOW: u64 = 7;
const HEALTHY: u64 = 8;
const MORTAL: u64 = 9;

/// What the slow one takes in a step.
const SLOW_TAKES: usize = 40;

/// A peer, and its session.
struct Peer {
    number: NodeNumber,
    session: Session,
    delivery: Delivery,
}

impl Peer {
    fn new(table: &Arc<ProcessTable>, number: u64) -> Self {
        let number = NodeNumber::other(number).unwrap();
        let name = format!("{number:?}@h:1").into();
        let nobody = Weak::<Nobody>::new() as Weak<dyn Interested>;
        let delivery = Delivery::new(table.clone(), nobody, name, SharedNumbers::default());
        Self { number, session: session(number), delivery }
    }

    /// The node reads a frame of the peer. One that ends the session is the last of it; the peer comes back.
    fn reads(&mut self, frame: &Frame<'_>) -> Result<(), Ending> {
        let handled = match deliver(frame, CREATION, &mut self.delivery) {
            Ok(Offered::NoMessage) => self.session.handle_frame(frame, &mut self.delivery),
            Ok(Offered::Taken | Offered::Stale) => Ok(()),
            Err(ending) => Err(ending),
        };
        self.delivery.after_frames();
        self.session.write(&mut Vec::new(), usize::MAX);
        let over = if self.delivery.are_signals_untaken() { Err(Ending::SignalsUntaken) } else { Ok(()) };
        handled.and(over)
    }

    fn come_again(&mut self) {
        self.session.end(&mut self.delivery);
        self.delivery.after_frames();
        let again = self.delivery.again();
        (self.session, self.delivery) = (session(self.number), again);
    }
}

struct Nobody;

impl Interested for Nobody {
    fn process_ended(&self, _: u64, _: &Reason) {}
}

fn session(peer: NodeNumber) -> Session {
    let bounds = Bounds { links_and_monitors: TIES_MAX, ..Bounds::default() };
    let config = Config {
        version: Version::Two,
        peer,
        peer_creation: CREATION,
        creation: CREATION,
        capabilities: CAPABILITIES,
        bounds,
        peer_bounds: bounds,
        timing: Timing::default(),
        ping: [0; 8],
    };
    Session::new(&config, Duration::ZERO)
}

/// The node, and what the honest peer has sent and nobody has taken.
struct Run {
    table: Arc<ProcessTable>,
    cells: Vec<(Arc<Cell>, Inbox)>,
    hostile: Peer,
    honest: Peer,
    sent: u64,
    /// Messages in fragments that the hostile one has begun.
    begun: u64,
    expected: [VecDeque<Received>; 2],
}

impl Run {
    fn new() -> Self {
        let executor = Executor(tokio::runtime::Handle::current());
        let limits = TableLimits { mailbox_remote_bytes: BOUND, ..TableLimits::default() };
        let table = ProcessTable::with_limits("a@h:1", CREATION, executor, limits);
        let cells = (1..=MORTAL).map(|local| {
            let cell = table.add(Mailbox::default()).unwrap();
            assert_eq!(cell.local(), local);
            cell.trap_exit(local != MORTAL);
            (cell, Inbox::default())
        });
        let cells = cells.collect();
        table.register("stuck", table.pid(1)).unwrap();
        let [hostile, honest] = [1, 2].map(|number| Peer::new(&table, number));
        Self { table, cells, hostile, honest, sent: 0, begun: 0, expected: Default::default() }
    }

    /// One thing that the hostile peer does, or that a process does to it.
    fn hostile(&mut self, script: &mut Script<'_>) {
        let (what, to, from) = (script.byte(), pid(u64::from(script.byte() % 11)), pid(script.byte().into()));
        let count = if script.byte().is_multiple_of(4) { 1 + 8 * u64::from(script.byte()) } else { 1 };
        let message = vec![7; script.length()];
        let long = payload(&Send { to, message: &message }.into());
        let reason = reason(script);
        for number in 0..count {
            let of = pid(from.local() + number);
            let (reason, term) = (reason.as_reason(), term(of, to));
            let frames: &[Frame<'_>] = match what % 12 {
                0..=2 => &[Send { to, message: &message }.into()],
                3 => &[RegSend { name: "stuck".into(), message: &message }.into()],
                4 => &[SendTerm { to, message: &term }.into()],
                5 => &[Exit2 { from: of, to, reason }.into()],
                6 => &[Link { from: of, to }.into(), Exit { from: of, to, reason }.into()],
                7 => &[Link { from: of, to }.into(), Monitor { from: of, to, reference: number }.into()],
                8 => {
                    self.ties(to.local(), of.local(), number);
                    let down = MonitorExit { monitored: of, monitoring: to, reference: number, reason };
                    &[down.into(), Exit { from: of, to, reason }.into()]
                }
                9 => &[UnlinkId { from: of, to, id: number }.into(), Exit { from: of, to, reason }.into()],
                // It goes on with the message that it has begun, or leaves that and begins another.
                10 => &[self.piece(number.is_multiple_of(3), &long).into()],
                _ => return self.garbage(script),
            };
            if frames.iter().any(|frame| self.hostile.reads(frame).is_err()) {
                self.hostile.come_again();
            }
        }
    }

    fn piece<'p>(&mut self, is_first: bool, payload: &'p [u8]) -> Fragment<'p> {
        self.begun += u64::from(is_first);
        let total = is_first.then_some(1 << 20);
        Fragment { number: self.begun, total, last: false, payload }
    }

    /// A process of the node links with one of the hostile peer, monitors it, and unlinks, as long as that is wise.
    fn ties(&mut self, local: u64, remote: u64, reference: u64) {
        let Peer { number, session, delivery } = &mut self.hostile;
        let Some((cell, _)) = self.cells.iter().find(|(cell, _)| cell.local() == local) else { return };
        if !delivery.has_room(local) || !delivery.attach(local) {
            return;
        }
        if session.monitor(local, remote, reference).is_ok() {
            let _ = cell.watch(reference, Pid::new(*number, CREATION, remote));
        }
        let _ = session.link(local, remote);
        if reference.is_multiple_of(3) {
            session.unlink(local, remote);
        }
    }

    /// Bytes that may be a frame, or end the session.
    fn garbage(&mut self, script: &mut Script<'_>) {
        let length = script.byte() as usize % 40;
        let payload = script.bytes(length);
        let handled = match Frame::decode(payload, Reading::Compatible) {
            Ok(frame) => self.hostile.reads(&frame),
            Err(error) => Err(Ending::Protocol(error.to_string())),
        };
        if handled.is_err() {
            self.hostile.come_again();
        }
    }

    /// What the honest peer does in each step: a message and the two kinds of exit signals, to each that takes them.
    fn honest(&mut self, script: &mut Script<'_>) {
        for (local, expected) in [SLOW, HEALTHY].into_iter().zip(&mut self.expected) {
            self.sent += 1;
            let to = pid(local);
            let mut message = format!("{:08}", self.sent).into_bytes();
            message.resize(8 + usize::from(script.byte()) * if local == SLOW { 1 } else { 100 }, 1);
            let from = pid(self.sent);
            let reason = Root::Normal.into();
            let send = payload(&Send { to, message: &message }.into());
            let signals: [Frame<'_>; 3] = [
                Exit2 { from, to, reason }.into(),
                Link { from, to }.into(),
                Exit { from, to, reason }.into(),
            ];
            for frame in pieces(self.sent, &send).iter().chain(&signals) {
                assert_eq!(self.honest.reads(frame), Ok(()), "{}", frame.name());
            }
            let here = Pid::new(self.honest.number, CREATION, self.sent);
            let exit = || Received::Exit { from: here, reason: Reason::Normal };
            expected.extend([Received::Message(Message::new(message.into())), exit(), exit()]);
        }
    }

    /// The processes that take things take them: all that is the honest peer's is there, in its order.
    fn take(&mut self) {
        for (local, expected) in [SLOW, HEALTHY].into_iter().zip(&mut self.expected) {
            let (cell, inbox) = &mut self.cells[usize::try_from(local).unwrap() - 1];
            let most = if local == SLOW { SLOW_TAKES } else { usize::MAX };
            for received in receive(cell, inbox).take(most) {
                let is_honest = match &received {
                    Received::Message(message) => {
                        !message.as_bytes().starts_with(&[7; 8]) && !message.is_term()
                    }
                    Received::Exit { from, .. } => from.node() == self.honest.number,
                    _ => false,
                };
                if is_honest && !matches!(&received, Received::Message(short) if short.as_bytes().len() < 8) {
                    let expected = expected.pop_front();
                    assert!(Some(&received) == expected.as_ref(), "{}", shown(local, &received, expected));
                }
            }
            if local == HEALTHY {
                assert!(expected.is_empty(), "{} of the honest peer are missing", expected.len());
            }
        }
        // The one that can die is gone for good when it does.
        let (mortal, _) = &self.cells[usize::try_from(MORTAL).unwrap() - 1];
        if mortal.is_doomed() && self.table.get(MORTAL).is_some() {
            let reason = mortal.die(Reason::Normal).doom.reason();
            self.table.remove(MORTAL);
            for peer in [&mut self.hostile, &mut self.honest] {
                peer.session.process_ended(MORTAL, &reason);
            }
        }
    }

    fn check(&self) {
        let (held, hostile) = (self.table.shares().held(), self.hostile.delivery.held());
        let (_, unfinished) = self.hostile.session.unfinished();
        assert!(
            hostile >= unfinished as i64,
            "{unfinished} bytes that are not whole, {hostile} of that peer"
        );
        assert!(held <= (BOUND + BEYOND) as i64, "{held} bytes are held");
        assert!(hostile <= (BOUND / 2 + BEYOND) as i64, "{hostile} bytes of one peer are held");
    }

    /// All has come in the end, what counted was all that was there, and nothing counts any more.
    fn end(mut self) {
        while !self.expected[0].is_empty() {
            self.take();
        }
        self.hostile.come_again();
        self.honest.come_again();
        for (cell, inbox) in &mut self.cells {
            let before = self.table.shares().held();
            let kept: usize = receive(cell, inbox).map(|received| least_bytes(&received)).sum();
            cell.die(Reason::Normal);
            let counted = before - self.table.shares().held();
            assert!(counted >= kept as i64, "{kept} bytes counted {counted}");
        }
        assert_eq!(self.table.shares().held(), 0);
    }
}

fn shown(local: u64, received: &Received, expected: Option<Received>) -> String {
    let short = |received: &Received| match received {
        Received::Message(message) => format!("a message of {}", message.as_bytes().len()),
        signal => format!("{signal:?}"),
    };
    format!("process {local} got {}, not {:?}", short(received), expected.as_ref().map(short))
}

/// Bytes that something in a mailbox cannot do without.
fn least_bytes(received: &Received) -> usize {
    let of_reason = |reason: &Reason| match reason {
        Reason::Error(text) | Reason::Custom(text) => text.len(),
        Reason::Linked(chain) => chain.hops.len() * size_of::<Pid>(),
        _ => 0,
    };
    size_of::<Received>()
        + match received {
            Received::Message(message) => message.as_bytes().len(),
            Received::Exit { reason, .. } | Received::Down { reason, .. } => of_reason(reason),
            _ => 0,
        }
}

/// What a process finds, as it takes it.
fn receive<'a>(cell: &'a Cell, inbox: &'a mut Inbox) -> impl Iterator<Item = Received> + 'a {
    std::iter::from_fn(move || {
        let received = inbox.take(&mut 0, |_| true).or_else(|| {
            cell.refill(inbox, &Context::from_waker(Waker::noop()));
            inbox.take(&mut 0, |_| true)
        })?;
        cell.has_received(received.takes_a_place(), inbox);
        Some(received)
    })
}

fn pid(local: u64) -> WirePid {
    WirePid::new(0, CREATION, local).unwrap()
}

fn payload(frame: &Frame<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    frame.encode(&mut payload).unwrap();
    payload
}

/// A frame in three pieces at most.
fn pieces(number: u64, payload: &[u8]) -> Vec<Frame<'_>> {
    let mut total = Some(u32::try_from(payload.len()).unwrap());
    let mut rest = payload.chunks(payload.len().div_ceil(3)).peekable();
    let mut pieces = Vec::new();
    while let Some(payload) = rest.next() {
        let last = rest.peek().is_none();
        pieces.push(Fragment { number, total: total.take(), last, payload }.into());
    }
    pieces
}

/// A term with two pids.
fn term(one: WirePid, two: WirePid) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = snow_dist_codec::stf::Encoder::new(&mut bytes);
    encoder.tuple(2).unwrap();
    encoder.pid(one);
    encoder.pid(two);
    encoder.finish().unwrap();
    bytes
}

fn reason(script: &mut Script<'_>) -> ReasonBuf {
    let text = "x".repeat(script.length().min(5_000));
    let root = match script.byte() % 5 {
        0 | 1 => Root::Normal,
        2 => Root::Error(text.as_str().into()),
        3 => Root::Custom(text.as_str().into()),
        _ => Root::Killed,
    };
    match script.byte() % 3 {
        0 => ReasonBuf::new((0..script.byte()).map(|hop| pid(hop.into())), &root),
        _ => ReasonBuf::from(&WireReason::from(root)),
    }
}

/// Bytes that say what happens; 0 behind the last.
struct Script<'s>(&'s [u8]);

impl<'s> Script<'s> {
    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    fn bytes(&mut self, count: usize) -> &'s [u8] {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// A length: mostly none or short, sometimes long.
    fn length(&mut self) -> usize {
        let length = usize::from(self.byte());
        match length % 8 {
            0..=2 => 0,
            3 | 4 => length,
            5 | 6 => length * 32,
            _ => length * 1_024,
        }
    }
}

fn run(script: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    let (mut run, mut script) = (Run::new(), Script(script));
    while !script.0.is_empty() {
        run.hostile(&mut script);
        run.honest(&mut script);
        run.take();
        run.check();
    }
    run.end();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_honest_peer_loses_nothing_beside_a_hostile_one(
        script in proptest::collection::vec(any::<u8>(), 0..1_500),
    ) {
        run(&script);
    }
}

/// What hostile peers have been seen to do, one after the other and for long.
#[test]
fn floods_of_each_kind_cost_an_honest_peer_nothing() {
    for what in 0..11 {
        for (to, length) in [(0..7, 0), (0..7, 3), (7..8, 0), (7..9, 5), (1..2, 6), (0..7, 7)] {
            let step = |to: u8| [what, to, 100, 0, 255, length * 31, 8, 2, 1, 9];
            let script: Vec<u8> = to.cycle().take(40).flat_map(step).collect();
            run(&script);
        }
    }
}
