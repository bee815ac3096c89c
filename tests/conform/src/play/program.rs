//! The steps about the subject's program: what it is told, and what its processes have seen.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::values::{Creations, as_text, shown};
use super::{ASK_PATIENCE, Player, REPORT_PAUSE};
use crate::cases::{Ask, Report, Stuck};
use crate::field;
use crate::verdict::Trouble;

/// The subject's program.
impl Player<'_> {
    pub(super) async fn ask(&mut self, ask: &Ask) -> Result<(), Trouble> {
        let arguments = self.arguments(ask)?;
        if ask.command == "flood" {
            self.flood = Some(0);
        }
        if !ask.answered {
            return self.subject.tell(&ask.command, arguments).await;
        }
        if ask.fails {
            return match self.subject.ask(&ask.command, arguments).await {
                Ok(_) => {
                    Err(Trouble::wrong(format!("the subject did {:?}, which it should refuse", ask.command)))
                }
                Err(Trouble::Unjudged(_)) => Ok(()),
                Err(trouble) => Err(trouble),
            };
        }
        if let Some(gives) = &ask.gives {
            let gives = self.values.resolve(gives, Creations::default())?;
            return self.ask_until(&ask.command, arguments, &gives).await;
        }
        let until = self.deadline.min(Instant::now() + ASK_PATIENCE);
        let answer = loop {
            match self.subject.ask(&ask.command, arguments.clone()).await {
                Err(Trouble::Unjudged(_)) if Instant::now() < until => tokio::time::sleep(REPORT_PAUSE).await,
                answer => break answer?,
            }
        };
        if let Some(name) = &ask.name {
            let result = match ask.command.as_str() {
                "spawn" => "process",
                other => other,
            };
            let result = field(&answer, result);
            if result.is_null() {
                return Err(Trouble::unjudged(format!(
                    "the adapter's answer to {} says no result",
                    ask.command
                )));
            }
            for other in &ask.not {
                if self.number(other)?.to_string() == as_text(result) {
                    return Err(Trouble::wrong(format!("{} gave {result}, which it must not", ask.command)));
                }
            }
            self.values.named.insert(name.clone(), result.clone());
        }
        Ok(())
    }

    /// Asks until the answer is as it should be.
    async fn ask_until(
        &mut self,
        command: &str,
        arguments: Map<String, Value>,
        wanted: &Value,
    ) -> Result<(), Trouble> {
        loop {
            let answer = self.subject.ask(command, arguments.clone()).await?;
            if self.values.matches(wanted, &answer) {
                return Ok(());
            }
            if Instant::now() >= self.deadline {
                let (answer, wanted) = (shown(&answer), shown(wanted));
                return Err(Trouble::wrong(format!("{command} gives {answer}, and not {wanted}")));
            }
            tokio::time::sleep(REPORT_PAUSE).await;
        }
    }

    /// Arguments as the adapter wants them: processes by number, and `other` with the node it is on.
    fn arguments(&self, ask: &Ask) -> Result<Map<String, Value>, Trouble> {
        let arguments = &ask.arguments;
        let mut resolved = self.values.resolve_fields(arguments, Creations::default())?;
        for name in ["process", "monitor", "call", "deputy"] {
            if let Some(Value::String(of)) = arguments.get(name) {
                resolved.insert(name.into(), json!(self.values.local(of)?));
            }
        }
        let towards_a_node = arguments.contains_key("other") || arguments.contains_key("other_name");
        if towards_a_node || NODE_COMMANDS.contains(&ask.command.as_str()) {
            resolved.insert("node".into(), json!(self.peer.name));
        }
        if ask.command == "connect" {
            resolved.entry("to").or_insert_with(|| json!(self.peer.name));
        }
        Ok(resolved)
    }

    pub(super) async fn report(&mut self, report: &Report) -> Result<(), Trouble> {
        let process = self.values.local(&report.report)?;
        let wanted = match &report.seen {
            Some(seen) => Some(self.values.resolve(&json!(seen), Creations::default())?),
            None => None,
        };
        loop {
            let arguments = Map::from_iter([("process".to_owned(), json!(process))]);
            let answer = self.subject.ask("report", arguments).await?;
            let seen =
                wanted.as_ref().is_none_or(|wanted| self.values.matches(wanted, field(&answer, "seen")));
            let alive = report.alive.is_none_or(|alive| *field(&answer, "alive") == json!(alive));
            if seen && alive {
                return Ok(());
            }
            if Instant::now() >= self.deadline {
                return Err(Trouble::wrong(format!(
                    "process {} is alive: {}, and has seen {}; wanted: {} {}",
                    report.report,
                    field(&answer, "alive"),
                    shown(field(&answer, "seen")),
                    report.alive.map_or_else(String::new, |alive| format!("alive: {alive}")),
                    wanted.as_ref().map_or_else(String::new, shown),
                )));
            }
            tokio::time::sleep(REPORT_PAUSE).await;
        }
    }

    pub(super) async fn stuck(&mut self, stuck: &Stuck) -> Result<(), Trouble> {
        let process = self.values.local(&stuck.stuck)?;
        let (mut taken, mut since) = (0, Instant::now());
        while since.elapsed() < STANDSTILL {
            let arguments = Map::from_iter([("process".to_owned(), json!(process))]);
            let answer = self.subject.ask("report", arguments).await?;
            let sent = field(&answer, "sent").as_u64();
            let sent = sent.ok_or_else(|| Trouble::unjudged("the report says no number of sent messages"))?;
            if sent >= stuck.of {
                return Err(Trouble::wrong(format!(
                    "all {sent} messages of the flood were taken, though nothing has been read"
                )));
            }
            if sent != taken {
                (taken, since) = (sent, Instant::now());
            }
            if Instant::now() >= self.deadline {
                return Err(Trouble::unjudged("the flood goes on and on"));
            }
            tokio::time::sleep(REPORT_PAUSE).await;
        }
        self.values.named.insert(stuck.name.clone(), json!(taken));
        Ok(())
    }

    /// A number as it stands, that of a name, or that of a name and so many more.
    pub(super) fn number(&self, text: &str) -> Result<u64, Trouble> {
        let (name, more) = text.split_once('+').unwrap_or((text, "0"));
        let of = |text: &str| text.parse::<u64>().ok();
        let known = self.values.named.get(name).map(as_text);
        let number = known.as_deref().and_then(of).or_else(|| of(name)).zip(of(more));
        number
            .map(|(number, more)| number + more)
            .ok_or_else(|| Trouble::unjudged(format!("the case has no number {text:?}")))
    }
}

/// Commands about the runner's node, beside those about one of its processes.
const NODE_COMMANDS: &[&str] = &["watch", "disconnect", "request"];

/// A flood that has not gone on for so long stands still.
const STANDSTILL: Duration = Duration::from_millis(1_500);
