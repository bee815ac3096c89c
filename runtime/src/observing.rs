#![doc = include_str!("../OBSERVING.md")]

#[cfg(feature = "metrics")]
mod metrics;

#[cfg(feature = "metrics")]
pub use metrics::Metrics;

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Where the table of events begins in `OBSERVING.md`, and where it ends.
    const TABLE: [&str; 2] = ["| target | level | message | fields |\n|---|---|---|---|\n", "\n## Spans"];

    /// What is written in the brackets of each `event!` and `span!` of a source.
    fn invocations<'s>(source: &'s str, macro_name: &str) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let parts: Vec<&'s str> = source.split(macro_name).collect();
        for part in parts.into_iter().skip(1) {
            found.push(arguments(part));
        }
        found
    }

    /// The arguments up to the bracket that closes, texts without the line ends that are escaped.
    fn arguments(text: &str) -> Vec<String> {
        let (mut arguments, mut depth, mut in_text) = (vec![String::new()], 0, false);
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if in_text => match characters.next() {
                    Some('\n') => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                    escaped => arguments.last_mut().unwrap().extend(escaped),
                },
                '"' => {
                    in_text = !in_text;
                    arguments.last_mut().unwrap().push(character);
                }
                ')' | ']' | '}' if !in_text && depth == 0 => break,
                ',' if !in_text && depth == 0 => arguments.push(String::new()),
                _ => {
                    let step = match character {
                        '(' | '[' | '{' if !in_text => 1,
                        ')' | ']' | '}' if !in_text => -1,
                        _ => 0,
                    };
                    depth += step;
                    arguments.last_mut().unwrap().push(character);
                }
            }
        }
        arguments.into_iter().map(|argument| argument.trim().to_owned()).collect()
    }

    /// `%peer` and `peer = %Shown(name)` are both the field `peer`.
    fn field(argument: &str) -> String {
        let name = argument.split('=').next().unwrap_or_default().trim();
        format!("`{}`", name.trim_start_matches(['%', '?']))
    }

    fn row(arguments: &[String]) -> String {
        let (target, level) = (&arguments[0], &arguments[1]);
        let fields: Vec<_> =
            arguments[2..].iter().take_while(|it| !it.starts_with('"')).map(|it| field(it)).collect();
        let message = arguments[2..].iter().find(|it| it.starts_with('"')).unwrap();
        let message = message.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap();
        format!("| `{target}` | {level} | {message} | {} |\n", fields.join(" "))
    }

    /// All sources of this crate but the one that makes the macros and this one.
    fn sources(under: &Path, sources: &mut Vec<String>) {
        for entry in std::fs::read_dir(under).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self::sources(&path, sources);
            } else if !path.ends_with("src/foreign.rs") && !path.ends_with("src/observing.rs") {
                sources.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    fn all(macro_name: &str) -> Vec<Vec<String>> {
        let mut texts = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
        texts.iter().flat_map(|text| invocations(text, macro_name)).collect()
    }

    /// The table is that of the sources. `SNOW_EVENTS_WRITE=1` writes it anew.
    #[test]
    fn every_event_is_in_the_table_and_nothing_else() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("OBSERVING.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(TABLE[0]).unwrap();
        let (table, after) = rest.split_once(TABLE[1]).unwrap();
        let rows: BTreeSet<_> = all("event!(").iter().map(|arguments| row(arguments)).collect();
        let expected: String = rows.into_iter().collect();
        if std::env::var_os("SNOW_EVENTS_WRITE").is_some() {
            std::fs::write(&path, [before, TABLE[0], &expected, TABLE[1], after].concat()).unwrap();
            return;
        }
        assert!(table.lines().count() > 20);
        assert_eq!(table, expected, "SNOW_EVENTS_WRITE=1 writes the table anew");
    }

    #[test]
    fn every_span_is_told_of() {
        let text = include_str!("../OBSERVING.md");
        let spans = all(" span!(");
        let rows =
            text.lines().filter(|line| line.starts_with("| `session` |") || line.starts_with("| `call` |"));
        assert_eq!((spans.len(), rows.count()), (2, 2));
        for arguments in spans {
            let [target, level, name, fields @ ..] = &arguments[..] else { panic!("{arguments:?}") };
            let fields: Vec<_> = fields.iter().map(|it| field(it)).collect();
            let row =
                format!("| `{}` | `{target}` | {level} | {} |", name.trim_matches('"'), fields.join(" "));
            assert!(text.contains(&row), "{row}");
        }
    }

    #[test]
    fn events_are_read_as_they_are_written() {
        let source = "event!(sessions, WARN, %a, b = %f(x, \"y\"), ?c, \"one, \\\n     {two} \\\"3\\\"\", d); event!(x, INFO, \"m\")";
        let rows: Vec<_> = invocations(source, "event!(").iter().map(|it| row(it)).collect();
        assert_eq!(rows[0], "| `sessions` | WARN | one, {two} \"3\" | `a` `b` `c` |\n");
        assert_eq!(rows[1], "| `x` | INFO | m |  |\n");
    }
}
