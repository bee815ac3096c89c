//! Instruction counts: `cargo bench -p snow-dist-bench --bench instructions`.
//!
//! gungraun runs every pass under callgrind, and what it counts is printed as one table, per message. Arguments
//! are gungraun's; with an `--output-format` of one's own there is gungraun's output and no table.

mod counts;
mod passes;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    counts::run(passes::run, |counts| {
        table::print(counts);
        ExitCode::SUCCESS
    })
}
