//! Parsing of node names. Specification: `dist.md`, "Node names".

use alloc::string::String;
use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::{char, digit1};
use nom::combinator::{all_consuming, map_opt, opt, recognize, verify};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use crate::limits::NODE_NAME_BYTES_MAX;

/// The port of a node whose name does not contain a port.
pub const DEFAULT_PORT: u16 = 9000;

const DEFAULT_PORT_TEXT: &str = ":9000";
const HOST_RULE: &str = "a host stands after the `@`; an IPv6 address in brackets";
const PORT_RULE: &str = "a `:` and a port of 0 to 65535 may follow the host, and nothing else";

/// A valid node name: `name@host` or `name@host:port`.
///
/// Messages can carry any text as a node name. A node's own name and a name to dial must be valid. The port of a name
/// to dial must also not be 0; this type does not check that.
///
/// Compare names in their [`completed`](NodeName::completed) form: `a@h` and `a@h:9000` are the same node, but are not
/// equal as values of this type.
///
/// ```
/// use snow_dist_codec::NodeName;
///
/// let name = NodeName::parse("a@[::1]:4000").unwrap();
/// assert_eq!((name.name(), name.host(), name.port()), ("a", "[::1]", 4000));
/// assert_eq!(NodeName::parse("a@h").unwrap().completed(), "a@h:9000");
/// assert!(NodeName::parse("a@::1").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeName<'a> {
    name: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> NodeName<'a> {
    /// Parses a node name.
    ///
    /// # Errors
    /// Returns [`NodeNameError`] if the text does not have the form of a node name, contains a control character, or is
    /// longer than [`NODE_NAME_BYTES_MAX`] bytes. A text without a port counts as if `:9000` stood after it.
    pub fn parse(text: &'a str) -> Result<Self, NodeNameError> {
        let broken = |rest: &str, rule| NodeNameError { at: text.len() - rest.len(), rule };
        let (rest, name) = name(text).map_err(|_| broken(text, "a name stands before the `@`"))?;
        let (rest, _) = at(rest).map_err(|_| broken(rest, "an `@` stands between name and host"))?;
        let (rest, host) = host(rest).map_err(|_| broken(rest, HOST_RULE))?;
        let (_, port) = all_consuming(opt(port)).parse(rest).map_err(|_| broken(rest, PORT_RULE))?;
        let port_missing = if port.is_none() { DEFAULT_PORT_TEXT.len() } else { 0 };
        //= spec/dist.md#dist-nam-001
        //# The name that a node announces for itself MUST be a node name.
        if text.len() + port_missing > NODE_NAME_BYTES_MAX {
            return Err(broken("", "a node name has at most 255 bytes with its port"));
        }
        Ok(Self { name, host, port })
    }

    /// Returns the part before the first `@`.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the host. An IPv6 address includes its brackets.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// Returns the port, or [`DEFAULT_PORT`] if the name does not contain one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_PORT)
    }

    /// Returns `true` if the name contains a port.
    #[must_use]
    pub const fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// Returns the whole node name with a port, which is [`DEFAULT_PORT`] if the name does not contain one.
    ///
    /// A node must announce, dial, compare and order names in this form.
    #[must_use]
    pub fn completed(&self) -> String {
        //= spec/dist.md#dist-nam-003
        //# A node MUST complete a node name without a port with `:9000` before it announces, dials, compares
        //# or orders it.
        alloc::format!("{}@{}:{}", self.name, self.host, self.port())
    }
}

impl fmt::Display for NodeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// An error that says why a text is not a node name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeNameError {
    /// The offset in bytes at which the text breaks the rule. For a text that is too long, it is the text's length.
    pub at: usize,
    /// The rule that the text breaks, in words.
    pub rule: &'static str,
}

impl fmt::Display for NodeNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a node name (`name@host:port`) at byte {}: {}", self.at, self.rule)
    }
}

impl core::error::Error for NodeNameError {}

fn name(text: &str) -> IResult<&str, &str> {
    take_while1(|character: char| character != '@' && !character.is_control()).parse(text)
}

fn at(text: &str) -> IResult<&str, char> {
    char('@').parse(text)
}

fn host(text: &str) -> IResult<&str, &str> {
    let literal = recognize(delimited(
        char('['),
        take_while1(|character: char| character != ']' && !character.is_control()),
        char(']'),
    ));
    let plain =
        take_while1(|character: char| !matches!(character, ':' | '[' | ']') && !character.is_control());
    alt((literal, plain)).parse(text)
}

/// Accepts no leading zeros, because names are compared byte by byte.
fn port(text: &str) -> IResult<&str, u16> {
    let digits = verify(digit1, |digits: &str| digits == "0" || !digits.starts_with('0'));
    preceded(tag(":"), map_opt(digits, |digits: &str| digits.parse().ok())).parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn parts_of_good_names() {
        for (text, name, host, port) in [
            ("a@h", "a", "h", 9000),
            ("a@h:0", "a", "h", 0),
            ("a@h:65535", "a", "h", 65535),
            ("café@münchen.example:1", "café", "münchen.example", 1),
            ("a@b@c:7", "a", "b@c", 7),
            ("a@[fe80::1%eth0]", "a", "[fe80::1%eth0]", 9000),
            (" @ ", " ", " ", 9000),
        ] {
            let parsed = NodeName::parse(text).unwrap();
            assert_eq!((parsed.name(), parsed.host(), parsed.port()), (name, host, port), "{text}");
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn says_where_a_bad_name_breaks() {
        for (text, at) in [
            ("", 0),
            ("no-at", 5),
            ("@h", 0),
            ("a@", 2),
            ("a@:1", 2),
            ("a@h:", 3),
            ("a@h:99999", 3),
            ("a@h:01", 3),
            ("a@h:+1", 3),
            ("a@h:1x", 3),
            ("a@::1", 2),
            ("a@[]", 2),
            ("a@[::1", 2),
            ("a@[::1]x", 7),
            ("a\0@h", 1),
            ("a@h\u{85}", 3),
            ("a@h[1]", 3),
            ("bad@h:xx", 5),
        ] {
            assert_eq!(NodeName::parse(text).map_err(|error| error.at), Err(at), "{text:?}");
        }
    }

    //= spec/dist.md#dist-nam-001
    //= type=test
    //# The name that a node announces for itself MUST be a node name.
    #[test]
    fn a_name_has_at_most_255_bytes_with_its_port() {
        for port in ["", ":0", ":10", ":65535"] {
            let completed_port = if port.is_empty() { ":9000" } else { port };
            let longest = alloc::format!("{}@h{port}", "x".repeat(255 - 2 - completed_port.len()));
            assert_eq!(NodeName::parse(&longest).unwrap().completed().len(), 255, "{port}");
            let longer = alloc::format!("x{longest}");
            assert_eq!(NodeName::parse(&longer).unwrap_err().at, longer.len(), "{port}");
        }
    }

    #[test]
    fn an_error_is_shown_with_its_place() {
        assert_eq!(
            NodeName::parse("a@h:01").unwrap_err().to_string(),
            "not a node name (`name@host:port`) at byte 3: a `:` and a port of 0 to 65535 may follow the host, and nothing else"
        );
    }

    #[test]
    fn a_name_says_whether_it_has_a_port() {
        assert!(NodeName::parse("a@h:9000").unwrap().has_port());
        assert!(!NodeName::parse("a@h").unwrap().has_port());
    }
}
