//! What the program says. That nobody reads it, as behind `| head`, is no reason to stop, where `println!` would panic.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _, stderr, stdout};
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// Puts out what was asked for, as a line.
pub(crate) fn out(line: impl Display) -> Outcome<()> {
    match writeln!(stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::io("write", Path::new("to standard output"), error))
        }
        _ => Ok(()),
    }
}

/// Says something beside it.
pub(crate) fn beside(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}
