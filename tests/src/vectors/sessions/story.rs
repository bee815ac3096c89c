//! How a story is told.

use std::time::Duration;

use serde_json::{Map, Value, json};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::limits::{HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, PROBE_TIMEOUT};
use snow_dist_runtime::core::session::{NotCalled, NotMade, NotReplied, NotSent, Version};
use snow_dist_runtime::core::{Reason, Term};

use super::frames::{Arrives, CREATION, pong_of};
use super::node::{Bounds, Node, Whose};

/// A vector in the making.
pub(super) struct Story {
    id: &'static str,
    comment: &'static str,
    requirements: Vec<String>,
    acceptable: bool,
    bounds: Bounds,
    processes: Vec<Value>,
    /// Those that have global names when the session begins; `None` if the story is not about such names.
    global_names: Option<Map<String, Value>>,
    node: Node,
    steps: Vec<Value>,
}

impl Story {
    /// A node with the processes 5, which is registered as `srv`, and 6, and 7, which traps exits.
    pub(super) fn new(id: &'static str, requirements: &str, comment: &'static str) -> Self {
        Self::bounded(id, requirements, comment, Bounds::default())
    }

    /// The same, when not all has been announced that can be.
    pub(super) fn bounded(
        id: &'static str,
        requirements: &str,
        comment: &'static str,
        bounds: Bounds,
    ) -> Self {
        let mut node = Node::new(bounds);
        let processes = vec![
            node.table.start(5, false, &["srv"]),
            node.table.start(6, false, &[]),
            node.table.start(7, true, &[]),
        ];
        let requirements = requirements.split(' ').map(str::to_owned).collect();
        let (global_names, steps) = (None, Vec::new());
        Self { id, comment, requirements, acceptable: false, bounds, processes, global_names, node, steps }
    }

    /// The story says which global names are known.
    pub(super) fn knowing_globals(mut self) -> Self {
        self.global_names.get_or_insert_default();
        self
    }

    /// A process has a global name when the session begins.
    pub(super) fn owning(mut self, local: u64, name: &str) -> Self {
        self.node.own_global(local, name);
        self.global_names.get_or_insert_default().insert(name.to_owned(), local.into());
        self
    }

    pub(super) fn register_global(self, local: u64, name: &str, comment: &str) -> Self {
        let ask = json!({"do": "global_register", "process": local, "name": name});
        self.knowing_globals().ask(ask, comment, |node| node.register_global(local, name))
    }

    /// The node has a process more, whose mailbox takes no message.
    pub(super) fn and_full(mut self, local: u64) -> Self {
        self.processes.push(self.node.table.start_full(local));
        self
    }

    /// Who does otherwise can conform too.
    pub(super) fn acceptable(mut self) -> Self {
        self.acceptable = true;
        self
    }

    pub(super) fn link(self, local: u64, remote: u64, comment: &str) -> Self {
        let ask = json!({"do": "link", "process": local, "to": remote});
        self.ask(ask, comment, |node| node.session.link(local, remote).err().map(not_made))
    }

    pub(super) fn unlink(self, local: u64, remote: u64, comment: &str) -> Self {
        let ask = json!({"do": "unlink", "process": local, "to": remote});
        self.ask(ask, comment, |node| {
            node.session.unlink(local, remote);
            None
        })
    }

    pub(super) fn monitor(self, local: u64, remote: u64, reference: u64, comment: &str) -> Self {
        let ask = json!({"do": "monitor", "process": local, "to": remote, "ref": reference.to_string()});
        self.ask(ask, comment, |node| node.session.monitor(local, remote, reference).err().map(not_made))
    }

    pub(super) fn demonitor(self, local: u64, reference: u64, comment: &str) -> Self {
        let ask = json!({"do": "demonitor", "process": local, "ref": reference.to_string()});
        self.ask(ask, comment, |node| {
            node.session.demonitor(reference);
            None
        })
    }

    pub(super) fn send(self, local: u64, remote: u64, message: &[u8], comment: &str) -> Self {
        let ask = json!({"do": "send", "process": local, "to": remote, "message": segments(message)});
        self.ask(ask, comment, |node| node.session.send(local, remote, message).err().map(not_sent))
    }

    pub(super) fn send_named(self, local: u64, name: &str, message: &[u8], comment: &str) -> Self {
        let ask = json!({"do": "send_named", "process": local, "name": name, "message": segments(message)});
        self.ask(ask, comment, |node| node.session.send_named(local, name, message).err().map(not_sent))
    }

    /// Sends a list of processes, as a term.
    pub(super) fn send_term(mut self, local: u64, remote: u64, pids: &[Whose], comment: &str) -> Self {
        let term = self.term(pids);
        self.send_made(local, remote, term, comment)
    }

