//! `snow-dist conform-node`: the adapter of this repository's node, a program that the runtime is embedded in. It
//! does as it is told by lines of JSON: see `spec/conformance/README.md`.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use snow_dist_runtime::core::{SpawnTie, Term};
use snow_dist_runtime::tls::Certificates;
use snow_dist_runtime::{
    Allowed, Context, Mailbox, Message, Node, NodeBuilder, NodeNumber, OnConflict, Pid, Timing, WhenFull,
};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::asking::{Question, written};
use super::processes::{Content, Order, Process};
use super::{field, groups, reasons};

/// Limits of connections, and how each is set.
type SetLimit = fn(NodeBuilder, usize) -> NodeBuilder;
const CONNECTION_LIMITS: [(&str, SetLimit); 5] = [
    ("sessions_max", NodeBuilder::sessions_max),
    ("sessions_per_address_max", NodeBuilder::sessions_per_address_max),
    ("handshakes_max", NodeBuilder::handshakes_max),
    ("handshakes_per_address_max", NodeBuilder::handshakes_per_address_max),
    ("peer_list_dials_max", NodeBuilder::peer_list_dials_max),
];

/// How a command fails.
enum Failure {
    Unsupported,
    Error(String),
}

impl From<String> for Failure {
    fn from(error: String) -> Self {
        Self::Error(error)
    }
}

/// The processes of the node by number, those among them that other nodes have had started.
type Processes = Arc<Mutex<HashMap<u64, Arc<Process>>>>;

fn lock(processes: &Processes) -> MutexGuard<'_, HashMap<u64, Arc<Process>>> {
    processes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The node, and its processes by number.
#[derive(Default)]
struct Subject {
    /// It always allows version 1.
    version_1: bool,
    node: Option<Node>,
    processes: Processes,
    /// A process of each node that there was a session with: it tells which start of the node that was.
    nodes: HashMap<String, Pid>,
    /// Processes of other nodes as they were named last.
    others: HashMap<(String, u64), Pid>,
}

/// Does as standard input says, until that ends; with a node that allows version 1 whenever it is started, or where it
/// is told to.
pub(crate) fn run(version_1: bool) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let mut subject = Subject { version_1, ..Subject::default() };
        while let Some(line) = lines.next_line().await? {
            let answer = match subject.command(&line).await {
                Ok(Value::Object(mut answer)) => {
                    answer.insert("answer".into(), json!("ok"));
                    Value::Object(answer)
                }
                Ok(_) => json!({"answer": "ok"}),
                Err(Failure::Unsupported) => json!({"answer": "unsupported"}),
                Err(Failure::Error(text)) => json!({"answer": "error", "text": text}),
            };
            let mut out = io::stdout();
            writeln!(out, "{answer}")?;
            out.flush()?;
        }
        Ok(true)
    })
}

/// Has this process stopped, and let it go on after a while. The one who does that is a child of it.
async fn hold_up(command: &Value) -> Result<Value, Failure> {
    if !cfg!(unix) {
        return Err(Failure::Unsupported);
    }
    let millis = field(command, "time_ms").as_u64().ok_or_else(|| Failure::Error("no time".into()))?;
    let time = Duration::from_millis(millis).as_secs_f64();
    let script = format!("kill -STOP $PPID; sleep {time}; kill -CONT $PPID");
    let shell = move || std::process::Command::new("sh").args(["-c", &script]).status();
    let held_up = tokio::task::spawn_blocking(shell).await.map_err(|error| error.to_string())?;
    let status = held_up.map_err(|error| error.to_string())?;
    if status.success() {
        Ok(json!({}))
    } else {
        Err(Failure::Error(format!("the shell ends with {status}")))
    }
}

fn certificates(given: &Value) -> Result<Certificates, Failure> {
    let certificates = Certificates::pem(text(given, "chain")?, text(given, "key")?, text(given, "trust")?);
    let required = *field(given, "required") == json!(true);
    Ok(if required { certificates } else { certificates.not_required() })
}

