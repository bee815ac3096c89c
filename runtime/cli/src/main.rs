//! The command `snow-dist`: shows Snow DIST at work, reads and writes its bytes, judges nodes, computes proofs, makes cookies.

mod certificates;
mod cluster;
mod conform;
mod cookie;
mod decode;
mod demo;
mod dump;
mod dump_term;
mod encode;
mod input;
mod log;
mod node;
mod problem;
mod proof;
mod trace_file;

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use snow_dist_codec::limits::{FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX};
use snow_dist_codec::{NodeName, NodeNameError, Reading};

/// See Snow DIST at work, read and write its bytes, judge nodes, compute proofs, make cookies.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what bytes say: each field with its offset, bytes and value, or JSON.
    #[command(after_help = DECODE_HELP)]
    Decode(Decode),
    /// Make bytes of the JSON that `decode --json` prints.
    #[command(after_help = ENCODE_HELP)]
    Encode(Encode),
    /// Run two nodes in two processes, and show every frame and every signal between them.
    #[command(after_help = DEMO_HELP)]
    Demo(Demo),
    /// Judge a node, in any language, against the specification.
    #[command(after_help = conform::HELP)]
    Conform(Box<conform::Conform>),
    /// Run a node with a prompt, or by a script: connect, spawn, send, call, link, monitor.
    #[command(after_help = node::HELP)]
    Node(Box<node::Arguments>),
    /// Ask a running node about itself and the nodes that it is connected with.
    #[command(after_help = cluster::HELP)]
    Cluster(cluster::Arguments),
    /// Compute the proofs of a handshake step by step.
    #[command(after_help = proof::HELP)]
    Proof(Box<proof::Proofs>),
    /// Make the secret that all nodes of a system share.
    #[command(after_help = COOKIE_HELP)]
    Cookie(CookieFile),
    /// The second node of `demo`: it takes its orders on standard input.
    #[command(hide = true)]
    DemoPeer,
    /// The adapter by which `conform` judges the node of this repository.
    #[command(hide = true)]
    ConformNode {
        /// Always allow version 1.
        #[arg(long)]
        version_1: bool,
    },
}

const DEMO_HELP: &str = "\
Both nodes listen on loopback only, under a cookie made for the occasion. The demonstration ends by itself within
seconds and leaves nothing behind. Exit status: 0 if all was seen that was expected, 1 if something was not.

What --trace writes can be searched line by line, and a page draws it as arrows between the nodes: spec/site in the
repository of Snow DIST says how it is built.

If SSLKEYLOGFILE names a file, the keys of the channels go there, so that Wireshark can show a capture of it.

Colours are for terminals only; set NO_COLOR to have none.";

const COOKIE_HELP: &str = "\
Whoever has the cookie can be any node of the system: keep the file as you keep
a private key, and copy it to other machines over a channel you trust. No file is
replaced unless --force says so. A file that you redirect to is made by your
shell, and others may read it unless your umask says otherwise.

Examples:
  snow-dist cookie
  snow-dist cookie /etc/snow/cookie
  (umask 077; snow-dist cookie > cookie)
  snow-dist cookie - | ssh other-machine 'umask 077; cat > cookie'";

const DECODE_HELP: &str = "\
Each message stands behind its 4-byte length; several may follow each other.
Without HEX and --file, standard input is read. Of a file or standard input each
line is an input of its own, with offsets from 0; empty lines and lines that
begin with # are passed over.

Exit status: 0 if all was good, 1 if something was not, 2 for wrong usage.

Examples:
  snow-dist decode 110000001305000000000000002a00000000070100
  snow-dist decode --json --phase handshake --file messages.hex
  snow-dist decode --raw --file session.bin
  xxd -r -p dump-over-many-lines.hex | snow-dist decode --raw
  snow-dist decode --as reason 010400000000000000626f6f6d";

const ENCODE_HELP: &str = "\
Without JSON and --file, standard input is read. Each line is one object and
gives one line of hexadecimal, or with --raw its bytes. `offset` and `length` may
stand in it and are not used; bytes in `trailing` follow the last field.

