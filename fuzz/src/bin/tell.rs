//! `cargo run --bin tell FILE`: what happens in an input of the node target, up to where a rule is broken.

fn main() {
    for file in std::env::args().skip(1) {
        match std::fs::read(&file) {
            Ok(bytes) => fuzz::node::tell(&bytes, Some(|line| println!("{line}"))),
            Err(error) => eprintln!("{file}: {error}"),
        }
    }
}
