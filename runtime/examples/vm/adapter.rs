//! The adapter by which `snow-dist conform` judges this runtime: it does as lines of JSON say. What they can say is in the
//! repository's `spec/conformance/README.md`.

#[path = "calls.rs"]
mod calls;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{self, Write};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use snow_dist_runtime::codec::stf::Encoder;
use snow_dist_runtime::codec::{Pid as WirePid, Reading};
use snow_dist_runtime::core::{Caller, Cookie, Cookies, Term, TermPids, host::Event};
use snow_dist_runtime::tls::{Certificates, Tls};
use snow_dist_runtime::{Pid, Reason};

use crate::Process;
use crate::driver::Vm;

/// What this runtime can be told beside `start` and `stop`.
const COMMANDS: [&str; 24] = [
    "connect",
    "disconnect",
    "session",
    "hold_up",
    "spawn",
    "report",
    "register",
    "trap_exit",
    "watch",
    "exit",
    "kill",
    "demonitor",
    "send",
    "send_term",
    "link",
    "unlink",
    "monitor",
    "exit_signal",
    "flood",
    "call",
    "give_up",
    "reply",
    "delegate",
    "let_go",
];

type Answer = Result<Value, Box<dyn Error>>;

/// What a process has seen, and what it has sent of its flood.
#[derive(Default)]
struct Notes {
    seen: Vec<Value>,
    sent: u64,
    watched: BTreeSet<String>,
    /// The calls of others that it has, by the numbers under which they were seen.
    calls: BTreeMap<u64, Caller>,
}

/// Of whom a monitor is, or whom a call is for.
enum Whom {
    Process(Pid),
    /// Whoever has a name on that node.
    Name(String),
}

#[derive(Default)]
struct Adapter {
    vm: Option<Arc<Vm>>,
    notes: BTreeMap<u64, Arc<Mutex<Notes>>>,
    /// Of whom each monitor and call is.
    monitors: BTreeMap<u64, Whom>,
    /// Processes of other nodes as they were named last.
    others: BTreeMap<(String, u64), Pid>,
}

/// Does as standard input says, until that ends.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let mut adapter = Adapter::default();
    for line in io::stdin().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let answer = match adapter.command(&command) {
            Ok(Value::Object(mut answer)) => {
                answer.insert("answer".into(), json!("ok"));
                answer.into()
            }
            Ok(_) => json!({"answer": "unsupported"}),
            Err(error) => json!({"answer": "error", "text": error.to_string()}),
        };
        let mut out = io::stdout();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

impl Adapter {
    /// Null, if there is no such command here.
    fn command(&mut self, command: &Value) -> Answer {
        let name = text(command, "do")?;
        match name {
            "start" => return self.start(command),
            "stop" => {
                if let Some(vm) = &self.vm {
                    vm.act(|host, now| host.stop(now));
                    vm.until(|host, _| host.endpoint().is_empty().then_some(()));
                }
                return Ok(json!({}));
            }
            name if !COMMANDS.contains(&name) => return Ok(Value::Null),
            _ => {}
        }
        let vm = self.vm.clone().ok_or("no node has been started")?;
        match name {
            "connect" => vm.dial(text(command, "to")?)?,
            "disconnect" => {
                vm.act(|host, now| host.disconnect(text(command, "node").unwrap_or_default(), now));
            }
            "session" => {
                let node = text(command, "node")?;
                return Ok(json!({"up": vm.act(|host, _| host.endpoint().is_up(node))}));
            }
            "hold_up" => {
                let script = format!(
                    "kill -STOP $PPID; sleep {}; kill -CONT $PPID",
                    Duration::from_millis(number(command, "time_ms")).as_secs_f64(),
                );
                Command::new("sh").args(["-c", &script]).status()?;
            }
            "spawn" if command["mailbox_messages_max"].is_null() => {
                let notes = Arc::<Mutex<Notes>>::default();
                let noted = notes.clone();
                let me = vm.spawn(move |process| {
                    let done = note(process, &noted);
                    calls::let_go_of_all(process, &done, &noted);
                    done
                });
                self.notes.insert(me, notes);
                return Ok(json!({"process": me}));
            }
            "report" => {
                let me = number(command, "process");
                let notes = lock(self.notes.get(&me).ok_or("there has never been such a process")?);
                let alive = vm.act(|host, _| host.processes.mailboxes.contains_key(&me));
                return Ok(json!({"alive": alive, "seen": notes.seen, "sent": notes.sent}));
            }
            "spawn" => return Ok(Value::Null),
            _ => return self.order(&vm, name, command),
        }
        Ok(json!({}))
    }

