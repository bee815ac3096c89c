//! Two nodes on the core, whose streams are buffers: what both ends do for it is counted.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use snow_dist_runtime::NodeName;
use snow_dist_runtime::core::connection::Transmit;
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::host::{Event, Host, Input, Mailboxes, Settings, Written};
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::{Caller, Cookie, Dial, NodeNumber, Pid, Reason, Term};

const NOW: Duration = Duration::ZERO;
const MESSAGE: [u8; 64] = [7; 64];
/// A term of the first kind: an empty tuple.
const TERM: [u8; 3] = [1, 13, 0];
/// The process that acts, and that with which it does.
const HERE: u64 = 1;
const THERE: u64 = 2;

/// Processes that count what they are given, and keep who has called.
#[derive(Default)]
struct Seen {
    events: usize,
    callers: Vec<Caller>,
}

impl Mailboxes for Seen {
    fn has(&self, _: u64) -> bool {
        true
    }

    fn registered(&self, _: &str) -> Option<u64> {
        None
    }

    fn traps_exits(&self, _: u64) -> bool {
        true
    }

    fn watching(&self, _: &str) -> Vec<u64> {
        Vec::new()
    }

    fn put(&mut self, _: u64, event: Event) {
        self.events += 1;
        if let Event::Call { caller, .. } = event {
            self.callers.push(caller);
        }
    }
}

struct End {
    host: Host<Seen>,
    connection: ConnectionId,
}

/// Two nodes with a session.
struct Pair {
    a: End,
    b: End,
    block: Vec<u8>,
    /// [`THERE`], as the first one knows it.
    there: Pid,
}

impl Pair {
    fn new() -> Result<Self> {
        let (mut a, mut b) = (host("a@host:1")?, host("b@host:1")?);
        let Dial::Start(dialled, _) = a.dial("b@host:1", NOW)? else { bail!("no dial") };
        let accepted = b.accept("192.0.2.1:4000".parse()?, NOW).context("stopped")?;
        for (host, connection) in [(&mut a, dialled), (&mut b, accepted)] {
            host.handle_input(connection, Input::Secured(Channel::Tls13 { exporter: [3; 32] }), NOW);
        }
        let (a, b) = (End { host: a, connection: dialled }, End { host: b, connection: accepted });
        let mut pair = Self { a, b, block: Vec::new(), there: Pid::new(NodeNumber::HERE, 1, THERE) };
        pair.settle();
        pair.there = pair.a.host.pid_on("b@host:1", THERE).context("no session")?;
        Ok(pair)
    }

    /// Carries all bytes that either end has to write.
    fn settle(&mut self) {
        while carry(&mut self.a, &mut self.b, &mut self.block)
            | carry(&mut self.b, &mut self.a, &mut self.block)
        {}
    }

    /// All that was to come has come.
    fn ensure(&self, a: usize, b: usize) -> Result<()> {
        let seen = (self.a.host.processes.events, self.b.host.processes.events);
        ensure!(seen == (a, b), "{seen:?} events came, and not {:?}", (a, b));
        Ok(())
    }
}

fn host(name: &str) -> Result<Host<Seen>> {
    let settings =
        Settings::new(NodeName::parse(name)?, Cookie::new("a cookie of thirty-two letters..")?, [7; 32]);
    Ok(Host::new(settings, Seen::default()))
}

/// Brings what one end has to write to the other. True if that was something.
fn carry(from: &mut End, to: &mut End, block: &mut Vec<u8>) -> bool {
    block.clear();
    let written = from.host.transmit(from.connection, block, 16 << 10, NOW);
    let Some(Transmit::Bytes { .. }) = written else { return false };
    from.host.handle_written(from.connection, Written::All, NOW);
    to.host.handle_input(to.connection, Input::Bytes(block), NOW);
    true
}

pub(crate) fn send(times: usize, at_once: usize) -> Result<()> {
    let mut pair = Pair::new()?;
    for _ in 0..times / at_once {
        for _ in 0..at_once {
            pair.a.host.send(HERE, pair.there, &MESSAGE)?;
        }
        pair.settle();
    }
    pair.ensure(0, times)
}

pub(crate) fn link(times: usize) -> Result<()> {
    let mut pair = Pair::new()?;
    for _ in 0..times {
        pair.a.host.link(HERE, pair.there)?;
        pair.settle();
        pair.a.host.unlink(HERE, pair.there);
        pair.settle();
    }
    pair.ensure(0, 0)
}

pub(crate) fn monitor(times: usize) -> Result<()> {
    let mut pair = Pair::new()?;
    for reference in 0..times as u64 {
        pair.a.host.monitor(HERE, pair.there, reference)?;
        pair.settle();
        pair.a.host.demonitor(HERE, pair.there, reference);
        pair.settle();
    }
    pair.ensure(0, 0)
}

pub(crate) fn exit(times: usize) -> Result<()> {
    let mut pair = Pair::new()?;
    for _ in 0..times {
        pair.a.host.link(HERE, pair.there)?;
        pair.settle();
        pair.b.host.process_ended(THERE, &Reason::Shutdown);
        pair.settle();
    }
    pair.ensure(times, 0)
}

pub(crate) fn call(times: usize) -> Result<()> {
    let mut pair = Pair::new()?;
    let term = Term::new(TERM.to_vec(), &[])?;
    for reference in 0..times as u64 {
        pair.a.host.call(HERE, pair.there, reference, term.clone())?;
        pair.settle();
        let caller = pair.b.host.processes.callers.pop().context("a call has come")?;
        pair.b.host.reply(&caller, term.clone())?;
        pair.settle();
    }
    pair.ensure(times, times)
}