    /// Sends any term, its pids numbered.
    pub(super) fn send_this_term(
        mut self,
        local: u64,
        remote: u64,
        message: &[u8],
        pids: &[Whose],
        comment: &str,
    ) -> Self {
        let term = self.this_term(message.to_vec(), pids);
        self.send_made(local, remote, term, comment)
    }

    fn send_made(self, local: u64, remote: u64, (mut term, said): (Term, Value), comment: &str) -> Self {
        let ask = with(said, json!({"do": "send_term", "process": local, "to": remote}));
        self.ask(ask, comment, |node| node.session.send_term(local, remote, &mut term).err().map(not_sent))
    }

    pub(super) fn send_named_term(mut self, local: u64, name: &str, pids: &[Whose], comment: &str) -> Self {
        let (mut term, said) = self.term(pids);
        let ask = with(said, json!({"do": "send_named_term", "process": local, "name": name}));
        self.ask(ask, comment, |node| {
            node.session.send_named_term(local, name, &mut term).err().map(not_sent)
        })
    }

    pub(super) fn monitor_named(self, local: u64, name: &str, reference: u64, comment: &str) -> Self {
        let ask = json!({
            "do": "monitor_named", "process": local, "name": name, "ref": reference.to_string(),
        });
        self.ask(ask, comment, |node| node.session.monitor_named(local, name, reference).err().map(not_made))
    }

    /// Calls with a list of processes.
    pub(super) fn call(
        mut self,
        local: u64,
        remote: u64,
        reference: u64,
        pids: &[Whose],
        comment: &str,
    ) -> Self {
        let (mut term, said) = self.term(pids);
        let ask = json!({"do": "call", "process": local, "to": remote, "ref": reference.to_string()});
        self.ask(with(said, ask), comment, |node| {
            node.session.call(local, remote, reference, &mut term).err().map(not_called)
        })
    }

    pub(super) fn call_named(mut self, local: u64, name: &str, reference: u64, comment: &str) -> Self {
        let (mut term, said) = self.term(&[]);
        let ask = json!({"do": "call_named", "process": local, "name": name, "ref": reference.to_string()});
        self.ask(with(said, ask), comment, |node| {
            node.session.call_named(local, name, reference, &mut term).err().map(not_called)
        })
    }

    /// A process replies to a call of the peer's process `remote`, with a list of processes.
    pub(super) fn reply(
        mut self,
        local: u64,
        remote: u64,
        reference: u64,
        pids: &[Whose],
        comment: &str,
    ) -> Self {
        let (term, said) = self.term(pids);
        self.reply_with(local, (remote, reference), (term, said), comment)
    }

    /// A process replies with so many bytes of text.
    pub(super) fn reply_long(
        self,
        local: u64,
        remote: u64,
        reference: u64,
        bytes: usize,
        comment: &str,
    ) -> Self {
        let length = u32::try_from(bytes).unwrap().to_le_bytes();
        let message = [&[1, 5][..], &length, &vec![b'x'; bytes]].concat();
        let said = json!({"message": segments(&message), "pids": []});
        self.reply_with(local, (remote, reference), (Term::new(message, &[]).unwrap(), said), comment)
    }

    fn reply_with(
        self,
        local: u64,
        call: (u64, u64),
        (mut term, said): (Term, Value),
        comment: &str,
    ) -> Self {
        let ask = json!({"do": "reply", "process": local, "to": call.0, "ref": call.1.to_string()});
        self.ask(with(said, ask), comment, |node| {
            let caller = node.table.callers[&call];
            node.session.reply(&caller, &mut term).err().map(|why| match why {
                NotReplied::NotSent(why) => not_sent(why),
                _ => "over",
            })
        })
    }

    /// Nobody is left who could reply.
    pub(super) fn leave_unanswered(self, local: u64, remote: u64, reference: u64, comment: &str) -> Self {
        let ask = json!({"do": "unanswered", "process": local, "to": remote, "ref": reference.to_string()});
        self.ask(ask, comment, |node| {
            let caller = node.table.callers[&(remote, reference)];
            node.session.leave_unanswered(&caller);
            None
        })
    }

    /// A list of processes, as a term, and as the file says it.
    fn term(&mut self, pids: &[Whose]) -> (Term, Value) {
        let mut message = vec![1, 13, pids.len() as u8];
        for number in 0..pids.len() as u64 {
            message.push(30);
            message.extend(number.to_le_bytes());
        }
        self.this_term(message, pids)
    }

