//! What attacks come to for a node and for those whom it serves: its memory against the sum of its limits, the work of others,
//! and whether what is owed to them arrives.
//!
//! Four processes of the system: the node that is attacked, alone, so that its memory and its processor time are its own; honest
//! nodes that work through it all the time; who attacks; and a second node that is attacked in the same way. All of them share one
//! machine, so what the attack takes from that would count against the node. It does not: the honest work is measured without the
//! attack, while the second node is attacked, and while the node itself is.

mod attacks;
mod bounds;
mod fields;
mod floods;
mod honest;
mod member;
mod part;
mod report;
mod rounds;
mod strangers;
mod victim;

use anyhow::{Result, ensure};
use clap::Args;
use tokio::runtime::{Builder, Runtime};

pub(crate) use part::AttackPart;

const COOKIE: &str = "a cookie for measurements on one machine";

/// The name of a member that attacks: processes of the node send to it.
const MEMBER: &str = "attacker@127.0.0.1:1";

/// Attacks to be measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Attacks {
    /// Only the attacks whose names begin with one of these, separated by commas: `strangers`, the name of a frame
    /// such as SEND, `groups`; a name that no attack has is answered by the list of all.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How long the honest work is measured each time: three times for each attack and round.
    #[arg(long, default_value_t = 0.3)]
    seconds: f64,
}

impl Attacks {
    /// Measures, prints, and fails if a bound is broken that does not depend on the machine's speed.
    pub(crate) fn run(&self, rounds: usize) -> Result<()> {
        let chosen: Vec<_> = attacks::all().into_iter().filter(|attack| self.has(attack.name)).collect();
        ensure!(!chosen.is_empty(), "no attack has such a name; there are: {}", names().join(", "));
        ensure!(self.seconds > 0.0 && rounds > 0, "nothing would be measured");
        let measured = runtime(1)?.block_on(rounds::measure(&chosen, rounds, self.seconds))?;
        println!(
            "Node, honest nodes and attackers in processes of their own on one machine; medians of {rounds} rounds of {} s, \
             the highest of memory.\n\n{}\n",
            self.seconds,
            report::table(&measured)
        );
        let broken = report::judge(&measured);
        ensure!(broken.is_empty(), "broken: {}", broken.join("; "));
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|begin| name.starts_with(begin.as_str()))
    }
}

fn names() -> Vec<&'static str> {
    attacks::all().into_iter().map(|attack| attack.name).collect()
}

/// With so many threads.
fn runtime(threads: usize) -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}