impl Subject {
    async fn command(&mut self, line: &str) -> Result<Value, Failure> {
        let command: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        self.until_it_runs(number(&command, "process")).await;
        match field(&command, "do").as_str().unwrap_or_default() {
            "start" => self.start(&command).await,
            "stop" => self.stop().await,
            "connect" => self.connect(&command),
            "disconnect" => {
                let node = text(&command, "node")?;
                self.pid_on(node, 0)?;
                self.node()?.disconnect(node);
                Ok(json!({}))
            }
            "session" => self.session(&command),
            "hold_up" => hold_up(&command).await,
            "spawn" => self.spawn(&command),
            "offer" => self.offer(&command),
            "report" => self.report(&command),
            "kill" => {
                let pid = self.process(&command)?.pid;
                self.node()?.kill(pid).map_err(|error| error.to_string())?;
                Ok(json!({}))
            }
            "global_register" => {
                let (name, pid) = (text(&command, "name")?, self.process(&command)?.pid);
                let registered = self.node()?.register_global(name, pid, OnConflict::Exit);
                registered.map_err(|error| error.to_string())?;
                Ok(json!({}))
            }
            "global_lookup" => {
                let node = self.node()?;
                let found = node.whereis_global(text(&command, "name")?);
                Ok(json!({"found": found.map_or(json!(false), |pid| reasons::process(pid, node))}))
            }
            "join_group" | "leave_group" => {
                Ok(groups::change(self.node()?, self.process(&command)?.pid, &command)?)
            }
            "group_members" => Ok(groups::members(self.node()?, &command)?),
            "send_group" => Ok(groups::send(self.node()?, &command).await?),
            "delegate" => {
                let deputy = field(&command, "deputy").as_u64().unwrap_or_default();
                let deputy = lock(&self.processes).get(&deputy).cloned();
                let deputy = deputy.ok_or_else(|| Failure::Error("no deputy".into()))?;
                self.process(&command)?.delegate(number(&command, "call"), &deputy)?;
                Ok(json!({}))
            }
            other => {
                let order = self.order(other, &command)?;
                Ok(self.process(&command)?.order(order).await?)
            }
        }
    }

    /// A process that another node has just had started is known when it runs for the first time.
    async fn until_it_runs(&self, number: u64) {
        let Some(node) = &self.node else { return };
        let pid = Pid::new(NodeNumber::HERE, node.creation(), number);
        while node.is_alive(pid) && !lock(&self.processes).contains_key(&number) {
            tokio::task::yield_now().await;
        }
    }

    async fn start(&mut self, command: &Value) -> Result<Value, Failure> {
        let wants = |name: &str| *field(command, name) == json!(true);
        let mut builder = Node::builder(text(command, "name")?).cookie(text(command, "cookie")?);
        if self.version_1 || *field(command, "version_1") == json!(true) {
            builder = builder.version_1(Allowed::Everyone);
        }
        if wants("peer_lists") {
            builder = builder.peer_lists(Allowed::Everyone);
        }
        builder = builder.tell_peers(wants("tells_peers"));
        for accepted in field(command, "accepted").as_array().into_iter().flatten() {
            builder = builder.cookie(accepted.as_str().unwrap_or_default());
        }
        let given = field(command, "certificates");
        if !given.is_null() {
            builder = builder.certificates(certificates(given)?);
        }
        if let Some(heartbeat) = field(command, "heartbeat").as_object() {
            let of = |name: &str| heartbeat.get(name).and_then(Value::as_u64).map(Duration::from_millis);
            let (Some(interval), Some(timeout)) = (of("interval_ms"), of("timeout_ms")) else {
                return Err(Failure::Unsupported);
            };
            builder = builder.heartbeat(Timing { interval, timeout });
        }
        let limit = |name: &str| field(command, name).as_u64().and_then(|limit| u32::try_from(limit).ok());
        if let Some(count) = limit("links_and_monitors_max") {
            builder = builder.links_and_monitors_max(count);
        }
        for (name, set) in CONNECTION_LIMITS {
            if let Some(count) = limit(name) {
                builder = set(builder, usize::try_from(count).unwrap_or(usize::MAX));
            }
        }
        let node = builder.start().await.map_err(|error| error.to_string())?;
        let name = node.name().to_owned();
        self.node = Some(node);
        Ok(json!({"name": name}))
    }

    async fn stop(&mut self) -> Result<Value, Failure> {
        if let Some(node) = self.node.take() {
            node.shutdown().await;
        }
        lock(&self.processes).clear();
        Ok(json!({}))
    }

