//! What should be seen, and whether it was.

use snow_dist_runtime::Direction;

/// All steps, in order.
#[derive(Debug, Default)]
pub(super) struct Checklist {
    steps: Vec<Step>,
}

/// A step: what brings it about, and what should be seen then.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) title: &'static str,
    /// Whether it came to an end.
    pub(super) over: bool,
    checks: Vec<Check>,
}

#[derive(Debug)]
struct Check {
    what: Expected,
    seen: bool,
    /// Counts only after all else of the step.
    last: bool,
}

/// Something that should be seen, or should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A message between the two nodes.
    Frame(Direction, &'static str),
    /// What somebody sees begins and ends like this.
    Sight { who: &'static str, begins: String, ends: String },
    /// Nobody may see something that begins like this, in this step or after it.
    Never { who: &'static str, begins: String },
}

impl Expected {
    pub(super) fn sight(who: &'static str, begins: impl Into<String>) -> Self {
        Self::sight_that_ends(who, begins, "")
    }

    pub(super) fn sight_that_ends(
        who: &'static str,
        begins: impl Into<String>,
        ends: impl Into<String>,
    ) -> Self {
        Self::Sight { who, begins: begins.into(), ends: ends.into() }
    }

    pub(super) fn never(who: &'static str, begins: impl Into<String>) -> Self {
        Self::Never { who, begins: begins.into() }
    }

    /// In a word or two.
    fn short(&self) -> String {
        let first = |text: &str| text.split([' ', ',']).next().unwrap_or_default().to_owned();
        match self {
            Self::Frame(_, name) => (*name).to_owned(),
            Self::Sight { who, begins, .. } if begins.starts_with("a message") => format!("message at {who}"),
            Self::Sight { who, begins, .. } if who.starts_with("node ") => format!("{who} {}", first(begins)),
            Self::Sight { who, begins, .. } => format!("{} at {who}", first(begins)),
            Self::Never { who, begins } => format!("no {} at {who}", first(begins)),
        }
    }
}

impl Checklist {
    pub(super) fn begin(&mut self, title: &'static str) {
        self.steps.push(Step { title, over: false, checks: Vec::new() });
    }

    /// The step that is under way should show this.
    pub(super) fn expect(&mut self, expected: impl IntoIterator<Item = Expected>) {
        self.add(expected, false);
    }

    /// As [`Checklist::expect`], but only once all else of the step has been seen.
    pub(super) fn expect_last(&mut self, expected: Expected) {
        self.add([expected], true);
    }

    fn add(&mut self, expected: impl IntoIterator<Item = Expected>, last: bool) {
        let checks = expected.into_iter().map(|what| {
            // What must not be seen counts as right until it is seen.
            let seen = matches!(what, Expected::Never { .. });
            Check { what, seen, last }
        });
        if let Some(step) = self.steps.last_mut() {
            step.checks.extend(checks);
        }
    }

    pub(super) fn end(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.over = true;
        }
    }

    pub(super) fn frame(&mut self, direction: Direction, name: &str) {
        self.tick(
            |what| matches!(what, Expected::Frame(due, called) if *due == direction && *called == name),
        );
    }

    pub(super) fn sight(&mut self, who: &str, what: &str) {
        for check in self.steps.iter_mut().flat_map(|step| &mut step.checks) {
            if let Expected::Never { who: due, begins } = &check.what
                && *due == who
                && what.starts_with(begins)
            {
                check.seen = false;
            }
        }
        self.tick(|expected| match expected {
            Expected::Sight { who: due, begins, ends } => {
                *due == who && what.starts_with(begins) && what.ends_with(ends)
            }
            _ => false,
        });
    }

    fn tick(&mut self, fits: impl Fn(&Expected) -> bool) {
        if let Some(step) = self.steps.last_mut() {
            step.tick(fits);
        }
    }

    /// Whether the step that is under way has shown all it should.
    pub(super) fn all_seen(&self) -> bool {
        self.steps.last().is_some_and(|step| step.count() == step.checks.len())
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Step {
    /// The first that fits and has not been seen is seen now.
    fn tick(&mut self, fits: impl Fn(&Expected) -> bool) {
        let others_due = self.checks.iter().any(|check| !check.seen && !check.last);
        let due = |check: &&mut Check| !check.seen && fits(&check.what) && !(check.last && others_due);
        if let Some(check) = self.checks.iter_mut().find(due) {
            check.seen = true;
        }
    }

    /// How much of it was as expected.
    pub(super) fn count(&self) -> usize {
        self.checks.iter().filter(|check| check.seen).count()
    }

    pub(super) fn is_good(&self) -> bool {
        self.over && self.count() == self.checks.len()
    }

    /// What was expected, in a few words each, and whether it is as expected.
    pub(super) fn expected(&self) -> impl Iterator<Item = (String, bool)> {
        self.checks.iter().map(|check| (check.what.short(), check.seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{In, Out};

    fn list(expected: impl IntoIterator<Item = Expected>) -> Checklist {
        let mut list = Checklist::default();
        list.begin("a step");
        list.expect(expected);
        list
    }

    fn missing(list: &Checklist) -> Vec<String> {
        list.steps().iter().flat_map(Step::expected).filter(|(_, seen)| !seen).map(|(what, _)| what).collect()
    }

    #[test]
    fn what_does_not_come_is_missing() {
        let mut list = list([Expected::Frame(Out, "LINK"), Expected::sight("b", "EXIT from <1.2.3>")]);
        list.frame(In, "LINK");
        list.frame(Out, "EXIT");
        list.sight("a", "EXIT from <1.2.3>: normal");
        list.sight("b", "EXIT from <1.2.4>: normal");
        assert_eq!(missing(&list), ["LINK", "EXIT at b"]);
        list.frame(Out, "LINK");
        list.sight("b", "EXIT from <1.2.3>: normal");
        assert!(list.all_seen() && missing(&list).is_empty());
    }

    #[test]
    fn what_is_expected_twice_must_come_twice() {
        let mut list = list([Expected::Frame(Out, "LINK"), Expected::Frame(Out, "LINK")]);
        list.frame(Out, "LINK");
        assert!(!list.all_seen());
        list.frame(Out, "LINK");
        assert!(list.all_seen());
    }

    #[test]
    fn what_must_come_last_does_not_count_before() {
        let mut list = list([Expected::sight("a", "DOWN")]);
        list.expect_last(Expected::sight("a", "NODEDOWN"));
        list.sight("a", "NODEDOWN b");
        list.sight("a", "DOWN of <1.2.3>");
        assert_eq!(missing(&list), ["NODEDOWN at a"]);
        list.sight("a", "NODEDOWN b");
        assert!(list.all_seen());
    }

    #[test]
    fn what_must_never_come_spoils_its_step_even_later() {
        let mut list = list([Expected::never("a", "EXIT")]);
        assert!(list.all_seen());
        list.end();
        list.begin("a later step");
        list.sight("b", "EXIT");
        assert!(list.steps()[0].is_good());
        list.sight("a", "EXIT from <1.2.3>");
        assert!(!list.steps()[0].is_good());
    }

    #[test]
    fn a_step_that_was_left_is_not_good() {
        let mut list = list([]);
        assert!(!list.steps()[0].is_good());
        list.end();
        assert!(list.steps()[0].is_good());
    }
}
