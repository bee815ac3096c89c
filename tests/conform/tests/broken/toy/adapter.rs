//! What the runner asks for, line by line.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use snow_dist_conform::wire::Listener;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::AbortHandle;

use super::certificates::Certificates;
use super::reason::Reason;
use super::session::{Content, Whom, killed};
use super::{Offer, Other, Owed, Process, State, Toy, connection, creation_of};
use crate::defects::Defect;

/// A command that is not done.
enum No {
    Unsupported,
    Error(&'static str),
}

#[derive(Default)]
struct Adapter {
    toy: Option<Arc<Toy>>,
    listening: Option<AbortHandle>,
}

/// Every start is another one.
static STARTS: Mutex<u64> = Mutex::new(40);

pub(super) async fn run(lines: DuplexStream, defect: Option<Defect>) {
    let (from, to) = tokio::io::split(lines);
    let (mut lines, to) = (BufReader::new(from).lines(), AsyncMutex::new(to));
    let mut adapter = Adapter::default();
    while let Ok(Some(line)) = lines.next_line().await {
        let command: Value = serde_json::from_str(&line).unwrap();
        let answer = match adapter.command(&command, defect).await {
            Ok(mut answer) => {
                answer["answer"] = json!("ok");
                answer
            }
            Err(No::Unsupported) if defect == Some(Defect::SaysYes) => json!({"answer": "ok"}),
            Err(No::Unsupported) => json!({"answer": "unsupported"}),
            Err(No::Error(text)) => json!({"answer": "error", "text": text}),
        };
        if to.lock().await.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
            break;
        }
    }
    adapter.stop();
}

impl Adapter {
    async fn command(&mut self, command: &Value, defect: Option<Defect>) -> Result<Value, No> {
        match command["do"].as_str().unwrap_or_default() {
            "start" => self.start(command, defect).await,
            "hold_up" => {
                let toy = self.toy.as_ref().ok_or(No::Unsupported)?;
                toy.hold_up(Duration::from_millis(command["time_ms"].as_u64().unwrap_or_default())).await;
                Ok(json!({}))
            }
            "stop" => {
                self.stop();
                Ok(json!({}))
            }
            other => self.toy.as_ref().ok_or(No::Unsupported)?.command(other, command),
        }
    }

    async fn start(&mut self, command: &Value, defect: Option<Defect>) -> Result<Value, No> {
        if command["version_1"] == json!(true) {
            return Err(No::Unsupported);
        }
        let cookie = command["cookie"].as_str().unwrap_or_default();
        if (cookie.is_empty() || cookie.contains('\0')) && defect != Some(Defect::AnyCookie) {
            return Err(No::Error("no such cookie"));
        }
        let (_, address) = command["name"].as_str().and_then(|name| name.split_once('@')).unwrap_or_default();
        let address = address.parse().map_err(|_| No::Error("no address"))?;
        let listener = Listener::bind(address).await.map_err(|_| No::Error("cannot listen"))?;
        let name = format!("subject@{}", listener.address().unwrap());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let accepted = command["accepted"].as_array().cloned().unwrap_or_default();
        let mut cookies = vec![text(&command["cookie"])];
        cookies.extend(accepted.iter().map(text));
        let of = |name: &str, usual| command["heartbeat"][name].as_u64().map_or(usual, Duration::from_millis);
        let limit = |name: &str, usual| command[name].as_u64().unwrap_or(usual);
        let incarnation = {
            let mut starts = STARTS.lock().unwrap();
            *starts += 1;
            *starts
        };
        let toy = Arc::new(Toy {
            name: name.clone(),
            cookies,
            incarnation,
            defect,
            certificates: Certificates::of(&command["certificates"]),
            heartbeat: (
                of("interval_ms", Duration::from_secs(60)),
                of("timeout_ms", Duration::from_secs(15)),
            ),
            bound: limit("links_and_monitors_max", 1_000_000),
            sessions_max: limit("sessions_max", 4_096) as usize,
            sessions_per_address_max: limit("sessions_per_address_max", 1_024) as usize,
            handshakes_max: limit("handshakes_max", 128) as usize,
            handshakes_per_address_max: limit("handshakes_per_address_max", 32) as usize,
            peer_lists: command["peer_lists"] == json!(true),
            peer_list_dials_max: limit("peer_list_dials_max", 1_024) as usize,
            tells_peers: command["tells_peers"] == json!(true),
            state: Mutex::default(),
        });
        let listening = tokio::spawn(connection::listen(Arc::clone(&toy), listener));
        self.listening = Some(listening.abort_handle());
        self.toy = Some(toy);
        Ok(json!({"name": name}))
    }

    fn stop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
        if let Some(toy) = self.toy.take() {
            toy.stop();
        }
    }
}

