//! Node names: the codec's grammar in nom, beside the same rules by hand.

use snow_dist_codec::NodeName;

/// What names are measured with.
pub const NAMES: [&str; 4] =
    ["alice@10.0.3.17:9000", "worker-17@rack4.example.net:47000", "a@[2001:db8::4:1]:9000", "bob@host"];

/// Parses all names, 250 times.
#[inline(never)]
pub fn by_codec(names: &[&str; 4]) {
    for name in names.iter().cycle().take(1_000) {
        std::hint::black_box(NodeName::parse(name).unwrap());
    }
}

/// Parses all names, 250 times.
#[inline(never)]
pub fn by_hand(names: &[&str; 4]) {
    for name in names.iter().cycle().take(1_000) {
        std::hint::black_box(parse(name).unwrap());
    }
}

/// A name, a host, and a port where there is one.
type Parts<'a> = (&'a str, &'a str, Option<u16>);

/// As [`NodeName::parse`], but does not say what is wrong, or where.
fn parse(text: &str) -> Option<Parts<'_>> {
    let (name, rest) = text.split_once('@')?;
    let host_len = if rest.starts_with('[') { rest.find(']')? + 1 } else { plain_len(rest) };
    let (host, rest) = rest.split_at_checked(host_len)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = if rest.is_empty() { None } else { Some(port(rest.strip_prefix(':')?)?) };
    let short = text.len() + if port.is_none() { ":9000".len() } else { 0 } <= 255;
    (short && is_word(name) && is_word(bare)).then_some((name, host, port))
}

fn plain_len(rest: &str) -> usize {
    rest.find([':', '[', ']']).unwrap_or(rest.len())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

fn port(digits: &str) -> Option<u16> {
    let plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_agree() {
        let others = [
            "",
            "no-at",
            "@h",
            "a@",
            "a@:1",
            "a@h:",
            "a@h:99999",
            "a@h:01",
            "a@h:+1",
            "a@h:0",
            "a@::1",
            "a@[]",
            "a@[::1",
            "a@[::1]x",
            "a\0@h",
            "a@h\u{85}",
            "a@h[1]",
            "a@b@c:7",
            "café@münchen:1",
            "a@[x[y]:1",
        ];
        for text in NAMES.into_iter().chain(others) {
            let parsed = NodeName::parse(text).ok();
            let parts = parsed.map(|name| (name.name(), name.host(), name.has_port().then(|| name.port())));
            assert_eq!(parse(text), parts, "{text:?}");
        }
    }
}