    /// A dial goes on by itself: whether it becomes a session is seen on the wire.
    fn connect(&self, command: &Value) -> Result<Value, Failure> {
        let (node, to) = (self.node()?.clone(), text(command, "to")?.to_owned());
        tokio::spawn(async move { node.connect(&to).await });
        Ok(json!({}))
    }

    fn session(&mut self, command: &Value) -> Result<Value, Failure> {
        let node = text(command, "node")?;
        self.pid_on(node, 0)?;
        Ok(json!({"up": self.node()?.nodes().iter().any(|up| **up == *node)}))
    }

    fn spawn(&mut self, command: &Value) -> Result<Value, Failure> {
        let mailbox = match field(command, "mailbox_messages_max").as_u64() {
            Some(count) => Mailbox::bounded(usize::try_from(count).unwrap_or(usize::MAX)),
            None => Mailbox::unbounded(),
        };
        let mailbox = match field(command, "when_full").as_str() {
            Some("end") => mailbox.when_full(WhenFull::EndProcess),
            _ => mailbox,
        };
        let process = Process::start(self.node()?, mailbox)?;
        let number = process.pid.local();
        lock(&self.processes).insert(number, Arc::new(process));
        Ok(json!({"process": number}))
    }

    /// The processes that other nodes have started with it do as they are ordered, or end at once.
    fn offer(&self, command: &Value) -> Result<Value, Failure> {
        let ends = field(command, "ends");
        let ends = if ends.is_null() { None } else { Some(reasons::of_json(ends)?) };
        let notes = *field(command, "arguments") == json!(true);
        let processes = Arc::clone(&self.processes);
        let run = move |ctx: Context, arguments: Message| {
            let (process, running) = Process::started(ctx, notes.then_some(arguments));
            lock(&processes).insert(process.pid.local(), Arc::new(process));
            let ends = ends.clone();
            async move {
                match ends {
                    Some(reason) => reason,
                    None => running.await,
                }
            }
        };
        let function = text(command, "function")?;
        let offered = self.node()?.register_function_of_message(function, Allowed::Everyone, run);
        offered.map(|()| json!({})).map_err(|error| Failure::Error(error.to_string()))
    }

    fn report(&self, command: &Value) -> Result<Value, Failure> {
        let process = self.process(command)?;
        let alive = self.node()?.is_alive(process.pid);
        Ok(json!({"alive": alive, "seen": process.seen(), "sent": process.sent()}))
    }

    fn order(&mut self, what: &str, command: &Value) -> Result<Order, Failure> {
        let is_of_a_name = field(command, "other_name").is_string();
        Ok(match what {
            "link" => Order::Link(self.other(command)?),
            "unlink" => Order::Unlink(self.other(command)?),
            "monitor" | "call" if is_of_a_name => {
                let (name, node) =
                    (text(command, "other_name")?.to_owned(), text(command, "node")?.to_owned());
                Order::Ask(match what {
                    "call" => Question::CallNamed { name, node, term: self.term(command)? },
                    _ => Question::MonitorNamed { name, node },
                })
            }
            "call" => {
                let term = self.term(command)?;
                Order::Ask(Question::Call(self.other(command)?, term))
            }
            "request" => {
                let wants = |name: &str| *field(command, name) == json!(true);
                let tie = match (wants("link"), wants("monitor")) {
                    (true, _) => SpawnTie::Link,
                    (false, true) => SpawnTie::Monitor,
                    (false, false) => SpawnTie::None,
                };
                let (node, function) =
                    (text(command, "node")?.to_owned(), text(command, "function")?.to_owned());
                Order::Ask(Question::Request { node, function, tie, arguments: self.content(command)? })
            }
            "give_up" => Order::GiveUp(number(command, "call")),
            "monitor" => Order::Monitor(self.other(command)?),
            "demonitor" => Order::Demonitor(field(command, "monitor").as_u64().unwrap_or_default()),
            "send" => {
                let message = hex::decode(text(command, "message")?).map_err(|error| error.to_string())?;
                match field(command, "other_name").as_str() {
                    Some(name) => {
                        Order::SendNamed { name: name.into(), node: text(command, "node")?.into(), message }
                    }
                    None => Order::Send(self.other(command)?, message),
                }
            }
            "send_term" => {
                let term = self.content(command)?;
                match field(command, "other_name").as_str() {
                    Some(name) => {
                        Order::SendNamedTerm { name: name.into(), node: text(command, "node")?.into(), term }
                    }
                    None => Order::SendTerm(self.other(command)?, term),
                }
            }
            "reply" => Order::Reply(number(command, "call"), self.content(command)?),
            "let_go" => Order::LetGo(number(command, "call")),
            "register" => Order::Register(text(command, "name")?.into()),
            "watch" => Order::Watch(text(command, "node")?.into()),
            "exit_signal" => {
                Order::SendExit(self.other(command)?, reasons::of_json(field(command, "reason"))?)
            }
            "hold" => Order::Hold(field(command, "on").as_bool().unwrap_or(true)),
            "flood" => {
                let number = |name: &str| field(command, name).as_u64().unwrap_or_default();
                let to = self.other(command)?;
                Order::Flood { to, messages: number("messages"), bytes: number("bytes") }
            }
            "trap_exit" => Order::TrapExit(field(command, "on").as_bool().unwrap_or(true)),
            "exit" => Order::Exit(reasons::of_json(field(command, "reason"))?),
            _ => return Err(Failure::Unsupported),
        })
    }

