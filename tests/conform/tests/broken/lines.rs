//! What runner and adapter say to each other, held against the schema of their lines.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::Value;
use snow_dist_conform::adapter::Launch;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, duplex, split,
};

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/conformance/adapter.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Watches the lines of all adapters that are launched through it.
#[derive(Clone)]
pub(crate) struct Lines {
    schema: Arc<Validator>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    commands: BTreeSet<String>,
    /// Lines that the schema does not allow, and why.
    wrong: Vec<String>,
}

impl Lines {
    pub(crate) fn new() -> Self {
        let schema = Arc::new(jsonschema::validator_for(&schema()).unwrap());
        Self { schema, seen: Arc::default() }
    }

    /// Launches what `launch` launches, and looks at each line on its way.
    pub(crate) fn watch(&self, launch: Launch) -> Launch {
        let Launch::Task(start) = launch else { panic!("a toy is a task") };
        let lines = self.clone();
        Launch::Task(Arc::new(move |runner| {
            let (near, far) = duplex(1 << 16);
            start(far);
            lines.clone().carry(runner, near);
        }))
    }

    fn carry(self, runner: DuplexStream, adapter: DuplexStream) {
        let ((from_runner, to_runner), (from_adapter, to_adapter)) = (split(runner), split(adapter));
        tokio::spawn(self.clone().forward(from_runner, to_adapter));
        tokio::spawn(self.forward(from_adapter, to_runner));
    }

    async fn forward(self, from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.judge(&line);
            if to.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    }

    fn judge(&self, line: &str) {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        let is_valid = self.schema.is_valid(&value);
        let mut seen = self.seen.lock().unwrap();
        if !is_valid {
            seen.wrong.push(line.chars().take(200).collect());
        }
        seen.commands.extend(value["do"].as_str().map(str::to_owned));
    }

    /// The commands that were given, and the lines that the schema does not allow.
    pub(crate) fn seen(&self) -> (BTreeSet<String>, Vec<String>) {
        let seen = self.seen.lock().unwrap();
        (seen.commands.clone(), seen.wrong.clone())
    }
}

#[test]
fn the_schema_refuses_what_is_no_line() {
    let lines = Lines::new();
    for line in [
        r#"{"do":"spawn","colour":"red"}"#,
        r#"{"do":"start","name":"a@127.0.0.1:0"}"#,
        r#"{"do":"send","process":1,"node":"a@127.0.0.1:1","message":"61"}"#,
        r#"{"do":"call","process":1,"node":"a@127.0.0.1:1","other":3}"#,
        r#"{"do":"exit","process":1,"reason":{"kind":"error"}}"#,
        r#"{"answer":"yes"}"#,
        r#"{"answer":"ok","seen":[{"exit":{"node":"a@127.0.0.1:1","process":3}}]}"#,
        r#"["ok"]"#,
        "ok",
    ] {
        lines.judge(line);
        assert_eq!(lines.seen().1.pop().as_deref(), Some(line), "it is allowed");
    }
}

/// Every command of the schema, but the one that no adapter knows.
pub(crate) fn commands() -> BTreeSet<String> {
    let schema = schema();
    let commands = schema["$defs"]["command"]["else"]["oneOf"].as_array().unwrap().iter();
    commands.map(|command| command["properties"]["do"]["const"].as_str().unwrap().to_owned()).collect()
}
