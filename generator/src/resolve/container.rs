//! Choices of containers, as globs of log files and as regular expressions.
//! Pure.
//!
//! The kubelet names a container's log
//! `/var/log/containers/<pod>_<namespace>_<container>-<id>.log`, the id being
//! 64 hexadecimal digits
//! (<https://github.com/kubernetes/kubernetes/blob/v1.34.4/pkg/kubelet/kuberuntime/legacy.go>).
//! No Kubernetes name holds an underscore, so the parts can't be confused.

use crate::settings::{ContainerSelector, Glob};

/// The folder with a link for every container's log.
pub(super) const DIRECTORY: &str = "/var/log/containers";

/// The glob of the logs of a pod, a namespace and a container, `*` for any.
pub(super) fn path(pod: &str, namespace: &str, container: &str) -> String {
    if container == "*" {
        format!("{DIRECTORY}/{pod}_{namespace}_*.log")
    } else {
        format!("{DIRECTORY}/{pod}_{namespace}_{container}-*.log")
    }
}

/// The globs of all logs that a selector chooses.
pub(super) fn paths(selector: &ContainerSelector) -> Vec<String> {
    let any = [Glob("*".to_owned())];
    let or_any = |globs: &[Glob]| -> Vec<Glob> {
        if globs.is_empty() {
            any.to_vec()
        } else {
            globs.to_vec()
        }
    };
    let mut paths = Vec::new();
    for pod in or_any(&selector.pods) {
        for namespace in or_any(&selector.namespaces) {
            for container in or_any(&selector.containers) {
                paths.push(path(pod.as_str(), namespace.as_str(), container.as_str()));
            }
        }
    }
    paths
}

/// The regular expression of the names of the log files that a selector
/// chooses, without folder and `.log`.
pub(super) fn file_name_pattern(selector: &ContainerSelector) -> String {
    let part = |globs: &[Glob]| {
        if globs.is_empty() {
            "[^_]+".to_owned()
        } else {
            alternatives(globs)
        }
    };
    format!(
        "{}_{}_{}-[0-9a-f]{{64}}",
        part(&selector.pods),
        part(&selector.namespaces),
        part(&selector.containers)
    )
}

/// The regular expression of a whole name that one of the globs matches.
pub(super) fn name_pattern(globs: &[Glob]) -> String {
    format!(r"\A{}\z", alternatives(globs))
}

fn alternatives(globs: &[Glob]) -> String {
    let patterns: Vec<String> = globs
        .iter()
        .map(|glob| glob.as_str().replace('.', r"\.").replace('*', "[^_]*"))
        .collect();
    match patterns.as_slice() {
        [one] => one.clone(),
        several => format!("(?:{})", several.join("|")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(names: &[&str]) -> Vec<Glob> {
        names.iter().map(|&name| Glob(name.to_owned())).collect()
    }

    #[test]
    fn every_combination_has_its_glob() {
        let selector = ContainerSelector {
            namespaces: globs(&["a", "b-*"]),
            pods: vec![],
            containers: globs(&["proxy"]),
        };
        assert_eq!(
            paths(&selector),
            [
                "/var/log/containers/*_a_proxy-*.log",
                "/var/log/containers/*_b-*_proxy-*.log"
            ]
        );
        assert_eq!(
            file_name_pattern(&selector),
            "[^_]+_(?:a|b-[^_]*)_proxy-[0-9a-f]{64}"
        );
    }

    #[test]
    fn a_dot_is_a_dot() {
        assert_eq!(name_pattern(&globs(&["a.b*"])), r"\Aa\.b[^_]*\z");
    }
}
