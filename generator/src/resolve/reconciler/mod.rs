//! The reconciler of a fleet: what it is reported, what it runs in, and what it may do. Pure.
//!
//! Its settings are made of what clusters say of themselves: one fact is in one place. Only what no
//! cluster can know is set: image, repository, schedule, roles and the administrators' Secrets.

mod aws;
mod cluster;
mod clusters;
mod policy;
mod servers;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use aws::{
    ReconciledPlace, ResolvedBucket, ResolvedReconcilerAws, ResolvedStacks, SecretStore,
};
pub use cluster::ReconciledCluster;
pub use clusters::ResolvedReconcilerCluster;
pub use policy::{Policy, Statement};
pub use servers::{AdministratorRole, CopiedAuthority, ResolvedReconcilerServer, Serves};

use super::FleetCluster;
use super::problem::Problems;
use crate::layers::fleet::{FleetLayers, merge_fleet};
use crate::load::node::Node;
use crate::settings::{GitRepository, KubernetesSecretReference, Reconciler, Resources};

/// Where a pod finds what is mounted from Secrets.
const SECRETS: &str = "/run/secrets/logfleet";

/// What a fleet says of its reconciler.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetReconciler {
    reconciler: Reconciler,
    repository: GitRepository,
}

/// The reconciler, ready to be rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedReconciler {
    /// The namespace.
    pub namespace: String,
    /// Whether the tool that `gitops` names applies it.
    pub gitops: bool,
    /// The image with its tag or digest.
    pub image: String,
    /// When a run begins.
    pub schedule: String,
    /// Seconds after which a run is stopped.
    pub deadline_seconds: u32,
    /// How many pods share the work.
    pub shards: u16,
    /// CPU and memory of each.
    pub resources: Resources,
    /// Where it finds what is rendered.
    pub source: ResolvedSource,
    /// The servers, by name.
    pub servers: Vec<ResolvedReconcilerServer>,
    /// The clusters whose Secrets it writes, by name.
    pub clusters: Vec<ResolvedReconcilerCluster>,
    /// The keys of Secrets that are mounted, each in a folder.
    pub mounted: Vec<MountedKey>,
    /// What is set for AWS; none if nothing of it is reconciled there.
    pub aws: Option<ResolvedReconcilerAws>,
    /// The ports that it connects to, but that of DNS.
    pub ports: BTreeSet<u16>,
    /// Copies of authorities that sign servers' certificates.
    #[serde(skip)]
    pub authorities: Vec<CopiedAuthority>,
}

/// Where the reconciler finds what is rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedSource {
    /// The repository.
    pub url: String,
    /// The branch, tag or commit.
    pub revision: String,
    /// The Secret with the credential, and where it is mounted.
    pub credential: Option<MountedSecret>,
    /// The Secret with those who may sign commits, and where it is mounted.
    pub signers: Option<MountedSecret>,
    /// Settings of git, in its order.
    pub git: Vec<GitSetting>,
    /// The command by which git speaks SSH, where it does.
    pub ssh_command: Option<String>,
}

/// A Secret of Kubernetes that is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MountedSecret {
    /// Its name.
    pub name: String,
    /// The folder in the pod.
    pub folder: String,
}

/// A key of a Secret of Kubernetes that is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MountedKey {
    /// The name of the volume.
    pub volume: String,
    /// The Secret.
    pub secret: String,
    /// The key in it, and the name of the file.
    pub key: String,
    /// The folder in the pod.
    pub folder: String,
}

/// A setting of git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GitSetting {
    /// Its name.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

impl FleetReconciler {
    /// Reads it out of the layers below all environments and clusters; none if it isn't enabled, or can't be read:
    /// then the merged settings of every cluster are wrong, which is reported with their places.
    pub fn of(layers: &FleetLayers) -> Option<Self> {
        Self::read(&merge_fleet(layers))
    }

    fn read(settings: &Node) -> Option<Self> {
        #[derive(Deserialize)]
        struct Read {
            reconciler: Reconciler,
            gitops: ReadGitops,
        }
        #[derive(Deserialize)]
        struct ReadGitops {
            repository: GitRepository,
        }
        let read: Read = serde_json::from_value(settings.to_json()).ok()?;
        read.reconciler.enabled.then_some(Self {
            reconciler: read.reconciler,
            repository: read.gitops.repository,
        })
    }

