//! One process of a side program, with all that it starts: it ends when it is dropped.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{ExitStatus, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Take};
use tokio::process::{Child, ChildStdout, Command};
use tokio::runtime::Handle;

use crate::machine::Usage;

/// The largest number of bytes that are read of a side program's output.
const OUTPUT_BYTES_MAX: u64 = 64 << 10;
/// The largest part of a reason that is shown.
const REASON_CHARS_MAX: usize = 300;

/// What a process says on its standard output goes into a pipe for a server, whose first line is waited for, and into a file else.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Pid,
    output: Output,
    /// A file, so that a program which says much waits for nobody.
    errors: File,
    used: Usage,
}

#[derive(Debug)]
enum Output {
    Lines(BufReader<Take<ChildStdout>>),
    File(File),
}

impl Process {
    pub(crate) fn start(
        program: &[String],
        arguments: &[String],
        core: Option<usize>,
        serves: bool,
    ) -> Result<Self> {
        let (name, first) = program.split_first().context("no program")?;
        let (output, errors) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut command = Command::new(name);
        command.args(first).args(arguments).stdin(Stdio::null()).stderr(errors.try_clone()?);
        command.stdout(if serves { Stdio::piped() } else { Stdio::from(output.try_clone()?) });
        // A group of its own, for what it starts.
        command.process_group(0).kill_on_drop(true);
        let mut child = spawn_on(core, command).with_context(|| format!("{name} does not start"))?;
        let group = Pid::from_raw(i32::try_from(child.id().context("it has ended")?)?);
        let output = match child.stdout.take() {
            Some(pipe) => Output::Lines(BufReader::new(pipe.take(OUTPUT_BYTES_MAX))),
            None => Output::File(output),
        };
        Ok(Self { child, group, output, errors, used: Usage::default() })
    }

    /// The first line that a server says; nothing if it ends before.
    pub(crate) async fn line(&mut self) -> Result<Option<String>> {
        let Output::Lines(lines) = &mut self.output else { return Ok(None) };
        let mut line = String::new();
        lines.read_line(&mut line).await.context("its first line is no text")?;
        if line.is_empty() {
            return Ok(None);
        }
        let whole = line
            .strip_suffix('\n')
            .with_context(|| format!("its first line has no end within {OUTPUT_BYTES_MAX} bytes"));
        whole.map(|line| Some(line.to_owned()))
    }

    /// Waits until it ends. If this is dropped, it can be called again.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// All that it has said, other than by lines.
    pub(crate) fn said(&mut self) -> Result<String> {
        let Output::File(file) = &mut self.output else { return Ok(String::new()) };
        let said = read(file)?;
        ensure!(
            said.len() < usize::try_from(OUTPUT_BYTES_MAX)?,
            "it says more than {OUTPUT_BYTES_MAX} bytes"
        );
        Ok(said)
    }

    /// The last line of what it said on its standard error: a panic says there what it is, and so does an error.
    pub(crate) fn reason(&mut self) -> String {
        let said = read(&mut self.errors).unwrap_or_default();
        let mut lines = said.lines().map(str::trim);
        let line = lines
            .rfind(|line| !line.is_empty() && !line.starts_with("note: "))
            .unwrap_or("it does not say why");
        line.chars().take(REASON_CHARS_MAX).collect()
    }

    /// Notes what it has taken so far.
    pub(crate) fn look(&mut self) {
        if let Some(used) = self.child.id().and_then(Usage::of) {
            self.used = self.used.most(used);
        }
    }

    /// Its usage when it was last looked at.
    pub(crate) const fn used(&self) -> Usage {
        self.used
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error says that there is none of the group any more.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

fn read(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A process runs where the thread ran that started it: one that is there for this alone, and leaves the others where they are.
fn spawn_on(core: Option<usize>, mut command: Command) -> Result<Child> {
    let Some(id) = core else { return Ok(command.spawn()?) };
    let runtime = Handle::current();
    let started = thread::spawn(move || {
        let _entered = runtime.enter();
        // Where the system does not let a process choose, it runs where it may.
        core_affinity::set_for_current(core_affinity::CoreId { id });
        command.spawn()
    });
    Ok(started.join().ok().context("the thread that starts it")??)
}
