//! The state of a simulated network: hosts, listeners, the paths between hosts, and data in transit.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use super::pipe::Stream;

/// The bytes that one direction of a connection buffers, like the buffers of two operating systems. A writer then
/// waits.
const PIPE_BYTES: usize = 64 << 10;

/// The first port that a host assigns to nodes whose names say port 0.
const FIRST_PORT: u16 = 49_152;

/// The number of a host.
pub(super) type HostId = usize;

/// The number of one direction of a connection.
pub(super) type PipeId = u64;

/// The channel by which a listener receives connections.
pub(super) type Arrivals = UnboundedSender<(Stream, SocketAddr)>;

#[derive(Debug, Default)]
pub(super) struct State {
    hosts: BTreeMap<Arc<str>, HostId>,
    /// The hosts that have crashed and on which nothing has listened since.
    crashed: BTreeSet<HostId>,
    ways: HashMap<(HostId, HostId), Way>,
    pub(super) listeners: HashMap<String, (HostId, Arrivals)>,
    pipes: HashMap<PipeId, Pipe>,
    pipes_made: PipeId,
    ports_given: u16,
}

/// The path between two hosts, in one direction.
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
    /// The data in transit, with the times of arrival. An empty entry is the end of the stream.
    queue: VecDeque<(Duration, Bytes)>,
    queued: usize,
    is_ended: bool,
    is_broken: bool,
    has_reader: bool,
    has_writer: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// The result of a read.
pub(super) enum Arrived {
    /// Bytes were taken, or the stream has ended.
    Something,
    /// Nothing arrives before this time.
    Later(Duration),
    /// Nothing is in transit.
    Nothing,
}

impl State {
    /// Returns the host of this name, and creates it if necessary.
    pub(super) fn host(&mut self, name: &str) -> HostId {
        let next = self.hosts.len();
        *self.hosts.entry(name.into()).or_insert(next)
    }

    /// Returns the host of this name, if it exists.
    pub(super) fn known(&self, name: &str) -> Option<HostId> {
        self.hosts.get(name).copied()
    }

    /// Returns the name of a host.
    pub(super) fn name_of(&self, host: HostId) -> &str {
        self.hosts.iter().find(|(_, id)| **id == host).map_or("", |(name, _)| name)
    }

    /// Returns the host in `host:port`, if it exists.
    pub(super) fn host_of(&self, address: &str) -> Option<HostId> {
        self.known(address.rsplit_once(':')?.0)
    }

    pub(super) fn has_crashed(&self, host: HostId) -> bool {
        self.crashed.contains(&host)
    }

    /// Adds a listener on a host, which is no longer crashed then.
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

    /// Changes the path between two hosts in one direction. Returns the tasks to wake.
    pub(super) fn change(&mut self, from: HostId, to: HostId, change: impl FnOnce(&mut Way)) -> Vec<Waker> {
        let way = self.ways.entry((from, to)).or_default();
        change(way);
        let is_cut = way.is_cut;
        let pipes = self.pipes.values_mut().filter(|pipe| pipe.way == (from, to));
        pipes
            .flat_map(|pipe| if is_cut { pipe.break_off() } else { pipe.reader.take().into_iter().collect() })
            .collect()
    }

    /// Breaks every connection of a host and removes its listeners. Returns the tasks to wake, and the removed
    /// listeners.
    pub(super) fn crash(&mut self, host: HostId) -> (Vec<Waker>, Vec<Arrivals>) {
        self.crashed.insert(host);
        let gone =
            self.listeners.extract_if(|_, (of, _)| *of == host).map(|(_, (_, arrivals))| arrivals).collect();
        let pipes = self.pipes.values_mut().filter(|pipe| pipe.way.0 == host || pipe.way.1 == host);
        (pipes.flat_map(Pipe::break_off).collect(), gone)
    }

    /// Returns a port at which nothing listens.
    pub(super) fn free_port(&mut self) -> io::Result<u16> {
        let port = FIRST_PORT.checked_add(self.ports_given);
        self.ports_given = self.ports_given.saturating_add(1);
        port.ok_or_else(|| {
            io::Error::new(io::ErrorKind::AddrInUse, "the simulated network has no more ports to give")
        })
    }

    /// Adds a connection. Returns the numbers of its two directions.
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

    /// Reads data that has arrived by `now`: `take` receives bytes and returns how many it has taken.
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

    /// Writes as many bytes as fit. Returns their number, which is zero if there is no room, and the tasks to
    /// wake.
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

    /// Ends the writing of a direction. Returns the tasks to wake.
    pub(super) fn end(&mut self, id: PipeId, now: Duration) -> Option<Waker> {
        let way = self.pipe(id).ok()?.way;
        let due = now.saturating_add(self.way(way.0, way.1).delay);
        let pipe = self.pipe(id).ok().filter(|pipe| !pipe.is_ended)?;
        pipe.is_ended = true;
        pipe.queue.push_back((due, Bytes::new()));
        pipe.reader.take()
    }

    /// Closes one end of a connection, which reads one direction and writes the other. Returns the tasks to wake,
    /// and data to drop after the lock is released.
    pub(super) fn leave(&mut self, reads: PipeId, writes: PipeId, now: Duration) -> (Vec<Waker>, Vec<Pipe>) {
        let mut wakes: Vec<_> = self.end(writes, now).into_iter().collect();
        if let Some(pipe) = self.pipes.get_mut(&reads) {
            pipe.has_reader = false;
            wakes.extend(pipe.writer.take());
        }
        if let Some(pipe) = self.pipes.get_mut(&writes) {
            pipe.has_writer = false;
        }
        let is_over = |pipe: &Pipe| !pipe.has_reader && !pipe.has_writer;
        let over = [reads, writes].into_iter().filter(|id| self.pipes.get(id).is_some_and(is_over));
        let over: Vec<_> = over.collect();
        (wakes, over.into_iter().filter_map(|id| self.pipes.remove(&id)).collect())
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

/// Returns the address of a host. Each host has its own, so that limits per address apply as with real machines.
pub(super) fn address_of(host: HostId, port: u16) -> SocketAddr {
    let [.., high, middle, low] = host.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, high, middle, low)), port)
}
