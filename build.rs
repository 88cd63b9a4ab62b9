//! Compiles `proto/` with protox, so that no protoc is needed.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost_types::{DescriptorProto, FileDescriptorSet};

/// The folder of the API.
const ROOT: &str = "proto";
/// The package of the API.
const PACKAGE: &str = "roster.v1";

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

    fs::write(
        out.join("roster_methods.rs"),
        methods_of(&compiler.file_descriptor_set())?,
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

/// The table of the methods of `roster.v1`, and the traits of `proto/methods.rs` for their requests.
fn methods_of(set: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let (mut table, mut by_path, mut impls) = (String::new(), String::new(), String::new());
    let mut index = 0;
    for file in set.file.iter().filter(|file| file.package() == PACKAGE) {
        for service in &file.service {
            for method in &service.method {
                let (of, name) = (format!("{PACKAGE}.{}", service.name()), method.name());
                let streams_answers = method.server_streaming();
                let streams_requests = method.client_streaming();
                writeln!(
                    table,
                    "    MethodInfo {{ service: {of:?}, name: {name:?}, path: \"/{of}/{name}\", \
                     streams_answers: {streams_answers}, \
                     streams_requests: {streams_requests} }},"
                )?;
                writeln!(by_path, "        \"/{of}/{name}\" => Some({index}),")?;
                let request = message(set, method.input_type())?;
                let answer = message(set, method.output_type())?;
                let unary = !method.client_streaming() && !streams_answers;
                write_impls(&mut impls, (request, answer), index, unary)?;
                index += 1;
            }
        }
    }
    Ok(format!(
        "/// All methods, in the order of the descriptor set.\n\
         pub const METHODS: &[MethodInfo] = &[\n{table}];\n\n\
         /// The place in [`METHODS`] of the method with this path.\n\
         pub fn method_of_path(path: &str) -> Option<usize> {{\n    match path {{\n{by_path}        \
         _ => None,\n    }}\n}}\n{impls}"
    ))
}

/// The message of the package with a full name, with its leading dot.
fn message<'s>(set: &'s FileDescriptorSet, name: &str) -> Result<&'s DescriptorProto, String> {
    let own = name.strip_prefix(&format!(".{PACKAGE}.")).unwrap_or(name);
    set.file
        .iter()
        .filter(|file| file.package() == PACKAGE)
        .flat_map(|file| &file.message_type)
        .find(|message| message.name() == own)
        .ok_or_else(|| format!("the message {name} of a method is not in {PACKAGE}"))
}

/// Writes the traits of a request, chosen by its fields.
fn write_impls(
    code: &mut String,
    (request, answer): (&DescriptorProto, &DescriptorProto),
    index: usize,
    unary: bool,
) -> std::fmt::Result {
    let has = |name: &str| request.field.iter().any(|field| field.name() == name);
    let (name, answer) = (request.name(), answer.name());
    writeln!(
        code,
        "\nimpl Method for crate::v1::{name} {{\n    type Answer = crate::v1::{answer};\n    \
         const INDEX: usize = {index};\n}}"
    )?;
    if !unary {
        return Ok(());
    }
    let id = if has("request_id") {
        "Some(&mut self.request_id)"
    } else {
        "None"
    };
    writeln!(
        code,
        "\nimpl UnaryRequest for crate::v1::{name} {{\n    \
         fn request_id_mut(&mut self) -> Option<&mut String> {{ {id} }}\n}}"
    )?;
    if has("request_id") {
        writeln!(
            code,
            "\nimpl WriteRequest for crate::v1::{name} {{\n    \
             fn take_request_id(&mut self) -> String {{ std::mem::take(&mut self.request_id) }}\n}}"
        )?;
    }
    if has("consistency") {
        writeln!(
            code,
            "\nimpl ReadRequest for crate::v1::{name} {{\n    \
             fn consistency(&self) -> Option<&Consistency> {{ self.consistency.as_ref() }}\n}}"
        )?;
    }
    if has("consistency") && has("page_size") && has("page_token") {
        writeln!(
            code,
            "\nimpl PageRequest for crate::v1::{name} {{\n    \
             fn take_page(&mut self) -> (i32, String) {{\n        \
             (std::mem::take(&mut self.page_size), std::mem::take(&mut self.page_token))\n    }}\n    \
             fn take_consistency(&mut self) {{ self.consistency = None; }}\n}}"
        )?;
    }
    Ok(())
}
