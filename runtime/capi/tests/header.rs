//! The header that is kept is the one that the sources make.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

const HEADER: &str = "include/snow_dist.h";

#[test]
fn the_header_is_current() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(home.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_crate(home).with_config(config).generate().unwrap();
    let mut made = Vec::new();
    bindings.write(&mut made);
    let made = String::from_utf8(made).unwrap();
    if std::env::var_os("SNOW_HEADER_WRITE").is_some() {
        std::fs::write(home.join(HEADER), &made).unwrap();
    }
    let kept = std::fs::read_to_string(home.join(HEADER)).unwrap_or_default();
    assert!(kept == made, "renew it: SNOW_HEADER_WRITE=1 cargo test -p snow-dist-capi --test header");
}
