//! Links between files of the repository.

use std::path::Path;

use regex::Regex;

use super::{documents, repository};

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = Vec::new();
    let mut seen = 0;
    for (path, text) in documents() {
        let folder = Path::new(&path).parent().unwrap();
        for found in link.captures_iter(&text) {
            let target = found[1].split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            seen += 1;
            if !repository().join(folder).join(target).exists() {
                broken.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(seen > 20, "only {seen} links were found");
}
