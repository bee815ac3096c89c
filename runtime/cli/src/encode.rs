//! `snow-dist encode`.

use std::io::{self, Write};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use snow_dist_codec::document::{Document, Hex, TermDocument};
use snow_dist_codec::layout::Sink;
use snow_dist_codec::{Frame, Handshake, NodeName, Pid, ReasonBuf, framing};

use crate::problem::Problem;
use crate::{Encode, Phase, Piece, input};

/// Encodes all inputs, and says whether all were good.
pub(crate) fn run(arguments: &Encode, out: &mut impl Write) -> io::Result<bool> {
    let mut good = true;
    if let Some(json) = &arguments.json {
        good &= line(arguments, json, "", out)?;
    } else {
        let mut any = false;
        for text in input::lines(arguments.shared.file.as_deref())? {
            let (number, text) = text?;
            any = true;
            good &= line(arguments, &String::from_utf8_lossy(&text), &format!("line {number}: "), out)?;
        }
        if !any {
            eprintln!("error: there is nothing to encode: give a JSON object as an argument or on a line");
            good = false;
        }
    }
    Ok(good)
}

fn line(arguments: &Encode, json: &str, place: &str, out: &mut impl Write) -> io::Result<bool> {
    let encoded = match arguments.shared.piece {
        Some(piece) => encode_piece(piece, json),
        None => encode_message(arguments.shared.phase, json),
    };
    match encoded {
        Ok(bytes) if arguments.shared.raw => out.write_all(&bytes)?,
        Ok(bytes) => writeln!(out, "{}", hex::encode(bytes))?,
        Err(problem) => {
            out.flush()?;
            problem.report(place);
            return Ok(false);
        }
    }
    Ok(true)
}

fn encode_message(phase: Phase, json: &str) -> Result<Vec<u8>, Problem> {
    let document: Document = parse(json)?;
    check_phase(phase, &document.tag).map_err(refused(json))?;
    let mut payload = Vec::new();
    match phase {
        Phase::Session => document.frame().map_err(refused(json))?.encode(&mut payload),
        Phase::Handshake => document.handshake().map_err(refused(json))?.encode(&mut payload),
    }
    .map_err(refused(json))?;
    payload.extend_from_slice(&document.trailing);
    let mut bytes = Vec::with_capacity(payload.len() + 4);
    framing::put(&payload, phase.bytes_max(), &mut bytes).map_err(refused(json))?;
    Ok(bytes)
}

/// Says so if a message belongs to the other phase.
fn check_phase(phase: Phase, name: &str) -> Result<(), String> {
    let among = |tags: &[(u8, &str)]| tags.iter().any(|(_, known)| *known == name);
    match phase {
        Phase::Session if among(Handshake::TAGS) => {
            Err(format!("{name} is a message of the handshake: say --phase handshake"))
        }
        Phase::Handshake if among(Frame::TAGS) => {
            Err(format!("{name} is a frame: leave out --phase handshake"))
        }
        _ => Ok(()),
    }
}

/// A bare piece, as `decode --as` prints it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PieceObject<V> {
    #[serde(rename = "offset")]
    _offset: Option<u64>,
    #[serde(rename = "length")]
    _length: Option<u64>,
    #[serde(rename = "as")]
    _piece: Option<String>,
    value: V,
    trailing: Option<Hex<Vec<u8>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameObject {
    name: String,
    host: String,
    port: Option<u16>,
}

fn encode_piece(piece: Piece, json: &str) -> Result<Vec<u8>, Problem> {
    match piece {
        Piece::Signal => {
            let document: Document = parse(json)?;
            let mut bytes = Vec::new();
            document.signal().map_err(refused(json))?.encode(&mut bytes).map_err(refused(json))?;
            bytes.extend_from_slice(&document.trailing);
            Ok(bytes)
        }
        Piece::Reason => with_trailing(json, |reason: ReasonBuf| {
            Ok(layout_bytes(|sink| sink.reason("reason", &reason.as_reason())))
        }),
        Piece::Pid => with_trailing(json, |pid: Pid| Ok(layout_bytes(|sink| sink.pid("pid", pid)))),
        Piece::Term => {
            with_trailing(json, |term: TermDocument| term.to_vec().map_err(|error| error.to_string()))
        }
        Piece::Name => with_trailing(json, |NameObject { name, host, port }: NameObject| {
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            let text = format!("{name}@{host}{port}");
            NodeName::parse(&text).map_err(|error| error.to_string())?;
            Ok(text.into_bytes())
        }),
    }
}

fn with_trailing<V: DeserializeOwned>(
    json: &str,
    encode: impl FnOnce(V) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, Problem> {
    let object: PieceObject<V> = parse(json)?;
    let mut bytes = encode(object.value).map_err(refused(json))?;
    bytes.extend(object.trailing.map(|trailing| trailing.0).unwrap_or_default());
    Ok(bytes)
}

fn layout_bytes(
    write: impl FnOnce(&mut snow_dist_codec::layout::Writer<'_, Vec<u8>>) -> Result<(), std::convert::Infallible>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    snow_dist_codec::layout::append(&mut bytes, write);
    bytes
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Problem> {
    serde_json::from_str(json).map_err(|error| {
        let message = error.to_string();
        // The place is marked; in words it would be that in the line, beside the number of the line.
        let message = message.rsplit_once(" at line ").map_or(&*message, |(what, _)| what);
        let at = named_key(json, message).unwrap_or_else(|| {
            let before: usize =
                json.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            before + error.column().saturating_sub(1)
        });
        Problem::json(json, at, &format!("not the JSON of a message: {message}"))
    })
}

/// An error of a value. Where the message names no field that is there, the place is that of the whole.
fn refused<E: ToString>(json: &str) -> impl Fn(E) -> Problem {
    move |error| {
        let message = error.to_string();
        let whole = || ["tag", "value"].iter().find_map(|key| key_at(json, key));
        let at = named_key(json, &message).or_else(whole).unwrap_or_default();
        Problem::json(json, at, &message)
    }
}

/// Where the key of the field stands that a message names: "`names[3]` cannot be written" names `names`.
fn named_key(json: &str, message: &str) -> Option<usize> {
    let field = message.split('`').nth(1)?.split(['.', '[']).next()?;
    field.starts_with(|first: char| first.is_ascii_alphabetic()).then(|| key_at(json, field))?
}

fn key_at(json: &str, key: &str) -> Option<usize> {
    json.find(&format!("\"{key}\""))
}
