//! One measurement of one system: a process that measures itself, or a server and a driver.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::case::{Case, Point, Sides};
use crate::process::Process;

/// The longest time that a measurement may take, unless another one is asked for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(300);

/// The status of a side program that lacks a case; its standard error says why.
const LACKS: i32 = 3;
/// The interval at which `/proc` is read. What a driver uses between the last reading and its end is not seen.
const LOOKS: Duration = Duration::from_millis(50);

/// Names and values.
pub(crate) type Values = BTreeMap<String, f64>;

/// The outcome of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Values(Values),
    /// The system has no such thing, and this is why.
    Lacks(String),
    Failed(String),
}

/// A measurement to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement<'a> {
    /// The side program, and the arguments that it always has.
    pub(crate) program: &'a [String],
    pub(crate) system: &'a str,
    pub(crate) case: &'a Case,
    pub(crate) point: Point,
}

impl Measurement<'_> {
    /// Makes it. Whatever it has started ends with it, or if it is dropped.
    pub(crate) async fn make(self, deadline: Duration) -> Outcome {
        match timeout(deadline, self.play()).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Failed(format!("{error:#}")),
            Err(_) => Outcome::Failed(format!("not done after {deadline:?}")),
        }
    }

    async fn play(self) -> Result<Outcome> {
        match self.case.sides {
            Sides::Alone => self.alone().await,
            Sides::Pair { driver, server } => self.pair(driver, server).await,
        }
    }

    async fn alone(self) -> Result<Outcome> {
        let mut process = self.start(0, false, None)?;
        let status = watch(&mut process, None).await?;
        let outcome = outcome("it", status, &mut process)?;
        Ok(with_usage(outcome, &[("driver", &process)]))
    }

    async fn pair(self, driver_core: usize, server_core: usize) -> Result<Outcome> {
        let mut server = self.start(server_core, true, None)?;
        let Some(announced) = server.line().await? else {
            let status = server.ended().await?;
            return refused("the server", status, &mut server);
        };
        let mut driver = self.start(driver_core, false, Some(announced))?;
        let status = watch(&mut driver, Some(&mut server)).await?;
        let outcome = outcome("the driver", status, &mut driver)?;
        Ok(with_usage(outcome, &[("driver", &driver), ("server", &server)]))
    }

    fn start(self, core: usize, serves: bool, server: Option<String>) -> Result<Process> {
        let core = (self.point.threads == 0).then_some(core);
        let mut arguments = vec!["child".to_owned(), self.system.to_owned(), self.case.name.to_owned()];
        let mut option = |name: &str, value: Option<String>| {
            arguments.extend(value.into_iter().flat_map(|value| [format!("--{name}"), value]));
        };
        option("threads", Some(self.point.threads.to_string()));
        option("core", core.map(|core| core.to_string()));
        option("size", self.point.size.map(|size| size.to_string()));
        option("pairs", self.point.pairs.map(|pairs| pairs.to_string()));
        option("server", server);
        Process::start(self.program, &arguments, core, serves)
    }
}

/// Waits for the end of the one that measures, and looks at both meanwhile.
async fn watch(driver: &mut Process, mut server: Option<&mut Process>) -> Result<ExitStatus> {
    let mut looks = interval(LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            status = driver.ended() => {
                server.iter_mut().for_each(|server| server.look());
                return status;
            }
            _ = looks.tick() => {
                driver.look();
                server.iter_mut().for_each(|server| server.look());
            }
            status = ended(server.as_deref_mut()) => {
                let reason = server.map(|server| server.reason()).unwrap_or_default();
                bail!("the server ended, {}: {reason}", status?);
            }
        }
    }
}

async fn ended(server: Option<&mut Process>) -> Result<ExitStatus> {
    match server {
        Some(server) => server.ended().await,
        None => std::future::pending().await,
    }
}

fn outcome(who: &str, status: ExitStatus, process: &mut Process) -> Result<Outcome> {
    if !status.success() {
        return refused(who, status, process);
    }
    let said = process.said()?;
    ensure!(!said.trim().is_empty(), "{who} has measured nothing: {}", process.reason());
    Ok(Outcome::Values(said.lines().map(value).collect::<Result<_>>()?))
}

/// Of a process that has given nothing.
fn refused(who: &str, status: ExitStatus, process: &mut Process) -> Result<Outcome> {
    let reason = process.reason();
    if status.code() == Some(LACKS) {
        return Ok(Outcome::Lacks(reason));
    }
    bail!("{who} ended, {status}: {reason}")
}

