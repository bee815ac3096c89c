//! What the processes of a measurement tell each other: lines of fields, `name=value` each, without spaces.

use std::collections::HashMap;

use anyhow::{Context, Result};

/// The fields of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(HashMap<String, String>);

impl Fields {
    pub(super) fn read(line: &str) -> Self {
        Self(line.split_whitespace().filter_map(|field| field.split_once('=')).map(owned).collect())
    }

    pub(super) fn text(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).with_context(|| format!("no {name} was told"))
    }

    pub(super) fn number(&self, name: &str) -> Result<f64> {
        self.text(name)?.parse().with_context(|| format!("{name} is no number"))
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The counts that are not zero, as one value.
pub(super) fn counts<'n>(counts: impl IntoIterator<Item = (&'n str, u64)>) -> String {
    let told: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    told.iter().map(|(name, count)| format!("{name}:{count}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_are_told() {
        let line = format!("rss=12 told={}", counts([("tls", 0), ("cookie", 3), ("gave_way", 2)]));
        let fields = Fields::read(&line);
        assert_eq!(fields.number("rss").unwrap(), 12.0);
        assert_eq!(fields.text("told").unwrap(), "cookie:3,gave_way:2");
        assert!(fields.number("told").is_err() && fields.text("hwm").is_err());
    }
}
