//! How a cluster's objects get applied: what the settings of `gitops` mean for
//! one cluster, and what must be alike in a fleet. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::name::gitops as name;
use super::problem::Problems;
use super::{FleetCluster, Identity, ResolvedAuthentication, ResolvedDestination};
use crate::settings::{
    ArgoCdSettings, FluxSettings, GitRepository, GitopsDestination, GitopsSettings, GitopsSync,
    GitopsTool, Settings,
};

/// The address at which a pod finds the API server of its own cluster.
const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// How a cluster's objects get applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedGitops {
    /// The tool; never none.
    pub tool: GitopsTool,
    /// The tool's namespace.
    pub namespace: String,
    /// Where `rendered/` is.
    pub repository: ResolvedRepository,
    /// The name of the cluster's objects; those of Flux end in `-credentials` and `-shippers`.
    pub name: String,
    /// The name of the fleet's objects.
    pub fleet_name: String,
    /// The path of the cluster's `kubernetes/` in the repository.
    pub path: String,
    /// The cluster, as the tool knows it.
    pub destination: ResolvedGitopsDestination,
    /// What the tool does by itself.
    pub sync: GitopsSync,
    /// Settings of Argo CD.
    pub argo_cd: ArgoCdSettings,
    /// Settings of Flux.
    pub flux: FluxSettings,
    /// The Secrets that the shippers can't start without, sorted.
    pub secrets: Vec<String>,
}

/// Where `rendered/` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedRepository {
    /// The repository's address.
    pub url: String,
    /// The revision as the settings have it.
    pub revision: String,
    /// What kind of revision that is.
    pub revision_kind: RevisionKind,
    /// The path of `rendered/`.
    pub path: String,
    /// The Secret with Flux's credential.
    pub secret: Option<String>,
    /// Minutes between two looks of Flux.
    pub interval_minutes: u16,
}

/// What kind of revision a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevisionKind {
    /// A branch.
    Branch,
    /// A reference by its whole name, such as `refs/tags/v1`.
    Reference,
    /// A whole commit.
    Commit,
}

/// A cluster, as the tool knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedGitopsDestination {
    /// Its name at Argo CD.
    Name(String),
    /// The address of its API server.
    Server(String),
    /// The Secret with its kubeconfig.
    KubeconfigSecret(String),
    /// The cluster that Flux itself runs in.
    InCluster,
}

/// What the clusters of a fleet have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetGitops {
    /// The tool.
    pub tool: GitopsTool,
    /// Its namespace.
    pub namespace: String,
    /// Where `rendered/` is.
    pub repository: ResolvedRepository,
    /// The name of the fleet's objects.
    pub name: String,
    /// Settings of Argo CD.
    pub argo_cd: ArgoCdSettings,
}

/// A fault of a cluster that only shows beside the others.
pub(super) struct FleetProblem<'a> {
    /// The cluster's name.
    pub(super) cluster: &'a str,
    /// The setting.
    pub(super) setting: [&'static str; 2],
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) hint: &'static str,
}

/// Resolves the settings of one cluster; none without a tool.
pub(super) fn resolve_gitops(
    settings: &Settings,
    cluster: &Identity,
    destinations: &[ResolvedDestination],
    problems: &mut Problems,
) -> Option<ResolvedGitops> {
    let own = &settings.gitops;
    if own.tool == GitopsTool::None {
        return None;
    }
    let url = find_url(own, problems);
    find_contradictions(own, problems);
    let destination = resolve_destination(own, cluster, problems);
    let namespace = own.namespace.as_ref().map_or_else(
        || default_namespace(own.tool).to_owned(),
        ToString::to_string,
    );
    Some(ResolvedGitops {
        tool: own.tool,
        namespace,
        path: format!("{}/{}/kubernetes", own.repository.path, cluster.name),
        repository: resolve_repository(&own.repository, url?),
        name: name::of_cluster(&cluster.name),
        fleet_name: name::FLEET.to_owned(),
        destination,
        sync: own.sync,
        argo_cd: own.argo_cd.clone(),
        flux: own.flux.clone(),
        secrets: secrets(destinations),
    })
}

fn default_namespace(tool: GitopsTool) -> &'static str {
    match tool {
        GitopsTool::Flux => "flux-system",
        GitopsTool::ArgoCd | GitopsTool::None => "argocd",
    }
}