    fn start(&mut self, command: &Value) -> Answer {
        if ["peer_lists", "tells_peers", "version_1"].iter().any(|wish| command[wish] == true) {
            return Ok(Value::Null);
        }
        let mut cookies = Cookies::from(Cookie::new(text(command, "cookie")?)?);
        for accepted in command["accepted"].as_array().into_iter().flatten() {
            cookies = cookies.accepting(Cookie::new(accepted.as_str().unwrap_or_default())?);
        }
        let tls = match &command["certificates"] {
            Value::Null => Tls::new()?,
            given => Tls::with_certificates(&certificates(given)?, text(command, "name")?)?,
        };
        let (listener, mut settings) = tls.listen(text(command, "name")?, cookies)?;
        let (timing, limits) = (&mut settings.timing, &mut settings.limits);
        if let Some(heartbeat) = command.get("heartbeat") {
            timing.interval = Duration::from_millis(number(heartbeat, "interval_ms"));
            timing.timeout = Duration::from_millis(number(heartbeat, "timeout_ms"));
        }
        for (name, limit) in [
            ("sessions_max", &mut limits.sessions_max),
            ("sessions_per_address_max", &mut limits.sessions_per_address_max),
            ("handshakes_max", &mut limits.handshakes_max),
            ("handshakes_per_address_max", &mut limits.handshakes_per_address_max),
        ] {
            if let Some(count) = command[name].as_u64() {
                *limit = usize::try_from(count)?;
            }
        }
        if let Some(bound) = command["links_and_monitors_max"].as_u64() {
            settings.local.bounds.links_and_monitors = u32::try_from(bound)?;
        }
        let name = settings.local.name().clone();
        self.vm = Some(Vm::start(tls, listener, settings));
        Ok(json!({"name": &*name}))
    }

    /// What a process is told to do.
    fn order(&mut self, vm: &Arc<Vm>, name: &str, command: &Value) -> Answer {
        let me = number(command, "process");
        let notes = self.notes.get(&me).ok_or("there is no such process")?.clone();
        if !vm.act(|host, _| host.processes.mailboxes.contains_key(&me)) {
            return Err("the process has ended".into());
        }
        match name {
            "register" => {
                let name = text(command, "name")?.to_owned();
                let owner = vm.act(|host, _| *host.processes.names.entry(name).or_insert(me));
                if owner != me {
                    return Err("the name is taken".into());
                }
            }
            "trap_exit" if command["on"] == false => {
                vm.act(|host, _| host.processes.traps_exits.remove(&me));
            }
            "trap_exit" => {
                vm.act(|host, _| host.processes.traps_exits.insert(me));
            }
            "watch" => {
                lock(&notes).watched.insert(text(command, "node")?.to_owned());
            }
            "exit" => vm.end(me, &reason_of(&command["reason"])?),
            "kill" => vm.end(me, &Reason::Killed),
            "demonitor" => self.give_up(vm, me, number(command, "monitor"))?,
            "give_up" => self.give_up(vm, me, number(command, "call"))?,
            "reply" | "delegate" | "let_go" => self.with_call(vm, name, command, &notes)?,
            _ if !command["other_name"].is_null() => return self.order_about_name(vm, name, command, me),
            _ => {
                let other = self.other(vm, command)?;
                return self.order_about(vm, name, command, (me, other, notes));
            }
        }
        Ok(json!({}))
    }