    /// Any term, its pids numbered.
    fn this_term(&mut self, message: Vec<u8>, pids: &[Whose]) -> (Term, Value) {
        let pids: Vec<_> = pids.iter().map(|pid| self.node.pid(*pid)).collect();
        let named: Vec<_> = pids.iter().map(|pid| self.node.table.pid_here(*pid)).collect();
        let said = json!({"message": segments(&message), "pids": named});
        (Term::new(message, &pids).unwrap(), said)
    }

    pub(super) fn send_exit(self, local: u64, remote: u64, reason: Reason, comment: &str) -> Self {
        let reason_here = self.node.table.reason_here(&reason);
        let ask = json!({"do": "exit", "process": local, "to": remote, "reason": reason_here});
        self.ask(ask, comment, |node| node.session.exit(local, remote, &reason).err().map(|_| "capability"))
    }

    /// A process ends because one of a third node has.
    pub(super) fn end_after(mut self, local: u64, hop: Whose, comment: &str) -> Self {
        let reason = Reason::linked(self.node.pid(hop), &Reason::error("boom"));
        self.end(local, reason, comment)
    }

    pub(super) fn end(self, local: u64, reason: Reason, comment: &str) -> Self {
        let ask = json!({"do": "end", "process": local, "reason": self.node.table.reason_here(&reason)});
        self.ask(ask, comment, |node| {
            node.table.end(local, reason);
            None
        })
    }

    pub(super) fn close(self, comment: &str) -> Self {
        self.ask(json!({"do": "close"}), comment, |node| {
            node.close();
            None
        })
    }

    pub(super) fn probe(self, comment: &str) -> Self {
        self.ask(json!({"do": "probe"}), comment, |node| {
            node.probe();
            None
        })
    }

    fn ask(self, ask: Value, comment: &str, act: impl FnOnce(&mut Node) -> Option<&'static str>) -> Self {
        self.step(("ask", ask), comment, act)
    }

    pub(super) fn receive(self, frame: Arrives, comment: &str) -> Self {
        self.receive_all(vec![frame], comment)
    }

    /// A frame that answers a MONITOR: it is made from the refs of those that the node has written, in their order.
    pub(super) fn answer(self, frame: impl FnOnce(&[u64]) -> Arrives, comment: &str) -> Self {
        let writes = self.steps.iter().flat_map(|step| step["writes"].as_array().unwrap());
        let monitors = writes.filter(|frame| frame["value"]["tag"] == "MONITOR");
        let references: Vec<u64> = monitors
            .map(|frame| frame["value"]["fields"]["ref"].as_str().unwrap().parse().unwrap())
            .collect();
        self.receive(frame(&references), comment)
    }

    /// A PONG that answers the last PING of the node.
    pub(super) fn answer_ping(self, comment: &str) -> Self {
        let writes = self.steps.iter().rev().flat_map(|step| step["writes"].as_array().unwrap());
        let payload = writes
            .filter(|frame| frame["value"]["tag"] == "PING")
            .find_map(|frame| hex::decode(frame["value"]["fields"]["payload"].as_str()?).ok())
            .unwrap();
        self.receive(pong_of(payload.try_into().unwrap()), comment)
    }

