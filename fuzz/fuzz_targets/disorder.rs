#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| snow_dist_oracles::disorder(bytes));
