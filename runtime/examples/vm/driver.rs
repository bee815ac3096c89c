//! The driver: all that stands between the engine and blocking sockets. Each connection has a thread that reads and one
//! that writes; the engine and the processes stand under one lock, which nobody holds while a socket or a process runs.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use snow_dist_runtime::core::connection::{Randomness, Transmit};
use snow_dist_runtime::core::endpoint::NotDialled;
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::limits::CONNECT_DEADLINE;
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::{Dial, Endpoint, Host, Pid, name_to_dial};
use snow_dist_runtime::tls::{Tls, TlsStream};

use crate::Table;

/// How long a thread waits for its socket before it looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// Ticks that a stream has at most to take what is said last.
const LAST_TICKS: u32 = 10;
/// Bytes that are read or written at once.
const BLOCK_BYTES: usize = 16 << 10;

pub(crate) struct Vm {
    tls: Tls,
    begun: Instant,
    host: Mutex<Host<Table>>,
    /// Something is different.
    changed: Condvar,
}

impl Vm {
    pub(crate) fn start(tls: Tls, listener: TcpListener, endpoint: Endpoint) -> Arc<Self> {
        let host = Host::new(endpoint, Table::default());
        let vm = Arc::new(Self { tls, begun: Instant::now(), host: host.into(), changed: Condvar::new() });
        let acceptor = vm.clone();
        thread::spawn(move || {
            for socket in listener.incoming() {
                if socket.and_then(|socket| acceptor.accept(socket)).is_err() {
                    thread::sleep(TICK);
                }
            }
        });
        vm
    }

    fn accept(self: &Arc<Self>, socket: TcpStream) -> io::Result<()> {
        let from = socket.peer_addr()?;
        let random = Randomness::new(&self.tls.random().map_err(io::Error::other)?);
        if let Some(id) = self.act(|host, now| host.accept(from, random, now)) {
            self.run(id, Ok(socket));
        }
        Ok(())
    }

    /// Wants a session with a node. Whether one comes about is seen later; if not, the caller asks again.
    pub(crate) fn dial(self: &Arc<Self>, name: &str) -> Result<(), NotDialled> {
        let name = name_to_dial(name)?;
        let Ok(random) = self.tls.random() else { return Ok(()) };
        let dial = self.act(|host, now| host.dial(&name, Randomness::new(&random), now));
        if let Dial::Start(id, ()) = dial {
            self.run(id, Err(name));
        }
        Ok(())
    }

    /// Runs a connection that was accepted, or is dialled, to its end.
    fn run(self: &Arc<Self>, id: ConnectionId, socket: Result<TcpStream, Arc<str>>) {
        let vm = self.clone();
        thread::spawn(move || {
            let stream = match socket {
                Ok(accepted) => vm.tls.accept(accepted),
                Err(name) => connect(&name).and_then(|socket| vm.tls.connect(socket)),
            };
            match stream {
                Ok(stream) => thread::scope(|threads| {
                    let writer = threads.spawn(|| vm.write(id, &stream));
                    vm.read(id, &stream);
                    (0..LAST_TICKS).take_while(|_| !writer.is_finished()).for_each(|_| thread::sleep(TICK));
                    let _ = stream.get_ref().shutdown(Shutdown::Both);
                }),
                Err(error) => {
                    vm.act(|host, now| host.drive(id, now, |it, _, _| it.stream_ended(&error.to_string())));
                }
            }
            if let Some(ending) = vm.act(|host, now| host.over(id, now)) {
                eprintln!("a connection has ended: {ending}");
            }
        });
    }

    /// Reads until there is an ending, and looks at the clock in between.
    fn read(&self, id: ConnectionId, mut stream: &TlsStream) {
        let _ = stream.get_ref().set_read_timeout(Some(TICK));
        let (mut block, mut is_secured, mut is_read, mut goes_on) = ([0; BLOCK_BYTES], false, true, true);
        while goes_on {
            // What has come by now is handled before a deadline of this time counts.
            let begun = self.begun.elapsed();
            let come = if !is_secured {
                stream.handshake().map(|exporter| (Some(Channel::Tls13 { exporter }), 0))
            } else if is_read {
                stream.read(&mut block).map(|count| (None, count))
            } else {
                thread::sleep(TICK);
                Err(ErrorKind::WouldBlock.into())
            };
            is_secured |= come.is_ok();
            let next = self.act(|host, now| {
                host.drive(id, now, |connection, inbound, table| {
                    match come {
                        Ok((Some(channel), _)) => connection.secured(channel),
                        Ok((None, 0)) => connection.stream_ended("the peer has closed it"),
                        Ok((None, count)) => inbound.receive(&block[..count], connection, table, now),
                        Err(error) if is_timeout(&error) => {}
                        Err(error) => connection.stream_ended(&error.to_string()),
                    }
                    connection.handle_timeout(begun);
                    (connection.ending().is_none(), connection.is_read(inbound))
                })
            });
            (goes_on, is_read) = next.unwrap_or_default();
        }
    }

    /// Writes until there is an ending and all is said.
    fn write(&self, id: ConnectionId, mut stream: &TlsStream) {
        let mut block = Vec::new();
        loop {
            let now = || self.begun.elapsed();
            let given = self.until(|host| match host.transmit(id, &mut block, BLOCK_BYTES, now()) {
                Some(Transmit::Nothing) => None,
                given => Some(given),
            });
            let written = match given {
                None => return,
                Some(Transmit::Close) => stream.close(),
                Some(_) => stream.write_all(&block).and_then(|()| stream.flush()),
            };
            block.clear();
            self.act(|host, now| {
                host.drive(id, now, |connection, _, _| match written {
                    Ok(()) => connection.taken(now),
                    Err(error) => connection.write_failed(&error.to_string(), now),
                })
            });
        }
    }

    /// Acts for a process as soon as there is room for what it has for another one.
    pub(crate) fn ask<T>(&self, other: Pid, act: impl FnOnce(&mut Host<Table>) -> T) -> T {
        let mut act = Some(act);
        self.until(|host| if host.has_room(other.node()) { act.take().map(|act| act(host)) } else { None })
    }

    /// Acts as soon as that gives something.
    pub(crate) fn until<T>(&self, mut act: impl FnMut(&mut Host<Table>) -> Option<T>) -> T {
        let mut host = self.lock();
        loop {
            match act(&mut host) {
                Some(done) => {
                    self.changed.notify_all();
                    return done;
                }
                None => host = self.changed.wait(host).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut Host<Table>, Duration) -> T) -> T {
        let done = act(&mut self.lock(), self.begun.elapsed());
        self.changed.notify_all();
        done
    }

    fn lock(&self) -> MutexGuard<'_, Host<Table>> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(name: &str) -> io::Result<TcpStream> {
    let mut addresses = name.split_once('@').map_or("", |(_, address)| address).to_socket_addrs()?;
    let stream = addresses.find_map(|address| TcpStream::connect_timeout(&address, CONNECT_DEADLINE).ok());
    stream.ok_or_else(|| ErrorKind::NotConnected.into())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