fn find_url(own: &GitopsSettings, problems: &mut Problems) -> Option<String> {
    let Some(url) = &own.repository.url else {
        problems.push(
            &["gitops", "repository", "url"],
            "the tool has to know the repository that `rendered/` is in",
            "add `gitops: { repository: { url: https://… } }` to clusters/fleet.yaml",
        );
        return None;
    };
    // https://fluxcd.io/flux/components/source/gitrepositories/#url
    if own.tool == GitopsTool::Flux && !url.as_str().contains("://") {
        problems.push(
            &["gitops", "repository", "url"],
            format!("Flux doesn't read `{url}`"),
            format!("write `ssh://{}`", url.as_str().replacen(':', "/", 1)),
        );
    }
    Some(url.to_string())
}

/// Finds settings that the tool knows nothing of, and would silently be without effect.
fn find_contradictions(own: &GitopsSettings, problems: &mut Problems) {
    match own.tool {
        GitopsTool::ArgoCd => {
            if own.repository.secret.is_some() {
                problems.push(
                    &["gitops", "repository", "secret"],
                    "Argo CD keeps the credentials of its repositories itself",
                    "remove it, and register the repository at Argo CD",
                );
            }
            if own.flux.service_account.is_some() {
                problems.push(
                    &["gitops", "flux", "service_account"],
                    "the fleet uses Argo CD",
                    "remove it",
                );
            }
        }
        GitopsTool::Flux if !own.sync.self_heal => problems.push(
            &["gitops", "sync", "self_heal"],
            "Flux always reverts manual changes",
            "remove it; to stop Flux altogether, set `gitops.sync.automated: false`",
        ),
        GitopsTool::Flux | GitopsTool::None => {}
    }
}

fn resolve_destination(
    own: &GitopsSettings,
    cluster: &Identity,
    problems: &mut Problems,
) -> ResolvedGitopsDestination {
    let given = &own.destination;
    find_several(given, problems);
    find_of_other_tool(own.tool, given, problems);
    if own.tool == GitopsTool::Flux {
        return if given.in_cluster {
            ResolvedGitopsDestination::InCluster
        } else {
            let secret = given.kubeconfig_secret.as_ref();
            ResolvedGitopsDestination::KubeconfigSecret(secret.map_or_else(
                || name::kubeconfig_secret(&cluster.name),
                |secret| secret.name().to_owned(),
            ))
        };
    }
    match (&given.server, &given.name) {
        (Some(server), _) => ResolvedGitopsDestination::Server(server.to_string()),
        (None, Some(name)) => ResolvedGitopsDestination::Name(name.to_string()),
        (None, None) if given.in_cluster => {
            ResolvedGitopsDestination::Server(IN_CLUSTER.to_owned())
        }
        (None, None) => ResolvedGitopsDestination::Name(cluster.name.clone()),
    }
}

fn find_several(given: &GitopsDestination, problems: &mut Problems) {
    let set = set_keys(given);
    if let [first, second, ..] = set[..] {
        problems.push(
            &["gitops", "destination", second],
            format!("the cluster is set twice: by `{first}` and by `{second}`"),
            "keep one of them; `null` removes what a lower layer sets",
        );
    }
}

fn set_keys(given: &GitopsDestination) -> Vec<&'static str> {
    [
        ("name", given.name.is_some()),
        ("server", given.server.is_some()),
        ("kubeconfig_secret", given.kubeconfig_secret.is_some()),
        ("in_cluster", given.in_cluster),
    ]
    .into_iter()
    .filter_map(|(key, is_set)| is_set.then_some(key))
    .collect()
}

fn find_of_other_tool(tool: GitopsTool, given: &GitopsDestination, problems: &mut Problems) {
    for key in set_keys(given) {
        let reported = match (tool, key) {
            (GitopsTool::Flux, "name" | "server") => Some((
                "Flux knows a cluster by a Secret with its kubeconfig",
                "use `kubeconfig_secret`, or `in_cluster: true`",
            )),
            (GitopsTool::ArgoCd, "kubeconfig_secret") => Some((
                "Argo CD knows a cluster by its name or the address of its API server",
                "use `name` or `server`",
            )),
            _ => None,
        };
        if let Some((message, hint)) = reported {
            problems.push(&["gitops", "destination", key], message, hint);
        }
    }
}

