//! The histories in `tests/cases/diff/`, as people and machines see what they change.
//!
//! Of each, the terminal's text is a snapshot, with the gist of the JSON document
//! below it. Of the few in [`WHOLE`], which together have every section, the
//! document, the comment and the page are snapshots as well.

use std::fmt::Write;

use serde_json::Value as Json;

use super::history::History;
use crate::fleet::cases_of;

/// The cases that are looked at in every format.
const WHOLE: [&str; 12] = [
    "base_of_one_cluster_no_longer_renders",
    "cluster_added_that_is_weak",
    "cluster_removed",
    "cluster_renamed_and_changed",
    "danger_acknowledged_by_trailer",
    "danger_denied_in_part",
    "danger_words_that_cannot_be_made_out",
    "fleet_files_beside_a_fault",
    "nothing_changes",
    "one_outlier",
    "secret_reference_changes",
    "tool_upgraded_with_a_danger",
];

/// Most names of a list, and characters of a change, in a gist.
const MOST_NAMES: usize = 6;
const LONGEST_CHANGE: usize = 240;

macro_rules! histories {
    ($($case:ident)*) => {
        const CASES: &[&str] = &[$(stringify!($case)),*];
        $(#[test]
        fn $case() {
            shows_what_changes(stringify!($case));
        })*
    };
}

histories! {
    bare_repository
    bare_repository_without_a_head
    base_no_longer_renders
    base_of_one_cluster_no_longer_renders
    base_without_a_fleet
    binary_file
    certificate_beside_environments
    certificate_beside_patches
    certificate_in_another_cluster
    cluster_added
    cluster_added_that_is_weak
    cluster_added_to_a_fleet_of_argo_cd
    cluster_moves_to_another_environment
    cluster_removed
    cluster_renamed
    cluster_renamed_and_changed
    clusters_become_a_submodule
    clusters_in_a_submodule
    comments_only
    conflict_markers
    crlf
    danger_acknowledge_file_changes_nothing
    danger_acknowledge_file_with_a_fault
    danger_acknowledged_by_an_earlier_entry
    danger_acknowledged_by_file
    danger_acknowledged_by_trailer
    danger_acknowledged_in_a_shallow_clone
    danger_acknowledged_without_a_reason
    danger_aws_for_others
    danger_aws_object_replaced
    danger_cluster_moves
    danger_cluster_moves_to_another_account
    danger_cluster_named_by_its_region_moves
    danger_containers_get_less
    danger_denied
    danger_denied_beside_a_fault
    danger_denied_in_part
    danger_denied_since_the_base_has_a_fault
    danger_everybody_at_a_server
    danger_flow_log_tag_fields
    danger_fragment
    danger_gitops
    danger_gitops_tool
    danger_image_downgrade
    danger_kubernetes_object_replaced
    danger_mapping_rejected
    danger_namespace_changes
    danger_network_opens
    danger_new_cluster_is_weak
    danger_patch
    danger_policy_narrows
    danger_privilege_widens
    danger_programs_go_back
    danger_retention_shrinks
    danger_role_removed
    danger_secret_is_left_to_a_reconciler
    danger_secret_reference_changes
    danger_source_reads_less
    danger_source_stops
    danger_stream_removed
    danger_tls_weakens
    danger_trailer_nearly_right
    danger_words_that_cannot_be_made_out
    dirty_work_tree
    file_renamed
    fleet_files_beside_a_fault
    fleet_files_beside_a_fault_of_the_base
    fleet_in_a_subfolder
    fluentd_option
    head_is_a_commit
    head_with_a_fault
    iam_action_in_a_string
    image_bump_over_all
    key_moves_layers_without_effect
    line_ends_of_the_work_tree
    link_into_another_cluster
    link_of_a_folder_outside_of_clusters
    link_of_a_template_outside_of_templates
    link_of_an_environment
    link_of_an_environment_outside_of_clusters
    link_out_of_the_fleet
    link_to_a_file_outside_of_clusters
    list_reordered
    logstash_option
    merge_base_behind_main
    merged_in_both_directions
    no_common_commit
    no_repository
    nothing_changes
    one_outlier
    partial_clone
    pointer_of_git_lfs
    pull_request_merged_into_its_base
    reconciler_trusts_an_unchanged_cluster
    revision_of_two_commits
    script_lines
    secret_reference_changes
    settings_of_each_layer
    shallow_clone
    shallow_clone_with_an_earlier_merge_base
    stream_added
    submodule
    tag_called_as_the_default_branch
    template_refactored_without_effect
    tool_upgraded
    tool_upgraded_from_objects_per_stream
    tool_upgraded_in_between
    tool_upgraded_with_a_danger
    unknown_revision
}

