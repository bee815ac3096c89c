//! What comes of a run: for people, for programs, and for the tools that show test results.

mod junit;
mod summary;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::cases::{Level, Role};
use crate::verdict::Verdict;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The version of the protocol whose subject was judged.
    pub version: u8,
    /// Whether recommendations counted.
    pub strict: bool,
    /// How long it took.
    pub took: Duration,
    /// What came of each case, in the order of the list.
    pub cases: Vec<Judged>,
}

/// What came of a case in one role.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// The case.
    pub slug: String,
    /// What is true of a node that passes.
    pub title: String,
    /// The subject's role.
    pub role: Role,
    /// How far the case binds.
    pub level: Level,
    /// The requirements that it is about.
    pub requirements: Vec<String>,
    /// What came of it.
    pub verdict: Verdict,
    /// Why it is no pass, and at which step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How long it took.
    #[serde(serialize_with = "milliseconds", rename = "milliseconds")]
    pub took: Duration,
    /// What went over the wire and to the adapter. In reports only where the case did not pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

impl Report {
    /// Whether the subject is conformant as far as it was judged.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        !self.cases.iter().any(|case| case.verdict.condemns())
    }

    /// How many cases have a verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cases.iter().filter(|case| case.verdict == verdict).count()
    }

    /// For each requirement the verdicts of its cases, and the worst of them.
    #[must_use]
    pub fn by_requirement(&self) -> BTreeMap<&str, Vec<&Judged>> {
        let mut requirements: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
        for case in &self.cases {
            for requirement in &case.requirements {
                requirements.entry(requirement).or_default().push(case);
            }
        }
        requirements
    }

    /// The run as JSON: the sums, the requirements, the cases.
    #[must_use]
    pub fn json(&self) -> Value {
        let counts: BTreeMap<_, _> =
            Verdict::ALL.into_iter().map(|verdict| (verdict.name(), self.count(verdict))).collect();
        let requirements: BTreeMap<_, _> = self
            .by_requirement()
            .into_iter()
            .map(|(requirement, cases)| {
                let of = |case: &&Judged| (format!("{}/{}", case.slug, case.role.name()), case.verdict);
                let verdicts: BTreeMap<_, _> = cases.iter().map(of).collect();
                (requirement, json!({"verdict": worst(&cases), "cases": verdicts}))
            })
            .collect();
        let cases: Vec<_> = self.cases.iter().map(Judged::for_report).collect();
        json!({
            "version": self.version,
            "strict": self.strict,
            "conformant": self.is_conformant(),
            "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "counts": counts,
            "requirements": requirements,
            "cases": cases,
        })
    }
}

impl Judged {
    fn for_report(&self) -> Self {
        let mut case = self.clone();
        if case.verdict == Verdict::Pass {
            case.log.clear();
        }
        case
    }
}

/// Of several verdicts the one that says most about what is wrong.
fn worst(cases: &[&Judged]) -> Option<Verdict> {
    const WORST_FIRST: [Verdict; 7] = [
        Verdict::Fail,
        Verdict::UnexpectedPass,
        Verdict::Inconclusive,
        Verdict::KnownFail,
        Verdict::NonStrict,
        Verdict::Unsupported,
        Verdict::Pass,
    ];
    WORST_FIRST.into_iter().find(|verdict| cases.iter().any(|case| case.verdict == *verdict))
}

fn milliseconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}