fn resolve_repository(own: &GitRepository, url: String) -> ResolvedRepository {
    let revision = own.revision.to_string();
    ResolvedRepository {
        url,
        revision_kind: kind_of(&revision),
        revision,
        path: own.path.to_string(),
        secret: own.secret.as_ref().map(|secret| secret.name().to_owned()),
        interval_minutes: own.interval_minutes,
    }
}

fn kind_of(revision: &str) -> RevisionKind {
    let is_hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if revision.starts_with("refs/") {
        RevisionKind::Reference
    } else if revision.len() == 40 && revision.bytes().all(is_hexadecimal) {
        RevisionKind::Commit
    } else {
        RevisionKind::Branch
    }
}

fn secrets(destinations: &[ResolvedDestination]) -> Vec<String> {
    let mut secrets: Vec<String> = destinations
        .iter()
        .filter_map(|destination| match &destination.authentication {
            ResolvedAuthentication::Basic(secret)
            | ResolvedAuthentication::ApiKey(secret)
            | ResolvedAuthentication::ClientCertificate { secret, .. } => {
                Some(secret.secret_name.clone())
            }
            ResolvedAuthentication::AwsSigv4 { .. } => None,
        })
        .collect();
    secrets.sort();
    secrets.dedup();
    secrets
}

/// What the clusters have in common; none if none of them has a tool.
pub(super) fn common<'a>(
    clusters: impl IntoIterator<Item = &'a FleetCluster>,
) -> Option<FleetGitops> {
    clusters
        .into_iter()
        .find_map(|cluster| cluster.gitops.as_ref())
        .map(of_fleet)
}

fn of_fleet(gitops: &ResolvedGitops) -> FleetGitops {
    FleetGitops {
        tool: gitops.tool,
        namespace: gitops.namespace.clone(),
        repository: gitops.repository.clone(),
        name: gitops.fleet_name.clone(),
        argo_cd: gitops.argo_cd.clone(),
    }
}

/// Finds clusters that differ where a fleet has one setting, and clusters that are one and the same.
pub(super) fn find_fleet_problems<'a>(
    clusters: impl IntoIterator<Item = &'a FleetCluster>,
) -> Vec<FleetProblem<'a>> {
    let mut problems = Vec::new();
    let mut first: Option<(&str, FleetGitops)> = None;
    let mut owners: BTreeMap<&ResolvedGitopsDestination, &str> = BTreeMap::new();
    for cluster in clusters {
        let Some(gitops) = &cluster.gitops else {
            continue;
        };
        let name = cluster.cluster.name.as_str();
        let own = of_fleet(gitops);
        match &first {
            None => first = Some((name, own)),
            Some((other, common)) => {
                if let Some(setting) = difference(common, &own) {
                    problems.push(FleetProblem {
                        cluster: name,
                        setting: ["gitops", setting],
                        message: format!("differs between the clusters `{other}` and `{name}`, but a fleet has one"),
                        hint: "set it in clusters/fleet.yaml only",
                    });
                }
            }
        }
        if let Some(other) = owners.insert(&gitops.destination, name) {
            problems.push(FleetProblem {
                cluster: name,
                setting: ["gitops", "destination"],
                message: format!("the clusters `{other}` and `{name}` would be applied to one and the same cluster"),
                hint: "give each its own; both have objects of the same names",
            });
        }
    }
    problems
}

/// The first setting that two clusters differ in.
fn difference(one: &FleetGitops, other: &FleetGitops) -> Option<&'static str> {
    [
        ("tool", one.tool == other.tool),
        ("repository", one.repository == other.repository),
        ("namespace", one.namespace == other.namespace),
        ("argo_cd", one.argo_cd == other.argo_cd),
    ]
    .into_iter()
    .find_map(|(setting, same)| (!same).then_some(setting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_branch_unless_it_says_otherwise() {
        assert_eq!(kind_of("main"), RevisionKind::Branch);
        assert_eq!(kind_of("release/2"), RevisionKind::Branch);
        assert_eq!(kind_of("refs/tags/v1"), RevisionKind::Reference);
        assert_eq!(
            kind_of("0123456789abcdef0123456789abcdef01234567"),
            RevisionKind::Commit
        );
        assert_eq!(
            kind_of("0123456789abcdef0123456789abcdef0123456"),
            RevisionKind::Branch
        );
    }
}
