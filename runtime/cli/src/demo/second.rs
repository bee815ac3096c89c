//! The second process, as the first one holds it.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use super::peer::{Orders, Report};
use super::{Event, Sight};

/// A process that runs node `b`. It is killed when this is dropped, and ends by itself if this process is killed.
pub(super) struct Second {
    child: Child,
    /// While it is open, node `b` runs.
    input: Option<ChildStdin>,
    reports: JoinHandle<()>,
}

impl Second {
    /// Starts it. What it reports becomes events.
    pub(super) async fn start(orders: &Orders, tell: UnboundedSender<Event>) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("demo-peer")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the second process has no standard input and output"));
        };
        let mut line = serde_json::to_vec(orders)?;
        line.push(b'\n');
        input.write_all(&line).await?;
        Ok(Self { child, input: Some(input), reports: tokio::spawn(tell_reports(output, tell)) })
    }

    /// Ends it as `kill -9` does: it has no say.
    pub(super) async fn kill(mut self) -> io::Result<ExitStatus> {
        self.child.start_kill()?;
        self.ended().await
    }

    /// Has it shut down gracefully.
    pub(super) async fn stop(mut self) -> io::Result<ExitStatus> {
        drop(self.input.take());
        self.ended().await
    }

    async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        let _ = (&mut self.reports).await;
        Ok(status)
    }
}

async fn tell_reports(output: ChildStdout, tell: UnboundedSender<Event>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // A line that is cut off by a kill reports nothing.
        let Ok(report) = serde_json::from_str(&line) else { continue };
        match report {
            Report::Sight(Sight { who, what }) => {
                drop(tell.send(Event::Sight(Sight::new(&format!("{who} on b"), what))))
            }
            Report::Started { node, process } => {
                let what = format!("listens as {node}, in operating-system process {process}");
                let _ = tell.send(Event::Started { node });
                let _ = tell.send(Event::Sight(Sight::new("node b", what)));
            }
        }
    }
}
