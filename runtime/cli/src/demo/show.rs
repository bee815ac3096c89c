//! What the demonstration prints.

use std::io::{self, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use snow_dist_codec::{Frame, Handshake, Reading, stf};
use snow_dist_runtime::Direction;

use super::Sight;
use super::check::{Checklist, Step};
use crate::dump::{self, Rows};

const HEADING: Style = Style::new().bold();
const OUT: Style = AnsiColor::Cyan.on_default();
const IN: Style = AnsiColor::Magenta.on_default();
const SIGHT: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Columns that are filled.
const WIDTH: usize = 100;
/// Columns before what a frame holds and what a process sees.
const INDENT: usize = 13;
/// Columns of a step's title and of its count in the summary.
const TITLE: usize = 26;
const COUNT: usize = 8;

/// Standard output. Colours reach terminals only.
pub(super) struct Screen {
    out: AutoStream<io::Stdout>,
    quiet: bool,
}

impl Screen {
    pub(super) fn new(quiet: bool) -> Self {
        Self { out: anstream::stdout(), quiet }
    }

    /// A step begins.
    pub(super) fn step(&mut self, number: usize, title: &str, why: &str) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        writeln!(self.out, "{HEADING}{number:>2}  {title}{HEADING:#}")?;
        for line in wrapped(why.split(' '), " ", WIDTH - 4) {
            writeln!(self.out, "    {line}")?;
        }
        writeln!(self.out)
    }

    /// A step is over.
    pub(super) fn step_over(&mut self) -> io::Result<()> {
        if self.quiet { Ok(()) } else { writeln!(self.out) }
    }

    /// A message between the two nodes. Gives its name.
    pub(super) fn message(
        &mut self,
        direction: Direction,
        handshake: bool,
        payload: &[u8],
    ) -> io::Result<&'static str> {
        let (style, arrow) = arrow(direction);
        let Some((name, section, fields)) = read(handshake, payload) else {
            writeln!(self.out, "    {style}{arrow}{style:#}   {BAD}a message that cannot be decoded{BAD:#}")?;
            return Ok("");
        };
        if self.quiet {
            return Ok(name);
        }
        let room = WIDTH - INDENT - section.len();
        let tag = payload.first().map(|tag| format!("{tag:02x} ")).unwrap_or_default();
        let head = format!("{tag}{name}: {}", meaning(name));
        writeln!(self.out, "    {style}{arrow}   {head:<room$}{style:#}{QUIET}{section}{QUIET:#}")?;
        for line in wrapped(fields.iter().map(String::as_str), ",  ", WIDTH - INDENT) {
            writeln!(self.out, "{:INDENT$}{line}", "")?;
        }
        Ok(name)
    }

    /// What somebody sees.
    pub(super) fn sight(&mut self, sight: &Sight) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let Sight { who, what } = sight;
        let verb = if who.starts_with("node ") { "" } else { "sees " };
        writeln!(self.out, "    {SIGHT}* {who} {verb}{what}{SIGHT:#}")
    }

    /// A step did not come to its end.
    pub(super) fn failed(&mut self, why: &str) -> io::Result<()> {
        writeln!(self.out, "    {BAD}error: {why}; the steps after this one are left out{BAD:#}\n")
    }

    /// What was expected, and whether it was seen. True if all was; `complete` says whether all steps were taken.
    pub(super) fn summary(&mut self, list: &Checklist, complete: bool) -> io::Result<bool> {
        let header = format!("{:<TITLE$}  {:<COUNT$}  expected", "    Summary", "seen");
        writeln!(self.out, "{HEADING}{header}{HEADING:#}")?;
        for (index, step) in list.steps().iter().enumerate() {
            self.summary_of(index + 1, step)?;
        }
        let good = complete && list.steps().iter().all(Step::is_good);
        if good {
            writeln!(self.out, "\n{GOOD}All that was expected was seen.{GOOD:#}")?;
        } else {
            writeln!(self.out, "\n{BAD}Not all that was expected was seen.{BAD:#}")?;
        }
        Ok(good)
    }

    fn summary_of(&mut self, number: usize, step: &Step) -> io::Result<()> {
        let style = if step.is_good() { GOOD } else { BAD };
        let expected: Vec<_> = step.expected().collect();
        let count = format!("{} of {}", step.count(), expected.len());
        let title = format!("{number:>2}  {}", step.title);
        let mut lead = format!("{title:<TITLE$}  {style}{count:<COUNT$}{style:#}  ");
        let words: Vec<_> = expected.chunk_by(|one, next| one == next).map(in_the_summary).collect();
        for line in wrapped(words.iter().map(String::as_str), ", ", WIDTH - TITLE - COUNT - 4) {
            writeln!(self.out, "{lead}{line}")?;
            lead = " ".repeat(TITLE + COUNT + 4);
        }
        Ok(())
    }
}

