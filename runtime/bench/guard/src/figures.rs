//! The figures that are kept, in a file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// A path may cost so much more than is kept of it, in percent.
const MORE_MAX: u64 = 5;

/// Instructions of each path, by its name.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<String, u64>);

/// The result of comparing a count with the figure that is kept of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Same,
    Less,
    More,
    /// Nothing is kept of it.
    New,
}

impl Judgement {
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Self::Same | Self::Less)
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("ok"),
            Self::Less => write!(f, "ok, and less by more than {MORE_MAX} %: write it down (--write)"),
            Self::More => write!(f, "MORE by more than {MORE_MAX} %"),
            Self::New => f.write_str("NOT KEPT: write it down (--write)"),
        }
    }
}

impl Figures {
    /// Those of the repository in which `cargo run` was called: the program may have been built from another clone that has
    /// the same target folder.
    fn file() -> PathBuf {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        PathBuf::from(own).join("figures.toml")
    }

    pub(crate) fn read() -> Result<Self> {
        let file = Self::file();
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(Self(toml::from_str(&text)?))
    }

    pub(crate) fn write(&self) -> Result<()> {
        let head = "# Instructions of each path, of both ends together: cargo run --release -p snow-dist-guard -- --write\n";
        Ok(std::fs::write(Self::file(), format!("{head}{}", toml::to_string(&self.0)?))?)
    }

    pub(crate) fn set(&mut self, path: &str, count: u64) {
        self.0.insert(path.to_owned(), count);
    }

    pub(crate) fn shown(&self, path: &str) -> String {
        self.0.get(path).map_or_else(|| "-".to_owned(), u64::to_string)
    }

    pub(crate) fn judge(&self, path: &str, now: u64) -> Judgement {
        let Some(&kept) = self.0.get(path) else { return Judgement::New };
        if now * 100 > kept * (100 + MORE_MAX) {
            Judgement::More
        } else if now * 100 < kept * (100 - MORE_MAX) {
            Judgement::Less
        } else {
            Judgement::Same
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_by_a_twentieth_is_too_much() {
        let mut kept = Figures::default();
        kept.set("path", 1_000);
        let judged = [949, 950, 1_050, 1_051].map(|now| kept.judge("path", now));
        assert_eq!(judged, [Judgement::Less, Judgement::Same, Judgement::Same, Judgement::More]);
        assert_eq!((kept.judge("another", 1), judged[3].is_good()), (Judgement::New, false));
    }
}
