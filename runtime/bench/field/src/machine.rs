//! What `/proc` tells of the machine and of a process. Where there is none, it tells nothing.

use std::fs;
use std::time::Duration;

/// Processes of one side that are looked at: a program and those that it starts.
const FAMILY_MAX: usize = 64;

/// What `/proc` counts processor time of processes in: `USER_HZ`, which is the same on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of the whole machine since its start, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Processors {
    all: u64,
    idle: u64,
    steal: u64,
}

impl Processors {
    pub(crate) fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        let ticks: Vec<u64> = stat
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_whitespace()
            .map_while(|it| it.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; what follows is in these already.
        let [user, nice, system, idle, iowait, irq, softirq, steal] = *ticks.first_chunk()?;
        let idle = idle + iowait;
        Some(Self { all: user + nice + system + idle + irq + softirq + steal, idle, steal })
    }

    /// Per cent of the time since then that was idle, and that the host gave to others.
    pub(crate) fn idle_and_steal_since(self, then: Self) -> Option<(f64, f64)> {
        let all = self.all.checked_sub(then.all).filter(|all| *all > 0)? as f64;
        let percent = |now: u64, then: u64| now.saturating_sub(then) as f64 * 100.0 / all;
        Some((percent(self.idle, then.idle), percent(self.steal, then.steal)))
    }
}

/// The memory and processor time that one side has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// The most memory that was resident, in bytes.
    pub(crate) peak: u64,
    pub(crate) cpu: Duration,
}

impl Usage {
    /// Of a process and all that it has started.
    pub(crate) fn of(process: u32) -> Option<Self> {
        let all: Vec<Self> = family(process).into_iter().filter_map(Self::of_one).collect();
        let sum = |sum: Self, one: &Self| Self { peak: sum.peak + one.peak, cpu: sum.cpu + one.cpu };
        (!all.is_empty()).then(|| all.iter().fold(Self::default(), sum))
    }

    fn of_one(process: u32) -> Option<Self> {
        Some(Self {
            peak: peak(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)?,
            cpu: cpu(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)?,
        })
    }

    /// The greater of both: counts that only grow, of which a side that has ended loses some.
    pub(crate) fn most(self, other: Self) -> Self {
        Self { peak: self.peak.max(other.peak), cpu: self.cpu.max(other.cpu) }
    }
}

fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

fn cpu(stat: &str) -> Option<Duration> {
    // The name of the program comes before, in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11).map_while(|field| field.parse::<u32>().ok());
    Some(TICK * fields.next()?.checked_add(fields.next()?)?)
}

/// The process and its descendants, parents first.
fn family(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        at += 1;
        let room = FAMILY_MAX.saturating_sub(all.len());
        all.extend(children(parent).into_iter().take(room));
    }
    all
}

fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let texts = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    texts
        .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The processor's name.
pub(crate) fn processor() -> Option<String> {
    field(&fs::read_to_string("/proc/cpuinfo").ok()?, "model name", ':')
}

pub(crate) fn kernel() -> Option<String> {
    Some(format!("Linux {}", fs::read_to_string("/proc/sys/kernel/osrelease").ok()?.trim()))
}

/// The memory of the machine, in bytes.
pub(crate) fn memory() -> Option<u64> {
    let kib = field(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal", ':')?;
    Some(kib.strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// The operating system's name.
pub(crate) fn system() -> Option<String> {
    let name = field(&fs::read_to_string("/etc/os-release").ok()?, "PRETTY_NAME", '=')?;
    Some(name.trim_matches('"').to_owned())
}

fn field(text: &str, name: &str, separator: char) -> Option<String> {
    let fields = text.lines().filter_map(|line| line.split_once(separator));
    fields.into_iter().find(|(of, _)| of.trim() == name).map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_stolen_time_are_parts_of_all_of_it() {
        let then = Processors::parse("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n").unwrap();
        let now = Processors::parse("cpu  130 0 70 830 60 0 0 10 7 0\n").unwrap();
        assert_eq!(now.idle_and_steal_since(then), Some((40.0, 10.0)));
        assert_eq!(then.idle_and_steal_since(then), None);
        assert_eq!(Processors::parse("cpu 1 2 3"), None);
    }

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 99";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(peak("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t    12 kB\n"), Some(12 << 10));
        assert_eq!(peak("Name:\tx\n"), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        assert_eq!(field("model\t: 85\nmodel name\t: A CPU\n", "model name", ':').as_deref(), Some("A CPU"));
    }
}
