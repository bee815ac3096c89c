//! Shows that the models and the simulator find what they are there to find: each patch in `tests/mutants/` breaks the core
//! in one way, and the property that it names must fall in the model that it names. The simulator counts as one.
//!
//! The core, the models and the simulator are copied to `target/mutants/`, built there as they are, and then once with each patch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

use clap::Parser;

/// What is copied.
const COPIED: [&str; 6] =
    ["Cargo.lock", "codec", "runtime", "tests/model", "tests/simulator", "rustfmt.toml"];

/// The simulator among the models, and how many seeds it has for each mutant.
const SIMULATOR: &str = "simulator";
const SEEDS: &str = "1000";

/// What a copy has no use for.
const LEFT_OUT: [&str; 5] = ["target", "bench", "cli", "freestanding", "mutants.out"];

/// The members and the profile of the copy: built quickly, and without the checks that production does not have.
const MEMBERS: &str = r#"members = ["codec", "runtime", "tests/model", "tests/simulator"]"#;
const PROFILE: &str = "
[profile.dev]
opt-level = 1
debug = false
debug-assertions = false
overflow-checks = false
incremental = true
";

/// Breaks the core in each way that `tests/mutants/` lists, and shows that a model finds it.
#[derive(Parser)]
struct Arguments {
    /// These mutants alone, by the names of their files.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Shows what happens until the property falls.
    #[arg(long)]
    traces: bool,
}

/// A way in which the core is broken.
struct Mutant {
    name: String,
    patch: PathBuf,
    breaks: String,
    model: String,
    property: String,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    let copy = root.join("target/mutants/copy");
    let mut mutants = mutants(&root.join("tests/mutants"))?;
    if !arguments.only.is_empty() {
        mutants.retain(|mutant| arguments.only.contains(&mutant.name));
    }
    if mutants.is_empty() {
        return Err("there is no such mutant".to_owned());
    }
    restore(&root, &copy)?;
    let mut models: Vec<_> = mutants.iter().map(|mutant| mutant.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    for model in models {
        build(&copy, model).map_err(|output| format!("the core as it is does not build:\n{output}"))?;
        let (all_well, output) = explore(&copy, model)?;
        if !all_well {
            return Err(format!("the core as it is does not pass the model {model}:\n{output}"));
        }
        println!("as it is: passes {model}");
    }
    let mut failures = 0;
    for mutant in &mutants {
        let started = Instant::now();
        let shown = show(&root, &copy, mutant);
        let seconds = started.elapsed().as_secs_f32();
        match shown {
            Ok(trace) => {
                println!("caught: {} ({}), in {}, {seconds:.0} s", mutant.name, mutant.breaks, mutant.model);
                if arguments.traces {
                    println!("{trace}");
                }
            }
            Err(error) => {
                failures += 1;
                println!("FAILED: {}: {error}", mutant.name);
            }
        }
    }
    restore(&root, &copy)?;
    println!("{} mutants, {} caught", mutants.len(), mutants.len() - failures);
    if failures > 0 { Err(format!("{failures} mutants were not caught as they must be")) } else { Ok(()) }
}

/// The mutants, by name. What stands before the patch says what it breaks, and what must find that.
fn mutants(folder: &Path) -> Result<Vec<Mutant>, String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let patch = entry.map_err(|error| error.to_string())?.path();
        if patch.extension().is_some_and(|extension| extension == "patch") {
            all.push(mutant(patch)?);
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

fn mutant(patch: PathBuf) -> Result<Mutant, String> {
    let text = read(&patch)?;
    let line = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        line.ok_or_else(|| format!("{}: no line `{key}`", patch.display()))
    };
    let name = patch.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let (breaks, model, property) =
        (line("breaks:")?.to_owned(), line("model:")?.to_owned(), line("falls:")?.to_owned());
    Ok(Mutant { name, patch, breaks, model, property })
}

/// Applies the patch, builds, explores. Gives what happened until the property fell.
fn show(root: &Path, copy: &Path, mutant: &Mutant) -> Result<String, String> {
    restore(root, copy)?;
    apply(copy, &mutant.patch)?;
    build(copy, &mutant.model).map_err(|output| format!("it does not build:\n{output}"))?;
    let (all_well, output) = explore(copy, &mutant.model)?;
    if all_well {
        return Err(format!("it survives: {} finds nothing", mutant.model));
    }
    let falls = output.lines().find_map(|line| line.trim().strip_prefix("FALLS"));
    match falls.map(str::trim) {
        Some(property) if property == mutant.property => Ok(output),
        Some(property) => Err(format!("it is `{property}` that falls, not `{}`", mutant.property)),
        None => Err(format!("no property falls:\n{output}")),
    }
}

fn apply(copy: &Path, patch: &Path) -> Result<(), String> {
    // The copy lies in a work tree, and is to be taken for none.
    let ceiling = copy.parent().unwrap_or(copy);
    let output = output(
        Command::new("git").arg("apply").arg(patch).current_dir(copy).env("GIT_CEILING_DIRECTORIES", ceiling),
    )?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("the patch does not apply:\n{}", text(&output)))
    }
}

