//! What comes of a case.

use serde::Serialize;

/// What comes of a case in one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The subject did what the case asks.
    Pass,
    /// It did something else, and the requirement is one that binds.
    Fail,
    /// It did something else where that is allowed: the case's level is `should` or `may`.
    NonStrict,
    /// The subject, or its adapter, says that it has no such thing; or there is no adapter.
    Unsupported,
    /// Nothing can be said: what the case needs did not come about.
    Inconclusive,
    /// It failed, and the list of known failures says so.
    KnownFail,
    /// It passed, and the list of known failures says that it fails.
    UnexpectedPass,
}

impl Verdict {
    /// All of them, in the order of a summary.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Fail,
        Self::NonStrict,
        Self::Unsupported,
        Self::Inconclusive,
        Self::KnownFail,
        Self::UnexpectedPass,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NonStrict => "non-strict",
            Self::Unsupported => "unsupported",
            Self::Inconclusive => "inconclusive",
            Self::KnownFail => "known-fail",
            Self::UnexpectedPass => "unexpected-pass",
        }
    }

    /// Whether a subject with this verdict is not shown to be conformant.
    #[must_use]
    pub const fn condemns(self) -> bool {
        matches!(self, Self::Fail | Self::Inconclusive | Self::UnexpectedPass)
    }

    /// What a list of known failures makes of it.
    #[must_use]
    pub const fn when_known_to_fail(self) -> Self {
        match self {
            Self::Fail | Self::NonStrict => Self::KnownFail,
            Self::Pass => Self::UnexpectedPass,
            other => other,
        }
    }
}

/// Why a case was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The subject did what it should not, or not what it should.
    #[error("{0}")]
    Wrong(String),
    /// The subject has no such thing.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// What the case needs did not come about.
    #[error("inconclusive: {0}")]
    Unjudged(String),
}

impl Trouble {
    /// The subject is at fault.
    pub fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }

    /// Nobody can say who is.
    pub fn unjudged(what: impl Into<String>) -> Self {
        Self::Unjudged(what.into())
    }

    /// The same where the step was only preparation for what the case is about.
    #[must_use]
    pub fn in_preparation(self, of: &str) -> Self {
        match self {
            Self::Wrong(what) => Self::Unjudged(format!("{of}: {what}")),
            other => other,
        }
    }
}
