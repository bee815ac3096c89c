//! Writes the vectors and the session in bytes: `cargo run -p snow-dist-tests --bin vectors`.

use std::io;

use snow_dist_tests::{example, vectors};

fn main() -> io::Result<()> {
    for (name, file) in vectors::files() {
        std::fs::write(vectors::folder().join(name), vectors::to_text(&file))?;
        println!("spec/vectors/{name}");
    }
    std::fs::write(vectors::folder().join("../example.md"), example::text())?;
    println!("spec/example.md");
    Ok(())
}
