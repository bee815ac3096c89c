#![no_main]

#[path = "../../runtime/capi/tests/calls/script.rs"]
mod script;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| script::run(bytes));
