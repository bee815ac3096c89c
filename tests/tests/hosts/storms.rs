//! Everything at once, as a seed has it: hosts are cut off, held, crash and come back, while processes link, monitor,
//! unlink and end. Whatever happens, each link ends in one exit or an unlink, and each monitor in one DOWN.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedMutRandom, IndexedRandom};
use rand::{Rng, SeedableRng};
use snow_dist_runtime::{Pid, Reason};

use super::cluster::{Cluster, LONG};
use super::witness::Witness;

const HOSTS: [&str; 3] = ["a", "b", "c"];
const PAIRS: [(&str, &str); 3] = [("a", "b"), ("a", "c"), ("b", "c")];

/// Processes of each kind on each host.
const PROCESSES: usize = 3;

const ACTS: usize = 150;

/// Seeds of a run. With the environment variable `STORM_SEEDS`, `from..to`, it is those.
const SEEDS: std::ops::Range<u64> = 0..8;

#[test]
fn each_link_ends_once_and_each_monitor_once() {
    let asked = std::env::var("STORM_SEEDS").ok();
    let seeds = asked.as_deref().map_or(SEEDS, |seeds| {
        let (from, to) = seeds.split_once("..").unwrap();
        from.parse().unwrap()..to.parse().unwrap()
    });
    let few = seeds.end - seeds.start;
    let (ties, lost) = seeds
        .map(|seed| Storm::new(seed).run())
        .fold((0, 0), |(ties, lost), (more, more_lost)| (ties + more, lost + more_lost));
    println!("{ties} processes were tied to others, {lost} of them lost one with its node");
    assert!(ties > few * 50 && lost > few * 10, "the storms keep anything from being made");
}

struct Storm {
    cluster: Cluster,
    chance: StdRng,
    /// Who links and monitors, on hosts that are up.
    watchers: Vec<Witness>,
    /// Who is linked to and monitored, on hosts that are up.
    watched: Vec<Witness>,
    /// Watchers that have ended, or gone with a host.
    gone: Vec<Witness>,
    ties: Vec<Tie>,
}

/// Who was tied to whom, and how the first sees the second.
struct Tie {
    from: Witness,
    to: Witness,
    seen: Pid,
}

