//! A little language runtime that speaks Snow DIST: processes that are threads, their table, blocking sockets. All that
//! it takes is here and in `vm/driver.rs`; `vm/adapter.rs` lets `snow-dist conform` judge it.
//!
//! ```text
//! COOKIE=.. cargo run --example vm -- a@127.0.0.1:9001
//! COOKIE=.. cargo run --example vm -- b@127.0.0.1:9002 a@127.0.0.1:9001
//! ```
//! The second node links with process 1 of the first one, monitors it and greets it, whenever the two have a session.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a host has threads, a clock and buffers"
)]

#[path = "vm/adapter.rs"]
mod adapter;
#[path = "vm/driver.rs"]
mod driver;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{error::Error, net::TcpListener, num::NonZeroU64, thread, time::Duration};

use driver::Vm;
use snow_dist_runtime::core::endpoint::Limits;
use snow_dist_runtime::core::handshake::{Cookies, Local};
use snow_dist_runtime::core::session::Timing;
use snow_dist_runtime::core::{Cookie, Endpoint, Processes, host::Nodes};
use snow_dist_runtime::{Capabilities, NodeName, Pid, Reason, tls::Tls};

/// What a mailbox holds.
#[derive(Debug)]
enum Event {
    Message(Vec<u8>),
    Exit { from: Pid, reason: Reason },
    Down { monitor: u64, from: Pid, reason: Reason },
    Node { name: Arc<str>, is_up: bool },
}

#[derive(Default)]
struct Table {
    mailboxes: BTreeMap<u64, Sender<Event>>,
    traps_exits: BTreeSet<u64>,
    names: BTreeMap<String, u64>,
    last: u64,
}

impl Table {
    fn put(&self, local: u64, event: Event) {
        let _ = self.mailboxes.get(&local).map(|mailbox| mailbox.send(event));
    }
}

impl Processes for Table {
    fn attach(&mut self, local: u64) -> bool {
        self.mailboxes.contains_key(&local)
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        self.put(local, Event::Message(message.to_vec()));
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        let _ = self.names.get(name).map(|local| self.put(*local, Event::Message(message.to_vec())));
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.put(local, Event::Exit { from, reason });
    }

    fn down(&mut self, local: u64, monitor: u64, from: Pid, reason: Reason) {
        self.put(local, Event::Down { monitor, from, reason });
    }
}

impl Nodes for Table {
    fn node(&mut self, name: &Arc<str>, is_up: bool) {
        for local in self.mailboxes.keys() {
            self.put(*local, Event::Node { name: name.clone(), is_up });
        }
    }
}

/// A process, for its own code.
struct Process {
    vm: Arc<Vm>,
    me: u64,
    mailbox: Receiver<Event>,
}

impl Process {
    /// What has come. An error is why the process has to end.
    fn receive(&self) -> Result<Event, Reason> {
        match self.mailbox.recv().map_err(|_| Reason::Killed)? {
            Event::Exit { from, reason } if reason.kills() && !self.traps_exits() => {
                Err(Reason::linked(from, &reason))
            }
            event => Ok(event),
        }
    }

    fn traps_exits(&self) -> bool {
        self.vm.act(|host, _| host.processes.traps_exits.contains(&self.me))
    }
}

impl Vm {
    /// A node of this name; with port 0 it has one of the system's choice.
    fn open(
        name: &str,
        cookies: Cookies,
        set: impl FnOnce(&mut Local),
        timing: Timing,
        limits: Limits,
    ) -> Result<(Arc<Self>, Arc<str>), Box<dyn Error>> {
        let (tls, name) = (Tls::new()?, NodeName::parse(name)?);
        let listener = TcpListener::bind(format!("{}:{}", name.host(), name.port()))?;
        let name = format!("{}@{}:{}", name.name(), name.host(), listener.local_addr()?.port());
        let incarnation = NonZeroU64::new(u64::from_ne_bytes(tls.random()?)).unwrap_or(NonZeroU64::MIN);
        let mut local = Local::new(NodeName::parse(&name)?, incarnation, cookies);
        local.capabilities = Capabilities::FRAGMENTS.union(Capabilities::REMOTE_EXIT);
        set(&mut local);
        let endpoint = Endpoint::new(Arc::new(local), timing, limits, tls.random()?);
        Ok((Self::start(tls, listener, endpoint), name.into()))
    }

    fn spawn(self: &Arc<Self>, code: impl FnOnce(&Process) -> Result<(), Reason> + Send + 'static) -> u64 {
        let (sender, mailbox) = channel();
        let me = self.act(|host, _| {
            host.processes.last += 1;
            host.processes.mailboxes.insert(host.processes.last, sender);
            host.processes.last
        });
        let process = Process { vm: self.clone(), me, mailbox };
        thread::spawn(move || {
            let reason = match catch_unwind(AssertUnwindSafe(|| code(&process))) {
                Ok(done) => done.err().unwrap_or(Reason::Normal),
                Err(_) => Reason::error("panicked"),
            };
            process.vm.end(me, &reason);
        });
        me
    }

    /// Ends a process, unless it has ended.
    fn end(&self, me: u64, reason: &Reason) {
        self.act(|host, _| {
            host.processes.names.retain(|_, named| *named != me);
            if host.processes.mailboxes.remove(&me).is_some() {
                host.process_ended(me, reason);
            }
        });
    }
}

/// Shows what comes.
fn show(process: &Process) -> Result<(), Reason> {
    loop {
        println!("{}: {:?}", process.me, process.receive()?);
    }
}

fn greet(process: &Process, other: &str) -> Result<(), Reason> {
    let (vm, me) = (&process.vm, process.me);
    loop {
        let event = process.receive()?;
        println!("{me}: {event:?}");
        let other = vm.act(|host, _| host.pid_on(other, 1));
        if let (Event::Node { is_up: true, .. }, Some(other)) = (event, other) {
            let done = vm.ask(other, |host| {
                host.processes.traps_exits.insert(me);
                host.link(me, other)?;
                host.monitor(me, other, 1)?;
                Ok::<_, Box<dyn Error>>(host.send(me, other, b"hello")?)
            });
            done.map_err(|error| Reason::error(error.to_string()))?;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else { return adapter::run() };
    let cookie = Cookie::new(std::env::var("COOKIE")?)?;
    let (vm, name) = Vm::open(&name, cookie.into(), |_| (), Timing::default(), Limits::default())?;
    println!("this is {name}");
    vm.spawn(show);
    if let Some(other) = arguments.next() {
        let dialled = other.clone();
        vm.spawn(move |process| greet(process, &other));
        loop {
            vm.dial(&dialled)?;
            thread::sleep(Duration::from_millis(500));
        }
    }
    loop {
        thread::park();
    }
}
