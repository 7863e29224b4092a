//! The API server judges the objects of Argo CD by Argo CD's own definitions.

use std::fs;
use std::path::PathBuf;

use crate::kubernetes::object::Object;
use crate::kubernetes::server::ApiServer;
use crate::kubernetes::{rendered, root};
use crate::rig;

/// The files with objects of Argo CD of the example fleet.
fn files() -> Vec<PathBuf> {
    let own = root().join("rendered/_fleet/gitops/argo-cd");
    let mut files: Vec<PathBuf> = fs::read_dir(&own)
        .unwrap_or_else(|error| panic!("{}: {error}", own.display()))
        .map(|entry| entry.expect("readable").path())
        .chain(
            rendered()
                .iter()
                .map(|folder| folder.join("../gitops/application.yaml")),
        )
        .collect();
    files.sort();
    files
}

fn objects() -> Vec<Object> {
    files()
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            Object::all(&text)
        })
        .collect()
}

/// The server, with the namespace of Argo CD in it.
fn server() -> Option<&'static ApiServer> {
    rig::installed("crds/argoproj.io_applicationsets.yaml", "flux")?;
    let server = ApiServer::shared()?;
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: argocd\n";
    let answer = server.apply(&Object::all(namespace)[0]);
    assert!(answer.status < 300, "{}", answer.body);
    Some(server)
}

#[test]
fn accepts_every_object_of_the_example_fleet() {
    let Some(server) = server() else {
        return;
    };
    let objects = objects();
    let count = |kind: &str| objects.iter().filter(|object| object.kind == kind).count();
    assert_eq!(count("AppProject"), 1);
    assert_eq!(count("ApplicationSet"), 1);
    // One of each cluster, the root, and the reconciler's.
    assert_eq!(count("Application"), rendered().len() + 2);
    for object in &objects {
        let answer = server.apply_dry(object);
        let message = &answer.body["message"];
        assert!(
            answer.status < 300,
            "{} `{}`: {message}",
            object.kind,
            object.name
        );
    }
}

/// Shows that the judge refuses at all.
#[test]
fn refuses_a_field_that_argo_cd_has_not() {
    let Some(server) = server() else {
        return;
    };
    for object in objects() {
        let wrong = Object {
            text: object
                .text
                .replacen("\nspec:\n", "\nspec:\n  projct: a\n", 1),
            ..object
        };
        assert!(wrong.text.contains("projct"));
        let answer = server.apply_dry(&wrong);
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(
            answer.status >= 400 && message.contains("field not declared in schema"),
            "{}: {} {message}",
            wrong.kind,
            answer.status
        );
    }
}
