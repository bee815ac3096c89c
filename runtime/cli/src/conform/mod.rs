//! `snow-dist conform`: judges a node against the specification. The library `snow-dist-conform` does the work.

mod asking;
mod groups;
mod node;
mod processes;
mod reasons;

pub(crate) use node::run as run_node;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use snow_dist_conform::adapter::Launch;
use snow_dist_conform::cases::{self, Case, Filter, Role};
use snow_dist_conform::report::{Judged, Report};
use snow_dist_conform::subject::{Listen, Subject};
use snow_dist_conform::verdict::Verdict;
use snow_dist_conform::{JOBS, JOBS_ADAPTED, PATIENCE, Run, Unjudged, judge};

use crate::cookie;

pub(crate) const HELP: &str = "\
A node that runs is judged over the wire alone:
  snow-dist conform --cookie-file cookie --address 127.0.0.1:9000
  snow-dist conform --cookie-file cookie --listen 127.0.0.1:9100
With --listen it has to dial conform@127.0.0.1:9100, and to dial again whenever
a connection ends. Give both, and a second name on the other side of the node's
own, for the cases in which both nodes dial: of a node m@127.0.0.1:9000, which
dials conform@127.0.0.1:9100 and mz@127.0.0.1:9101, with
  --listen 127.0.0.1:9100 --listen mz@127.0.0.1:9101

Deeper, your own program starts your node and does as it is told by lines of
JSON on its standard input, each answered by a line on its standard output:
  snow-dist conform -- ./my-adapter --any arguments
The program is started once for each case. The commands are described in
spec/conformance/README.md, with the case list. This one judges the node of this
repository:
  snow-dist conform -- snow-dist conform-node

Verdicts: pass; fail; non-strict (a recommendation is not followed);
unsupported (the node or its adapter has no such thing); inconclusive (what the
case needs did not come about); known-fail and unexpected-pass (by the list of
known failures, one slug or slug/role a line, # begins a comment).

Exit status: 0 conformant, 1 not (a fail, an inconclusive, or an unexpected
pass), 2 wrong usage (a selection without a case among it), 3 the subject cannot
be reached, 4 a report could not be written.";

/// The command's arguments.
#[derive(Args)]
pub(crate) struct Conform {
    /// Where a node that runs listens, host:port: judge it as an acceptor.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Listen here, and judge a node that dials as an initiator. May be given again, with other names.
    #[arg(long, value_name = "[NAME@]IP:PORT")]
    listen: Vec<Listen>,
    /// The file with the secret that the node knows.
    #[arg(long, value_name = "PATH")]
    cookie_file: Option<PathBuf>,
    /// The adapter: a program and its arguments, behind --.
    #[arg(last = true, value_name = "ADAPTER", conflicts_with_all = ["address", "listen", "cookie_file"])]
    adapter: Vec<String>,
    /// The version of the protocol whose subject the node is.
    #[arg(long, value_name = "1|2", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    version: u8,
    /// Count a recommendation that is not followed as a failure.
    #[arg(long)]
    strict: bool,
    /// Only these cases: a slug, or the beginning of slugs and *. May be given again.
    #[arg(long = "case", value_name = "SLUG")]
    slugs: Vec<String>,
    /// Only cases about these requirements: an id, or the beginning of ids and *. May be given again.
    #[arg(long = "requirement", value_name = "ID")]
    requirements: Vec<String>,
    /// Only in this role of the node.
    #[arg(long, value_enum)]
    role: Option<RoleName>,
    /// Cases that are known to fail, one slug or slug/role a line.
    #[arg(long, value_name = "PATH")]
    known_failures: Option<PathBuf>,
    /// Write JUnit's XML here.
    #[arg(long, value_name = "PATH")]
    junit: Option<PathBuf>,
    /// Write JSON here, with the verdicts of each requirement.
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// Take the cases of the .toml files in this folder.
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// Print the cases that would be played, and play none.
    #[arg(long)]
    list: bool,
    /// Seconds that a case waits for what must come, beside the times of the protocol.
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs())]
    patience: u64,
    /// Cases at once: 4, and 12 with an adapter, unless said otherwise.
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<usize>,
    /// Print the summary only.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    Acceptor,
    Initiator,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Acceptor => Self::Acceptor,
            RoleName::Initiator => Self::Initiator,
        }
    }
}

/// Why the command ends without, or in spite of, a verdict on the node.
enum Stop {
    Usage(String),
    Unreachable(String),
    Unwritten(String),
}

