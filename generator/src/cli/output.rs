//! Files that a command is told to write.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Faults};

/// Writes a file whole or not at all: beside it first, then in its place. What
/// is no file, such as a pipe, is written to as it is.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), Fault> {
    let replaced = match fs::metadata(path) {
        Ok(there) if !there.is_file() => fs::write(path, text),
        // A link stays one.
        Ok(_) => fs::canonicalize(path).and_then(|path| replace(&path, text)),
        Err(_) => replace(path, text),
    };
    replaced.map_err(|error| {
        Fault::environment(format!("can't write `{}`: {error}", path.display()))
            .hint("does its folder exist, and may you write there?")
    })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = beside(path)?;
    let replaced = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        // It may never have come to be.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.new", std::process::id()));
    Ok(path.with_file_name(beside))
}

/// A path as somebody would type it: `./` adds nothing.
pub(super) fn below(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") {
        PathBuf::from(name)
    } else {
        folder.join(name)
    }
}

/// Writes files that don't exist yet, or none at all.
pub(super) fn write_new(folder: &Path, files: &[(String, String)]) -> Result<(), Faults> {
    let mut faults = Faults::new();
    for (name, _) in files {
        let path = below(folder, name);
        // A link counts, whatever it points to.
        if path.symlink_metadata().is_ok() {
            faults.push(
                Fault::input(format!("`{}` already exists", path.display()))
                    .hint("move it away first"),
            );
        }
    }
    faults.into_result(())?;
    for (name, text) in files {
        let path = below(folder, name);
        let refused = |error: io::Error| {
            Faults::from(Fault::environment(format!(
                "can't write `{}`: {error}",
                path.display()
            )))
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(refused)?;
        }
        let mut file = fs::File::create_new(&path).map_err(refused)?;
        file.write_all(text.as_bytes()).map_err(refused)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("a.md"), folder.path().join("link.md"));
        write_whole(&file, "one").expect("written");
        std::os::unix::fs::symlink("a.md", &link).expect("a link");
        write_whole(&link, "two").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("text"), "two");
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }

    #[test]
    fn what_cannot_be_written_is_reported_by_its_path() {
        let folder = tempfile::tempdir().expect("a folder");
        for path in ["", "none/a.md"] {
            let path = folder.path().join(path);
            let fault = write_whole(&path, "one").expect_err("refused");
            let message = format!("can't write `{}`: ", path.display());
            assert!(fault.message.starts_with(&message), "{}", fault.message);
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