    /// What it is told to do about a process of another node.
    fn order_about(
        &mut self,
        vm: &Arc<Vm>,
        name: &str,
        command: &Value,
        (me, other, notes): (u64, Pid, Arc<Mutex<Notes>>),
    ) -> Answer {
        match name {
            "link" => vm.ask(other, |host| host.link(me, other))?,
            "unlink" => vm.act(|host, _| host.unlink(me, other)),
            "monitor" => {
                let monitor = next_number(vm);
                vm.ask(other, |host| host.monitor(me, other, monitor))?;
                self.monitors.insert(monitor, Whom::Process(other));
                return Ok(json!({"monitor": monitor}));
            }
            "call" => {
                let (call, term) = (next_number(vm), self.content(vm, command)?);
                vm.ask(other, |host| host.call(me, other, call, term.clone()))?;
                self.monitors.insert(call, Whom::Process(other));
                return Ok(json!({"call": call}));
            }
            "send" => {
                let message = hex::decode(text(command, "message")?)?;
                vm.ask(other, |host| host.send(me, other, &message))?;
            }
            "send_term" => {
                let term = self.term(vm, &command["pids"])?;
                vm.ask(other, |host| host.send_term(me, other, term.clone()))?;
            }
            "exit_signal" => {
                let reason = reason_of(&command["reason"])?;
                vm.ask(other, |host| host.exit(me, other, &reason))?;
            }
            _ => {
                let (messages, bytes) = (number(command, "messages"), number(command, "bytes"));
                let (vm, mut message) = (vm.clone(), vec![0; usize::try_from(bytes)?]);
                thread::spawn(move || {
                    for number in 0..u32::try_from(messages).unwrap_or(u32::MAX) {
                        let digits = [24, 16, 8, 0].map(|bits| (number >> bits & 0xFF) as u8);
                        message.iter_mut().zip(digits).for_each(|(byte, digit)| *byte = digit);
                        if vm.ask(other, |host| host.send(me, other, &message)).is_err() {
                            return;
                        }
                        lock(&notes).sent += 1;
                    }
                });
            }
        }
        Ok(json!({}))
    }

    /// A tuple of processes.
    fn term(&self, vm: &Vm, pids: &Value) -> Result<Term, Box<dyn Error>> {
        let pids: &Vec<_> = pids.as_array().ok_or("pids is missing")?;
        let pids: Vec<_> = pids.iter().map(|pid| self.pid(vm, pid)).collect::<Result<_, _>>()?;
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        encoder.tuple(pids.len())?;
        (0..pids.len()).for_each(|number| encoder.pid(WirePid::from_bits(number as u64)));
        encoder.finish()?;
        Ok(Term::new(bytes, &pids)?)
    }

    /// A process of any node.
    fn pid(&self, vm: &Vm, place: &Value) -> Result<Pid, Box<dyn Error>> {
        let (node, local) = (text(place, "node")?, number(place, "process"));
        Ok(vm.act(|host, _| host.pid_on(node, local)).ok_or("that node is not known")?)
    }

    /// The process of another node that a command names.
    fn other(&mut self, vm: &Vm, command: &Value) -> Result<Pid, Box<dyn Error>> {
        let (node, local) = (text(command, "node")?, number(command, "other"));
        let of = (node.to_owned(), local);
        let known = vm.act(|host, _| host.pid_on(node, local));
        let earlier = self.others.get(&of).copied().filter(|_| command["earlier"] == true);
        let other = earlier.or(known).ok_or("there has been no session with that node")?;
        self.others.insert(of, other);
        Ok(other)
    }
}