/// Of several that are the same, one with their number.
fn in_the_summary(same: &[(String, bool)]) -> String {
    let [(what, seen), ..] = same else { return String::new() };
    let missing = if *seen { "" } else { "MISSING " };
    match same.len() {
        1 => format!("{missing}{what}"),
        count => format!("{missing}{count} {what}"),
    }
}

const fn arrow(direction: Direction) -> (Style, &'static str) {
    match direction {
        Direction::Out => (OUT, "a -> b"),
        Direction::In => (IN, "a <- b"),
    }
}

/// A message's name, its section in the specification, and its fields.
fn read(handshake: bool, payload: &[u8]) -> Option<(&'static str, String, Vec<String>)> {
    let mut rows = Rows::new(payload, 0, 0);
    if handshake {
        let message = Handshake::decode(payload, Reading::Strict).ok()?;
        rows.handshake(&message, &[]);
        let section = dump::section("handshake.md", message.name());
        return Some((message.name(), section, rows.fields().collect()));
    }
    let frame = Frame::decode(payload, Reading::Strict).ok()?;
    rows.frame(&frame, &[]);
    let section = dump::section("dist.md", frame.name());
    Some((frame.name(), section, rows.fields().chain(term_in(&frame)).collect()))
}

/// What a message that is a term says.
fn term_in(frame: &Frame<'_>) -> Option<String> {
    let message = match frame {
        Frame::Send(send) => send.message,
        Frame::RegSend(send) => send.message,
        _ => return None,
    };
    let (term, _) = stf::decode(message, Reading::Strict).ok()?;
    Some(format!("which is the term {term}"))
}

/// What a message is for, in a few words.
fn meaning(name: &str) -> &'static str {
    match name {
        "NAME" => "who dials, and what it can do",
        "CHALLENGE" => "who answers, and 32 bytes to be signed",
        "REPLY" => "the initiator's proof",
        "ACK" => "the acceptor's proof: the session is up",
        "REJECT" => "why there is no session",
        "SEND" => "a message to a process",
        "REG_SEND" => "a message to a registered name",
        "SEND_TERM" => "a term to a process",
        "LINK" => "`from` and `to` are linked now",
        "UNLINK_ID" => "`from` takes its link back",
        "UNLINK_ACK" => "the link is no more at this end either",
        "EXIT" => "`from` has ended, and `to` is linked to it",
        "MONITOR" => "`from` wants to know when `to` ends",
        "DEMONITOR" => "`from` no longer wants to know when `to` ends",
        "MONITOR_EXIT" => "`monitored` has ended",
        "CLOSE" => "this session ends, and why",
        "PING" => "is anybody there?",
        "PONG" => "yes",
        _ => "see its section",
    }
}

/// Puts words together in lines of at most `width` characters; a word that is longer has its own.
fn wrapped<'w>(words: impl Iterator<Item = &'w str>, between: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let long = |line: &String| line.chars().count() + between.len() + word.chars().count() > width;
        match lines.last_mut() {
            Some(line) if !long(line) => *line = format!("{line}{between}{word}"),
            Some(line) => {
                line.push_str(between.trim_end());
                lines.push(word.to_owned());
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
