//! The limit of open files of the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that connections must leave: pooled connections of the database, the files of SQLite,
/// uploads, the port for operators, and the files of the runtime.
const RESERVED: usize = 256;

/// Raises the soft limit of open files to the hard limit. Returns how many connections fit below
/// it, at most `wanted`.
pub(crate) fn raise_limit(wanted: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_ok() {
        limit = raised;
    }
    let files = limit.current.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    let fit = fitting(files, wanted);
    if fit < wanted {
        tracing::warn!(
            files,
            connections_max = fit,
            "the limit of open files allows fewer connections than --connections-max: raise it \
             (LimitNOFILE of systemd, --ulimit nofile of containers)"
        );
    }
    fit
}

/// Half of the files if there are so few that nothing would be left.
fn fitting(files: usize, wanted: usize) -> usize {
    wanted
        .min(files.saturating_sub(RESERVED).max(files / 2))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_to_the_database() {
        for (files, wanted, fit) in [
            (10_255, 10_000, 9_999),
            (10_256, 10_000, 10_000),
            (10_257, 10_000, 10_000),
            (1_024, 10_000, 768),
            (256, 10_000, 128),
            (1, 10_000, 1),
            (usize::MAX, 7, 7),
        ] {
            assert_eq!(fitting(files, wanted), fit, "{files} files");
        }
    }
}
