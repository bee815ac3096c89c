//! `snow-dist proof`: the proofs of a handshake, with every value in between, to hold one's own beside.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use snow_dist_codec::handshake::proof::PROOF_BYTES;
use snow_dist_codec::{Handshake, Reading};
use snow_dist_conform::wire::{Transcript, key, pseudorandom_key};
use snow_dist_runtime::core::Cookie;

use crate::input;
use crate::problem::Problem;

pub(crate) const HELP: &str = "\
Each value follows from those before it: spec/handshake.md, \"Digest and proofs\".
Where your node's proof is another one, compare from the top: the first value
that differs is the one that is made wrongly. The names are those of
spec/vectors/proofs.json.

Messages are payloads, from the tag on, as they were sent: the 4-byte length is
not part of them. REPLY and ACK are given with their last 32 bytes, whatever
stands there: if that is not the proof that is computed, the exit status is 1.
--exporter is the 32 bytes of the TLS exporter with the label
EXPORTER-Channel-Binding and the empty context.

The cookie is read from a file, or with - from standard input, so that it stands
in no list of processes and no history of a shell. It is not printed, but what
is made of it is: whoever sees `key` can be any node of the system. Use a cookie
that is made for tests.

Example, with the bytes of a vector:
  printf %s s3cret | snow-dist proof --cookie-file - --exporter c9.. \\
      --name 01.. --challenge 02.. --reply 03.. --ack 04..";

/// The command's arguments.
#[derive(Args)]
pub(crate) struct Proofs {
    /// The file with the cookie; - reads it from standard input.
    #[arg(long, value_name = "PATH")]
    cookie_file: PathBuf,
    /// 32 bytes that both ends compute from the TLS channel.
    #[arg(long, value_name = "HEX")]
    exporter: String,
    /// The payload of NAME.
    #[arg(long, value_name = "HEX")]
    name: String,
    /// The payload of CHALLENGE.
    #[arg(long, value_name = "HEX")]
    challenge: String,
    /// The payload of REPLY.
    #[arg(long, value_name = "HEX")]
    reply: Option<String>,
    /// The payload of ACK.
    #[arg(long, value_name = "HEX", requires = "reply")]
    ack: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Why nothing is computed; it has been said where it shows.
enum Stop {
    Said,
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Prints what the proofs are made of. Returns `false` if an input is bad, or a message ends in another proof.
pub(crate) fn run(arguments: &Proofs, out: &mut impl Write) -> io::Result<bool> {
    match computed(arguments) {
        Ok(steps) => steps.print(arguments.json, out),
        Err(Stop::Said) => Ok(false),
        Err(Stop::Io(error)) => Err(error),
    }
}

fn computed(arguments: &Proofs) -> Result<Steps, Stop> {
    let cookie = cookie(&arguments.cookie_file)?;
    let transcript = Transcript {
        exporter: exporter(&arguments.exporter)?,
        name: message("NAME", "--name", &arguments.name)?,
        challenge: message("CHALLENGE", "--challenge", &arguments.challenge)?,
        reply: match &arguments.reply {
            Some(reply) => message("REPLY", "--reply", reply)?,
            None => Vec::new(),
        },
    };
    let mut steps = Steps::default();
    let hash = transcript.hash();
    steps.add("pseudorandom_key", "HMAC-SHA256(32 zero bytes, cookie)", &pseudorandom_key(&cookie));
    steps.add("key", "HKDF-Expand(pseudorandom_key, \"snow-dist v2 authentication\", 32): k2", &key(&cookie));
    steps.add("transcript", "u32 length, NAME, u32 length, CHALLENGE", &transcript.transcript());
    steps.add("transcript_hash", "SHA-256(transcript): th", &hash);
    if arguments.reply.is_some() {
        let reply = &transcript.reply;
        let under = transcript.under_proof_of_initiator(reply);
        steps.add(
            "mac_initiator",
            "\"DIST2 initiator\" and a zero byte, exporter, th, REPLY without proof",
            &under,
        );
        let proof = transcript.proof_of_initiator(&cookie, reply);
        steps.add("proof_initiator", "HMAC-SHA256(k2, mac_initiator): proofI", &proof);
        steps.compare("REPLY", reply, proof);
    }
    if let Some(ack) = &arguments.ack {
        let ack = message("ACK", "--ack", ack)?;
        let under = transcript.under_proof_of_acceptor(&ack);
        steps.add("reply_hash", "SHA-256(REPLY), its proof included", &transcript.reply_hash());
        steps.add(
            "mac_acceptor",
            "\"DIST2 acceptor\" and two zero bytes, exporter, th, reply_hash, ACK without proof",
            &under,
        );
        let proof = transcript.proof_of_acceptor(&cookie, &ack);
        steps.add("proof_acceptor", "HMAC-SHA256(k2, mac_acceptor): proofA", &proof);
        steps.compare("ACK", &ack, proof);
    }
    Ok(steps)
}

/// The values, and whether the messages end in the proofs that were computed.
#[derive(Default)]
struct Steps {
    values: Vec<(&'static str, &'static str, String)>,
    compared: Vec<(&'static str, bool)>,
}

impl Steps {
    fn add(&mut self, name: &'static str, made_of: &'static str, value: &[u8]) {
        self.values.push((name, made_of, hex::encode(value)));
    }