impl Toy {
    fn command(self: &Arc<Self>, name: &str, command: &Value) -> Result<Value, No> {
        if name == "connect" {
            self.connect(command["to"].as_str().unwrap_or_default());
            return Ok(json!({}));
        }
        if name == "session" {
            return Ok(json!({"up": self.has_session(command["node"].as_str().unwrap_or_default())}));
        }
        let mut state = self.state();
        let state = &mut *state;
        let own = command["process"].as_u64().unwrap_or_default();
        match name {
            "spawn" => {
                let ended =
                    state.processes.iter().find(|(_, process)| process.ended).map(|(local, _)| *local);
                let again = ended.filter(|_| self.has(Defect::LocalIdAgain));
                let process = again.unwrap_or_else(|| state.next());
                let bound = command["mailbox_messages_max"].as_u64().map(|bound| bound as usize);
                let ends_when_full = command["when_full"] == json!("end");
                state.processes.insert(process, Process { bound, ends_when_full, ..Process::default() });
                return Ok(json!({"process": process}));
            }
            "report" => {
                let process = state.processes.get(&own).ok_or(No::Error("no such process"))?;
                return Ok(json!({"alive": !process.ended, "seen": process.seen, "sent": process.sent}));
            }
            "disconnect" => {
                let session = state.peers.get(command["node"].as_str().unwrap_or_default());
                if let Some(session) = session.and_then(|now| now.session.as_ref()) {
                    session.out.close(Some(0));
                }
            }
            "global_lookup" => {
                return Ok(
                    json!({"found": self.lookup(state, command["name"].as_str().unwrap_or_default())}),
                );
            }
            "group_members" | "send_group" => {
                return self.about_groups(state, command, own).map_err(No::Error);
            }
            "offer" => {
                let ends = command["ends"].is_object().then(|| Reason::of_json(&command["ends"]));
                let function = command["function"].as_str().unwrap_or_default();
                let notes = command["arguments"] == json!(true);
                state.offers.insert(function.to_owned(), Offer { ends, notes });
            }
            _ if !state.lives(own) => return Err(No::Error("no such process")),
            "join_group" | "leave_group" => {
                return self.about_groups(state, command, own).map_err(No::Error);
            }
            "register" => {
                let taken = command["name"].as_str().unwrap_or_default().to_owned();
                state.names.insert(taken, own);
            }
            "watch" => {
                let node = command["node"].as_str().unwrap_or_default().to_owned();
                state.processes.entry(own).or_default().watches.insert(node);
            }
            "hold" => {
                let process = state.processes.entry(own).or_default();
                process.held = command["on"] == json!(true);
                if !process.held {
                    process.seen.append(&mut process.mailbox);
                }
            }
            "global_register" => {
                let name = command["name"].as_str().unwrap_or_default();
                if !self.register_global(state, own, name) {
                    return Err(No::Error("the name is taken"));
                }
            }
            "trap_exit" => {
                if let Some(process) = state.processes.get_mut(&own) {
                    process.traps = command["on"] == json!(true);
                }
            }
            "exit" => self.end_and_pay(state, own, Reason::of_json(&command["reason"])),
            "kill" => self.end_and_pay(state, own, killed()),
            "demonitor" => self.demonitor(state, own, command["monitor"].as_u64().unwrap_or_default()),
            "give_up" => self.demonitor(state, own, command["call"].as_u64().unwrap_or_default()),
            "reply" | "delegate" | "let_go" => {
                self.with_call(name, command, state, own).map_err(No::Error)?;
            }
            _ => return self.towards_another(name, command, state, own),
        }
        Ok(json!({}))
    }

