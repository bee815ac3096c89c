//! How a program in C is built and run.
//!
//! The environment chooses: `SNOW_CC` the compiler with its options, `SNOW_RUN` what runs the program (valgrind), `SNOW_LIB`
//! a folder with another build of the library.

use std::path::{Path, PathBuf};
use std::process::Command;

fn words(variable: &str) -> Vec<String> {
    let value = std::env::var(variable).unwrap_or_default();
    value.split_whitespace().map(str::to_owned).collect()
}

/// Where the library is that these tests were built with.
fn library() -> PathBuf {
    let beside = std::env::current_exe().unwrap();
    std::env::var_os("SNOW_LIB").map_or_else(|| beside.parent().unwrap().to_owned(), PathBuf::from)
}

/// Builds a program, warnings being errors; gives where it is.
pub(crate) fn build(source: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = Path::new(source).file_stem().unwrap().to_str().unwrap();
    // Tests run at once, and a program that runs cannot be written.
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", unique()));
    let library = library();
    let compiler = match words("SNOW_CC") {
        none if none.is_empty() => vec!["cc".to_owned()],
        compiler => compiler,
    };
    let (compiler, options) = compiler.split_first().unwrap();
    let built = Command::new(compiler)
        .args([
            "-std=c11",
            "-D_POSIX_C_SOURCE=200809L",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-g",
            "-O1",
        ])
        .args(options)
        .arg("-I")
        .arg(home.join("include"))
        .arg(home.join(source))
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(&library)
        .args(["-lsnow_dist_capi", "-lpthread"])
        .arg(format!("-Wl,-rpath,{}", library.display()))
        .status()
        .unwrap();
    assert!(built.success(), "{source} does not compile");
    program
}

fn unique() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The command that runs a program, with the library that it was built with.
pub(crate) fn run(program: &Path) -> Command {
    let mut words = words("SNOW_RUN").into_iter();
    let mut command = match words.next() {
        None => Command::new(program),
        Some(runner) => {
            let mut command = Command::new(runner);
            command.args(words).arg(program);
            command
        }
    };
    // Cargo names its own folder there, which comes before the one that is written in the program.
    command.env("LD_LIBRARY_PATH", library());
    command
}
