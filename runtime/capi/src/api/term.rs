//! Terms as JSON.

use snow_dist_codec::Reading;
use snow_dist_codec::document::TermDocument;
use snow_dist_codec::stf::Terms;

use crate::boundary::{Out, bytes, guard};
use crate::failure::{Failure, Outcome};
use crate::held;
use crate::limits::SNOW_JSON_BYTES_MAX;
use crate::types::{snow_bytes, snow_status};

/// Gives the bytes of a term that JSON describes: each value with its type, as the command `snow-dist decode --json` shows it.
/// `{"type": "tuple", "values": [{"type": "int", "value": "7"}, {"type": "string", "value": "seven"}]}`; a pid is
/// `{"type": "pid", "value": {"node": 0, "creation": 0, "local": 0}}`, where `local` is its number in the term. `snow_bytes_free`
/// frees the bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_term_from_json(
    json: *const u8,
    length: usize,
    term: *mut snow_bytes,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let (json, out) = unsafe { (bytes(json, length, "json"), Out::new(term, "term")) };
        let (json, out) = (json?, out?);
        out.put(held::bytes(&from_json(json)?)?);
        Ok(())
    })
}

fn from_json(json: &[u8]) -> Outcome<Vec<u8>> {
    if json.len() as u64 > SNOW_JSON_BYTES_MAX {
        return Err(Failure::argument(format!("the JSON is longer than {SNOW_JSON_BYTES_MAX} bytes")));
    }
    let document: TermDocument = serde_json::from_slice(json).map_err(no_term)?;
    document.to_vec().map_err(no_term)
}

fn no_term(error: impl std::fmt::Display) -> Failure {
    Failure::new(snow_status::SNOW_ERROR_TERM, error.to_string())
}

/// Gives the JSON of a term, of the form that `snow_term_from_json` reads. `SNOW_ERROR_TERM` if the bytes are not one whole
/// term. `snow_bytes_free` frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_term_to_json(
    term: *const u8,
    length: usize,
    json: *mut snow_bytes,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let (term, out) = unsafe { (bytes(term, length, "term"), Out::new(json, "json")) };
        let (term, out) = (term?, out?);
        let (value, _) = Terms::Second.decode(term, Reading::Strict).map_err(no_term)?;
        let text = serde_json::to_vec(&TermDocument::from(value)).map_err(no_term)?;
        out.put(held::bytes(&text)?);
        Ok(())
    })
}
