//! Where lines go: to standard output, or above the line that somebody is typing.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::editor::Printer;

/// Bytes of lines that wait to be printed: of further events only the number is shown.
const WAITING_BYTES_MAX: usize = 1 << 20;
/// How long the next prompt waits for what a command has to say.
const PRINTED_TIME_MAX: Duration = Duration::from_millis(100);

/// Where lines go. Cheap to clone.
#[derive(Clone)]
pub(super) struct Screen(Arc<Inner>);

struct Inner {
    /// A thread of its own prints: it waits for whoever reads, or for the editor, and nobody for it.
    lines: Sender<Item>,
    printing: Arc<Printing>,
    left_out: AtomicUsize,
    is_prompt: bool,
}

#[derive(Default)]
struct Printing {
    waiting_bytes: AtomicUsize,
    /// Nobody reads what is printed any more.
    is_closed: AtomicBool,
}

enum Item {
    Line(String),
    /// All lines before it have been printed.
    Printed(oneshot::Sender<()>),
}

impl Screen {
    /// Standard output.
    pub(super) fn output() -> Self {
        Self::new(false, |line| {
            let mut out = io::stdout().lock();
            out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_ok()
        })
    }

    /// Above the prompt.
    pub(super) fn prompt(mut printer: Printer) -> Self {
        Self::new(true, move |line| printer.print(line))
    }

    fn new(is_prompt: bool, print: impl FnMut(String) -> bool + Send + 'static) -> Self {
        let (lines, items) = channel();
        let printing = Arc::<Printing>::default();
        let printed = Arc::clone(&printing);
        thread::spawn(move || print_all(print, &items, &printed));
        Self(Arc::new(Inner { lines, printing, left_out: AtomicUsize::new(0), is_prompt }))
    }

    /// Prints what a command has to say.
    pub(super) fn say(&self, text: &str) {
        let line = printable(text) + "\n";
        self.0.printing.waiting_bytes.fetch_add(line.len(), Ordering::Relaxed);
        // If its thread is gone, nobody reads any more.
        let _ = self.0.lines.send(Item::Line(line));
    }

    /// Prints what happens by itself, which may be more than anybody reads.
    pub(super) fn tell(&self, text: &str) {
        if self.0.printing.waiting_bytes.load(Ordering::Relaxed) >= WAITING_BYTES_MAX {
            self.0.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.say_what_was_left_out();
        self.say(text);
    }

    fn say_what_was_left_out(&self) {
        let count = self.0.left_out.swap(0, Ordering::Relaxed);
        if count > 0 {
            self.say(&format!("* {count} more were not shown: they came too fast"));
        }
    }

    /// Prints a warning of the node.
    pub(super) fn warn(&self, text: &str) {
        if self.0.is_prompt {
            self.tell(&format!("! {text}"));
        } else {
            eprintln!("warning: {}", printable(text));
        }
    }

    /// Waits until all lines so far are printed. At the prompt for a little while: in a flood the editor may hold them back
    /// until it is asked for the next line.
    pub(super) async fn printed(&self) {
        self.say_what_was_left_out();
        let (done, is_done) = oneshot::channel();
        if self.0.lines.send(Item::Printed(done)).is_err() {
            return;
        }
        if self.0.is_prompt {
            let _ = timeout(PRINTED_TIME_MAX, is_done).await;
        } else {
            let _ = is_done.await;
        }
    }

    /// Whether nobody reads what is printed any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.printing.is_closed.load(Ordering::Relaxed)
    }
}

fn print_all(mut print: impl FnMut(String) -> bool, items: &Receiver<Item>, printing: &Printing) {
    for item in items {
        match item {
            Item::Line(line) => {
                printing.waiting_bytes.fetch_sub(line.len(), Ordering::Relaxed);
                if !print(line) {
                    return printing.is_closed.store(true, Ordering::Relaxed);
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
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_whoever_does_not_read_and_what_does_not_fit_is_counted() {
        let (read, may_print) = channel::<()>();
        let (print, printed) = channel();
        let screen = Screen::new(false, move |line| may_print.recv().is_ok() && print.send(line).is_ok());
        screen.say(&"x".repeat(WAITING_BYTES_MAX + 1));
        screen.say(&"y".repeat(WAITING_BYTES_MAX + 1));
        screen.tell("left out");
        screen.tell("left out");
        (0..3).for_each(|_| read.send(()).unwrap());
        screen.printed().await;
        assert_eq!(printed.iter().nth(2).unwrap(), "* 2 more were not shown: they came too fast\n");
        assert!(!screen.is_closed());
        drop(read);
        screen.tell("nobody reads");
        screen.printed().await;
        assert!(screen.is_closed());
    }

    #[test]
    fn what_is_not_printable_is_escaped() {
        assert_eq!(printable("a\u{1b}[2J\"b\"\r\n\u{202e}c\\"), "a\\u{1b}[2J\"b\"\\r\n\\u{202e}c\\");
    }
}
