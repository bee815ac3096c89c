//! The line that somebody types at a terminal: history, completion, and lines that appear above it.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::completion::Completion;

/// Lines that are kept for the next time.
const HISTORY_LINES_MAX: usize = 1_000;

/// What the terminal gave.
pub(super) enum Entered {
    /// A line, or several if they were pasted.
    Lines(String),
    /// Ctrl-C: the line is given up.
    GivenUp,
    /// Ctrl-D: there is no further line.
    End,
    Failed(String),
}

/// The editor, on a thread of its own: it waits for keys, and nobody waits for it.
pub(super) struct Terminal {
    /// Asks for a line, with this prompt.
    ask: Sender<String>,
    entered: UnboundedReceiver<Entered>,
}

/// Once the editor has read for so long, what was typed ahead is used up, and it waits for keys.
const TYPED_AHEAD_TIME: Duration = Duration::from_millis(50);

/// What prints above the line.
pub(super) struct Printer {
    printer: Box<dyn ExternalPrinter + Send>,
    reading: Arc<Reading>,
}

impl Printer {
    /// Prints a line. False if nobody reads any more.
    pub(super) fn print(&mut self, line: String) -> bool {
        // Held if the editor does not read, so that it does not begin before the line is printed.
        let idle = Some(self.reading.not_typed_ahead()).filter(|since| since.is_none());
        let printed = self.printer.print(line);
        drop(idle);
        printed.is_ok()
    }
}

/// Since when the editor has been reading a line, if it is.
///
/// What is printed while it reads is shown once no more keys are there. If lines were typed ahead, that is after all of
/// them, while what is printed between two lines is shown at once and would come first. So the printer waits until nothing
/// typed ahead is left, or until the editor is between two lines.
#[derive(Default)]
struct Reading {
    since: Mutex<Option<Instant>>,
    changed: Condvar,
}

impl Reading {
    fn set(&self, since: Option<Instant>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
        self.changed.notify_all();
    }

    /// Waits until the editor does not read, or reads what nobody has typed yet.
    fn not_typed_ahead(&self) -> MutexGuard<'_, Option<Instant>> {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = since.and_then(|since| TYPED_AHEAD_TIME.checked_sub(since.elapsed()));
            let Some(left) = left.filter(|left| !left.is_zero()) else { return since };
            since = self.changed.wait_timeout(since, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The editor before it knows what to complete.
pub(super) struct Unfinished {
    completion: Sender<Completion>,
    terminal: Terminal,
}

impl Unfinished {
    pub(super) fn with(self, completion: Completion) -> Terminal {
        // Its thread is there as long as the terminal is.
        let _ = self.completion.send(completion);
        self.terminal
    }
}

/// Opens the terminal.
pub(super) fn open(history: Option<PathBuf>) -> io::Result<(Unfinished, Printer)> {
    let (completion, completions) = channel();
    let (ask, asked) = channel();
    let (tell, entered) = unbounded_channel();
    let (opened, is_opened) = channel();
    let reading = Arc::<Reading>::default();
    let reads = Arc::clone(&reading);
    thread::spawn(move || {
        let mut editor = match editor() {
            Ok((editor, printer)) => {
                drop(opened.send(Ok(printer)));
                editor
            }
            Err(error) => return drop(opened.send(Err(error))),
        };
        editor.set_helper(completions.recv().ok());
        read_all(&mut editor, history.as_ref(), &asked, &tell, &reads);
    });
    let printer = is_opened.recv().map_err(io::Error::other)?.map_err(io::Error::other)?;
    Ok((Unfinished { completion, terminal: Terminal { ask, entered } }, Printer { printer, reading }))
}

type TheEditor = Editor<Completion, FileHistory>;

fn editor() -> rustyline::Result<(TheEditor, Box<dyn ExternalPrinter + Send>)> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .auto_add_history(true)
        .history_ignore_space(true)
        .max_history_size(HISTORY_LINES_MAX)?
        .build();
    let mut editor = Editor::with_config(config)?;
    let printer = Box::new(editor.create_external_printer()?);
    Ok((editor, printer))
}

fn read_all(
    editor: &mut TheEditor,
    history: Option<&PathBuf>,
    asked: &Receiver<String>,
    tell: &UnboundedSender<Entered>,
    reading: &Reading,
) {
    if let Some(path) = history {
        // There is none the first time, and without one the prompt works as well.
        let _ = path.parent().map(fs::create_dir_all);
        let _ = editor.load_history(path);
    }
    for prompt in asked {
        reading.set(Some(Instant::now()));
        let read = editor.readline(&prompt);
        reading.set(None);
        let entered = match read {
            Ok(lines) => Entered::Lines(lines),
            Err(ReadlineError::Interrupted) => Entered::GivenUp,
            Err(ReadlineError::Eof) => Entered::End,
            Err(error) => Entered::Failed(error.to_string()),
        };
        if let Some(path) = history {
            let _ = editor.append_history(path);
        }
        if tell.send(entered).is_err() {
            return;
        }
    }
}

impl Terminal {
    /// Reads a line.
    pub(super) async fn line(&mut self, prompt: String) -> Entered {
        match self.ask.send(prompt) {
            Ok(()) => self.entered.recv().await.unwrap_or(Entered::End),
            Err(_) => Entered::End,
        }
    }
}

/// Where the history is kept if nothing else is said: `snow-dist/history` where the system keeps such things.
pub(super) fn usual_history() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    Some(state?.join("snow-dist/history"))
}
