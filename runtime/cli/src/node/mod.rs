//! `snow-dist node`: a node whose processes are played at a prompt, or by a script.

mod commands;
mod completion;
mod console;
mod editor;
mod processes;
mod reasons;
mod record;
mod screen;
mod script;
mod shell;
mod terms;
mod trace;
mod words;

use std::future::Future;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use snow_dist_runtime::{Context, Delegate, Node, NodeName, Seen, StartError};
use tokio::runtime::Builder;
use tokio::time::timeout;

use completion::Completion;
use console::Console;
use editor::{Entered, Terminal};
use record::Recorder;
use screen::Screen;
use script::Lines;
use shell::Shell;
use trace::{Trace, Traced};
use words::Failure;

use crate::certificates::CertificateFiles;
use crate::trace_file::{Sent, TraceFile};
use crate::{log, wrong_usage};

/// The longest time that an ended node waits for its last lines to be read and its last messages to be written.
const LAST_LINES_TIME_MAX: Duration = Duration::from_secs(5);

pub(crate) const HELP: &str = "\
At a terminal it is a prompt: `help` lists its commands, Tab completes commands,
nodes, processes and names, and lines of earlier times are found with the arrow
keys. What happens by itself appears above the line, behind a `*`, and what the
node warns of behind a `!`; without a terminal, warnings go to standard error.
What it refuses to others is no warning: `snow-dist cluster` shows how often.

Without a terminal, or with --command or --script, it does as the lines say, one
after the other, and stops at the first error with its line's number. Lines that
begin with # are passed over. What happens by itself is shown as it comes, and
nothing more comes behind the last line: `wait` waits for it.

Exit status: 0 if all was good, 1 if something was not, 2 for wrong usage.

The node answers `snow-dist cluster`, and whoever has its cookie can connect.

Examples:
  snow-dist cookie cookie
  snow-dist node a@127.0.0.1:4000 --cookie-file cookie
  snow-dist node b@127.0.0.1:0 --cookie-file cookie -c 'connect a@127.0.0.1:4000' \\
      -c 'spawn --monitor on a@127.0.0.1:4000' -c 'exit $1 custom enough' \\
      -c 'wait got DOWN of $1'
  snow-dist node c@127.0.0.1:4002 --cookie-file cookie --script start.txt --stay";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The node's name, NAME@HOST:PORT, by which others find it. Port 0 lets the system choose.
    #[arg(value_parser = crate::node_name)]
    name: String,
    /// The file with the cookie that all nodes of the system share; `snow-dist cookie` makes one.
    #[arg(long, value_name = "PATH")]
    cookie_file: PathBuf,
    #[command(flatten)]
    certificates: CertificateFiles,
    /// Listen here instead of where the name says.
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Keep connected with this node; can be given several times.
    #[arg(long, value_name = "NODE", value_parser = crate::node_name)]
    keep: Vec<String>,
    /// Be a member of a mesh: connect with the nodes of which peers tell, and tell them of each other.
    #[arg(long)]
    mesh: bool,
    /// Do as this line says; can be given several times.
    #[arg(long, short, value_name = "LINE", conflicts_with = "script")]
    command: Vec<String>,
    /// Do as the lines of this file say.
    #[arg(long, value_name = "PATH")]
    script: Option<PathBuf>,
    /// Go on after errors.
    #[arg(long)]
    keep_going: bool,
    /// Stay after the last line if all was good, until the process is interrupted or terminated.
    #[arg(long)]
    stay: bool,
    /// Show every frame from the start.
    #[arg(long)]
    trace: bool,
    /// Write every message of this node to this file, a JSON object a line, as the page that draws traces reads it.
    ///
    /// The old content is lost, even if the node then cannot start. It grows as long as the node runs. A new file can be
    /// read by its owner alone, since it has all payloads.
    #[arg(long, value_name = "PATH")]
    trace_file: Option<PathBuf>,
    /// Where lines of the prompt are kept. The usual place is snow-dist/history in $XDG_STATE_HOME or ~/.local/state.
    #[arg(long, value_name = "PATH")]
    history: Option<PathBuf>,
    /// Keep no lines of the prompt.
    #[arg(long, conflicts_with = "history")]
    no_history: bool,
}

