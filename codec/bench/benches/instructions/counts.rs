//! Runs passes under gungraun and reads what it counted.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Display;
use std::process::{Command, ExitCode, Stdio};

use serde_json::Value;

const FORMAT: &str = "--output-format";

/// Instructions of each pass, by its name and its place among the passes of that name.
pub(crate) struct Counts(BTreeMap<(String, usize), u64>);

impl Counts {
    fn read(json: &str) -> Self {
        let summaries = json.lines().map(|line| serde_json::from_str(line).expect("gungraun writes JSON"));
        let mut counts = BTreeMap::new();
        for summary in summaries {
            let summary: Value = summary;
            let name = summary["function_name"].as_str().unwrap().to_owned();
            // `shape_3`; one that is alone has no number.
            let number = summary["id"].as_str().and_then(|id| id.rsplit_once('_')?.1.parse().ok());
            let metrics = &summary["profiles"][0]["data"]["total"]["metrics"];
            let instructions = metrics["Ir"]["values"]["new"].as_u64().expect("callgrind counts Ir");
            counts.insert((name, number.unwrap_or(0)), instructions);
        }
        Self(counts)
    }

    /// Of one pass; `None` if it was not run.
    pub(crate) fn of(&self, pass: &str, place: usize) -> Option<u64> {
        self.0.get(&(pass.to_owned(), place)).copied()
    }

    /// Per message, or a dash for what was not run.
    pub(crate) fn per(&self, pass: &str, place: usize, messages: u64) -> String {
        self.of(pass, place).map_or_else(|| "-".to_owned(), |count| format!("{:.1}", ratio(count, messages)))
    }
}

/// Lets `passes` run under gungraun, and hands their counts to `print`, which says whether they are good.
pub(crate) fn run(passes: fn(), print: fn(&Counts) -> ExitCode) -> ExitCode {
    let is_of_gungraun = |argument: &str| argument == "--gungraun-run" || argument.starts_with(FORMAT);
    if env::args().any(|argument| is_of_gungraun(&argument)) {
        passes();
        return ExitCode::SUCCESS;
    }
    let this = env::current_exe().unwrap();
    let counted = Command::new(this)
        .args(env::args_os().skip(1))
        .arg(format!("{FORMAT}=json"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    if !counted.status.success() {
        return ExitCode::FAILURE;
    }
    print(&Counts::read(&String::from_utf8(counted.stdout).unwrap()))
}

/// `count` in terms of `of`.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(crate) fn ratio(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

/// Prints a line of a table.
pub(crate) fn line(name: &str, cells: impl IntoIterator<Item = impl Display>) {
    print!("{name:39}");
    for cell in cells {
        print!(" {cell:>11}");
    }
    println!();
}