    /// Frames that arrive in one piece.
    pub(super) fn receive_all(self, frames: Vec<Arrives>, comment: &str) -> Self {
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.clone()).collect();
        let frames: Vec<_> = frames
            .into_iter()
            .map(|Arrives { bytes, what: (word, what) }| json!({"hex": segments(&bytes), word: what}))
            .collect();
        self.step(("receive", frames.into()), comment, |node| {
            node.receive(&bytes);
            None
        })
    }

    pub(super) fn wait(self, seconds: u64, comment: &str) -> Self {
        self.step(("wait_ms", (seconds * 1_000).into()), comment, |node| {
            node.wait(Duration::from_secs(seconds));
            None
        })
    }

    pub(super) fn hold_up(self, seconds: u64, comment: &str) -> Self {
        self.step(("held_up_ms", (seconds * 1_000).into()), comment, |node| {
            node.hold_up(Duration::from_secs(seconds));
            None
        })
    }

    pub(super) fn lose(self, comment: &str) -> Self {
        self.step(("lose", true.into()), comment, |node| {
            node.lose();
            None
        })
    }

    /// From here on the transport takes no bytes.
    pub(super) const fn block(mut self) -> Self {
        self.node.blocked = true;
        self
    }

    pub(super) fn unblock(mut self, comment: &str) -> Self {
        self.node.blocked = false;
        self.step(("unblock", true.into()), comment, |_| None)
    }

    /// Nothing orders what was written in the step before.
    pub(super) fn any_order(mut self) -> Self {
        let step = self.steps.last_mut().unwrap();
        assert!(step["writes"].as_array().unwrap().len() > 1, "{}: one frame has its order", self.id);
        step["any_order"] = true.into();
        self
    }

    fn step(
        mut self,
        (word, cause): (&str, Value),
        comment: &str,
        act: impl FnOnce(&mut Node) -> Option<&'static str>,
    ) -> Self {
        assert!(self.node.ended.is_none(), "{}: the session has ended", self.id);
        let mut step = Map::new();
        step.insert("comment".to_owned(), comment.into());
        step.insert(word.to_owned(), cause);
        if self.node.blocked {
            step.insert("blocked".to_owned(), true.into());
        }
        if let Some(why) = act(&mut self.node) {
            step.insert("refused".to_owned(), why.into());
        }
        self.node.tell();
        let writes = self.node.write();
        self.node.finish();
        if self.global_names.is_some() {
            step.insert("global_names".to_owned(), self.node.globals());
        }
        step.insert("writes".to_owned(), writes.into());
        step.insert("sees".to_owned(), std::mem::take(&mut self.node.table.sees).into());
        step.insert("ended".to_owned(), std::mem::take(&mut self.node.table.ended).into());
        step.insert("session".to_owned(), self.node.ended.unwrap_or("up").into());
        self.steps.push(step.into());
        self
    }

    pub(super) fn vector(self) -> Value {
        let announced = |creation: u8, place: usize| {
            json!({
                "creation": creation, "frame_bytes_max": self.bounds.frame_bytes[place],
                "links_and_monitors_max": self.bounds.links_and_monitors[place],
                "node_table_entries_max": self.bounds.node_table_entries[place],
            })
        };
        let (node, peer) = (announced(CREATION, 0), announced(self.bounds.peer_creation(), 1));
        let result = match self.node.ended {
            _ if self.acceptable => "acceptable",
            Some("protocol_error") => "invalid",
            _ => "valid",
        };
        let mut given = json!({
            "version": 2, "node": node, "peer": peer, "capabilities": names(self.bounds.capabilities),
            "times": times(), "processes": self.processes,
        });
        if let Version::One { node_id, .. } = self.bounds.version {
            (given["version"], given["node_id"]) = (1.into(), json!(node_id));
        }
        if let Some(names) = self.global_names {
            given["global_names"] = names.into();
        }
        json!({
            "id": format!("session-{}", self.id), "comment": self.comment, "requirements": self.requirements,
            "result": result, "closes": self.node.ended.is_some(), "given": given, "steps": self.steps,
        })
    }
}

fn not_made(why: NotMade) -> &'static str {
    match why {
        NotMade::Full { .. } => "limit",
        NotMade::NodeIdUnknown => "node_id",
        NotMade::NameTooLong { .. } => "too_long",
        NotMade::Lacking(_) => "capability",
        _ => "unknown",
    }
}

fn not_sent(why: NotSent) -> &'static str {
    match why {
        NotSent::TooLong(_) => "too_long",
        NotSent::LooksLikeSignal => "signal",
        NotSent::Lacking(_) => "capability",
        _ => "unknown",
    }
}

fn not_called(why: NotCalled) -> &'static str {
    match why {
        NotCalled::NotMade(why) => not_made(why),
        NotCalled::NotSent(why) => not_sent(why),
        _ => "unknown",
    }
}

/// What is asked, and the rest of it.
fn with(rest: Value, mut ask: Value) -> Value {
    ask.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    ask
}

fn names(set: Capabilities) -> Vec<&'static str> {
    set.names().collect()
}

/// The limits of the node's own that the stories depend on.
fn times() -> Value {
    json!({
        "heartbeat_interval_ms": HEARTBEAT_INTERVAL.as_secs() * 1_000,
        "heartbeat_timeout_ms": HEARTBEAT_TIMEOUT.as_secs() * 1_000,
        "probe_timeout_ms": PROBE_TIMEOUT.as_secs() * 1_000,
    })
}

/// Equal bytes that many times are written once.
const RUN_MIN: usize = 64;

/// Bytes in the form of a vector.
pub(super) fn segments(bytes: &[u8]) -> Value {
    let mut segments = Vec::new();
    let mut plain = String::new();
    for run in bytes.chunk_by(|one, next| one == next) {
        if run.len() < RUN_MIN {
            plain += &hex::encode(run);
            continue;
        }
        if !plain.is_empty() {
            segments.push(Value::from(std::mem::take(&mut plain)));
        }
        segments.push(json!({"hex": hex::encode(&run[..1]), "times": run.len()}));
    }
    if !plain.is_empty() {
        segments.push(plain.into());
    }
    segments.into()
}
