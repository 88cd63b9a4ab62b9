//! Compiles the messages of the change log with protox, so that no protoc is needed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["proto/roster/storage/v1/change_log.proto"], ["proto"])?;
    prost_build::Config::new()
        // A map in order encodes alike every time.
        .btree_map(["."])
        .compile_fds(files)?;
    Ok(())
}
