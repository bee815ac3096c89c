//! Nodes that the conformance runner can judge, as peers of tests: each does as the lines of its adapter say.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_secs(60);

/// A node in a process of its own, which ends with the test.
#[derive(Debug)]
pub struct Adapter {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The node's, with its port.
    pub name: String,
}

impl Adapter {
    /// Starts an adapter, and its node.
    pub fn start(mut command: Command, name: &str, cookie: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut adapter = Self { child, input, output, name: String::new() };
        let name = format!("{name}@127.0.0.1:0");
        // A member that is null is one that is absent.
        let start = json!({"do": "start", "name": name, "cookie": cookie, "certificates": null});
        let started = adapter.ask(&start);
        started["name"].as_str().unwrap().clone_into(&mut adapter.name);
        adapter
    }

    /// Ends its process at once.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Gives a command, which is answered with `ok`.
    pub fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.input, "{command}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["answer"], "ok", "{command}: {line}");
        answer
    }

    /// A process there.
    pub fn spawn(&mut self) -> u64 {
        self.ask(&json!({"do": "spawn"}))["process"].as_u64().unwrap()
    }

    /// A process that does not end by what it is told.
    pub fn spawn_trapping(&mut self) -> u64 {
        let process = self.spawn();
        self.ask(&json!({"do": "trap_exit", "process": process, "on": true}));
        process
    }

    /// Ends a process there with an error.
    pub fn exit(&mut self, process: u64, text: &str) {
        self.ask(&json!({"do": "exit", "process": process, "reason": {"kind": "error", "text": text}}));
    }

    /// Waits until the answer to a command says this.
    pub async fn tells(&mut self, command: &Value, word: &str, expected: &Value) {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if self.ask(command)[word] == *expected {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{command} is not answered by {expected}: {}", self.ask(command));
    }

    /// Waits until the process has seen exactly this.
    pub async fn sees(&mut self, process: u64, expected: Value) {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if self.ask(&json!({"do": "report", "process": process}))["seen"] == expected {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        let report = self.ask(&json!({"do": "report", "process": process}));
        panic!("process {process} has not seen {expected}: {report}");
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