    /// Says what it is told about these clusters, and tells all that is wrong; they are sorted by name.
    pub(super) fn resolve<'c>(
        &self,
        clusters: impl IntoIterator<Item = &'c FleetCluster>,
        problems: &mut Problems,
    ) -> ResolvedReconciler {
        let clusters: Vec<&FleetCluster> = clusters.into_iter().collect();
        let own = &self.reconciler;
        let (servers, mut authorities) = servers::resolve(own, &clusters, problems);
        let (takers, more) = clusters::resolve(own, &clusters, problems);
        authorities.extend(more);
        let users = servers
            .iter()
            .filter(|server| server.administrator_role.is_none());
        let passwords = users.map(|server| server.password.clone());
        let tokens = takers.iter().filter_map(|cluster| cluster.token.clone());
        let mounted = passwords.chain(tokens).collect();
        let aws = aws::resolve(own, &clusters, &servers, &takers, problems);
        let source = self.source(problems);
        let mut ports: BTreeSet<u16> = servers.iter().map(|server| server.port).collect();
        ports.insert(port_of_repository(&source.url));
        ports.extend(takers.iter().map(|cluster| cluster.port));
        if aws.is_some() {
            ports.insert(443);
        }
        let accounts = aws.as_ref().map_or(0, |aws| aws.accounts.len());
        let targets = servers.len() + accounts;
        if own.shards > 1 && usize::from(own.shards) > targets {
            problems.push(
                &["reconciler", "shards"],
                format!(
                    "{} pods would share {} servers and {accounts} accounts, and each of these belongs to one pod",
                    own.shards,
                    servers.len()
                ),
                format!("set it to {} at most", targets.max(1)),
            );
        }
        ResolvedReconciler {
            namespace: own.namespace.to_string(),
            image: image(own, problems),
            schedule: own.schedule.to_string(),
            deadline_seconds: u32::from(own.deadline_minutes) * 60,
            shards: own.shards,
            resources: own.resources.clone(),
            source,
            servers,
            clusters: takers,
            gitops: own.gitops,
            mounted,
            aws,
            ports,
            authorities,
        }
    }

    fn source(&self, problems: &mut Problems) -> ResolvedSource {
        let own = &self.reconciler.source;
        let url = own.url.as_ref().or(self.repository.url.as_ref());
        let Some(url) = url.map(ToString::to_string) else {
            problems.push(
                &["reconciler", "source", "url"],
                "the reconciler has to know the repository that `rendered/` is in",
                "set it, or `gitops.repository.url`",
            );
            return ResolvedSource::of(String::new(), String::new(), None, None);
        };
        if own.url.is_none() && self.repository.path.as_str() != logfleet_contract::folder::RENDERED
        {
            problems.push(
                &["gitops", "repository", "path"],
                "the reconciler reads the folder `rendered/` at the root of the repository",
                "commit it there, or set `reconciler.source.url` to a repository that has it there",
            );
        }
        let revision = own.revision.as_ref().unwrap_or(&self.repository.revision);
        if own.secret.is_none() && !url.starts_with("https://") {
            problems.push(
                &["reconciler", "source", "secret"],
                "a repository over SSH needs a key",
                "name a Secret with `identity` and `known_hosts`: `kubernetes-secret:<name>`",
            );
        }
        let mounted = |secret: &KubernetesSecretReference, folder: &str| MountedSecret {
            name: secret.name().to_owned(),
            folder: format!("{SECRETS}/{folder}"),
        };
        ResolvedSource::of(
            url,
            revision.to_string(),
            own.secret.as_ref().map(|secret| mounted(secret, "git")),
            own.signers
                .as_ref()
                .map(|secret| mounted(secret, "signers")),
        )
    }
}

impl ResolvedSource {
    fn of(
        url: String,
        revision: String,
        credential: Option<MountedSecret>,
        signers: Option<MountedSecret>,
    ) -> Self {
        let is_https = url.starts_with("https://");
        let mut git = Vec::new();
        if let Some(MountedSecret { folder, .. }) = credential.as_ref().filter(|_| is_https) {
            // An empty helper takes those of the image away. `printf` is the shell's own, so nothing secret is an argument of a
            // program (<https://git-scm.com/docs/gitcredentials#_custom_helpers>). Kubernetes would take `$(…)` for its own.
            git.push(GitSetting {
                key: "credential.helper",
                value: String::new(),
            });
            git.push(GitSetting {
                key: "credential.helper",
                value: format!(
                    "!f() {{ test \"$1\" = get || exit 0; printf 'username=%s\\npassword=%s\\n' \"`cat {folder}/username`\" \"`cat {folder}/password`\"; }}; f"
                ),
            });
        }
        if let Some(MountedSecret { folder, .. }) = &signers {
            git.push(GitSetting {
                key: "gpg.ssh.allowedSignersFile",
                value: format!("{folder}/allowed_signers"),
            });
        }
        let ssh = credential.as_ref().filter(|_| !is_https);
        Self {
            ssh_command: ssh.map(|MountedSecret { folder, .. }| {
                format!(
                    "ssh -F none -i {folder}/identity -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/known_hosts -o StrictHostKeyChecking=yes -o BatchMode=yes"
                )
            }),
            url,
            revision,
            credential,
            signers,
            git,
        }
    }
}

/// The image, which must be pinned by a tag or a digest.
fn image(own: &Reconciler, problems: &mut Problems) -> String {
    let image = &own.image;
    let Some(repository) = &image.repository else {
        problems.push(
            &["reconciler", "image", "repository"],
            "the reconciler has no image",
            "build one from reconciler/Containerfile, and name it here",
        );
        return String::new();
    };
    let mut text = repository.to_string();
    if image.tag.is_none() && image.digest.is_none() {
        problems.push(
            &["reconciler", "image"],
            format!("`{text}` has neither a tag nor a digest, so any image could run"),
            "add `digest: sha256:…`, or `tag`",
        );
    }
    if let Some(tag) = &image.tag {
        text = format!("{text}:{tag}");
    }
    if let Some(digest) = &image.digest {
        text = format!("{text}@{digest}");
    }
    text
}

/// The port of a repository. The address's pattern in the schema leaves no other form.
fn port_of_repository(url: &str) -> u16 {
    let Some((scheme, rest)) = url.split_once("://") else {
        return 22;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let written = authority
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    written.unwrap_or(if scheme == "ssh" { 22 } else { 443 })
}