impl From<Unjudged> for Stop {
    fn from(unjudged: Unjudged) -> Self {
        match unjudged {
            Unjudged::Usage(what) => Self::Usage(what),
            other => Self::Unreachable(other.to_string()),
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &Conform) -> ExitCode {
    let (status, what) = match judged(arguments) {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => return ExitCode::from(1),
        Err(Stop::Usage(what)) => (2, what),
        Err(Stop::Unreachable(what)) => (3, what),
        Err(Stop::Unwritten(what)) => (4, what),
    };
    eprintln!("error: {what}");
    ExitCode::from(status)
}

fn judged(arguments: &Conform) -> Result<bool, Stop> {
    let cases = match &arguments.cases {
        Some(folder) => cases::read(folder),
        None => cases::all(),
    }
    .map_err(|error| Stop::Usage(error.to_string()))?;
    if arguments.list {
        return list(arguments, &cases);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::Usage(error.to_string()))?;
    let report = runtime.block_on(async {
        let run = wanted(arguments, cases).await?;
        Ok::<_, Stop>(judge(run, |case| tell(arguments, case)).await?)
    })?;
    say(&report.to_string());
    write_reports(arguments, &report)?;
    Ok(report.is_conformant())
}

async fn wanted(arguments: &Conform, cases: Vec<Case>) -> Result<Run, Stop> {
    let usage = |what: String| Stop::Usage(what);
    let usual_jobs = if arguments.adapter.is_empty() { JOBS } else { JOBS_ADAPTED };
    let (subject, cookie) = if arguments.adapter.is_empty() {
        if arguments.address.is_none() && arguments.listen.is_empty() {
            return Err(usage(
                "who is to be judged? Give --address, --listen or an adapter; see --help".into(),
            ));
        }
        let file =
            arguments.cookie_file.as_deref().ok_or_else(|| usage("--cookie-file is missing".into()))?;
        let subject = Subject::running(arguments.address.clone(), &arguments.listen).await;
        (subject.map_err(|error| usage(format!("cannot listen: {error}")))?, cookie_of(file)?)
    } else {
        // The subject is started here, so the secret can be one of the moment.
        let cookie = cookie::random().map_err(|error| usage(error.to_string()))?;
        (Subject::Adapted(Launch::Program(arguments.adapter.clone())), cookie)
    };
    Ok(Run {
        subject,
        cookie,
        cases,
        filter: filter(arguments),
        version: arguments.version,
        strict: arguments.strict,
        known_failures: known_failures(arguments.known_failures.as_deref())?,
        patience: Duration::from_secs(arguments.patience),
        jobs: arguments.jobs.unwrap_or(usual_jobs),
    })
}

fn filter(arguments: &Conform) -> Filter {
    Filter {
        slugs: arguments.slugs.clone(),
        requirements: arguments.requirements.clone(),
        role: arguments.role.map(Role::from),
    }
}

/// The secret of a file, without the line's end at the file's end.
fn cookie_of(file: &Path) -> Result<String, Stop> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Stop::Usage(format!("the cookie file {}: {error}", file.display())))?;
    let cookie = text.strip_suffix('\n').unwrap_or(&text);
    Ok(cookie.strip_suffix('\r').unwrap_or(cookie).to_owned())
}

fn known_failures(file: Option<&Path>) -> Result<BTreeSet<String>, Stop> {
    let Some(file) = file else { return Ok(BTreeSet::new()) };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Stop::Usage(format!("the list of known failures {}: {error}", file.display())))?;
    let entries = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
}

fn list(arguments: &Conform, cases: &[Case]) -> Result<bool, Stop> {
    let filter = filter(arguments);
    let mut any = false;
    for case in cases.iter().filter(|case| case.versions.contains(&arguments.version)) {
        for role in [Role::Acceptor, Role::Initiator] {
            if case.role.has(role) && filter.takes(case, role) {
                say(&format!("{:<9} {:<44} {}", role.name(), case.slug, case.title));
                any = true;
            }
        }
    }
    if any { Ok(true) } else { Err(Stop::Usage("no case is selected".into())) }
}

fn tell(arguments: &Conform, case: &Judged) {
    let shown = !arguments.quiet && case.verdict == Verdict::Pass;
    if shown {
        say(&case.to_string());
    }
}

/// Prints a line. Whoever reads and stops has seen enough: the exit status says the rest.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn write_reports(arguments: &Conform, report: &Report) -> Result<(), Stop> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(|error| Stop::Unwritten(format!("{}: {error}", path.display())))
    };
    if let Some(path) = &arguments.json {
        write(path, format!("{:#}\n", report.json()))?;
    }
    if let Some(path) = &arguments.junit {
        write(path, report.junit().map_err(|error| Stop::Unwritten(error.to_string()))?)?;
    }
    Ok(())
}

/// A member of a JSON object; null if there is none.
fn field<'v>(value: &'v serde_json::Value, name: &str) -> &'v serde_json::Value {
    value.get(name).unwrap_or(&serde_json::Value::Null)
}
