//! What of the specification is implemented and shown: see `.duvet/check.sh`.

use std::error::Error;

use snow_dist_tests::requirements;

const USAGE: &str = "requirements citations: what vectors and cases check, as citations
requirements page REPORT: the page of all requirements, of a report of duvet";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["citations"] => print!("{}", requirements::cited_by_data()),
        ["page", report] => {
            print!("{}", requirements::page(&serde_json::from_str(&std::fs::read_to_string(report)?)?));
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}
