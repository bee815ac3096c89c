//! The loop of a session: what `net/driver` does in production, one turn at a time and in the same order.

use std::collections::VecDeque;
use std::time::Duration;

use snow_dist_codec::{Frame, Frames, Reading};
use snow_dist_runtime::core::limits::{DRAIN_DEADLINE, SESSION_QUEUE_BYTES_MAX};
use snow_dist_runtime::core::session::{Ending, Leave, Offered, deliver};
use snow_dist_runtime::core::{NodeNumber, Patience, Session};

use super::Cluster;
use super::acts::Wish;
use super::blame::Asked;
use super::connection::Connection;
use super::table::{Lent, Table};
use crate::coverage::Of;
use crate::oracle::{Brings, Checked, Here, Truth, Who, check};
use crate::wire::{Read, Time};

/// Bytes that a read is given room for, and that are gathered for one write.
const READ_BYTES: usize = 32 << 10;
const WRITE_BYTES: usize = 64 << 10;
/// Reads and writes of one turn.
const STEPS_MAX: usize = 16;

const KEPT: &str = "our own nodes keep to the protocol";

/// Memory that a session's largest message may take above its bound.
const MESSAGE_MAX: usize = 4 << 20;

pub(super) struct Driver {
    pub(super) session: Session,
    pub(super) number: NodeNumber,
    pub(super) peer_creation: u8,
    pub(super) creation: u8,
    frame_bytes_max: u32,
    pub(super) is_open: bool,
    out: Vec<u8>,
    written: usize,
    is_broken: bool,
    said_all: bool,
    drain: Patience,
    /// Since when that lasts.
    pub(super) taken: Time,
    /// The order to end, and how long that may take.
    pub(super) stop: Option<Time>,
    stopping: Option<Patience>,
    /// When the peer was asked for a sign of life.
    pub(super) pinged: Option<Asked>,
    pub(super) probed: Option<Asked>,
    /// It has nothing to write, and is woken when there is.
    pub(super) is_idle: bool,
    pub(super) is_full: bool,
    /// Who waits for room.
    pub(super) waiting: VecDeque<Wish>,
}

impl Driver {
    pub(super) fn new(
        session: Session,
        number: NodeNumber,
        creations: [u8; 2],
        frame_bytes_max: u32,
        clock: Duration,
    ) -> Self {
        let [creation, peer_creation] = creations;
        Self {
            session,
            number,
            peer_creation,
            creation,
            frame_bytes_max,
            is_open: true,
            out: Vec::new(),
            written: 0,
            is_broken: false,
            said_all: false,
            drain: Patience::new(DRAIN_DEADLINE, clock),
            taken: 0,
            stop: None,
            stopping: None,
            pinged: None,
            probed: None,
            is_idle: false,
            is_full: false,
            waiting: VecDeque::new(),
        }
    }

    /// Orders the session to end.
    pub(super) fn stop(&mut self, code: u16, text: &str, patience: Time) {
        if self.is_open && self.stop.is_none() {
            self.session.close(code, text);
            self.stop = Some(patience);
        }
    }

    /// The transport has taken something, or had nothing to take.
    fn renew(&mut self, now: Time, clock: Duration) {
        (self.taken, self.drain) = (now, Patience::new(DRAIN_DEADLINE, clock));
    }

    /// The transport has taken all that was written: the peer is asked, if there is a PING among it.
    fn note_asked(&mut self, now: Time, arrives: Time) {
        if self.session.awaits_taking() {
            self.pinged = Some(Asked { at: now, arrives });
        }
        if let Some(asked) = &mut self.probed {
            asked.arrives = asked.arrives.min(arrives.max(now));
        }
    }

    fn lost(&self, why: &str) -> Ending {
        if self.said_all && !self.is_broken { Ending::Stopped } else { Ending::Lost(why.to_owned()) }
    }
}

/// What the reference asks of whoever handles a frame.
struct Known<'a> {
    table: &'a Table,
    truth: &'a Truth,
    is_full: bool,
}

