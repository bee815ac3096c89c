//! The texts of `help`.

use super::{Command, SUBJECTS};

/// Columns of a terminal that shows it as it is meant to be seen.
const COLUMNS: usize = 80;
/// The column in which explanations begin in the list of all commands.
const EXPLAINED_AT: usize = 30;

/// Words that more than one command takes.
pub(in crate::node) const WORDS: [(&str, &str); 3] = [
    (
        "TO",
        "TO is $1, self, it (the process that was shown last), a pid, a name here, a global name, or a name and `on NODE`. \
         NODE is NAME@HOST:PORT.",
    ),
    (
        "TERM",
        "TERM is JSON: numbers, strings in double quotes, true, false, null (unit), lists, and objects, which are maps. \
         Other values say their type, as `snow-dist decode --as term --json` shows them: \
         {\"type\":\"tuple\",\"values\":[\"get\",7]}, {\"type\":\"some\",\"value\":7}, {\"type\":\"pid\",\"value\":\"$1\"}.",
    ),
    ("REASON", "REASON is normal, shutdown, killed, noconnection, error TEXT or custom TEXT."),
];

/// Explains a word that commands take.
pub(super) fn of_word(word: &str) -> Option<String> {
    let (_, about) = WORDS.iter().find(|(known, _)| *known == word)?;
    Some(wrapped(about, 0))
}

/// All that there is to say of a command.
pub(super) fn of_command(command: &Command) -> String {
    let mut text = format!("{} {}", command.about, command.more);
    let takes = |word: &str| command.takes.split(['[', ']', '|', ' ']).any(|taken| taken == word);
    for (word, _) in WORDS.iter().filter(|(word, _)| takes(word)) {
        text += &format!(" `help {word}` says what {word} is.");
    }
    format!("{}\n{}", command.usage(), wrapped(&text, 0))
}

/// All commands, by subject.
pub(super) fn overview() -> String {
    let mut lines = Vec::new();
    for (subject, commands) in SUBJECTS {
        lines.push(format!("{subject}:"));
        lines.extend(commands.iter().map(row));
    }
    lines.push(wrapped(
        "`help COMMAND` says more of one, `help TO` what TO is, and so of TERM and REASON.",
        0,
    ));
    lines.join("\n")
}

fn row(command: &Command) -> String {
    let usage = format!("  {}", command.usage());
    let about = wrapped(command.about, EXPLAINED_AT);
    if usage.len() + 2 <= EXPLAINED_AT {
        format!("{usage:EXPLAINED_AT$}{}", about.trim_start())
    } else {
        format!("{usage}\n{about}")
    }
}

/// Text in lines that begin in this column.
fn wrapped(text: &str, column: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{:column$}{word}", "")),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::all;
    use super::*;

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let words = WORDS.iter().filter_map(|(word, _)| of_word(word));
        for text in all().map(of_command).chain(words).chain([overview()]) {
            assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        }
    }

    #[test]
    fn a_command_says_where_its_words_are_explained() {
        for command in
            all().filter(|command| ["link", "monitor", "call", "exit", "send"].contains(&command.name))
        {
            assert!(
                of_command(command).replace('\n', " ").contains("`help TO` says what TO is."),
                "{}",
                command.name
            );
        }
    }
}
