//! Instruction counts: `cargo bench -p snow-dist-bench --bench instructions`.
//!
//! gungraun runs every pass under callgrind, and what it counts is printed as one table, per message. Arguments
//! are gungraun's; with an `--output-format` of one's own there is gungraun's output and no table.

mod passes;
mod table;

use std::env;
use std::process::{Command, ExitCode, Stdio};

const FORMAT: &str = "--output-format";

fn main() -> ExitCode {
    let is_of_gungraun = |argument: &str| argument == "--gungraun-run" || argument.starts_with(FORMAT);
    if env::args().any(|argument| is_of_gungraun(&argument)) {
        passes::run();
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
    table::print(&String::from_utf8(counted.stdout).unwrap());
    ExitCode::SUCCESS
}