/// Runs the node. True if all that was said was done.
pub(crate) fn run(arguments: &Arguments) -> io::Result<bool> {
    let own = completed(&arguments.name);
    if let Some(name) = arguments.keep.iter().find(|name| completed(name) == own) {
        return Err(wrong_usage(format_args!("--keep {name} is the node itself")));
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let good = runtime.block_on(play(arguments));
    // A thread that still waits for standard input is not waited for.
    runtime.shutdown_background();
    good
}

/// A node's name with its port.
fn completed(name: &str) -> Option<String> {
    NodeName::parse(name).ok().map(|name| name.completed())
}

async fn play(arguments: &Arguments) -> io::Result<bool> {
    let is_script = arguments.script.is_some() || !arguments.command.is_empty();
    let has_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if is_script || !has_terminal {
        let mut lines = match &arguments.script {
            Some(path) => Lines::file(path).await?,
            None if is_script => Lines::given(&arguments.command),
            None => Lines::input(),
        };
        let (mut shell, recorder) = start(arguments, Console::new(Screen::output())).await?;
        let mut good = tokio::select! {
            good = read(arguments, &mut lines, &mut shell) => good,
            signal = interrupted() => signal.map(|()| false),
        };
        if arguments.stay && matches!(good, Ok(true)) && !shell.is_over {
            good = interrupted().await.map(|()| true);
        }
        leave(&shell, recorder).await;
        // Nobody may read them.
        let _ = timeout(LAST_LINES_TIME_MAX, shell.screen().printed()).await;
        return good;
    }
    let history = match &arguments.history {
        Some(path) => Some(path.clone()),
        None if arguments.no_history => None,
        None => editor::usual_history(),
    };
    let (unfinished, printer) = editor::open(history)?;
    let console = Console::new(Screen::prompt(printer));
    let mut terminal = unfinished.with(Completion(console.clone()));
    let (mut shell, recorder) = start(arguments, console).await?;
    shell.say(format!("{} is up. `help` lists the commands, `quit` leaves.", shell.node.name()));
    let good = converse(&mut terminal, &mut shell).await;
    leave(&shell, recorder).await;
    shell.screen().printed().await;
    good
}

/// Starts the node, the process that is the prompt, and the recorder, if a file for it is named.
async fn start(arguments: &Arguments, console: Console) -> io::Result<(Shell, Option<Arc<Recorder>>)> {
    let warned = console.screen().clone();
    log::show(move |warning| warned.warn(warning));
    let trace = Trace::new(if arguments.trace { Traced::Everything } else { Traced::Nothing });
    let builder = Node::builder(&*arguments.name).cookie_file(&arguments.cookie_file).answer_about(true);
    let mut builder = arguments.certificates.give(builder);
    if let Some(address) = &arguments.listen {
        builder = builder.listen(address);
    }
    if arguments.mesh {
        builder = builder.mesh();
    }
    builder = builder.keep_connected(&arguments.keep);
    let recorder = recorder(arguments, console.screen())?;
    let (screen, tap, recording) = (console.screen().clone(), trace.clone(), recorder.clone());
    let see = move |seen: Seen<'_>| {
        recording.iter().for_each(|recorder| recorder.see(&seen));
        tap.see(&seen, &screen);
    };
    let prepared = builder.tap(see).prepare().await.map_err(not_started)?;
    recorder.iter().for_each(|recorder| recorder.is_called(prepared.node().name()));
    let own = own_process(prepared.node(), &console)?;
    console.set_own(prepared.node().clone(), own.clone());
    processes::offer(prepared.node(), &console).map_err(io::Error::other)?;
    let changes = prepared.node().groups().map_err(io::Error::other)?.changes();
    let telling = console.clone();
    tokio::spawn(async move { telling.tell_of(changes).await });
    let node = prepared.listen();
    Ok((Shell::new(node, console, trace, own), recorder))
}

