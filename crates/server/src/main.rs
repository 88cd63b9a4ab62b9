//! The binary `roster-server`.

use std::io::Write;
use std::process::ExitCode;

use mimalloc::MiMalloc;
use roster_server::{Configuration, KeyTask, Listening, NotConfigured, Options, Task};
use roster_server::{ask_health, back_up, check, create_key, migrate, restore, run_secrets_task};
use roster_server::{serve, start_log};
use roster_storage::StorageError;
use tokio::signal::unix::{SignalKind, signal};

/// A call makes dozens of small allocations. The system's allocator takes as long for them as the
/// rule and its facts together.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The exit code of a wrong command line, environment or configuration file, as clap has it.
const WRONG_OPTIONS: u8 = 2;
/// The exit code of a task that could not be carried out; 1 means that it found faults.
const NOT_CARRIED_OUT: u8 = 3;
/// The exit code if acknowledged writes are missing from the database, so that nobody restarts the
/// server before an operator has decided.
const LOST: u8 = 4;

fn main() -> ExitCode {
    keep_memory_private();
    let configuration = match Configuration::read(std::env::args_os().collect::<Vec<_>>()) {
        Ok(configuration) => configuration,
        Err(NotConfigured::CommandLine(error)) => error.exit(),
        Err(NotConfigured::File(error)) => {
            complain(&error.to_string());
            return WRONG_OPTIONS.into();
        }
    };
    let options = &configuration.options;
    start_log(options);
    let (done, failure) = match &options.task {
        None => (run(&configuration).map(|()| true), ExitCode::FAILURE),
        Some(task) => (carry_out(task, &configuration), NOT_CARRIED_OUT.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&options.hide_password(&format!("{error:#}")));
            match error.downcast_ref() {
                Some(StorageError::Lost(_)) => LOST.into(),
                _ => failure,
            }
        }
    }
}

/// Keeps keys out of core dumps and away from other processes of the same user. A system without this
/// protection still serves.
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

fn run(configuration: &Configuration) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let stop = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("stopping");
        };
        let greet = |listening| greet(&configuration.options, listening);
        serve(configuration, greet, stop).await
    });
    // Do not wait for tasks that hang on a database that does not answer.
    runtime.shutdown_background();
    served
}

/// Carries out a task. Returns whether it found no fault.
fn carry_out(task: &Task, configuration: &Configuration) -> anyhow::Result<bool> {
    let (options, out) = (&configuration.options, std::io::stdout());
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match task {
            Task::Check => check(options, out).await,
            Task::Config => Ok(configuration.print(out).map(|()| true)?),
            Task::Key(KeyTask::Create(what)) => create_key(options, what).await.map(|()| true),
            Task::Secrets(task) => run_secrets_task(task).map(|()| true),
            Task::Migrate => migrate(options, out).await.map(|()| true),
            Task::Backup { file } => back_up(options, file, out).await,
            Task::Restore { file, replace } => restore(options, file, *replace, out).await,
            Task::Health { address } => ask_health(options, address.as_deref(), out).await,
        }
    })
}

/// Prints in one line why the server did not start or ended.
fn complain(text: &str) {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // The output may be closed; the exit code still reports the failure.
    let _ = writeln!(std::io::stderr(), "roster-server: {line}");
}

/// Prints the addresses and commands to try.
fn greet(options: &Options, listening: Listening) {
    let database = options.shown_database();
    let address = listening.calls;
    let tls = if listening.is_encrypted {
        "-cacert FILE"
    } else {
        "-plaintext"
    };
    let metrics = listening
        .metrics
        .map_or_else(String::new, |at| format!("metrics: http://{at}/metrics\n"));
    let note = if listening.requires_credentials {
        ""
    } else {
        "calls need no credential: whoever reaches this address may read and write everything \
         (see --require-credentials)\n"
    };
    // The output may be closed; the server serves regardless.
    let _ = writeln!(
        std::io::stdout(),
        "roster-server listens on {address} with {database}\n{metrics}{note}\
         try:  grpcurl {tls} {address} list\n      \
         grpcurl {tls} -d '{{\"account\": {{\"name\": \"株式会社山田\"}}}}' {address} \
         roster.v1.AccountService/CreateAccount"
    );
}
