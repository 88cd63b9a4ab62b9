//! The generated client made pleasant: connect, import a file, ask who sees what.
