//! The adapter: the subject's own program, told what to do by lines of JSON on its standard input, each answered by
//! one on its standard output. `spec/conformance/README.md` describes it.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream,
};
use tokio::process::{Child, Command};

use crate::field;
use crate::verdict::Trouble;
use crate::wire::Log;

/// An answer that has not come within this time does not come.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

/// Bytes of an answer: reports of processes are the longest.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// Bytes of a command in a log: a message can be long.
const LINE_SHOWN: usize = 400;

/// A subject that has been told to stop has this long to end.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// The command that no adapter knows.
const NONSENSE: &str = "recite_a_poem";

/// How adapters come into being: one for each case.
#[derive(Clone)]
pub enum Launch {
    /// A program and its arguments.
    Program(Vec<String>),
    /// A task that speaks as a program does, for tests.
    Task(Arc<dyn Fn(DuplexStream) + Send + Sync>),
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Program(command) => f.debug_tuple("Program").field(command).finish(),
            Self::Task(_) => f.write_str("Task"),
        }
    }
}

/// A running adapter.
pub struct Adapter {
    from: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    to: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    child: Option<Child>,
    log: Log,
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapter").field("child", &self.child).finish_non_exhaustive()
    }
}

impl Adapter {
    /// Starts the program. Its standard error is the runner's.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn launch(how: &Launch, log: &Log) -> Result<Self, Trouble> {
        match how {
            Launch::Program(command) => Self::program(command, log),
            Launch::Task(start) => {
                let (ours, theirs) = tokio::io::duplex(1 << 16);
                start(theirs);
                let (from, to) = tokio::io::split(ours);
                Ok(Self::over(Box::new(from), Box::new(to), None, log))
            }
        }
    }

    fn program(command: &[String], log: &Log) -> Result<Self, Trouble> {
        let unstarted = |what: String| Trouble::unjudged(format!("the adapter cannot be started: {what}"));
        let [program, arguments @ ..] = command else { return Err(unstarted("no program".into())) };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| unstarted(format!("{program}: {error}")))?;
        let (Some(from), Some(to)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(unstarted("it has no standard input and output".into()));
        };
        Ok(Self::over(Box::new(from), Box::new(to), Some(child), log))
    }

    fn over(
        from: Box<dyn AsyncRead + Send + Unpin>,
        to: Box<dyn AsyncWrite + Send + Unpin>,
        child: Option<Child>,
        log: &Log,
    ) -> Self {
        Self { from: BufReader::new(from), to: Some(to), child, log: log.clone() }
    }

    /// Proves that the adapter admits what it does not know. One that says yes to everything cannot be believed.
    ///
    /// # Errors
    /// It does not.
    pub async fn admits_ignorance(&mut self) -> Result<(), Trouble> {
        match self.ask(NONSENSE, Map::new()).await {
            Err(Trouble::Unsupported(_)) => Ok(()),
            Ok(answer) => Err(Trouble::unjudged(format!(
                "the adapter answers the command {NONSENSE:?} with {answer} instead of \"unsupported\""
            ))),
            Err(other) => Err(other),
        }
    }

    /// Gives a command, and gives what it is answered.
    ///
    /// # Errors
    /// It is not supported, or the adapter does not answer as it should.
    pub async fn ask(&mut self, command: &str, arguments: Map<String, Value>) -> Result<Value, Trouble> {
        let asking = async {
            self.write(command, arguments).await?;
            self.read().await
        };
        let answer = match tokio::time::timeout(ANSWER_DEADLINE, asking).await {
            Ok(answer) => answer.map_err(|error| Trouble::unjudged(format!("the adapter: {error}")))?,
            Err(_) => {
                return Err(Trouble::unjudged(format!("the adapter did not answer {command:?} in time")));
            }
        };
        self.log.note(&format!("adapter <- {}", answer.trim_end()));
        judged(command, &answer)
    }

    /// Gives a command, and does not wait for the answer. It has to be the last one.
    ///
    /// # Errors
    /// The adapter does not read.
    pub async fn tell(&mut self, command: &str, arguments: Map<String, Value>) -> Result<(), Trouble> {
        match tokio::time::timeout(ANSWER_DEADLINE, self.write(command, arguments)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Trouble::unjudged(format!("the adapter did not read {command:?}"))),
        }
    }

    async fn write(&mut self, command: &str, arguments: Map<String, Value>) -> std::io::Result<()> {
        let mut line = Map::from_iter([("do".to_owned(), json!(command))]);
        line.extend(arguments);
        let line = Value::Object(line).to_string();
        self.log.note(&format!("adapter -> {}", line.get(..LINE_SHOWN).unwrap_or(&line)));
        let to = self.to.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        to.write_all(format!("{line}\n").as_bytes()).await?;
        to.flush().await
    }

    async fn read(&mut self) -> std::io::Result<String> {
        let mut answer = String::new();
        (&mut self.from).take(ANSWER_BYTES_MAX).read_line(&mut answer).await?;
        if answer.is_empty() { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
    }

    /// Tells the subject to stop, and waits a while for it. A subject that does not end is killed.
    pub async fn stop(mut self) {
        // Whatever is answered: the case is over.
        let _ = self.ask("stop", Map::new()).await;
        self.to = None;
        if let Some(child) = &mut self.child {
            let _ = tokio::time::timeout(STOP_PATIENCE, child.wait()).await;
        }
    }
}

fn judged(command: &str, answer: &str) -> Result<Value, Trouble> {
    let parsed: Result<Value, _> = serde_json::from_str(answer);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match parsed {
        Ok(answer) if field(&answer, "answer") == "ok" => Ok(answer),
        Ok(answer) if field(&answer, "answer") == "unsupported" => Err(Trouble::Unsupported(
            format!("{command} {}", text(field(&answer, "text"))).trim_end().to_owned(),
        )),
        Ok(answer) if field(&answer, "answer") == "error" => Err(Trouble::unjudged(format!(
            "the adapter could not {command}: {}",
            text(field(&answer, "text"))
        ))),
        _ => Err(Trouble::unjudged(format!("the adapter answered {command:?} with {:?}", answer.trim_end()))),
    }
}