/// Builds the program that has this model, and nothing else: most mutants are the other one's.
fn build(copy: &Path, model: &str) -> Result<(), String> {
    let program = program(model);
    let output = output(
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--offline", "--package", program, "--bin", program])
            .args(["--target-dir", "../target"])
            .current_dir(copy)
            // What a patch leaves unused is no matter here.
            .env("RUSTFLAGS", "-A warnings")
            // As the profile says, whatever those have chosen who build once: here the next build is a patch away.
            .env_remove("CARGO_INCREMENTAL")
            .env_remove("CARGO_PROFILE_DEV_DEBUG"),
    )?;
    if output.status.success() { Ok(()) } else { Err(text(&output)) }
}

fn program(model: &str) -> &'static str {
    if model == SIMULATOR { "snow-dist-simulator" } else { "snow-dist-model" }
}

fn explore(copy: &Path, model: &str) -> Result<(bool, String), String> {
    let mut command = Command::new(copy.join("../target/debug").join(program(model)));
    let output = if model == SIMULATOR {
        output(command.arg(SEEDS))?
    } else {
        output(command.args(["--small", "--model", model]))?
    };
    Ok((output.status.success(), text(&output)))
}

fn output(command: &mut Command) -> Result<Output, String> {
    command.output().map_err(|error| format!("{command:?}: {error}"))
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Makes the copy what the work tree is. Files that are the same keep their times, so that they are not built again.
fn restore(root: &Path, copy: &Path) -> Result<(), String> {
    for name in COPIED {
        copy_all(&root.join(name), &copy.join(name))?;
    }
    let workspace = read(&root.join("Cargo.toml"))?;
    let lines = workspace.lines().filter(|line| !line.starts_with("exclude"));
    let lines: Vec<_> = lines.map(|line| if line.starts_with("members") { MEMBERS } else { line }).collect();
    write(&copy.join("Cargo.toml"), format!("{}\n{PROFILE}", lines.join("\n")).as_bytes())
}

fn copy_all(from: &Path, to: &Path) -> Result<(), String> {
    let fails = |error| format!("{}: {error}", from.display());
    if !from.is_dir() {
        return write(to, &fs::read(from).map_err(fails)?);
    }
    for entry in fs::read_dir(to).into_iter().flatten() {
        let there = entry.map_err(fails)?;
        // A module that has moved must not be there twice.
        if !from.join(there.file_name()).exists() {
            let is_folder = there.path().is_dir();
            let remove =
                if is_folder { fs::remove_dir_all(there.path()) } else { fs::remove_file(there.path()) };
            remove.map_err(fails)?;
        }
    }
    for entry in fs::read_dir(from).map_err(fails)? {
        let name = entry.map_err(fails)?.file_name();
        if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            copy_all(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|error| format!("{}: {error}", path.display()))
}
