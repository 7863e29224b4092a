//! The faults of writing, each with the path it is about. Pure.

use rustix::io::Errno;

use crate::fault::Fault;

/// What stands where something else belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, which is never followed.
    Link,
    /// A socket, pipe or device.
    Special,
}

impl Obstacle {
    fn noun(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Link => "a symbolic link",
            Self::Special => "a socket, pipe or device",
        }
    }
}

/// The system refused an operation on `path`.
pub(super) fn refused(path: &str, what: &str, error: Errno) -> Fault {
    let reported = std::io::Error::from(error);
    let fault = Fault::environment(format!("`{path}` can't be {what}: {reported}"));
    match error {
        Errno::NOSPC | Errno::DQUOT => {
            fault.hint("free some space and run again; the next run finishes what this one began")
        }
        Errno::ACCESS | Errno::PERM | Errno::ROFS => {
            fault.hint("make the output folder writable for the user who runs gen")
        }
        _ => fault,
    }
}

/// Something stands where a folder belongs.
pub(super) fn not_a_folder(path: &str, obstacle: Obstacle) -> Fault {
    let fault = Fault::environment(format!(
        "`{path}` is {}, but a folder belongs there",
        obstacle.noun()
    ));
    out_of_the_way(fault, obstacle)
}

/// Something that can't be replaced stands where a file belongs.
pub(super) fn not_a_file(path: &str, obstacle: Obstacle) -> Fault {
    let fault = Fault::environment(format!(
        "`{path}` is {}, but a file belongs there",
        obstacle.noun()
    ));
    out_of_the_way(fault, obstacle)
}

fn out_of_the_way(fault: Fault, obstacle: Obstacle) -> Fault {
    if obstacle == Obstacle::Link {
        fault
            .hint("symbolic links are never followed when writing; replace it by what it points to")
    } else {
        fault.hint("move it elsewhere")
    }
}

/// A folder that holds something not ours stands where a file belongs.
pub(super) fn folder_kept(path: &str, foreign: &str) -> Fault {
    Fault::environment(format!(
        "`{path}` is a folder, but a file belongs there, and `{foreign}` in it was not written by gen"
    ))
    .hint("move it elsewhere")
}

/// A file of ours was edited since.
pub(super) fn edited(path: &str) -> Fault {
    Fault::input(format!("`{path}` was edited by hand; nothing was written"))
        .hint("carry the edit into the settings or the templates and undo it here")
        .hint("`--force` overwrites it")
}

/// A file that isn't ours stands where one of ours belongs.
pub(super) fn foreign(path: &str) -> Fault {
    Fault::input(format!(
        "`{path}` was not written by gen, but a rendered file belongs there; nothing was written"
    ))
    .hint("move it elsewhere")
    .hint("`--force` overwrites it")
}

/// A file that isn't ours stands where a folder of ours belongs.
pub(super) fn foreign_above(path: &str) -> Fault {
    Fault::input(format!(
        "`{path}` was not written by gen, but a folder of rendered files belongs there; nothing was written"
    ))
    .hint("move it elsewhere")
    .hint("`--force` removes it")
}

/// A file that isn't ours has a name that the writer needs for a moment.
pub(super) fn temporary_taken(path: &str) -> Fault {
    Fault::input(format!(
        "`{path}` was not written by gen, but its name is needed for a temporary file; nothing was written"
    ))
    .hint("move it elsewhere")
}

/// The ownership file can't be understood.
pub(super) fn ownership_unreadable(path: &str, why: &str) -> Fault {
    Fault::input(format!(
        "`{path}` can't be understood, so it is unknown which files gen wrote: {why}"
    ))
    .hint("restore it from version control")
    .hint("`--force` does without it: it overwrites what is rendered and keeps all other files")
}

/// The ownership file comes from a newer release.
pub(super) fn ownership_newer(path: &str, found: u64, known: u64) -> Fault {
    Fault::input(format!(
        "`{path}` has format {found}, written by a newer gen; this one knows up to {known}"
    ))
    .hint("use the newer gen")
}

/// A rendered path can't be written.
pub(super) fn reserved(path: &str) -> Fault {
    Fault::input(format!(
        "`{path}` is rendered, but that name is reserved for gen itself"
    ))
    .hint("rename the template")
}

/// A rendered path is both a file and a folder.
pub(super) fn file_and_folder(path: &str) -> Fault {
    Fault::input(format!(
        "`{path}` is rendered both as a file and as a folder"
    ))
    .hint("rename one of the templates")
}
