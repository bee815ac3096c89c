//! What there is in a simulated network: hosts, who listens, what is between two hosts, and what is under way.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use super::pipe::Stream;

/// Bytes that one direction of a connection holds, as the buffers of two systems do. Whoever writes more waits.
const PIPE_BYTES: usize = 64 << 10;

/// Where a host's own ports begin: those of nodes whose names say port 0.
const FIRST_PORT: u16 = 49_152;

/// A host, by its number.
pub(super) type HostId = usize;

/// One direction of a connection, by its number.
pub(super) type PipeId = u64;

/// The connections that come to a listener.
pub(super) type Arrivals = UnboundedSender<(Stream, SocketAddr)>;

#[derive(Debug, Default)]
pub(super) struct State {
    hosts: BTreeMap<Arc<str>, HostId>,
    /// Hosts that have crashed, and on which nobody has listened since.
    crashed: BTreeSet<HostId>,
    ways: HashMap<(HostId, HostId), Way>,
    pub(super) listeners: HashMap<String, (HostId, Arrivals)>,
    pipes: HashMap<PipeId, Pipe>,
    pipes_made: PipeId,
    ports_given: u16,
}

/// What is between two hosts, in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    pub(super) is_cut: bool,
    pub(super) is_stalled: bool,
    pub(super) delay: Duration,
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Pipe {
    way: (HostId, HostId),
    /// What is under way, and when it arrives. Nothing at all is the end of the stream.
    queue: VecDeque<(Duration, Bytes)>,
    queued: usize,
    is_ended: bool,
    is_broken: bool,
    has_reader: bool,
    has_writer: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// What a reader finds.
pub(super) enum Arrived {
    /// Bytes, which were taken, or the end of the stream.
    Something,
    /// Nothing before this time.
    Later(Duration),
    /// Nothing, and nobody knows when.
    Nothing,
}

impl State {
    /// The host of this name, which there is from now on.
    pub(super) fn host(&mut self, name: &str) -> HostId {
        let next = self.hosts.len();
        *self.hosts.entry(name.into()).or_insert(next)
    }

    /// The host of this name, if there is one.
    pub(super) fn known(&self, name: &str) -> Option<HostId> {
        self.hosts.get(name).copied()
    }

    /// The host of who listens at `host:port`, or else of that name.
    pub(super) fn host_of(&self, address: &str) -> Option<HostId> {
        let listens = self.listeners.get(address).map(|(host, _)| *host);
        listens.or_else(|| self.known(address.rsplit_once(':')?.0))
    }

    pub(super) fn has_crashed(&self, host: HostId) -> bool {
        self.crashed.contains(&host)
    }

    /// Somebody listens on a host: it is there.
    pub(super) fn listen(
        &mut self,
        host: HostId,
        address: String,
        arrivals: Arrivals,
    ) -> Option<(HostId, Arrivals)> {
        self.crashed.remove(&host);
        self.listeners.insert(address, (host, arrivals))
    }

    pub(super) fn all_hosts(&self) -> std::ops::Range<HostId> {
        0..self.hosts.len()
    }

    pub(super) fn way(&self, from: HostId, to: HostId) -> Way {
        self.ways.get(&(from, to)).copied().unwrap_or_default()
    }

    /// Changes what is between two hosts in one direction. Returns whom to wake.
    pub(super) fn change(&mut self, from: HostId, to: HostId, change: impl FnOnce(&mut Way)) -> Vec<Waker> {
        let way = self.ways.entry((from, to)).or_default();
        change(way);
        let is_cut = way.is_cut;
        let pipes = self.pipes.values_mut().filter(|pipe| pipe.way == (from, to));
        pipes
            .flat_map(|pipe| if is_cut { pipe.break_off() } else { pipe.reader.take().into_iter().collect() })
            .collect()
    }

    /// Breaks every connection of a host, and nobody listens there any more. Returns whom to wake, and who no longer listens.
    pub(super) fn crash(&mut self, host: HostId) -> (Vec<Waker>, Vec<Arrivals>) {
        self.crashed.insert(host);
        let gone =
            self.listeners.extract_if(|_, (of, _)| *of == host).map(|(_, (_, arrivals))| arrivals).collect();
        let pipes = self.pipes.values_mut().filter(|pipe| pipe.way.0 == host || pipe.way.1 == host);
        (pipes.flat_map(Pipe::break_off).collect(), gone)
    }

    /// A port that nobody listens at.
    pub(super) fn free_port(&mut self) -> io::Result<u16> {
        let port = FIRST_PORT.checked_add(self.ports_given);
        self.ports_given = self.ports_given.saturating_add(1);
        port.ok_or_else(|| {
            io::Error::new(io::ErrorKind::AddrInUse, "the simulated network has no more ports to give")
        })
    }

    /// A new connection: the numbers of its two directions.
    pub(super) fn connection(&mut self, from: HostId, to: HostId) -> [PipeId; 2] {
        [(from, to), (to, from)].map(|way| {
            self.pipes_made += 1;
            self.pipes.insert(self.pipes_made, Pipe::new(way));
            self.pipes_made
        })
    }

    pub(super) fn pipe(&mut self, id: PipeId) -> io::Result<&mut Pipe> {
        self.pipes
            .get_mut(&id)
            .filter(|pipe| !pipe.is_broken)
            .ok_or_else(|| io::ErrorKind::ConnectionReset.into())
    }

    /// Takes what has arrived by `now`, by `take`, which is given bytes and says how many it has taken.
    pub(super) fn read(
        &mut self,
        id: PipeId,
        now: Duration,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> io::Result<(Arrived, Option<Waker>)> {
        let way = self.pipe(id)?.way;
        let is_stalled = self.way(way.0, way.1).is_stalled;
        let pipe = self.pipe(id)?;
        let Some((due, bytes)) = pipe.queue.front_mut().filter(|_| !is_stalled) else {
            return Ok((Arrived::Nothing, None));
        };
        if *due > now {
            return Ok((Arrived::Later(*due), None));
        }
        if bytes.is_empty() {
            return Ok((Arrived::Something, None));
        }
        let taken = take(bytes);
        let _ = bytes.split_to(taken);
        if bytes.is_empty() {
            pipe.queue.pop_front();
        }
        pipe.queued -= taken;
        Ok((Arrived::Something, pipe.writer.take()))
    }

    /// Takes as many bytes as there is room for. Returns how many, none if there is no room, and whom to wake.
    pub(super) fn write(
        &mut self,
        id: PipeId,
        now: Duration,
        bytes: &[u8],
    ) -> io::Result<(usize, Option<Waker>)> {
        let way = self.pipe(id)?.way;
        let due = now.saturating_add(self.way(way.0, way.1).delay);
        let pipe = self.pipe(id)?;
        if !pipe.has_reader || pipe.is_ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let bytes = bytes.get(..PIPE_BYTES - pipe.queued).unwrap_or(bytes);
        if bytes.is_empty() {
            return Ok((0, None));
        }
        pipe.queued += bytes.len();
        pipe.queue.push_back((due, Bytes::copy_from_slice(bytes)));
        Ok((bytes.len(), pipe.reader.take()))
    }

    /// Nothing more is written. Returns whom to wake.
    pub(super) fn end(&mut self, id: PipeId, now: Duration) -> Option<Waker> {
        let way = self.pipe(id).ok()?.way;
        let due = now.saturating_add(self.way(way.0, way.1).delay);
        let pipe = self.pipe(id).ok().filter(|pipe| !pipe.is_ended)?;
        pipe.is_ended = true;
        pipe.queue.push_back((due, Bytes::new()));
        pipe.reader.take()
    }

    /// One end of a connection is gone: it reads one direction and has written the other. Returns whom to wake.
    pub(super) fn leave(&mut self, reads: PipeId, writes: PipeId, now: Duration) -> Vec<Waker> {
        let mut wakes: Vec<_> = self.end(writes, now).into_iter().collect();
        if let Some(pipe) = self.pipes.get_mut(&reads) {
            pipe.has_reader = false;
            wakes.extend(pipe.writer.take());
        }
        if let Some(pipe) = self.pipes.get_mut(&writes) {
            pipe.has_writer = false;
        }
        for id in [reads, writes] {
            self.pipes.retain(|of, pipe| *of != id || pipe.has_reader || pipe.has_writer);
        }
        wakes
    }

    #[cfg(test)]
    pub(super) fn pipe_count(&self) -> usize {
        self.pipes.len()
    }
}

impl Pipe {
    const fn new(way: (HostId, HostId)) -> Self {
        Self {
            way,
            queue: VecDeque::new(),
            queued: 0,
            is_ended: false,
            is_broken: false,
            has_reader: true,
            has_writer: true,
            reader: None,
            writer: None,
        }
    }

    fn break_off(&mut self) -> Vec<Waker> {
        self.is_broken = true;
        self.queue.clear();
        [self.reader.take(), self.writer.take()].into_iter().flatten().collect()
    }
}

/// The address of a host: one of its own, so that bounds for each address count as they do among machines.
pub(super) fn address_of(host: HostId, port: u16) -> SocketAddr {
    let [.., high, middle, low] = host.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, high, middle, low)), port)
}
