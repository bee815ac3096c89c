//! Where lines go: to standard output, or above the line that somebody is typing.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::editor::Printer;

/// Lines that wait for the terminal: of further events only the number is shown.
const WAITING_MAX: usize = 1_000;
/// How long the next prompt waits for what a command has to say.
const PRINTED_TIME_MAX: Duration = Duration::from_millis(100);

/// Where lines go. Cheap to clone.
#[derive(Clone)]
pub(super) struct Screen(Arc<Inner>);

struct Inner {
    /// Nobody reads what is printed any more.
    is_closed: AtomicBool,
    way: Way,
}

enum Way {
    Output(Mutex<io::Stdout>),
    /// A thread of its own prints above the line that is being typed: it waits for the editor, and nobody for it.
    Prompt {
        lines: Sender<Item>,
        waiting: Arc<AtomicUsize>,
        left_out: AtomicUsize,
    },
}

enum Item {
    Line(String),
    /// All lines before it have been printed.
    Printed(oneshot::Sender<()>),
}

impl Screen {
    /// Standard output.
    pub(super) fn output() -> Self {
        Self(Arc::new(Inner {
            is_closed: AtomicBool::new(false),
            way: Way::Output(Mutex::new(io::stdout())),
        }))
    }

    /// Above the prompt.
    pub(super) fn prompt(printer: Printer) -> Self {
        let (lines, items) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let printed = Arc::clone(&waiting);
        thread::spawn(move || print_all(printer, &items, &printed));
        let way = Way::Prompt { lines, waiting, left_out: AtomicUsize::new(0) };
        Self(Arc::new(Inner { is_closed: AtomicBool::new(false), way }))
    }

    /// Prints what a command has to say.
    pub(super) fn say(&self, text: &str) {
        let text = printable(text);
        match &self.0.way {
            Way::Output(out) => {
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
                    self.0.is_closed.store(true, Ordering::Relaxed);
                }
            }
            Way::Prompt { lines, waiting, .. } => {
                waiting.fetch_add(1, Ordering::Relaxed);
                // Its thread is there as long as this is.
                let _ = lines.send(Item::Line(text + "\n"));
            }
        }
    }

    /// Prints what happens by itself, which may be more than a terminal takes.
    pub(super) fn tell(&self, text: &str) {
        if let Way::Prompt { waiting, left_out, .. } = &self.0.way {
            if waiting.load(Ordering::Relaxed) >= WAITING_MAX {
                left_out.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let count = left_out.swap(0, Ordering::Relaxed);
            if count > 0 {
                self.say(&format!("* {count} more were not shown: they came too fast"));
            }
        }
        self.say(text);
    }

    /// Prints a warning of the node.
    pub(super) fn warn(&self, text: &str) {
        match &self.0.way {
            Way::Output(_) => eprintln!("warning: {}", printable(text)),
            Way::Prompt { .. } => self.tell(&format!("! {text}")),
        }
    }

    /// Waits until all lines so far are printed, for a little while: in a flood the editor may hold them back until it is
    /// asked for the next line.
    pub(super) async fn printed(&self) {
        if let Way::Prompt { lines, .. } = &self.0.way {
            let (done, is_done) = oneshot::channel();
            if lines.send(Item::Printed(done)).is_ok() {
                let _ = timeout(PRINTED_TIME_MAX, is_done).await;
            }
        }
    }

    /// Whether nobody reads what is printed any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::Relaxed)
    }
}

fn print_all(mut printer: Printer, items: &Receiver<Item>, waiting: &AtomicUsize) {
    for item in items {
        match item {
            Item::Line(line) => {
                waiting.fetch_sub(1, Ordering::Relaxed);
                if printer.print(line).is_err() {
                    return;
                }
            }
            Item::Printed(done) => drop(done.send(())),
        }
    }
}

/// Text of other nodes must not reach the terminal as it is: what is not printable is escaped, as errors and the log do.
/// Ends of lines, quotes and backslashes are left: the lines and quotes are this program's.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '"' | '\'' | '\\' => printable.push(character),
            _ => printable.extend(character.escape_debug()),
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_is_not_printable_is_escaped() {
        assert_eq!(printable("a\u{1b}[2J\"b\"\r\n\u{202e}c\\"), "a\\u{1b}[2J\"b\"\\r\n\\u{202e}c\\");
    }
}