    fn node(&self) -> Result<&Node, Failure> {
        self.node.as_ref().ok_or_else(|| Failure::Error("no node has been started".into()))
    }

    fn process(&self, command: &Value) -> Result<Arc<Process>, Failure> {
        let number = field(command, "process").as_u64().unwrap_or_default();
        let process = lock(&self.processes).get(&number).cloned();
        process.ok_or_else(|| Failure::Error(format!("there is no process {number}")))
    }

    fn term(&mut self, command: &Value) -> Result<Term, Failure> {
        Ok(written(&self.content(command)?)?)
    }

    /// The term that a command wants.
    fn content(&mut self, command: &Value) -> Result<Content, Failure> {
        if let Some(count) = field(command, "bytes").as_u64() {
            return Ok(Content::Letters(usize::try_from(count).unwrap_or(usize::MAX)));
        }
        let pids = field(command, "pids").as_array().into_iter().flatten();
        pids.map(|pid| self.any_process(pid)).collect::<Result<_, _>>().map(Content::Pids)
    }

    /// A process of this node or another, in the form in which reports name it.
    fn any_process(&mut self, named: &Value) -> Result<Pid, Failure> {
        let (node, number) = (text(named, "node")?, field(named, "process").as_u64().unwrap_or_default());
        if node == self.node()?.name() {
            return Ok(self.process(named)?.pid);
        }
        self.pid_on(node, number)?.ok_or_else(|| no_session(node))
    }

    /// A process of the present session with a node, or of the last one.
    fn pid_on(&mut self, node: &str, number: u64) -> Result<Option<Pid>, Failure> {
        if let Some(pid) = self.node()?.pid_on(node, number) {
            self.nodes.insert(node.to_owned(), pid);
        }
        let known = self.nodes.get(node);
        Ok(known.map(|known| Pid::new(known.node(), known.creation(), number)))
    }

    /// The process of another node that a command names.
    fn other(&mut self, command: &Value) -> Result<Pid, Failure> {
        let (node, number) = (text(command, "node")?, field(command, "other").as_u64().unwrap_or_default());
        let (known, of) = (self.pid_on(node, number)?, (node.to_owned(), number));
        let is_earlier = field(command, "earlier") == true && self.others.contains_key(&of);
        if let Some(pid) = known.filter(|_| !is_earlier) {
            self.others.insert(of.clone(), pid);
        }
        self.others.get(&of).copied().ok_or_else(|| no_session(node))
    }
}

fn no_session(node: &str) -> Failure {
    Failure::Error(format!("there has been no session with {node}"))
}

fn text<'c>(command: &'c Value, name: &str) -> Result<&'c str, Failure> {
    command[name].as_str().ok_or_else(|| Failure::Error(format!("{name} is missing")))
}

fn number(command: &Value, name: &str) -> u64 {
    field(command, name).as_u64().unwrap_or_default()
}
