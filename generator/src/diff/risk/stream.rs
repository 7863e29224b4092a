//! Index templates that are taken out of the files. Pure.

use super::Flag;
use super::change::{Change, Found};

/// Index templates that aren't only for data streams which are looked at one by one.
pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let Some(path) = change
        .removed_path()
        .filter(|path| path.starts_with("elasticsearch/"))
    else {
        return;
    };
    if path.contains("/_index_template/") && !change.streams.know(Some(path), None) {
        let what = "an index template is no longer rendered";
        let live = "nothing deletes it: it stays until someone does";
        found.push_removed_file(change, Flag::StreamRemoved, what, live);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::super::{Applier, find};
    use crate::diff::documents::Documents;

    #[test]
    fn what_is_removed_is_reported_by_the_file_that_had_it() {
        let (old, new) = (
            "elasticsearch/main/_data_stream/a.json",
            "elasticsearch/main/_data_stream/b.json",
        );
        let (base, head) = (
            tree(&[(old, "{}".to_owned())]),
            tree(&[(new, "{}".to_owned())]),
        );
        let [base, head] = [&base, &head].map(Documents::of);
        let risks = find(&base, &head, Applier::Nobody);
        let files: Vec<Option<&str>> = risks.iter().map(|risk| risk.file.as_deref()).collect();
        assert_eq!(files, [Some(old)]);
    }
}
