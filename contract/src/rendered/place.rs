//! What a file of a cluster's folder is, told by its path. Pure.

use crate::authentication;
use crate::index::{ObjectError, ObjectPath};

/// What a file of a cluster's folder is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `elasticsearch/<destination>/<path of the API>.json`.
    Object {
        /// The destination's name.
        destination: String,
        /// The path of the API.
        path: ObjectPath,
    },
    /// `aws/<region>/stack.json`.
    Stack {
        /// The Region.
        region: String,
    },
    /// `aws/members/<name>.json`.
    Fragment {
        /// Its name.
        name: String,
    },
    /// `machines/stack.json`.
    MachinesStack,
    /// `machines/<role>/…`.
    Machine {
        /// The role, such as `masters`.
        role: String,
    },
    /// `kubernetes/…`.
    Kubernetes(KubernetesFile),
    /// `gitops/…`.
    Gitops,
    /// `authentication.json`.
    Authentication,
    /// `reconciler/…`, of the whole fleet.
    Reconciler,
    /// What no built-in template makes.
    Other,
}

/// What a file below `kubernetes/` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KubernetesFile {
    /// `kubernetes/certificates/<destination>.pem`: certificates that sign a server's.
    Certificates,
    /// `kubernetes/patches/…`: the cluster's own changes.
    Patch,
    /// An object, or what the kustomization makes one of.
    Applied,
}

impl Place {
    /// Tells what a file is by its path below the cluster's folder.
    pub fn of(path: &str) -> Result<Self, ObjectError> {
        let parts: Vec<&str> = path.split('/').collect();
        Ok(match parts.as_slice() {
            ["elasticsearch", destination, _, ..] => {
                let below = &path["elasticsearch//".len() + destination.len()..];
                Self::Object {
                    destination: (*destination).to_owned(),
                    path: ObjectPath::parse(below)?,
                }
            }
            // It would be sent, and nobody knows where to.
            ["elasticsearch", ..] => return Err(ObjectError::UnknownPath(path.to_owned())),
            ["aws", "members", file] => match file.strip_suffix(".json") {
                Some(name) => Self::Fragment {
                    name: name.to_owned(),
                },
                None => Self::Other,
            },
            ["aws", region, "stack.json"] => Self::Stack {
                region: (*region).to_owned(),
            },
            ["machines", "stack.json"] => Self::MachinesStack,
            ["machines", role, _, ..] => Self::Machine {
                role: (*role).to_owned(),
            },
            ["kubernetes", "certificates", _] => Self::Kubernetes(KubernetesFile::Certificates),
            ["kubernetes", "patches", _, ..] => Self::Kubernetes(KubernetesFile::Patch),
            ["kubernetes", _, ..] => Self::Kubernetes(KubernetesFile::Applied),
            ["gitops", _, ..] => Self::Gitops,
            [authentication::FILE] => Self::Authentication,
            ["reconciler", _, ..] => Self::Reconciler,
            _ => Self::Other,
        })
    }

    /// What it is, for a count of files.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Object { path, .. } => path.kind.api(),
            Self::Stack { .. } => "stacks of Regions",
            Self::Fragment { .. } => "fragments of members",
            Self::MachinesStack => "stacks of machines",
            Self::Machine { .. } => "files of machines",
            Self::Kubernetes(KubernetesFile::Certificates) => "certificates",
            Self::Kubernetes(KubernetesFile::Patch) => "patches",
            Self::Kubernetes(KubernetesFile::Applied) => "files of Kubernetes",
            Self::Gitops => "files of Argo CD or Flux",
            Self::Authentication => "files of authentication",
            Self::Reconciler => "files of the reconciler",
            Self::Other => "files of no known kind",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_what_a_file_is() {
        for (path, word) in [
            ("elasticsearch/main/_ilm/policy/a.json", "_ilm/policy"),
            ("aws/eu-central-1/stack.json", "stacks of Regions"),
            ("aws/members/vpc.json", "fragments of members"),
            ("aws/members/vpc.yaml", "files of no known kind"),
            ("aws/eu-central-1/more.json", "files of no known kind"),
            ("machines/stack.json", "stacks of machines"),
            ("machines/nodes/a/b.sh", "files of machines"),
            ("machines/readme", "files of no known kind"),
            ("kubernetes/certificates/main.pem", "certificates"),
            ("kubernetes/patches/a.yaml", "patches"),
            ("kubernetes/kustomization.yaml", "files of Kubernetes"),
            ("gitops/flux/a.yaml", "files of Argo CD or Flux"),
            ("authentication.json", "files of authentication"),
            ("more/authentication.json", "files of no known kind"),
            ("reconciler/aws/own.json", "files of the reconciler"),
            ("notes.md", "files of no known kind"),
        ] {
            assert_eq!(
                Place::of(path).map(|place| place.word()),
                Ok(word),
                "{path}"
            );
        }
        for path in ["elasticsearch/a.json", "elasticsearch/main/a.json"] {
            assert!(Place::of(path).is_err(), "{path}");
        }
    }
}
