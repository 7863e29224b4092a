//! Inputs that a merge left in conflict. Pure.

use logfleet_contract::conflict;

use super::source_file::SourceFile;
use crate::fault::Fault;

/// What to do about it.
const HINT: &str = "edit the file so that it says what you want, without the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`; then `gen render` brings `rendered/` in line";

/// The fault of a file with marks of a merge conflict, at the first of them.
pub(super) fn refuse(source: &SourceFile) -> Result<(), Fault> {
    let Some(at) = conflict::find(source.text()) else {
        return Ok(());
    };
    let line = source.text()[at..].lines().next().unwrap_or_default();
    let fault = Fault::input("the file has an unresolved merge conflict");
    Err(fault.at(source.place(at, at + line.len())).hint(HINT))
}