/// What a process of these tests does: it notes what comes.
fn note(process: &Process, notes: &Mutex<Notes>) -> Result<(), Reason> {
    loop {
        let seen = match process.receive()? {
            Event::Message(message) => json!({"message": hex::encode(message)}),
            Event::Term(term, pids) => json!({"term": places(process, &term, &pids)}),
            Event::Exit { from, reason } => {
                json!({"exit": place(process, from), "reason": shown(process, &reason)})
            }
            Event::Down { reference, from, reason } => {
                json!({"down": place(process, from), "monitor": reference, "reason": shown(process, &reason)})
            }
            Event::Call { caller, term, pids } => {
                let (call, from) = (next_number(&process.vm), place(process, caller.pid));
                lock(notes).calls.insert(call, caller);
                json!({"called": from, "call": call, "term": places(process, &term, &pids)})
            }
            Event::Reply { reference, term, pids } => {
                json!({"reply": places(process, &term, &pids), "call": reference})
            }
            Event::ReplyLost { reference } => json!({"reply": null, "call": reference}),
            Event::CallEnded { reference, reason } => {
                json!({"call_ended": shown(process, &reason), "call": reference})
            }
            Event::Named { reference, pid } => json!({"named": place(process, pid), "monitor": reference}),
            Event::NodeUp(name) if lock(notes).watched.contains(&*name) => json!({"nodeup": &*name}),
            Event::NodeDown(name) if lock(notes).watched.contains(&*name) => json!({"nodedown": &*name}),
            _ => continue,
        };
        lock(notes).seen.push(seen);
    }
}

/// A number that nothing has had.
fn next_number(vm: &Vm) -> u64 {
    vm.act(|host, _| {
        host.processes.last += 1;
        host.processes.last
    })
}

/// A process by the name of its node and its number there.
fn place(process: &Process, pid: Pid) -> Value {
    let name = process.vm.act(|host, _| host.name_of(pid.node()));
    json!({"node": name.as_deref(), "process": pid.local()})
}

/// The processes in a term, in their order; none, if it is no term.
fn places(process: &Process, term: &[u8], pids: &TermPids) -> Vec<Value> {
    let mut places = Vec::new();
    let whole = pids
        .terms()
        .for_each_pid(term, Reading::Compatible, |_, pid| places.push(place(process, pids.pid(pid))));
    whole.map_or_else(|_| Vec::new(), |_| places)
}

fn shown(process: &Process, reason: &Reason) -> Value {
    match reason {
        Reason::Normal => json!({"kind": "normal"}),
        Reason::Error(text) => json!({"kind": "error", "text": &**text}),
        Reason::Killed => json!({"kind": "killed"}),
        Reason::Shutdown => json!({"kind": "shutdown"}),
        Reason::Custom(text) => json!({"kind": "custom", "text": &**text}),
        Reason::Noconnection => json!({"kind": "noconnection"}),
        Reason::Unknown(bytes) => {
            let (code, payload) = bytes.split_first().unwrap_or((&0, &[]));
            json!({"kind": "unknown", "code": code, "payload": hex::encode(payload)})
        }
        Reason::Linked(chain) => {
            let hops: Vec<_> = chain.hops.iter().map(|hop| place(process, *hop)).collect();
            json!({"kind": "linked", "hops": hops, "root": shown(process, &chain.root)})
        }
    }
}

/// The reason that a command names.
fn reason_of(value: &Value) -> Result<Reason, Box<dyn Error>> {
    Ok(match text(value, "kind")? {
        "normal" => Reason::Normal,
        "error" => Reason::error(text(value, "text")?),
        "killed" => Reason::Killed,
        "shutdown" => Reason::Shutdown,
        "custom" => Reason::custom(text(value, "text")?),
        other => return Err(format!("no reason to end with: {other}").into()),
    })
}

fn certificates(given: &Value) -> Result<Certificates, String> {
    let certificates = Certificates::pem(text(given, "chain")?, text(given, "key")?, text(given, "trust")?);
    Ok(if given["required"] == true { certificates } else { certificates.not_required() })
}

fn text<'c>(command: &'c Value, name: &str) -> Result<&'c str, String> {
    command[name].as_str().ok_or_else(|| format!("{name} is missing"))
}

fn number(command: &Value, name: &str) -> u64 {
    command[name].as_u64().unwrap_or_default()
}

fn lock(notes: &Mutex<Notes>) -> std::sync::MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}
