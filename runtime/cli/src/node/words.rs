//! A line of the prompt, word by word.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use snow_dist_runtime::NodeName;

/// The longest time that a command can be told to wait.
const TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a command was not done.
#[derive(Debug)]
pub(super) struct Failure {
    text: String,
    /// The words were wrong: how the command is used helps.
    pub(super) is_usage: bool,
}

impl Failure {
    pub(super) fn new(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), is_usage: false }
    }

    pub(super) fn usage(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), is_usage: true }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// What is left of a line. Blanks separate words; one with blanks in it stands in quotes, single or double. In double ones
/// `\"`, `\\`, `\n` and `\t` say characters.
#[derive(Clone, Copy)]
pub(super) struct Words<'l>(&'l str);

impl<'l> Words<'l> {
    pub(super) const fn new(line: &'l str) -> Self {
        Self(line)
    }

    /// The next word, if there is one.
    pub(super) fn take(&mut self) -> Result<Option<Cow<'l, str>>, Failure> {
        let text = self.0.trim_start();
        let (word, rest) = match text.chars().next() {
            None => return Ok(None),
            Some(quote @ ('"' | '\'')) => quoted(text, quote)?,
            Some(_) => {
                let end = text.find(char::is_whitespace).unwrap_or(text.len());
                let (word, rest) = text.split_at(end);
                (word.into(), rest)
            }
        };
        self.0 = rest;
        Ok(Some(word))
    }

    /// The next word, which the command needs.
    pub(super) fn need(&mut self, what: &str) -> Result<Cow<'l, str>, Failure> {
        self.take()?.ok_or_else(|| Failure::usage(format_args!("{what} is missing")))
    }

    /// Takes the next word if it is this one.
    pub(super) fn is_next(&mut self, word: &str) -> bool {
        let text = self.0.trim_start();
        let rest =
            text.strip_prefix(word).filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if let Some(rest) = rest {
            self.0 = rest;
        }
        rest.is_some()
    }

    /// Takes `on NODE`, if that is next. In quotes, `on` is a word like others.
    pub(super) fn on_node(&mut self) -> Result<Option<Cow<'l, str>>, Failure> {
        if !self.is_next("on") {
            return Ok(None);
        }
        let node = self.need("NODE")?;
        match NodeName::parse(&node) {
            Ok(_) => Ok(Some(node)),
            Err(error) => Err(Failure::new(format_args!("{node:?} is {error}"))),
        }
    }

    /// Takes `--within TIME`, if that is next.
    pub(super) fn within(&mut self, otherwise: Duration) -> Result<Duration, Failure> {
        if self.is_next("--within") { time(&self.need("TIME")?) } else { Ok(otherwise) }
    }

    /// Takes all that is left, as it stands there.
    pub(super) fn rest(&mut self) -> &'l str {
        std::mem::take(&mut self.0).trim()
    }

    /// Takes all that is left, which the command needs.
    pub(super) fn need_rest(&mut self, what: &str) -> Result<&'l str, Failure> {
        match self.rest() {
            "" => Err(Failure::usage(format_args!("{what} is missing"))),
            rest => Ok(rest),
        }
    }

    /// Takes all that is left as text, which may stand in quotes.
    pub(super) fn text(&mut self, what: &str) -> Result<Cow<'l, str>, Failure> {
        let rest = self.rest();
        match rest.chars().next() {
            None => Err(Failure::usage(format_args!("{what} is missing"))),
            Some(quote @ ('"' | '\'')) => match quoted(rest, quote) {
                Ok((text, "")) => Ok(text),
                _ => Ok(rest.into()),
            },
            Some(_) => Ok(rest.into()),
        }
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), Failure> {
        match self.0.trim() {
            "" => Ok(()),
            rest => Err(Failure::usage(format_args!("{rest:?} is more than the command takes"))),
        }
    }
}

/// The text in quotes that `text` begins with, and what is behind it.
fn quoted(text: &str, quote: char) -> Result<(Cow<'_, str>, &str), Failure> {
    let mut word = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if quote == '"' => match characters.next() {
                Some((_, 'n')) => word.push('\n'),
                Some((_, 't')) => word.push('\t'),
                Some((_, escaped @ ('"' | '\\'))) => word.push(escaped),
                _ => return Err(Failure::new(r#"in double quotes, only ", \, n and t can follow a \"#)),
            },
            _ if character == quote => {
                let rest = text.get(at + 1..).unwrap_or_default();
                if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
                    return Err(Failure::new(format_args!("a blank is missing behind {quote}{word}{quote}")));
                }
                return Ok((word.into(), rest));
            }
            _ => word.push(character),
        }
    }
    Err(Failure::new(format_args!("the {quote} that closes {quote}{word} is missing")))
}

/// A time such as `500ms`, `5s` or `2m`; a number alone is seconds.
pub(super) fn time(text: &str) -> Result<Duration, Failure> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "ms" => Duration::from_millis(1),
        "" | "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        _ => Duration::ZERO,
    };
    let time = number.parse().ok().and_then(|number| unit.checked_mul(number));
    time.filter(|time| (Duration::from_millis(1)..=TIME_MAX).contains(time)).ok_or_else(|| {
        Failure::usage(format_args!(
            "{text:?} is no time from 1ms to {}m, such as 500ms, 5s or 2m",
            TIME_MAX.as_secs() / 60
        ))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<String>, String> {
        let mut words = Words::new(line);
        let next = || words.take().map_err(|failure| failure.to_string()).transpose();
        std::iter::from_fn(next).map(|word| word.map(Cow::into_owned)).collect()
    }

    #[test]
    fn blanks_separate_words_and_quotes_hold_them_together() {
        assert_eq!(words("  send  $1 it's "), Ok(["send", "$1", "it's"].map(String::from).into()));
        assert_eq!(
            words(r#"a "b \"c\" \n" 'd \e' "#),
            Ok(["a", "b \"c\" \n", r"d \e"].map(String::from).into())
        );
        assert_eq!(words(""), Ok(vec![]));
        assert!(words("'a").unwrap_err().contains("closes 'a is missing"));
        assert!(words(r#""a"b"#).unwrap_err().contains("blank is missing"));
        assert!(words(r#""\x""#).is_err());
    }

    #[test]
    fn on_says_a_node_unless_it_stands_in_quotes() {
        let mut line = Words::new("'on fire'");
        assert!(line.on_node().unwrap().is_none());
        assert_eq!(line.text("TEXT").unwrap(), "on fire");
        assert!(
            Words::new("on fire")
                .on_node()
                .unwrap_err()
                .to_string()
                .starts_with("\"fire\" is not a node name")
        );
        let mut line = Words::new(" on b@h:1 hello");
        assert_eq!(line.on_node().unwrap().unwrap(), "b@h:1");
        assert_eq!(line.rest(), "hello");
    }

    #[test]
    fn text_is_all_that_is_left_with_its_quotes_or_without() {
        let text =
            |line| Words::new(line).text("TEXT").map(Cow::into_owned).map_err(|failure| failure.to_string());
        assert_eq!(text(" a  b "), Ok("a  b".into()));
        assert_eq!(text("'a  b '"), Ok("a  b ".into()));
        assert_eq!(text("'a' b"), Ok("'a' b".into()));
        assert_eq!(text(" "), Err("TEXT is missing".into()));
    }

    #[test]
    fn times_have_units_and_bounds() {
        assert_eq!(time("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(
            (time("2").unwrap(), time("2m").unwrap()),
            (Duration::from_secs(2), Duration::from_secs(120))
        );
        for wrong in ["", "s", "0", "1h", "1441m", "99999999999999999999", "-1", "1.5s"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