    /// What a process does with a call that it has.
    fn with_call(
        &self,
        name: &str,
        command: &Value,
        state: &mut State,
        own: u64,
    ) -> Result<(), &'static str> {
        let number = command["call"].as_u64().unwrap_or_default();
        match name {
            "reply" => {
                let content = self.content_of(command, state)?;
                self.reply(state, own, number, &content)
            }
            "delegate" => self.delegate(state, own, number, command["deputy"].as_u64().unwrap_or_default()),
            _ => {
                let mut owed = Owed::new();
                let done = self.let_go(state, own, number, &mut owed);
                self.pay(state, owed);
                done
            }
        }
    }

    /// The term that a command wants.
    fn content_of(&self, command: &Value, state: &State) -> Result<Content, &'static str> {
        match command["bytes"].as_u64() {
            Some(count) => Ok(Content::Letters(count as usize)),
            None => self.pids_of(command, state).map(Content::Pids),
        }
    }

    /// The processes that a command puts into a term.
    fn pids_of(&self, command: &Value, state: &State) -> Result<Vec<Other>, &'static str> {
        let pids = command["pids"].as_array().into_iter().flatten();
        let pids = pids.map(|pid| self.process(state, pid["node"].as_str()?, pid["process"].as_u64()?));
        pids.collect::<Option<_>>().ok_or("that node is not known")
    }

    fn end_and_pay(&self, state: &mut State, own: u64, reason: Reason) {
        let mut owed = Owed::new();
        self.end(state, own, reason, &mut owed);
        self.pay(state, owed);
    }

    fn towards_another(
        self: &Arc<Self>,
        name: &str,
        command: &Value,
        state: &mut State,
        own: u64,
    ) -> Result<Value, No> {
        let node = command["node"].as_str().unwrap_or_default();
        let message = hex::decode(command["message"].as_str().unwrap_or_default()).unwrap_or_default();
        if let Some(other_name) = command["other_name"].as_str() {
            return self.towards_a_name(name, command, state, (own, node, other_name));
        }
        if name == "request" {
            let function = command["function"].as_str().unwrap_or_default();
            let wants = |name: &str| command[name] == json!(true);
            let link = if wants("link") { 1 } else { 2 * u8::from(wants("monitor")) };
            let pids = self.pids_of(command, state).map_err(No::Error)?;
            let request = self.request(state, own, node, (function, link, &pids));
            return request.map(|request| json!({"request": request})).ok_or(No::Error("it cannot be asked"));
        }
        let other = |state: &mut State| -> Result<Other, No> {
            let local = command["other"].as_u64().unwrap_or_default();
            let key = (node.to_owned(), local);
            let earlier = state.named.get(&key).filter(|_| command["earlier"] == json!(true)).cloned();
            let other = earlier.or_else(|| self.other(state, node, local));
            let other = other.ok_or(No::Error("that node is not known"))?;
            state.named.insert(key, other.clone());
            Ok(other)
        };
        match name {
            "send" => {
                let other = other(state)?;
                if !self.send(state, own, &other, &message) {
                    return Err(No::Error("no room"));
                }
            }
            "send_term" => {
                let to = other(state)?;
                let pids = self.pids_of(command, state).map_err(No::Error)?;
                if !self.send_term(state, own, &to, &pids) {
                    return Err(No::Error("nobody would know the pids, or no room"));
                }
            }
            "flood" => {
                let number = |name: &str| command[name].as_u64().unwrap_or_default();
                let (messages, bytes) = (number("messages") as u32, number("bytes") as usize);
                let other = other(state)?;
                tokio::spawn(Arc::clone(self).flood(own, other, messages, bytes));
            }
            "exit_signal" => {
                let other = other(state)?;
                if !self.send_exit(state, own, &other, &Reason::of_json(&command["reason"])) {
                    return Err(No::Error("the session has no remote exits"));
                }
            }
            "link" => {
                let other = other(state)?;
                if !self.link(state, own, &other) {
                    return Err(No::Error("the peer takes no more"));
                }
            }
            "unlink" => {
                let other = other(state)?;
                self.unlink(state, own, &other);
            }
            "call" => {
                let whom = Whom::Process(other(state)?);
                let content = self.content_of(command, state).map_err(No::Error)?;
                let call = self.call(state, own, &whom, &content);
                return call.map(|call| json!({"call": call})).ok_or(No::Error("it is not taken"));
            }
            "monitor" => {
                let other = other(state)?;
                let reference = self.monitor(state, own, &other);
                return reference.map(|reference| json!({"monitor": reference})).ok_or(No::Error("no more"));
            }
            _ => return Err(No::Unsupported),
        }
        Ok(json!({}))
    }

    fn towards_a_name(
        &self,
        name: &str,
        command: &Value,
        state: &mut State,
        (own, node, other_name): (u64, &str, &str),
    ) -> Result<Value, No> {
        match name {
            "send" => {
                let message = hex::decode(command["message"].as_str().unwrap_or_default());
                self.send_named(state, own, node, other_name, &message.unwrap_or_default());
            }
            "send_term" => {
                let pids = self.pids_of(command, state).map_err(No::Error)?;
                if !self.send_named_term(state, own, node, other_name, &pids) {
                    return Err(No::Error("nobody would know the pids, or no room"));
                }
            }
            "call" => {
                let content = self.content_of(command, state).map_err(No::Error)?;
                let call = self.call(state, own, &Whom::Name { node, name: other_name }, &content);
                return call.map(|call| json!({"call": call})).ok_or(No::Error("it is not taken"));
            }
            "monitor" => {
                let reference = self.monitor_name(state, own, node, other_name);
                return reference.map(|reference| json!({"monitor": reference})).ok_or(No::Error("no more"));
            }
            _ => return Err(No::Unsupported),
        }
        Ok(json!({}))
    }

    fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        let code = if self.has(Defect::StopUnsaid) { None } else { Some(0) };
        for now in state.peers.values_mut() {
            now.give_up(code);
        }
        if !self.has(Defect::StopLeavesHandshakes) {
            state.places.drain(..).for_each(|held| held.cut.abort());
        }
    }
}

/// The creation that a toy announces is that of its incarnation.
#[test]
fn creations_come_round() {
    assert_eq!([creation_of(0), creation_of(254), creation_of(255)], [1, 255, 1]);
}
