//! The server's program, for tests of crates that do not build it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the program `roster-server` in a folder of cargo. Builds it if only another crate was
/// built. `cargo` is the program of cargo.
pub fn program_in(folder: &Path, cargo: &str) -> PathBuf {
    let server = folder.join("roster-server");
    if !server.is_file() {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "-p", "roster-server"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success());
    }
    server
}