Examples:
  snow-dist encode '{\"tag\":\"PING\",\"fields\":{\"payload\":\"0102030405060708\"}}'
  snow-dist decode --json --file frames.hex | snow-dist encode";

#[derive(Args)]
struct Decode {
    /// Bytes in hexadecimal; blanks, colons and 0x are passed over, several arguments are joined.
    #[arg(conflicts_with_all = ["file", "raw"])]
    hex: Vec<String>,
    /// Print one JSON object a message.
    #[arg(long)]
    json: bool,
    /// How to judge surplus bytes, unknown tags, empty frames and unknown reasons.
    #[arg(long, value_enum, default_value_t)]
    reading: ReadingName,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Args)]
struct Encode {
    /// A JSON object as `decode --json` prints it.
    #[arg(conflicts_with = "file")]
    json: Option<String>,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Args)]
struct Demo {
    /// Print the summary only.
    #[arg(long)]
    quiet: bool,
    /// Write every message between the nodes to this file, a JSON object a line, as the page that draws traces reads it.
    #[arg(long, value_name = "PATH")]
    trace: Option<PathBuf>,
}

#[derive(Args)]
struct CookieFile {
    /// The file to make; - prints the cookie. Without it the file is `cookie`, or the cookie is printed if standard
    /// output is no terminal.
    path: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
struct Shared {
    /// Read this file.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// The bytes themselves, not hexadecimal.
    #[arg(long)]
    raw: bool,
    /// Which messages: those before a session, or those of one.
    #[arg(long, value_enum, default_value_t)]
    phase: Phase,
    /// A bare piece, without a length before it.
    #[arg(long = "as", value_enum, value_name = "PIECE")]
    piece: Option<Piece>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum ReadingName {
    Strict,
    #[default]
    Compatible,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Phase {
    Handshake,
    #[default]
    Session,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Piece {
    Reason,
    Pid,
    Term,
    Signal,
    Name,
}

impl From<ReadingName> for Reading {
    fn from(name: ReadingName) -> Self {
        match name {
            ReadingName::Strict => Self::Strict,
            ReadingName::Compatible => Self::Compatible,
        }
    }
}

impl Phase {
    const fn bytes_max(self) -> u32 {
        match self {
            Self::Handshake => HANDSHAKE_BYTES_MAX,
            Self::Session => FRAME_BYTES_MAX,
        }
    }
}

fn main() -> ExitCode {
    let good = match Cli::parse().command {
        Command::Decode(arguments) => printing(|out| decode::run(&arguments, out)),
        Command::Encode(arguments) => printing(|out| encode::run(&arguments, out)),
        Command::Proof(arguments) => printing(|out| proof::run(&arguments, out)),
        Command::Cookie(arguments) => printing(|out| cookie::run(&arguments, out)),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::DemoPeer => demo::run_peer(),
        Command::Node(arguments) => node::run(&arguments),
        Command::Cluster(arguments) => printing(|out| cluster::run(&arguments, out)),
        Command::Conform(arguments) => return conform::run(&arguments),
        Command::ConformNode { version_1 } => conform::run_node(version_1),
    };
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Nobody reads what is printed; who asks for the status learns that not all was done.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => match error.downcast::<clap::Error>() {
            Ok(usage) => usage.exit(),
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

/// An argument that names a node, as it was given.
fn node_name(text: &str) -> Result<String, NodeNameError> {
    NodeName::parse(text).map(|_| text.to_owned())
}

/// Arguments of which each is good and that are wrong together: it ends the command as clap does.
fn wrong_usage(why: impl std::fmt::Display) -> io::Error {
    io::Error::other(clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{why}\n")))
}

/// Runs what prints to standard output. Whoever reads it and stops has seen enough.
fn printing(run: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<bool>) -> io::Result<bool> {
    let mut out = BufWriter::new(io::stdout().lock());
    match run(&mut out).and_then(|good| out.flush().map(|()| good)) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        good => good,
    }
}