impl Here for Known<'_> {
    fn is_alive(&self, local: u32) -> bool {
        self.table.is_alive(local)
    }

    fn sender(&self, number: u32) -> Option<Who> {
        self.truth.sender(number)
    }

    fn holder(&self, name: &str) -> (u32, Option<u32>) {
        self.table.named(name).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.is_full
    }
}

/// What a half of a step has done.
type Moved = bool;

impl Cluster<'_> {
    /// Goes on until nothing is to be done, or the turn is over. Gives when the next deadline is, if it waits; true
    /// if a probe was answered.
    pub(super) fn drive(
        &mut self,
        connection: &mut Connection,
        end: usize,
        is_alive: &mut bool,
    ) -> Checked<Result<Time, Ending>> {
        for _ in 0..STEPS_MAX {
            let read = match self.read(connection, end, is_alive)? {
                Ok(read) => read,
                Err(ending) => return Ok(Err(ending)),
            };
            let written = self.write(connection, end)?;
            if !read && !written {
                match self.judge(connection, end) {
                    Ok(due) if due <= self.now => {}
                    other => return Ok(other),
                }
            }
        }
        Ok(self.judge(connection, end).map(|_| self.now + 1))
    }

    fn read(
        &mut self,
        connection: &mut Connection,
        end: usize,
        is_alive: &mut bool,
    ) -> Checked<Result<Moved, Ending>> {
        let now = self.now;
        let here = &mut connection.ends[end];
        match connection.wires[1 - end].read(now, READ_BYTES, &mut here.inbox) {
            Read::Bytes(_) => {
                self.coverage.count(Of::Bytes);
                self.wake_writer(connection, end);
                Ok(self.handle_arrived(connection, end, is_alive)?.map(|()| true))
            }
            Read::Pending => Ok(Ok(false)),
            Read::Over => Ok(Err(here
                .driver
                .as_ref()
                .map_or(Ending::Stopped, |driver| driver.lost("the peer is gone")))),
        }
    }

    /// Handles all frames that are whole.
    pub(super) fn handle_arrived(
        &mut self,
        connection: &mut Connection,
        end: usize,
        is_alive: &mut bool,
    ) -> Checked<Result<(), Ending>> {
        let here = &mut connection.ends[end];
        let Some(mut driver) = here.driver.take() else { return Ok(Ok(())) };
        (driver.pinged, driver.probed) = (None, None);
        *is_alive |= driver.session.handle_received(self.clock(here.node));
        let mut inbox = std::mem::take(&mut here.inbox);
        let node = here.node;
        let mut frames = Frames::new(&inbox, driver.frame_bytes_max);
        let mut handled = Ok(());
        for payload in frames.by_ref() {
            handled = match payload {
                Ok(payload) => self.handle(&mut driver, node, end, payload)?,
                Err(error) => Err(Ending::Protocol(error.to_string())),
            };
            if handled.is_err() {
                break;
            }
        }
        let whole = inbox.len() - frames.remaining().len();
        inbox.drain(..whole);
        check(
            inbox.len() <= driver.frame_bytes_max as usize + 4 + READ_BYTES,
            "the inbox is bounded",
            || format!("{} bytes wait for the rest of a frame", inbox.len()),
        )?;
        let here = &mut connection.ends[end];
        (here.inbox, here.driver) = (inbox, Some(driver));
        Ok(handled)
    }

    fn handle(
        &mut self,
        driver: &mut Driver,
        node: usize,
        end: usize,
        payload: &[u8],
    ) -> Checked<Result<(), Ending>> {
        self.coverage.count(Of::Frame);
        let frame = match Frame::decode(payload, Reading::Compatible) {
            Ok(frame) => frame,
            Err(error) => return check(false, KEPT, || error.to_string()).map(Ok),
        };
        let Frame::Fragment(piece) = &frame else { return self.handle_whole(driver, node, end, &frame) };
        let due = match &mut self.joints[self.current as usize] {
            Some(joint) => joint.piece(end, piece)?,
            None => None,
        };
        let (here, connection) = (&mut self.nodes[node], self.current);
        let (table, numbers) = (&mut here.table, &mut here.epochs.numbers);
        let mut lent = Lent { table, numbers, connection, heard: &mut self.heard, seen: &mut self.seen };
        let whole = match driver.session.handle_fragment(piece, &mut lent) {
            Ok(whole) => whole,
            Err(ending) => return check(false, KEPT, || ending.to_string()).map(Ok),
        };
        check(whole == due, "a message in pieces comes out as it went in", || {
            format!("frame {}", piece.number)
        })?;
        let Some(whole) = whole else { return Ok(Ok(())) };
        self.coverage.count(Of::Pieces);
        match Frame::decode(&whole, Reading::Compatible) {
            Ok(frame) => self.handle_whole(driver, node, end, &frame),
            Err(error) => check(false, KEPT, || error.to_string()).map(Ok),
        }
    }

    /// Handles a frame that is no piece of another.
    fn handle_whole(
        &mut self,
        driver: &mut Driver,
        node: usize,
        end: usize,
        frame: &Frame<'_>,
    ) -> Checked<Result<(), Ending>> {
        let connection = self.current;
        let here = &mut self.nodes[node];
        let is_full = driver.session.places().1 >= here.local.bounds.links_and_monitors;
        let table = &mut here.table;
        let brings = match &mut self.joints[connection as usize] {
            Some(joint) => {
                let here = Known { table, truth: &self.truth, is_full };
                joint.handled(end, frame, &here, &mut self.coverage)?
            }
            None => None,
        };
        if brings.is_none() && matches!(frame, Frame::Send(_) | Frame::RegSend(_) | Frame::SendTerm(_)) {
            self.coverage.count(Of::ToDead);
        }
        if self.trace.is_on() {
            self.trace.say(self.now, format!("node {node} handles {frame:?}"));
        }
        self.seen.clear();
        let (numbers, heard) = (&mut here.epochs.numbers, &mut self.heard);
        let mut lent = Lent { table, numbers, connection, heard, seen: &mut self.seen };
        let handled = match deliver(frame, driver.creation, &mut lent) {
            Ok(Offered::Taken) => Ok(()),
            Ok(Offered::Stale | Offered::NoMessage) => driver.session.handle_frame(frame, &mut lent),
            Err(ending) => Err(ending),
        };
        let broke = matches!(handled, Err(Ending::Protocol(_) | Ending::AnswersUnread));
        check(!broke, KEPT, || format!("{handled:?} by {frame:?}"))?;
        self.bind_heard(node)?;
        self.confirm(node, brings.as_slice())?;
        Ok(handled)
    }

    fn write(&mut self, connection: &mut Connection, end: usize) -> Checked<Moved> {
        let (now, clock) = (self.now, self.clock(connection.ends[end].node));
        let here = &mut connection.ends[end];
        let node = here.node;
        let Some(driver) = &mut here.driver else { return Ok(false) };
        if driver.is_broken || driver.said_all {
            return Ok(false);
        }
        if driver.written == driver.out.len() {
            driver.note_asked(now, connection.wires[end].last_arrival());
            driver.session.handle_taken(clock);
            driver.out.clear();
            driver.written = 0;
            if !driver.session.has_output() {
                if driver.stop.is_some() {
                    driver.said_all = true;
                    connection.wires[end].close(now);
                    self.wake_reader(connection, end);
                    return Ok(true);
                }
                driver.is_idle = true;
                return Ok(false);
            }
            driver.is_idle = false;
            driver.renew(now, clock);
            self.refill(driver, end)?;
            if driver.is_full && driver.session.waiting_bytes() <= SESSION_QUEUE_BYTES_MAX / 2 {
                driver.is_full = false;
                self.retry(self.current, end);
            }
        }
        let Some(bytes) = driver.out.get(driver.written..).filter(|bytes| !bytes.is_empty()) else {
            return Ok(true);
        };
        let moved = match connection.wires[end].write(now, bytes, &mut self.nodes[node].random) {
            None => {
                driver.is_broken = true;
                true
            }
            Some(0) => false,
            Some(count) => {
                driver.written += count;
                driver.renew(now, clock);
                true
            }
        };
        let unsent = driver.out.len() - driver.written;
        if let Some(joint) = &mut self.joints[self.current as usize] {
            joint.unsent(end, unsent);
        }
        self.wake_reader(connection, end);
        Ok(moved)
    }

    /// Makes what waits into bytes, and notes what they tell.
    fn refill(&mut self, driver: &mut Driver, end: usize) -> Checked {
        driver.session.write(&mut driver.out, WRITE_BYTES);
        let Some(joint) = &mut self.joints[self.current as usize] else { return Ok(()) };
        for payload in Frames::new(&driver.out, u32::MAX).flatten() {
            if let Ok(frame) = Frame::decode(payload, Reading::Strict) {
                let senders = |number| self.truth.sender(number);
                joint.written(end, &frame, payload.len() + 4, senders, &mut self.coverage)?;
            }
        }
        let waiting = driver.session.waiting_bytes();
        self.coverage.queue_max = self.coverage.queue_max.max(waiting as u64);
        check(waiting <= SESSION_QUEUE_BYTES_MAX + MESSAGE_MAX, "the queue is bounded", || {
            format!("{waiting} bytes wait")
        })
    }

    /// When the next deadline is; now, if one has brought something to be written.
    fn judge(&mut self, connection: &mut Connection, end: usize) -> Result<Time, Ending> {
        let node = connection.ends[end].node;
        let clock = self.clock(node);
        let Some(driver) = &mut connection.ends[end].driver else { return Ok(Time::MAX) };
        if let Some(patience) = driver.stop {
            driver.stopping.get_or_insert_with(|| Patience::new(at(patience), clock));
        }
        if driver.stopping.as_mut().is_some_and(|stopping| stopping.is_over(clock)) {
            return Err(Ending::Stopped);
        }
        let is_queued = driver.written < driver.out.len() || driver.is_broken;
        if is_queued && driver.drain.is_over(clock) {
            return Err(if driver.is_broken { driver.lost("writing failed") } else { Ending::Stuck });
        }
        let heartbeat = driver.session.deadline().0;
        if clock >= heartbeat {
            self.coverage.count(Of::Timer);
            driver.session.handle_timeout(clock)?;
            return Ok(self.now);
        }
        let drain = is_queued.then_some(driver.drain);
        let patiences = [driver.stopping, drain].into_iter().flatten();
        let due = patiences.map(|patience| patience.look_at()).fold(heartbeat, Duration::min);
        Ok(self.time_of(node, due))
    }

    /// Takes leave of a peer that is still there, if the connection takes that at once.
    pub(super) fn take_leave(&mut self, connection: &mut Connection, end: usize, ending: &Ending) -> Checked {
        if let (Leave::Close { code, text }, Some(driver)) =
            (ending.leave(), &mut connection.ends[end].driver)
        {
            driver.stop(code, text, 0);
            for _ in 0..STEPS_MAX {
                if !self.write(connection, end)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The session is over: what crosses it ends.
    pub(super) fn end_session(&mut self, connection: u32, end: usize) -> Checked {
        let Some(it) = &mut self.connections[connection as usize] else { return Ok(()) };
        let node = it.ends[end].node;
        let Some(driver) = &mut it.ends[end].driver else { return Ok(()) };
        let brings: Vec<Brings> = match &mut self.joints[connection as usize] {
            Some(joint) => joint.over(end, &mut self.coverage),
            None => Vec::new(),
        };
        self.seen.clear();
        driver.is_open = false;
        let here = &mut self.nodes[node];
        let (table, numbers, heard) = (&mut here.table, &mut here.epochs.numbers, &mut self.heard);
        driver.session.end(&mut Lent { table, numbers, connection, heard, seen: &mut self.seen });
        self.confirm(node, &brings)?;
        self.retry(connection, end);
        self.tell_of_ends(node);
        Ok(())
    }
}

/// The time as the core is told it.
pub(super) const fn at(time: Time) -> Duration {
    Duration::from_micros(time)
}
