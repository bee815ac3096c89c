//! A run as JUnit's XML.

use quick_junit::{NonSuccessKind, Report as Xml, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Judged, Report};
use crate::verdict::Verdict;

impl Report {
    /// The run as JUnit's XML: a suite for each role. Where nothing is wrong and nothing was judged, a case counts as
    /// skipped.
    ///
    /// # Errors
    /// The XML cannot be written.
    pub fn junit(&self) -> Result<String, SerializeError> {
        let mut report = Xml::new("snow-dist conform");
        report.set_time(self.took);
        for role in [crate::cases::Role::Acceptor, crate::cases::Role::Initiator] {
            let mut suite = TestSuite::new(role.name());
            suite.add_test_cases(self.cases.iter().filter(|case| case.role == role).map(test_case));
            report.add_test_suite(suite);
        }
        report.to_string()
    }
}

fn test_case(case: &Judged) -> TestCase {
    let message = case.message.clone().unwrap_or_default();
    let described = format!("{}: {message}", case.verdict.name());
    let status = match case.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Unsupported | Verdict::KnownFail | Verdict::NonStrict => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(described);
            status
        }
        Verdict::Fail | Verdict::Inconclusive | Verdict::UnexpectedPass => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(case.verdict.name()).set_message(described);
            status.set_description(format!("{}\n{}\n", case.title, case.log.join("\n")));
            status
        }
    };
    let mut test = TestCase::new(case.slug.clone(), status);
    test.set_classname(case.requirements.join(" ")).set_time(case.took);
    test
}