    fn compare(&mut self, message: &'static str, payload: &[u8], proof: [u8; PROOF_BYTES]) {
        self.compared.push((message, payload.ends_with(&proof)));
    }

    fn print(&self, as_json: bool, out: &mut impl Write) -> io::Result<bool> {
        if as_json {
            let values: Map<_, _> =
                self.values.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))).collect();
            writeln!(out, "{}", Value::Object(values))?;
        } else {
            for (name, made_of, value) in &self.values {
                writeln!(out, "{name}\n  = {made_of}\n  {value}\n")?;
            }
        }
        for (message, _) in self.compared.iter().filter(|(_, is_same)| !is_same) {
            eprintln!(
                "error: the last 32 bytes of {message} are another proof: another cookie or exporter, or other \
                 bytes of a message"
            );
        }
        Ok(self.compared.iter().all(|(_, is_same)| *is_same))
    }
}

/// The bytes of a file without the line's end at its end.
fn cookie(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().read_to_end(&mut bytes)?;
    } else {
        let unread = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot read the cookie file {}: {error}", path.display()))
        };
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(unread)?;
    }
    let cookie = Cookie::in_file(&bytes);
    if cookie.is_empty() || cookie.contains(&0) {
        return said("the cookie is empty, or has a zero byte in it: no node takes such a one");
    }
    Ok(cookie.to_vec())
}

fn exporter(text: &str) -> Result<[u8; PROOF_BYTES], Stop> {
    let bytes = bytes("--exporter", text)?;
    let length = bytes.len();
    bytes.try_into().or_else(|_| {
        said(&format!(
            "--exporter has {length} bytes, and not {PROOF_BYTES}: ask the TLS exporter for so many"
        ))
    })
}

/// The payload of a message of version 2.
fn message(name: &str, option: &str, text: &str) -> Result<Vec<u8>, Stop> {
    let bytes = bytes(option, text)?;
    let decoded = match Handshake::decode(&bytes, Reading::Compatible) {
        Ok(decoded) => decoded,
        Err(error) => {
            Problem::decode(0, &[], &bytes, &error).report(&format!("{option}: "));
            if has_length(&bytes) {
                eprintln!("The first four bytes are the length of the rest: leave them out.");
            }
            return Err(Stop::Said);
        }
    };
    if decoded.name() != name {
        return said(&format!("{option}: this is {}, and not {name}", decoded.name()));
    }
    let has_block = match decoded {
        Handshake::Name(said) => said.extension.is_some(),
        Handshake::Challenge(said) => said.extension.is_some(),
        Handshake::Reply(said) => said.proof.is_some(),
        Handshake::Ack(said) => said.proof.is_some(),
        _ => false,
    };
    match has_block {
        true => Ok(bytes),
        false => said(&format!(
            "{option}: this {name} has no extension block, so it is of version 1, which has no proofs"
        )),
    }
}

/// Whether the bytes are those of a stream: a length, and as many bytes.
fn has_length(bytes: &[u8]) -> bool {
    let mut frames = snow_dist_codec::Frames::new(bytes, snow_dist_codec::limits::HANDSHAKE_BYTES_MAX);
    matches!(frames.next(), Some(Ok(_))) && frames.remaining().is_empty()
}

fn bytes(option: &str, text: &str) -> Result<Vec<u8>, Stop> {
    input::from_hex(text.as_bytes()).map_err(|problem| {
        problem.report(&format!("{option}: "));
        Stop::Said
    })
}

fn said<T>(what: &str) -> Result<T, Stop> {
    eprintln!("error: {what}");
    Err(Stop::Said)
}