impl Storm {
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        let mut storm = Self {
            cluster: Cluster::start(seed, &HOSTS),
            chance: StdRng::seed_from_u64(seed),
            watchers: Vec::new(),
            watched: Vec::new(),
            gone: Vec::new(),
            ties: Vec::new(),
        };
        for host in HOSTS {
            storm.people(host);
        }
        storm
    }

    /// Gives how many ties there were, and how many of those ended with a session.
    fn run(mut self) -> (u64, u64) {
        for (one, other) in PAIRS {
            self.cluster.connect(one, other);
        }
        for _ in 0..ACTS {
            self.act();
            let pause = self.chance.random_range(0..500);
            self.cluster.pass(Duration::from_millis(pause));
        }
        self.calm();
        self.judge();
        let lost = |tie: &&Tie| tie.from.ends_of(tie.seen).exits.contains(&Reason::Noconnection);
        (self.ties.len() as u64, self.ties.iter().filter(lost).count() as u64)
    }

    fn act(&mut self) {
        let (one, other) = *PAIRS.choose(&mut self.chance).unwrap();
        let host = *HOSTS.choose(&mut self.chance).unwrap();
        match self.chance.random_range(0..100) {
            0..35 => (0..3).for_each(|_| self.tie()),
            35..45 => self.unlink(),
            45..55 => self.fail(),
            55..75 => self.dial(one, other),
            75..78 => self.cluster.partition(one, other),
            78..83 => self.cluster.repair(one, other),
            83..86 => self.cluster.hold(one, other),
            86..91 => self.cluster.release(one, other),
            91..94 => self.toggle(host),
            _ => self.wait(),
        }
    }

    /// Starts processes on a host that has come up.
    fn people(&mut self, host: &'static str) {
        for _ in 0..PROCESSES {
            self.watchers.push(Witness::start(&self.cluster, host));
            self.watched.push(Witness::start(&self.cluster, host));
        }
    }

    /// Ties a process to one of another host, if there is a session with that.
    fn tie(&mut self) {
        let from = self.watchers.choose(&mut self.chance).unwrap().clone();
        let to = self.watched.choose(&mut self.chance).unwrap().clone();
        if from.host != to.host && self.cluster.has_session(from.host, to.host) {
            let seen = from.sees(&self.cluster, &to);
            from.link(seen);
            from.monitor(seen);
            self.ties.push(Tie { from, to, seen });
        }
    }

    /// Ends a link; half of the time the other process ends at the same moment, and the two cross on their way.
    fn unlink(&mut self) {
        let living: Vec<_> = self.ties.iter().filter(|tie| tie.from.is_alive()).collect();
        let Some(tie) = living.choose(&mut self.chance) else { return };
        tie.from.unlink(tie.seen);
        let other = self.watched.iter().position(|watched| watched.is(&tie.to));
        if let Some(other) = other.filter(|_| self.chance.random()) {
            replace(&self.cluster, &mut self.watched[other]);
        }
    }

    /// Ends a process, and starts another of its kind.
    fn fail(&mut self) {
        if self.chance.random() {
            replace(&self.cluster, self.watched.choose_mut(&mut self.chance).unwrap());
        } else {
            let watcher = self.watchers.choose_mut(&mut self.chance).unwrap();
            self.gone.push(replace(&self.cluster, watcher));
        }
    }

    fn dial(&mut self, one: &str, other: &str) {
        let (from, to) = if self.chance.random() { (one, other) } else { (other, one) };
        if self.cluster.is_up(from) {
            drop(self.cluster.dial(from, to));
        }
    }

    /// Crashes a host, or starts it again. Two are always up.
    fn toggle(&mut self, host: &'static str) {
        if !self.cluster.is_up(host) {
            self.cluster.restart(host);
            self.people(host);
        } else if HOSTS.into_iter().all(|host| self.cluster.is_up(host)) {
            if self.chance.random() {
                self.cluster.crash(host);
            } else {
                self.cluster.pull_the_plug(host);
            }
            self.watched.retain(|witness| witness.host != host);
            self.gone.extend(self.watchers.extract_if(.., |witness| witness.host == host));
        }
    }

    fn wait(&mut self) {
        let pause = self.chance.random_range(5..100);
        self.cluster.pass(Duration::from_secs(pause));
    }

    /// Lets all come to rest: everybody is there, nothing is cut or held, every heartbeat has judged.
    fn calm(&mut self) {
        for (one, other) in PAIRS {
            self.cluster.release(one, other);
            self.cluster.repair(one, other);
        }
        for host in HOSTS {
            if !self.cluster.is_up(host) {
                self.toggle(host);
            }
        }
        self.cluster.pass(LONG);
        for (one, other) in PAIRS {
            assert_eq!(self.cluster.has_session(one, other), self.cluster.has_session(other, one));
            self.cluster.connect(one, other);
        }
    }

    /// When all who are watched have ended, each watcher has been told of each once, and none of what it did not
    /// ask for.
    fn judge(&mut self) {
        for witness in &self.watched {
            witness.fail("at the end");
        }
        self.cluster.pass(Duration::from_secs(5));
        for watcher in &self.watchers {
            let account = watcher.account();
            assert!(account.links.is_empty(), "no exit came to {}: {account:?}", watcher.host);
            assert!(account.monitors.is_empty(), "no DOWN came to {}: {account:?}", watcher.host);
        }
        for watcher in self.watchers.iter().chain(&self.gone) {
            assert_eq!(watcher.account().surprises, [], "on {}", watcher.host);
        }
        // At the other end a link may never have been: what was to make it can have been lost.
        for Tie { from, to, seen } in self.ties.iter().filter(|tie| tie.from.is_alive()) {
            if self.watched.iter().any(|watched| watched.is(to)) {
                let ends = to.ends_of(to.sees(&self.cluster, from));
                assert!(ends.exits.len() <= from.links_to(*seen) && ends.downs.is_empty(), "{ends:?}");
            }
        }
    }
}

/// Ends a process, and starts another on its host. Gives the one that ends.
fn replace(cluster: &Cluster, witness: &mut Witness) -> Witness {
    witness.fail("of itself");
    let next = Witness::start(cluster, witness.host);
    std::mem::replace(witness, next)
}
