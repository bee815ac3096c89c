//! What the adapter is told about calls, and about names on other nodes.

use std::error::Error;
use std::sync::Mutex;

use serde_json::{Value, json};
use snow_dist_runtime::Reason;
use snow_dist_runtime::codec::stf::Encoder;
use snow_dist_runtime::core::host::Host;
use snow_dist_runtime::core::{Term, session::NotReplied};

use super::{Adapter, Answer, Notes, Whom, lock, next_number, number, text};
use crate::driver::Vm;
use crate::{Process, Table};

impl Adapter {
    /// What a process is told to do about whoever has a name on another node.
    pub(super) fn order_about_name(&mut self, vm: &Vm, what: &str, command: &Value, me: u64) -> Answer {
        let (node, name) = (text(command, "node")?, text(command, "other_name")?);
        match what {
            "send" => {
                let message = hex::decode(text(command, "message")?)?;
                ask(vm, node, |host| host.send_named(me, node, name, &message))?;
            }
            "send_term" => {
                let term = self.term(vm, &command["pids"])?;
                ask(vm, node, |host| host.send_named_term(me, node, name, term.clone()))?;
            }
            "monitor" => {
                let monitor = next_number(vm);
                ask(vm, node, |host| host.monitor_named(me, node, name, monitor))?;
                self.monitors.insert(monitor, Whom::Name(node.to_owned()));
                return Ok(json!({"monitor": monitor}));
            }
            "call" => {
                let (call, term) = (next_number(vm), self.content(vm, command)?);
                ask(vm, node, |host| host.call_named(me, node, name, call, term.clone()))?;
                self.monitors.insert(call, Whom::Name(node.to_owned()));
                return Ok(json!({"call": call}));
            }
            _ => return Ok(Value::Null),
        }
        Ok(json!({}))
    }

    /// Ends a monitor, or gives a call up.
    pub(super) fn give_up(&mut self, vm: &Vm, me: u64, reference: u64) -> Result<(), Box<dyn Error>> {
        match self.monitors.remove(&reference).ok_or("there is none of that number")? {
            Whom::Process(other) => vm.act(|host, _| host.demonitor(me, other, reference)),
            Whom::Name(node) => vm.act(|host, _| host.demonitor_named(me, &node, reference)),
        }
        Ok(())
    }

    /// What a process is told to do with a call that it has.
    pub(super) fn with_call(
        &self,
        vm: &Vm,
        what: &str,
        command: &Value,
        notes: &Mutex<Notes>,
    ) -> Result<(), Box<dyn Error>> {
        let call = number(command, "call");
        let caller = lock(notes).calls.get(&call).copied().ok_or("it has no such call")?;
        match what {
            "reply" => {
                let term = self.content(vm, command)?;
                match vm.ask(caller.pid, |host| host.reply(&caller, term.clone())) {
                    Ok(()) | Err(NotReplied::Over) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            "let_go" => vm.act(|host, _| host.leave_unanswered(&caller)),
            _ => {
                let deputy = self.notes.get(&number(command, "deputy")).ok_or("there is no such deputy")?;
                lock(notes).calls.remove(&call);
                lock(deputy).calls.insert(call, caller);
            }
        }
        Ok(())
    }

    /// The term of a call or a reply.
    pub(super) fn content(&self, vm: &Vm, command: &Value) -> Result<Term, Box<dyn Error>> {
        let Some(count) = command["bytes"].as_u64() else { return self.term(vm, &command["pids"]) };
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        encoder.str("x".repeat(usize::try_from(count)?).as_str().into())?;
        encoder.finish()?;
        Ok(Term::new(bytes, &[])?)
    }
}

/// Acts for a process towards a node: as soon as there is room, if that is known.
fn ask<T>(vm: &Vm, node: &str, mut act: impl FnMut(&mut Host<Table>) -> T) -> T {
    match vm.act(|host, _| host.pid_on(node, 0)) {
        Some(whoever) => vm.ask(whoever, act),
        None => vm.act(|host, _| act(host)),
    }
}

/// A process ends: its own calls end with it, and nobody replies any more to those that were delegated to it.
pub(super) fn let_go_of_all(process: &Process, done: &Result<(), Reason>, notes: &Mutex<Notes>) {
    process.vm.end(process.me, done.as_ref().err().unwrap_or(&Reason::Normal));
    let calls = std::mem::take(&mut lock(notes).calls);
    process.vm.act(|host, _| calls.values().for_each(|caller| host.leave_unanswered(caller)));
}
