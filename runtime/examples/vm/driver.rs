//! The driver: all that stands between the engine and blocking sockets. Each connection has a thread that reads and one
//! that writes; the engine and the processes stand under one lock, which nobody holds while a socket or a process runs.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use snow_dist_runtime::core::connection::Transmit;
use snow_dist_runtime::core::host::{Host, Input, Next, Settings};
use snow_dist_runtime::core::{Dial, NotDialled, Pid, peers::ConnectionId};
use snow_dist_runtime::tls::{Tls, TlsStream};

use crate::Table;

/// How long a thread waits for its socket before it looks at the clock.
const TICK: Duration = Duration::from_millis(20);
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
    pub(crate) fn start(tls: Tls, listener: TcpListener, settings: Settings) -> Arc<Self> {
        let host = Host::new(settings, Table::default());
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
        if let Some(id) = self.act(|host, now| host.accept(from, now)) {
            let vm = self.clone();
            thread::spawn(move || vm.run(id, vm.tls.accept(socket)));
        }
        Ok(())
    }

    /// Wants a session with a node. Whether one comes about is seen later; if not, the caller asks again.
    pub(crate) fn dial(self: &Arc<Self>, name: &str) -> Result<(), NotDialled> {
        if let Dial::Start(id, name) = self.act(|host, now| host.dial(name, now))? {
            let vm = self.clone();
            thread::spawn(move || vm.run(id, vm.tls.dial(&name)));
        }
        Ok(())
    }

    /// Runs a connection to its end.
    fn run(&self, id: ConnectionId, stream: io::Result<TlsStream>) {
        match stream.and_then(|stream| stream.looking_every(TICK)) {
            Ok(stream) => thread::scope(|threads| {
                threads.spawn(|| self.write(id, &stream));
                self.read(id, &stream);
            }),
            Err(error) => {
                self.act(|host, now| host.handle_input(id, Input::Ended(error.to_string()), now));
            }
        }
        if let Some(ending) = self.act(|host, now| host.over(id, now)) {
            eprintln!("a connection has ended: {ending}");
        }
    }

    fn read(&self, id: ConnectionId, stream: &TlsStream) {
        let (mut block, mut next) = ([0; BLOCK_BYTES], Next::Read);
        while next != Next::Over {
            let now = self.begun.elapsed();
            let input = stream.input(next, &mut block);
            next = self.act(|host, _| host.handle_input(id, input, now));
        }
    }

    fn write(&self, id: ConnectionId, stream: &TlsStream) {
        let mut block = Vec::new();
        while let Some(given) =
            self.until(|host, now| match host.transmit(id, &mut block, BLOCK_BYTES, now) {
                Some(Transmit::Nothing) => None,
                given => Some(given),
            })
        {
            let written = stream.output(given, &mut block);
            self.act(|host, now| host.handle_written(id, written, now));
        }
    }

    /// Acts for a process as soon as there is room for what it has for another one.
    pub(crate) fn ask<T>(&self, other: Pid, mut act: impl FnMut(&mut Host<Table>) -> T) -> T {
        self.until(|host, _| host.has_room(other.node()).then(|| act(host)))
    }

    /// Acts as soon as that gives something.
    pub(crate) fn until<T>(&self, mut act: impl FnMut(&mut Host<Table>, Duration) -> Option<T>) -> T {
        let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(done) = act(&mut host, self.begun.elapsed()) {
                self.changed.notify_all();
                return done;
            }
            host = self.changed.wait(host).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut Host<Table>, Duration) -> T) -> T {
        let mut act = Some(act);
        self.until(|host, now| act.take().map(|act| act(host, now)))
    }
}
