//! Whose code is measured: where its side program comes from, and of which version it is.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;

/// A system of the field.
#[derive(Debug)]
pub(crate) struct System {
    /// The name that its side program is given.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) role: Role,
    /// Its colour in charts, which is to be seen on white and on black.
    pub(crate) colour: (u8, u8, u8),
    program: Program,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Ours,
    /// A limit of the machine.
    Limit,
    Peer,
}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// A package of this workspace, and the crates whose versions count; none: our own.
    Own(&'static [&'static str]),
    /// A package of the peers' workspace, and the crates whose versions count.
    Peer(&'static str, &'static [&'static str]),
    Otp,
}

/// All of them, in the order of tables and of each round.
pub(crate) const SYSTEMS: &[System] = &[
    System {
        name: "ours",
        title: "Snow DIST",
        role: Role::Ours,
        colour: (47, 129, 247),
        program: Program::Own(&[]),
    },
    System {
        name: "floor",
        title: "floor",
        role: Role::Limit,
        colour: (139, 148, 158),
        program: Program::Own(&["tokio", "rustls"]),
    },
    System {
        name: "stream",
        title: "stream",
        role: Role::Limit,
        colour: (87, 171, 190),
        program: Program::Own(&["tokio", "rustls"]),
    },
    System { name: "otp", title: "OTP", role: Role::Peer, colour: (219, 69, 105), program: Program::Otp },
    System {
        name: "ractor",
        title: "ractor",
        role: Role::Peer,
        colour: (208, 135, 29),
        program: Program::Peer("field-ractor", &["ractor", "ractor_cluster"]),
    },
    System {
        name: "kameo",
        title: "kameo",
        role: Role::Peer,
        colour: (52, 160, 83),
        program: Program::Peer("field-kameo", &["kameo"]),
    },
];

/// A side program, ready to be run.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// It and the arguments that it always has.
    pub(crate) program: Vec<String>,
    pub(crate) version: String,
}

/// Packages of Debian that OTP needs here.
const OTP_PACKAGES: &str =
    "erlang-base erlang-ssl erlang-crypto erlang-public-key erlang-asn1 erlang-runtime-tools";

impl System {
    /// Builds its side program where that is to be done.
    ///
    /// # Errors
    /// It is not installed, or cannot be built.
    pub(crate) fn find(&self) -> Result<Found> {
        let root = root();
        let peers = root.join("runtime/bench/field/peers");
        let (program, version) = match self.program {
            Program::Own(crates) => {
                let program = build(&root, "snow-dist-runtime-bench")?;
                (vec![program], if crates.is_empty() { own_version(&root) } else { versions(&root, crates)? })
            }
            Program::Peer(package, crates) => {
                let program = build(&peers, package)?;
                (vec![program], versions(&peers, crates)?)
            }
            Program::Otp => {
                let version = otp_version()?;
                let program = peers.join("otp/field-otp");
                ensure!(program.is_file(), "{} is missing", program.display());
                (vec!["bash".to_owned(), text(&program)?], version)
            }
        };
        Ok(Found { program, version })
    }
}

/// Returns the repository: the one in which `cargo run` was called. A program in a target folder that two clones share may
/// have been built from the other.
fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&own).ancestors().nth(3).unwrap_or_else(|| Path::new(".")).to_owned()
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a path that is no text")?.to_owned())
}

/// A line of `cargo build --message-format json`, of what we want from it.
#[derive(Debug, Deserialize)]
struct Message {
    executable: Option<String>,
    target: Option<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// Builds a program, which costs nothing where it is built already, and says where it is.
fn build(workspace: &Path, package: &str) -> Result<String> {
    eprintln!("building {package}");
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args([
            "build",
            "--quiet",
            "--release",
            "--message-format",
            "json-render-diagnostics",
            "--package",
            package,
        ])
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"))
        // The peers' workspace has an edition and flags of its own.
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    ensure!(output.status.success(), "{package} cannot be built");
    executable(&String::from_utf8(output.stdout)?, package)
}

fn executable(messages: &str, package: &str) -> Result<String> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let of_package =
        messages.filter(|message| message.target.as_ref().is_some_and(|target| target.name == package));
    of_package
        .filter_map(|message| message.executable)
        .next_back()
        .with_context(|| format!("{package} is no program"))
}

/// The version in `Cargo.toml`, and the commit.
fn own_version(root: &Path) -> String {
    let described = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["describe", "--always", "--dirty", "--exclude", "*"])
        .output();
    let commit = described.ok().filter(|output| output.status.success());
    let commit = commit.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    format!("{} {}", env!("CARGO_PKG_VERSION"), commit.trim()).trim_end().to_owned()
}

#[derive(Debug, Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
}

/// The versions of crates in a workspace: `tokio 1.54.0, rustls 0.23.40`.
fn versions(workspace: &Path, crates: &[&str]) -> Result<String> {
    let file = workspace.join("Cargo.lock");
    let lock = std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    locked(&lock, crates).with_context(|| format!("{}", file.display()))
}

fn locked(lock: &str, crates: &[&str]) -> Result<String> {
    let lock: Lock = toml::from_str(lock)?;
    let version = |name: &&str| {
        let package = lock.package.iter().rfind(|package| package.name == *name);
        package
            .map(|package| format!("{name} {}", package.version))
            .with_context(|| format!("{name} is not in it"))
    };
    Ok(crates.iter().map(version).collect::<Result<Vec<_>>>()?.join(", "))
}

fn otp_version() -> Result<String> {
    const ASK: &str = "{ok, _} = application:ensure_all_started(ssl), \
        io:format(\"OTP ~s, ERTS ~s\", [erlang:system_info(otp_release), erlang:system_info(version)]), halt().";
    let output = Command::new("erl")
        .args(["-noshell", "-eval", ASK])
        .env("ERL_CRASH_DUMP", "/dev/null")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => otp_lacks("`erl` is not in PATH"),
            _ => otp_lacks(&format!("`erl` does not start: {error}")),
        })?;
    ensure!(output.status.success(), otp_lacks("its application `ssl` does not start"));
    Ok(String::from_utf8(output.stdout)?)
}

fn otp_lacks(what: &str) -> anyhow::Error {
    anyhow!("{what}; apt-get install --no-install-recommends {OTP_PACKAGES}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_where_cargo_says() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"name":"other"},"executable":"/other"}
            {"reason":"compiler-artifact","target":{"name":"field-ractor"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"field-ractor"},"executable":"/field-ractor"}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "field-ractor").unwrap(), "/field-ractor");
        assert!(executable(messages, "field-kameo").is_err());
    }

    #[test]
    fn versions_are_those_that_are_locked() {
        let lock = "version = 4\n[[package]]\nname = \"ractor\"\nversion = \"0.16.5\"\n";
        assert_eq!(locked(lock, &["ractor"]).unwrap(), "ractor 0.16.5");
        assert!(locked(lock, &["kameo"]).unwrap_err().to_string().contains("kameo"));
        assert!(versions(&root(), &["tokio", "rustls"]).unwrap().starts_with("tokio 1."));
    }
}
