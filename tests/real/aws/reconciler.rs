//! The stacks with the reconciler's roles: AWS's own names of actions, resources and properties, as cfn-lint knows them.

use std::path::Path;
use std::process::Command;

use crate::aws::INSTALLED;
use crate::rig;

#[test]
fn the_reconcilers_roles_are_as_aws_has_them() {
    let Some(complete) = rig::installed(INSTALLED, "aws") else {
        return;
    };
    let lint = |files: &[&Path]| {
        let output = Command::new(complete.with_file_name("bin/cfn-lint"))
            .args(files)
            .output()
            .expect("cfn-lint starts");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rendered/_fleet/reconciler/aws");
    let files = [folder.join("own.json"), folder.join("account.json")];
    let (is_right, told) = lint(&[&files[0], &files[1]]);
    assert!(is_right, "{told}");

    // It judges actions and the resources that they are for.
    let text = std::fs::read_to_string(&files[1]).expect("rendered");
    let wrong = text.replace(
        "cloudformation:DeleteStack\"",
        "cloudformation:DeleteStock\"",
    );
    assert_ne!(wrong, text);
    let other = tempfile::tempdir().expect("a folder");
    let path = other.path().join("account.json");
    std::fs::write(&path, wrong).expect("writable");
    let (is_right, told) = lint(&[&path]);
    assert!(
        !is_right && told.to_lowercase().contains("deletestock"),
        "{told}"
    );
}