/// Makes the file of the trace, if one is named, and what writes it.
fn recorder(arguments: &Arguments, screen: &Screen) -> io::Result<Option<Arc<Recorder>>> {
    let Some(path) = &arguments.trace_file else { return Ok(None) };
    let (mut file, screen) = (TraceFile::create(path)?, screen.clone());
    let write = move |sent: &Sent<'_>| file.message(sent);
    Recorder::start(&arguments.name, write, move |text| screen.warn(text)).map(Arc::new).map(Some)
}

/// Ends the node, and waits a while until its trace is written.
async fn leave(shell: &Shell, recorder: Option<Arc<Recorder>>) {
    shell.node.shutdown().await;
    if let Some(recorder) = recorder
        && timeout(LAST_LINES_TIME_MAX, recorder.written()).await.is_err()
    {
        shell.screen().warn("the end of the trace is missing, since its file takes too long");
    }
}

fn not_started(error: StartError) -> io::Error {
    match error {
        StartError::HostUnspecified { host } => wrong_usage(format_args!(
            "no other node can dial {host}: the name says an address at which others find the node, and --listen says \
             where it listens"
        )),
        error => io::Error::other(error),
    }
}

fn own_process(node: &Node, console: &Console) -> io::Result<Delegate> {
    let shown = console.clone();
    let pid =
        node.spawn(async move |ctx: Context| processes::print(ctx, shown).await).map_err(io::Error::other)?;
    let own = node.delegate(pid).ok_or_else(|| io::Error::other("the process of the prompt has ended"))?;
    own.trap_exit(true);
    own.monitor_nodes().map_err(io::Error::other)?;
    Ok(own)
}

/// Does as a script says.
async fn read(arguments: &Arguments, lines: &mut Lines, shell: &mut Shell) -> io::Result<bool> {
    let (mut good, mut number) = (true, 0);
    while let Some(line) = lines.next().await.map_err(|error| at(number + 1, &error))? {
        number += 1;
        let done = shell.obey(&line).await;
        shell.screen().printed().await;
        if let Err(failure) = done {
            eprintln!("error: {}", at(number, &failure));
            good = false;
            if !arguments.keep_going {
                return Ok(false);
            }
        }
        if shell.screen().is_closed() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if shell.is_over {
            return Ok(good);
        }
    }
    Ok(good)
}

fn at(number: usize, error: &impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("line {number}: {error}"))
}

/// Does as somebody at a terminal says, who can give up what takes too long.
async fn converse(terminal: &mut Terminal, shell: &mut Shell) -> io::Result<bool> {
    let prompt = format!("{}> ", shell.node.name().split('@').next().unwrap_or_default());
    while !shell.is_over {
        shell.screen().printed().await;
        match terminal.line(prompt.clone()).await {
            Entered::Lines(lines) => obey_all(&lines, shell).await,
            Entered::GivenUp => {}
            Entered::End => break,
            Entered::Failed(why) => return Err(io::Error::other(format!("the terminal: {why}"))),
        }
    }
    Ok(true)
}

/// Does as these lines say, one after the other. Who gives one up gives up those behind it.
async fn obey_all(lines: &str, shell: &mut Shell) {
    for line in lines.lines() {
        let screen = shell.screen().clone();
        match or_interrupted(shell.obey(line)).await {
            Some(Ok(())) => {}
            Some(Err(failure)) => screen.say(&format!("error: {failure}")),
            None => return screen.say("given up"),
        }
        if shell.is_over {
            return;
        }
    }
}

async fn or_interrupted(doing: impl Future<Output = Result<(), Failure>>) -> Option<Result<(), Failure>> {
    tokio::select! {
        done = doing => Some(done),
        _ = tokio::signal::ctrl_c() => None,
    }
}

/// Waits until the process is told to end.
async fn interrupted() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            signal = tokio::signal::ctrl_c() => signal,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
