//! Writes the vectors: `cargo run -p snow-dist-tests --bin vectors`.

use std::io;

use snow_dist_tests::vectors;

fn main() -> io::Result<()> {
    for (name, file) in vectors::files() {
        std::fs::write(vectors::folder().join(name), vectors::to_text(&file))?;
        println!("spec/vectors/{name}");
    }
    Ok(())
}
