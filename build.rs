//! Compiles `proto/` with protox, so that no protoc is needed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where the API stands.
const ROOT: &str = "proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={ROOT}");

    // The error details are no field of any message: they are compiled along so that reflection
    // knows them and grpcurl can print them.
    let mut files = protos_in("proto/roster/v1")?;
    files.extend(protos_in("proto/google/rpc")?);

    let mut compiler = protox::Compiler::new([ROOT])?;
    // With source info, so that a client that describes an RPC is shown its comments.
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(files)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("roster_descriptor.bin"),
        compiler.encode_file_descriptor_set(),
    )?;

    let mut config = tonic_prost_build::Config::new();
    // By its name a message is found in the descriptor set: the command prints it as JSON so.
    config.enable_type_names();
    tonic_prost_build::configure()
        // A map that is ordered prints and hashes alike every time.
        .btree_map(".")
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}

/// The .proto files of a folder, in the order of their names: the same build every time.
fn protos_in(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