fn value(line: &str) -> Result<(String, f64)> {
    let (name, value) = line.split_once(' ').with_context(|| format!("not a name and a value: {line:?}"))?;
    let value: f64 = value.trim().parse().with_context(|| format!("no number: {line:?}"))?;
    ensure!(value.is_finite(), "no number: {line:?}");
    Ok((name.to_owned(), value))
}

/// Adds what each side has taken, where the system tells.
fn with_usage(outcome: Outcome, sides: &[(&str, &Process)]) -> Outcome {
    let Outcome::Values(mut values) = outcome else { return outcome };
    for (side, process) in sides {
        let used = process.used();
        if used.peak > 0 {
            values.insert(format!("{side}_peak_mib"), used.peak as f64 / f64::from(1 << 20));
            values.insert(format!("{side}_cpu_s"), used.cpu.as_secs_f64());
        }
    }
    Outcome::Values(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::named;

    /// A side program in the language of the shell: `$2` is the system, `$3` the case, and `$*` has `--server` for a driver.
    async fn run(case: &str, deadline: Duration, script: &str) -> Outcome {
        let program = ["sh", "-c", script, "side"].map(str::to_owned);
        let case = named(case).next().unwrap();
        let measurement = Measurement { program: &program, system: "ours", case, point: Point::threads(2) };
        measurement.make(deadline).await
    }

    async fn alone(script: &str) -> Outcome {
        run("local-oneway", DEADLINE, script).await
    }

    async fn pair(driver: &str, server: &str) -> Outcome {
        run("call", DEADLINE, &format!("case \"$*\" in *--server*) {driver};; *) {server};; esac")).await
    }

    fn failed(outcome: Outcome) -> String {
        match outcome {
            Outcome::Failed(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_process_alone_gives_its_values() {
        let Outcome::Values(values) = alone("echo $1 1; echo mean_us 2.5; echo $2.$3 7e3").await else {
            panic!()
        };
        assert_eq!((values["child"], values["mean_us"], values["ours.local-oneway"]), (1.0, 2.5, 7000.0));
    }

    #[tokio::test]
    async fn a_driver_is_told_what_the_server_has_announced() {
        let measured = pair("eval last=\\${$#}; echo \"$last\"", "echo port 4711; exec sleep 60").await;
        let Outcome::Values(values) = measured else { panic!("{measured:?}") };
        assert_eq!(values["port"], 4711.0);
    }

    #[tokio::test]
    async fn status_3_says_that_there_is_no_such_thing() {
        let lacks = Outcome::Lacks("it keeps no links".to_owned());
        assert_eq!(alone("echo it keeps no links >&2; exit 3").await, lacks);
        assert_eq!(pair("exit 1", "echo it keeps no links >&2; exit 3").await, lacks);
        assert_eq!(pair("echo it keeps no links >&2; exit 3", "echo here; exec sleep 60").await, lacks);
    }

    #[tokio::test]
    async fn a_crash_is_shown_with_what_was_said_last() {
        assert_eq!(
            failed(alone("echo begun >&2; echo boom >&2; exit 1").await),
            "it ended, exit status: 1: boom"
        );
        assert!(failed(alone("kill -9 $$").await).contains("signal: 9"));
        assert!(failed(pair("exit 1", "exit 0").await).starts_with("the server ended, exit status: 0"));
        let of_server = pair("exec sleep 60", "echo here; echo boom >&2; exit 4").await;
        assert_eq!(failed(of_server), "the server ended, exit status: 4: boom");
    }

    #[tokio::test]
    async fn what_hangs_is_ended_at_the_deadline() {
        let deadline = Duration::from_millis(100);
        let hangs = run("local-oneway", deadline, "sleep 60 & wait").await;
        assert_eq!(failed(hangs), "not done after 100ms");
        assert_eq!(failed(run("call", deadline, "exec sleep 60").await), "not done after 100ms");
    }

    #[tokio::test]
    async fn nonsense_is_no_value() {
        for (script, reason) in [
            ("echo hello", "not a name and a value"),
            ("echo a number", "no number"),
            ("echo mean_us NaN", "no number"),
            ("true", "it has measured nothing"),
        ] {
            let failed = failed(alone(script).await);
            assert!(failed.contains(reason), "{script}: {failed}");
        }
        let long = failed(alone("head -c 70000 /dev/zero").await);
        assert!(long.contains("more than 65536 bytes"), "{long}");
        let long = failed(pair("exit 0", "head -c 70000 /dev/zero; exec sleep 60").await);
        assert_eq!(long, "its first line has no end within 65536 bytes");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_has_failed() {
        let measurement = Measurement {
            program: &["/no/such/program".to_owned()],
            system: "ours",
            case: named("call").next().unwrap(),
            point: Point::threads(0),
        };
        assert!(failed(measurement.make(DEADLINE).await).contains("does not start"));
    }
}
