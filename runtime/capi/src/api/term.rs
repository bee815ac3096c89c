//! The functions for terms as JSON.

use snow_dist_codec::Reading;
use snow_dist_codec::document::TermDocument;
use snow_dist_codec::stf::Terms;

use crate::boundary::{Out, bytes, guard};
use crate::failure::{Failure, Outcome};
use crate::held;
use crate::limits::SNOW_JSON_BYTES_MAX;
use crate::types::{snow_bytes, snow_status};

/// Writes the bytes of the term that JSON describes to `term`. Free the bytes with `snow_bytes_free`. Returns
/// `SNOW_ERROR_TERM` if the JSON does not describe a term.
///
/// In the JSON, each value has its type, as in the output of the command `snow-dist decode --json`, for example
/// `{"type": "tuple", "values": [{"type": "int", "value": "7"}, {"type": "string", "value": "seven"}]}`. A pid is
/// `{"type": "pid", "value": {"node": 0, "creation": 0, "local": 0}}`, where `local` is the number of the pid in the
/// term.
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

/// Writes the JSON of a term to `json`, in the form that `snow_term_from_json` reads. Free the JSON with
/// `snow_bytes_free`. Returns `SNOW_ERROR_TERM` if the bytes are not exactly one term.
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
