//! What the prompt completes: commands, nodes, processes, names.

use std::sync::Arc;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use snow_dist_runtime::Pid;

use super::commands::{self, Command};
use super::console::Console;
use super::processes::FUNCTIONS;
use super::reasons;

/// Completes words by what the prompt knows at that moment.
pub(super) struct Completion(pub(super) Console);

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Validator for Completion {}

impl Hinter for Completion {
    type Hint = String;
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..at).unwrap_or_default();
        let start = before.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
        let (before, word) = before.split_at(start);
        let mut candidates = self.candidates(before, word);
        candidates.retain(|candidate| candidate.starts_with(word));
        candidates.sort();
        candidates.dedup();
        Ok((start, candidates.into_iter().map(|candidate| candidate + " ").collect()))
    }
}

impl Completion {
    /// What can stand behind these words.
    fn candidates(&self, before: &str, word: &str) -> Vec<String> {
        let mut words: Vec<_> = before.split_whitespace().collect();
        while let ["as", _, rest @ ..] = &words[..] {
            words = rest.to_vec();
        }
        let [name, words @ ..] = &words[..] else {
            return commands::all().map(|command| command.name.to_owned()).collect();
        };
        let Ok(command) = commands::find(name) else { return Vec::new() };
        if words.last() == Some(&"on") {
            return self.nodes();
        }
        if word.starts_with("--") {
            return options(command).map(String::from).collect();
        }
        self.of(place(command, words))
    }

    /// What can stand in this place.
    fn of(&self, place: &str) -> Vec<String> {
        place.trim_matches(['[', ']']).split('|').flat_map(|what| self.all(what)).collect()
    }

    fn all(&self, what: &str) -> Vec<String> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match what {
            "NODE" => self.nodes(),
            "TO" => [self.processes(), self.names(), self.pids()].concat(),
            "PROCESS" => [self.processes_here(), self.names_here()].concat(),
            "NAME" => self.names(),
            "GROUP" => self.groups(),
            "COMMAND" => commands::all().map(|command| command.name.to_owned()).collect(),
            "WORD" => owned(&commands::help::WORDS.map(|(word, _)| word)),
            "FUNCTION" => owned(&FUNCTIONS),
            "REASON" => owned(&reasons::NAMES),
            "WORDS" => owned(&["up", "down", "got", "has ended"]),
            "on" | "off" => owned(&[what]),
            _ => Vec::new(),
        }
    }

    fn nodes(&self) -> Vec<String> {
        let Some((node, _)) = self.0.own() else { return Vec::new() };
        let kept = node.kept().into_iter().map(|kept| kept.name);
        node.nodes().into_iter().chain(kept).map(|name| name.as_ref().to_owned()).collect()
    }

    fn processes(&self) -> Vec<String> {
        let numbers = self.0.processes().into_keys().map(|number| format!("${number}"));
        numbers.chain(["self", "it"].map(String::from)).collect()
    }

    /// Those of this node that live: no other can be acted for or ended.
    fn processes_here(&self) -> Vec<String> {
        let lives = |name: &String| {
            let pid = self.0.named(name).ok().flatten();
            pid.is_some_and(|pid| pid.is_here() && self.0.own().is_some_and(|(node, _)| node.is_alive(pid)))
        };
        self.processes().into_iter().filter(lives).collect()
    }

    fn names(&self) -> Vec<String> {
        let global = self.0.own().map(|(node, _)| node.global_names()).unwrap_or_default();
        [self.names_here(), words(&global)].concat()
    }

    fn names_here(&self) -> Vec<String> {
        self.0.own().map(|(node, _)| words(&node.registered())).unwrap_or_default()
    }

    fn groups(&self) -> Vec<String> {
        let groups = self.0.own().and_then(|(node, _)| node.groups_started());
        let names = groups.map(|groups| groups.names()).unwrap_or_default();
        names.iter().filter(|name| !name.contains(char::is_whitespace)).map(ToString::to_string).collect()
    }

    fn pids(&self) -> Vec<String> {
        self.0.shown_last().iter().map(ToString::to_string).collect()
    }
}

/// Names that are words: one with blanks would have to stand in quotes.
fn words(names: &[(Arc<str>, Pid)]) -> Vec<String> {
    let words = names.iter().filter(|(name, _)| !name.contains(char::is_whitespace));
    words.map(|(name, _)| name.as_ref().to_owned()).collect()
}

/// The options that a command takes.
fn options(command: &Command) -> impl Iterator<Item = &str> {
    command.takes.split(['[', ']', '|', ' ']).filter(|word| word.starts_with("--"))
}

/// The place that the next word has among those that a command takes. Options and `on NODE` stand between them.
fn place<'c>(command: &'c Command, words: &[&str]) -> &'c str {
    let mut takes = command.takes.split_whitespace();
    let mut places = Vec::new();
    while let Some(place) = takes.next() {
        match place {
            "[--within" | "[on" => drop(takes.next()),
            _ if place.starts_with("[--") => {}
            _ => places.push(place),
        }
    }
    let mut said = words.iter();
    let mut count = 0;
    while let Some(word) = said.next() {
        match *word {
            "--within" | "on" => drop(said.next()),
            _ if word.starts_with("--") => {}
            _ => count += 1,
        }
    }
    places.get(count).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::screen::Screen;

    fn completed(line: &str) -> Vec<String> {
        let completion = Completion(Console::new(Screen::output()));
        let history = rustyline::history::MemHistory::new();
        let context = Context::new(&history);
        completion.complete(line, line.len(), &context).map(|(_, candidates)| candidates).unwrap_or_default()
    }

    #[test]
    fn a_word_is_completed_by_its_place() {
        assert_eq!(completed("dem"), ["demonitor "]);
        assert_eq!(completed("as $1 dem"), ["demonitor "]);
        assert_eq!(completed("help disc"), ["disconnect "]);
        assert_eq!(completed("spawn e"), ["echo "]);
        assert_eq!(completed("spawn --link e"), ["echo "]);
        assert_eq!(completed("exit it e"), ["error "]);
        assert_eq!(completed("call --within 5s se"), ["self "]);
        assert_eq!(completed("spawn --"), ["--link ", "--monitor "]);
        assert_eq!(completed("call --w"), ["--within "]);
        assert_eq!(completed("help T"), ["TERM ", "TO "]);
        assert_eq!(completed("trace o"), ["off ", "on "]);
        assert_eq!(completed("nonsense "), [""; 0]);
        assert_eq!(completed("quit x"), [""; 0]);
    }
}