#[test]
fn every_folder_is_a_case() {
    assert_eq!(cases_of("diff"), CASES);
}

/// That nothing is written is part of every run.
fn shows_what_changes(case: &str) {
    let documents = History::of_case(case).documents();
    let json: Json = serde_json::from_str(&documents.json).expect("a document");
    let text = format!("{}--- as data\n{}", documents.text, gist(&json));
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true
    }, {
        insta::assert_snapshot!(format!("diff_{case}"), text);
        if WHOLE.contains(&case) {
            let pages = documents.pages.expect("something that is compared");
            insta::assert_snapshot!(format!("diff_{case}_json"), documents.json);
            insta::assert_snapshot!(format!("diff_{case}_markdown"), pages.markdown);
            insta::assert_snapshot!(format!("diff_{case}_html"), pages.html);
        }
    });
}

/// The verdict, the counts, every danger, the inputs and the first group of a
/// preview; how many faults there are of a document that is none.
fn gist(document: &Json) -> String {
    let mut gist = String::new();
    let mut line = |name: &str, text: String| {
        if !text.is_empty() {
            writeln!(gist, "{name}: {text}").expect("written");
        }
    };
    for name in ["verdict", "outcome"] {
        line(name, text(&document[name]));
    }
    for name in ["clusters", "files", "objects"] {
        line(name, counts(&document[name]));
    }
    for name in [
        "faults",
        "acknowledgement_faults",
        "head_faults",
        "base_faults",
    ] {
        let messages = items(&document[name]).map(|fault| &fault["message"]);
        line(name, names(messages));
    }
    for danger in items(&document["dangers"]) {
        let parts = ["what", "live", "clusters", "files"].map(|part| names(items(&danger[part])));
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let parts: Vec<String> = parts.collect();
        let by = match &danger["acknowledged"] {
            Json::Null => String::new(),
            word => format!(" (acknowledged: {})", text(&word["place"])),
        };
        line(&text(&danger["flag"]), parts.join(" | ") + &by);
    }
    let radius = &document["blast_radius"];
    line(
        "inputs",
        names(items(&radius["inputs"]).map(|input| &input["path"])),
    );
    for name in ["by_own_files", "by_shared_files"] {
        line(name, names(items(&radius[name])));
    }
    let groups = items(&document["groups"]).count();
    if let Some(group) = items(&document["groups"]).next() {
        let part = &group["parts"][0];
        let variant = &part["variants"][0];
        let mut change = format!("{} {}", text(&part["path"]), variant["detail"]);
        if let Some((end, _)) = change.char_indices().nth(LONGEST_CHANGE) {
            change.replace_range(end.., "…");
        }
        let clusters = names(items(&group["clusters"]));
        let files = names(items(&part["files"]).map(|file| &file["path"]));
        let parts = items(&group["parts"]).count();
        line(
            &format!("first of {groups} groups"),
            format!("{clusters} | {parts} parts, the first in {files} | {change}"),
        );
    }
    gist
}

/// The items of a list; a value that is none is its only one.
fn items(value: &Json) -> Box<dyn Iterator<Item = &Json> + '_> {
    match value {
        Json::Array(items) => Box::new(items.iter()),
        Json::Null => Box::new(std::iter::empty()),
        one => Box::new(std::iter::once(one)),
    }
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn names<'j>(values: impl Iterator<Item = &'j Json>) -> String {
    let all: Vec<String> = values.map(text).collect();
    let first = all.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>();
    match all.len().saturating_sub(MOST_NAMES) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Those that aren't zero, such as `2 changed, 1 removed`.
fn counts(totals: &Json) -> String {
    let totals = totals.as_object().into_iter().flatten();
    let counts = totals.filter(|(_, count)| **count != 0);
    let counts: Vec<String> = counts
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    counts.join(", ")
}
