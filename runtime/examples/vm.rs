//! A little language runtime that speaks Snow DIST: processes that are threads, their table, blocking sockets. All that
//! it takes is here and in `vm/driver.rs`; `vm/adapter.rs` lets `snow-dist conform` judge it.
//!
//! ```text
//! COOKIE=.. cargo run --example vm -- a@127.0.0.1:9001
//! COOKIE=.. cargo run --example vm -- b@127.0.0.1:9002 a@127.0.0.1:9001
//! ```
//! Process 1 of each node links with process 1 of the other one and greets it, whenever the two have a session.

#![allow(clippy::disallowed_methods, reason = "a host has threads and a clock")]

#[path = "vm/adapter.rs"]
mod adapter;
#[path = "vm/driver.rs"]
mod driver;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{env, error::Error, sync::Arc, thread, time::Duration};

use driver::Vm;
use snow_dist_runtime::core::host::{Event, Mailboxes};
use snow_dist_runtime::{Reason, core::Cookie, tls::Tls};

/// The process table.
#[derive(Default)]
struct Table {
    mailboxes: BTreeMap<u64, Sender<Event>>,
    traps_exits: BTreeSet<u64>,
    names: BTreeMap<String, u64>,
    last: u64,
}

impl Mailboxes for Table {
    fn has(&self, local: u64) -> bool {
        self.mailboxes.contains_key(&local)
    }

    fn registered(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    fn traps_exits(&self, local: u64) -> bool {
        self.traps_exits.contains(&local)
    }

    fn watching(&self, _: &str) -> Vec<u64> {
        self.mailboxes.keys().copied().collect()
    }

    fn put(&mut self, local: u64, event: Event) {
        let _ = self.mailboxes.get(&local).map(|mailbox| mailbox.send(event));
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
        match self.mailbox.recv() {
            Ok(Event::Killed(reason)) => Err(reason),
            Ok(event) => Ok(event),
            Err(_) => Err(Reason::Killed),
        }
    }
}

impl Vm {
    fn spawn(self: &Arc<Self>, code: impl FnOnce(&Process) -> Result<(), Reason> + Send + 'static) -> u64 {
        let (sender, mailbox) = channel();
        let me = self.act(|host, _| {
            host.processes.last += 1;
            host.processes.mailboxes.insert(host.processes.last, sender);
            host.processes.last
        });
        let process = Process { vm: self.clone(), me, mailbox };
        thread::spawn(move || {
            let done = catch_unwind(AssertUnwindSafe(|| code(&process)));
            let done = done.unwrap_or_else(|_| Err(Reason::error("panicked")));
            process.vm.end(me, &done.err().unwrap_or(Reason::Normal));
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

/// Greets its like on each node that comes, and shows what happens.
fn greet(process: &Process) -> Result<(), Reason> {
    loop {
        let event = process.receive()?;
        println!("{}: {event:?}", process.me);
        if let Event::NodeUp(node) = event
            && let Some(other) = process.vm.act(|host, _| host.pid_on(&node, 1))
        {
            process.vm.ask(other, |host| host.link(process.me, other))?;
            process.vm.ask(other, |host| host.send(process.me, other, b"hello"))?;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [name, others @ ..] = &arguments[..] else { return adapter::run() };
    let tls = Tls::new()?;
    let (listener, settings) = tls.listen(name, Cookie::new(env::var("COOKIE")?)?)?;
    let vm = Vm::start(tls, listener, settings);
    vm.spawn(greet);
    loop {
        others.iter().try_for_each(|other| vm.dial(other))?;
        thread::sleep(Duration::from_secs(1));
    }
}
