//! How the machines' logs get away: Filebeat's output, Logstash, credentials,
//! and the machines that Systems Manager aims at. Pure.

use std::collections::BTreeMap;

use logfleet_contract::secrets::SecretReference as Reference;
use serde::Serialize;

use super::{MachineInputKind, ResolvedCloudwatchAgent, ResolvedFilebeat, RolePlan, Surroundings};
use crate::resolve::aws::{CLUSTER_TAG, are_right_tags};
use crate::resolve::name::AwsNames;
use crate::resolve::problem::Problems;
use crate::resolve::version::{self, Program};
use crate::resolve::{
    NameKind, ResolvedAuthentication, ResolvedDestination, image as images, name, workload,
};
use crate::settings::{
    Backend, CloudwatchAgentSettings, Distribution, FilebeatSettings, Image, ImageTag,
    LogstashPlace, LogstashService, Resources, SecretReference, TagKey, TagValue, Toleration,
};

/// The port on which Logstash waits for Filebeat.
const BEATS_PORT: u16 = 5044;

/// Targets that an association may have
/// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateAssociation.html>).
const MOST_TAGS: usize = 5;

/// The first version of the CloudWatch agent that reads the journal
/// (<https://github.com/aws/amazon-cloudwatch-agent/releases/tag/v1.300070.0>).
const AGENT_READS_JOURNAL: (u32, u32, u32) = (1, 300_070, 0);

/// A secret that a machine fetches from AWS Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineSecret {
    /// Its name or ARN.
    pub secrets_manager_name: String,
    /// Values that go to the shipper's keystore: key in the secret to name there.
    pub keystore: BTreeMap<String, String>,
    /// Values that become files: key in the secret to the file's name.
    pub files: BTreeMap<String, String>,
}

/// The Logstash between Filebeat and the servers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedLogstash {
    /// Where it runs.
    pub runs_on: LogstashPlace,
    /// How it is reached on Kubernetes.
    pub service: LogstashService,
    /// The name by which machines reach it.
    pub host: String,
    /// The port on which they do.
    pub port: u16,
    /// Whether each machine asks itself, by its own node port.
    pub by_node: bool,
    /// The port on each node.
    pub node_port: u16,
    /// The image, ready for a pod.
    pub image: String,
    /// The package's version, on a machine.
    pub version: String,
    /// The package's major version, which its repository is named by.
    pub major: String,
    /// How many run on Kubernetes.
    pub replicas: u8,
    /// CPU and memory on Kubernetes.
    pub resources: Resources,
    /// Java's heap, in mebibytes.
    pub heap_mebibytes: u32,
    /// Mebibytes for what waits, per destination.
    pub queue_mebibytes: u32,
    /// Mebibytes for what is refused, per destination.
    pub dead_letter_mebibytes: u32,
    /// Mebibytes of the whole disk.
    pub disk_mebibytes: u32,
    /// The storage class of its disk.
    pub storage_class: Option<String>,
    /// The names of the servers it writes to.
    pub destinations: Vec<String>,
    /// Taints that its pods tolerate.
    pub tolerations: Vec<Toleration>,
    /// Whether user data is rendered for its machine.
    pub cloud_init: bool,
    /// Whether Systems Manager reaches its machine.
    pub ssm: bool,
    /// Minutes after which it does so again.
    pub repeat_minutes: u16,
    /// The name of the policy of its machine.
    pub policy: String,
    /// The name of the association of its machine.
    pub association: String,
    /// The certificates of both sides.
    pub tls: ResolvedLogstashTls,
    /// The secrets that its machine fetches.
    pub secrets: Vec<MachineSecret>,
    /// The tags of its machine, each with its values.
    pub tags: MachineTags,
}

/// The certificates between Filebeat and Logstash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedLogstashTls {
    /// The Kubernetes Secret with Logstash's.
    pub secret_name: String,
    /// Logstash's in AWS Secrets Manager; none for a Secret that somebody else keeps.
    pub server_secret: Option<String>,
    /// The machines' in AWS Secrets Manager.
    pub client_secret: String,
}

impl ResolvedLogstash {
    /// What a machine needs in order to speak to it.
    pub(super) fn client_secret(&self) -> MachineSecret {
        certificate_files(&self.tls.client_secret, "")
    }
}

fn certificate_files(secret: &str, prefix: &str) -> MachineSecret {
    MachineSecret {
        secrets_manager_name: secret.to_owned(),
        keystore: BTreeMap::new(),
        files: ["ca.crt", "tls.crt", "tls.key"]
            .map(|key| (key.to_owned(), format!("{prefix}{key}")))
            .into(),
    }
}

/// The Filebeat of machines that write to `direct`, or to Logstash.
pub(super) fn filebeat(
    settings: &FilebeatSettings,
    direct: Option<&ResolvedDestination>,
    problems: &mut Problems,
) -> ResolvedFilebeat {
    let version = settings.version.as_ref().map_or_else(
        || match direct.map(|server| server.version) {
            Some(..=8) => "8.19.0".to_owned(),
            _ => "9.5.2".to_owned(),
        },
        ToString::to_string,
    );
    let major = major(&version);
    if let Some((message, oldest)) = version::too_old(Program::Filebeat, &version) {
        problems.push(
            &["sources", "machines", "filebeat", "version"],
            message,
            format!("choose {oldest} or newer"),
        );
    } else if !matches!(major.as_str(), "8" | "9") {
        problems.push(
            &["sources", "machines", "filebeat", "version"],
            format!(
                "Filebeat {version} reads the journal's settings otherwise, or isn't there yet"
            ),
            "choose a version 8 or 9",
        );
    } else if settings.version.is_some()
        && let Some(server) = direct
        && server.backend == Backend::Elasticsearch
        && let Ok(number) = major.parse::<u8>()
        && number > server.version
    {
        problems.push(
            &["sources", "machines", "filebeat", "version"],
            format!(
                "Filebeat {version} is newer than the Elasticsearch {} of `{}`",
                server.version, server.name
            ),
            "a Filebeat is no newer than its server: choose an older one, or remove this",
        );
    }
    ResolvedFilebeat {
        version,
        major,
        queue_mebibytes: settings.queue_mebibytes,
        log_level: settings.log_level,
        destination: direct.map(|server| server.name.clone()),
    }
}

fn major(version: &str) -> String {
    version.split('.').next().unwrap_or_default().to_owned()
}

/// The CloudWatch agent that writes to a Region.
pub(super) fn cloudwatch_agent(
    plan: &RolePlan,
    region: String,
    settings: &CloudwatchAgentSettings,
    problems: &mut Problems,
) -> ResolvedCloudwatchAgent {
    let Some(chosen) = &settings.version else {
        return ResolvedCloudwatchAgent {
            version: "latest".to_owned(),
            region,
        };
    };
    let mut numbers = chosen
        .as_str()
        .split(['.', 'b'])
        .map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let version = (next(), next(), next());
    let journal = plan
        .inputs
        .iter()
        .any(|input| !matches!(input.from, MachineInputKind::Files(_)));
    if journal && version < AGENT_READS_JOURNAL {
        problems.push(
            &["sources", "machines", "cloudwatch_agent", "version"],
            format!("the CloudWatch agent {chosen} can't read the journal"),
            "choose 1.300070.0 or newer, or set `read: files` where there is a rsyslog",
        );
    }
    ResolvedCloudwatchAgent {
        version: chosen.to_string(),
        region,
    }
}

/// The secret of a destination that a machine writes to itself. `setting` is
/// where a fault is reported.
pub(super) fn secret_of(
    server: &ResolvedDestination,
    setting: &[&str],
    problems: &mut Problems,
) -> Option<MachineSecret> {
    let prefix = &server.environment_prefix;
    let (secret, keystore, files) = match &server.authentication {
        ResolvedAuthentication::Basic(secret) => (
            secret,
            vec![
                ("username", format!("{prefix}_USERNAME")),
                ("password", format!("{prefix}_PASSWORD")),
            ],
            vec![],
        ),
        ResolvedAuthentication::ApiKey(secret) => (
            secret,
            vec![
                ("id", format!("{prefix}_API_KEY_ID")),
                ("api_key", format!("{prefix}_API_KEY")),
            ],
            vec![],
        ),
        ResolvedAuthentication::ClientCertificate { secret, .. } => (
            secret,
            vec![],
            vec![
                ("tls.crt", format!("{}.crt", server.name)),
                ("tls.key", format!("{}.key", server.name)),
            ],
        ),
        ResolvedAuthentication::AwsSigv4 { .. } => {
            // On Elasticsearch it is a fault of the destination's.
            if server.backend == Backend::Opensearch {
                problems.push(
                    &["sources", "machines", "logstash", "runs_on"],
                    format!(
                        "`{}` takes the role of the pods (`aws_sigv4`), which a machine doesn't have",
                        server.name
                    ),
                    "set `runs_on: kubernetes`",
                );
            }
            return None;
        }
    };
    let Some(name) = &secret.secrets_manager_name else {
        problems.push(
            &[setting, &["authentication", "secret"]].concat(),
            "a machine writes there itself, and can't read a Secret of Kubernetes",
            "keep it in AWS Secrets Manager: `aws-secretsmanager:<name>`; or let Logstash write, on Kubernetes",
        );
        return None;
    };
    let own = |pairs: Vec<(&str, String)>| {
        pairs
            .into_iter()
            .map(|(key, value)| (secret.outside(key).to_owned(), value))
            .collect()
    };
    Some(MachineSecret {
        secrets_manager_name: name.clone(),
        keystore: own(keystore),
        files: own(files),
    })
}

/// The Logstash that writes to `servers`.
pub(super) fn logstash(
    servers: &[&ResolvedDestination],
    around: Surroundings<'_>,
    names: &mut AwsNames<'_>,
    problems: &mut Problems,
) -> ResolvedLogstash {
    let settings = &around.settings.sources.machines.logstash;
    let delivery = &around.settings.sources.machines.delivery;
    let region = &around.cluster.region;
    let on_machine = settings.runs_on == LogstashPlace::Machine;
    let by_node =
        !on_machine && settings.service == LogstashService::NodePort && settings.address.is_none();
    check_logstash(servers, around, problems);
    let host = settings.address.as_ref().map_or_else(
        || format!("logstash.{}.svc", around.settings.kubernetes.namespace),
        ToString::to_string,
    );
    let node_port = !on_machine && settings.service == LogstashService::NodePort;
    let tls = tls(around, problems);
    check_secrets(&tls, around, problems);
    let mut secrets = Vec::new();
    if on_machine {
        secrets.extend(
            tls.server_secret
                .as_deref()
                .map(|secret| certificate_files(secret, "logstash.")),
        );
        for server in servers {
            secrets.extend(secret_of(server, &["destinations", &server.name], problems));
        }
    }
    let pipelines = u32::try_from(servers.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    ResolvedLogstash {
        runs_on: settings.runs_on,
        service: settings.service,
        host,
        port: if node_port {
            settings.node_port
        } else {
            BEATS_PORT
        },
        by_node,
        node_port: settings.node_port,
        image: image(servers, around, problems),
        version: settings.version.to_string(),
        major: major(settings.version.as_str()),
        replicas: settings.replicas,
        resources: settings.resources.clone(),
        heap_mebibytes: settings.heap_mebibytes,
        queue_mebibytes: settings.queue_mebibytes,
        dead_letter_mebibytes: settings.dead_letter_mebibytes,
        // A tenth more than all queues, since a page is whole.
        disk_mebibytes: settings
            .queue_mebibytes
            .saturating_add(settings.dead_letter_mebibytes)
            .saturating_mul(pipelines)
            / 10
            * 11,
        storage_class: settings.storage_class.as_ref().map(ToString::to_string),
        destinations: servers.iter().map(|server| server.name.clone()).collect(),
        tolerations: workload::tolerations_of_nodes(around.settings),
        cloud_init: delivery.cloud_init,
        ssm: delivery.ssm,
        repeat_minutes: delivery.repeat_minutes,
        policy: if on_machine {
            names.give(NameKind::ManagedPolicy, region, "logstash")
        } else {
            String::new()
        },
        association: if on_machine {
            names.give(NameKind::SystemsManager, region, "logstash")
        } else {
            String::new()
        },
        tls,
        secrets,
        tags: if on_machine {
            check_tags(
                &["sources", "machines", "logstash", "tags"],
                &settings.tags,
                problems,
            );
            one_value_each(&settings.tags)
        } else {
            BTreeMap::new()
        },
    }
}

/// Whether an image's tag is Logstash's version: that with OpenSearch's output
/// is numbered by the version it is built on.
fn is_logstashs(image: &Image) -> bool {
    let name = image.repository.as_str();
    let last = name.rsplit('/').next().unwrap_or(name);
    last.starts_with("logstash")
}

fn check_logstash(
    servers: &[&ResolvedDestination],
    around: Surroundings<'_>,
    problems: &mut Problems,
) {
    let settings = &around.settings.sources.machines.logstash;
    let on_machine = settings.runs_on == LogstashPlace::Machine;
    let balanced = !on_machine && settings.service == LogstashService::LoadBalancer;
    if settings.address.is_none() && (on_machine || balanced) {
        problems.push(
            &["sources", "machines", "logstash", "address"],
            "the name by which the machines reach Logstash isn't set",
            "set `address` to the name in its certificate; on Kubernetes `service: node_port` needs none",
        );
    }
    if on_machine && settings.tags.is_empty() && around.settings.sources.machines.delivery.ssm {
        problems.push(
            &["sources", "machines", "logstash", "tags"],
            "the machine that Logstash runs on isn't set",
            "set the tags of that machine, or `sources.machines.delivery.ssm: false`",
        );
    }
    let opensearch = servers
        .iter()
        .any(|server| server.backend == Backend::Opensearch);
    let (key, version) = match (&settings.image, on_machine) {
        (_, true) => (["version"].as_slice(), Some(settings.version.as_str())),
        (None, false) if !opensearch => (["version"].as_slice(), Some(settings.version.as_str())),
        // What a digest stands for isn't known, whatever the tag beside it.
        (Some(image), false) if image.digest.is_none() && is_logstashs(image) => (
            ["image", "tag"].as_slice(),
            image.tag.as_ref().map(ImageTag::as_str),
        ),
        _ => ([].as_slice(), None),
    };
    let too_old = version.and_then(|version| version::too_old(Program::Logstash, version));
    if let Some((message, oldest)) = too_old {
        problems.push(
            &[&["sources", "machines", "logstash"], key].concat(),
            message,
            format!("choose {oldest} or newer"),
        );
    }
    for server in servers {
        if matches!(server.authentication, ResolvedAuthentication::ApiKey(_))
            && server.scheme == "http"
        {
            problems.push(
                &["destinations", &server.name, "authentication", "type"],
                "Logstash sends an API key over TLS only",
                "write `https:` in `url`, or use `basic`",
            );
        }
    }
}

fn tls(around: Surroundings<'_>, problems: &mut Problems) -> ResolvedLogstashTls {
    let settings = &around.settings.sources.machines.logstash;
    let on_machine = settings.runs_on == LogstashPlace::Machine;
    let named = |reference: Option<&SecretReference>, own: &str| match reference {
        None => Some(name::secrets_manager(&around.cluster.name, own)),
        Some(reference) => match reference.parsed()? {
            Reference::SecretsManager(name) => Some(name),
            Reference::Kubernetes(_) => None,
        },
    };
    let server = settings.tls.server_secret.as_ref();
    let client = settings.tls.client_secret.as_ref();
    let server_secret = named(server, "logstash");
    let client_secret = named(client, "machines");
    let at = |key| ["sources", "machines", "logstash", "tls", key];
    if on_machine && server_secret.is_none() {
        problems.push(
            &at("server_secret"),
            "Logstash runs on a machine, which can't read a Secret of Kubernetes",
            "keep it in AWS Secrets Manager: `aws-secretsmanager:<name>`",
        );
    }
    if client_secret.is_none() {
        problems.push(
            &at("client_secret"),
            "a machine can't read a Secret of Kubernetes",
            "keep it in AWS Secrets Manager: `aws-secretsmanager:<name>`",
        );
    }
    if server_secret.is_some() && server_secret == client_secret {
        problems.push(
            &at("client_secret"),
            "this is Logstash's own certificate: anyone with access to a machine could impersonate Logstash",
            "give the machines a certificate of their own",
        );
    }
    ResolvedLogstashTls {
        secret_name: server
            .and_then(|reference| reference.as_str().strip_prefix("kubernetes-secret:"))
            .unwrap_or("logfleet-logstash")
            .to_owned(),
        server_secret,
        client_secret: client_secret.unwrap_or_default(),
    }
}

/// A destination that is called like one of the two sides would share its secret.
fn check_secrets(tls: &ResolvedLogstashTls, around: Surroundings<'_>, problems: &mut Problems) {
    let certificates = [tls.server_secret.as_ref(), Some(&tls.client_secret)];
    for destination in around.destinations {
        let secret = match &destination.authentication {
            ResolvedAuthentication::Basic(secret)
            | ResolvedAuthentication::ApiKey(secret)
            | ResolvedAuthentication::ClientCertificate { secret, .. } => secret,
            ResolvedAuthentication::AwsSigv4 { .. } => continue,
        };
        let outside = secret.secrets_manager_name.as_ref();
        let shared = if secret.secret_name == tls.secret_name {
            &tls.secret_name
        } else if let Some(name) = outside.filter(|name| certificates.contains(&Some(name))) {
            name
        } else {
            continue;
        };
        problems.push(
            &["destinations", &destination.name],
            format!(
                "the credential of `{}` and a certificate of Logstash would be one secret, `{shared}`",
                destination.name
            ),
            "rename the destination, or give it another `authentication.secret`",
        );
    }
}

/// The image of Logstash: one of the project that makes the output.
fn image(
    servers: &[&ResolvedDestination],
    around: Surroundings<'_>,
    problems: &mut Problems,
) -> String {
    let opensearch = servers
        .iter()
        .any(|server| server.backend == Backend::Opensearch);
    let settings = &around.settings.sources.machines.logstash;
    let Some(image) = &settings.image else {
        return if opensearch {
            // The newest that the project publishes
            // (https://docs.opensearch.org/latest/tools/logstash/index/).
            "opensearchproject/logstash-oss-with-opensearch-output-plugin:8.9.0".to_owned()
        } else {
            format!(
                "docker.elastic.co/logstash/logstash-oss:{}",
                settings.version
            )
        };
    };
    let setting = ["sources", "machines", "logstash", "image"];
    if settings.runs_on == LogstashPlace::Kubernetes {
        workload::check_architectures(
            "Logstash",
            &setting.join("."),
            image,
            around.settings,
            problems,
        );
    }
    if image.tag.is_none() && image.digest.is_none() {
        problems.push(
            &setting,
            "the image has neither tag nor digest",
            "set `tag` or `digest`",
        );
    }
    let wanted = "logstash-output-opensearch";
    let holds = image
        .plugins
        .as_ref()
        .map(|plugins| plugins.contains(wanted));
    if opensearch && holds != Some(true) {
        problems.push(
            &setting,
            match holds {
                None => format!("it is not known whether this image holds the plugin `{wanted}`"),
                _ => format!(
                    "the image doesn't contain the plugin `{wanted}`, so nothing would arrive"
                ),
            },
            "list its plugins in `plugins`; without `image` one that holds it is taken",
        );
    }
    images::named(image, None)
}

/// The tags by which Systems Manager finds machines: each key with the values
/// of which one counts; any without.
pub type MachineTags = BTreeMap<String, Vec<String>>;

fn one_value_each(tags: &BTreeMap<TagKey, TagValue>) -> MachineTags {
    tags.iter()
        .map(|(key, value)| (key.to_string(), vec![value.to_string()]))
        .collect()
}

/// The tags by which Systems Manager finds the machines of a role: its own; else
/// those that say which objects of AWS are the cluster's.
pub(super) fn tags(
    role: &str,
    own: &BTreeMap<TagKey, TagValue>,
    around: Surroundings<'_>,
    problems: &mut Problems,
) -> MachineTags {
    check_tags(&["sources", "machines", role, "tags"], own, problems);
    if !own.is_empty() {
        return one_value_each(own);
    }
    let kops = around.cluster.distribution == Distribution::Kops;
    let mut tags = members_tags(role, around, problems).unwrap_or_else(|| {
        let name = around.cluster.aws_name.clone();
        // https://github.com/kubernetes/kops/blob/v1.32.0/upup/pkg/fi/cloudup/awsup/aws_cloud.go
        if kops {
            MachineTags::from([("KubernetesCluster".to_owned(), vec![name])])
        } else {
            // https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
            MachineTags::from([(format!("{CLUSTER_TAG}{name}"), vec!["owned".to_owned()])])
        }
    });
    if kops {
        let key = if role == "masters" {
            "k8s.io/role/control-plane"
        } else {
            "k8s.io/role/node"
        };
        tags.insert(key.to_owned(), vec!["1".to_owned()]);
    }
    tags
}

/// The tags of the resource group's members, where they are chosen.
fn members_tags(
    role: &str,
    around: Surroundings<'_>,
    problems: &mut Problems,
) -> Option<MachineTags> {
    let chosen = &around.settings.sources.aws.resource_group.tags;
    if chosen.is_empty() {
        return None;
    }
    let tags: MachineTags = chosen
        .iter()
        .map(|(key, values)| {
            let on = values.iter().filter(|(_, on)| **on);
            (key.clone(), on.map(|(value, _)| value.clone()).collect())
        })
        .collect();
    let setting = ["sources", "aws", "resource_group", "tags"];
    let reported = problems.0.iter().any(|problem| problem.setting == setting);
    if around.settings.sources.machines.delivery.ssm
        && !reported
        && are_right_tags(chosen, around.cluster)
    {
        let strange = tags.keys().find(|key| !can_be_aimed_at(key));
        let fault = if let Some(key) = strange {
            Some(format!(
                "Systems Manager can't aim at machines by the tag `{key}`"
            ))
        } else if tags.values().filter(|values| values.is_empty()).count() > 1 {
            Some("Systems Manager aims at one tag of any value only".to_owned())
        } else if tags.len() >= MOST_TAGS {
            Some(format!(
                "these are {} tags, and Systems Manager takes {MOST_TAGS}, a machine's role among them",
                tags.len()
            ))
        } else {
            None
        };
        if let Some(fault) = fault {
            problems.push(
                &setting,
                format!("{fault}, so the {role} would get no shippers"),
                "say which machines they are in `sources.machines.<role>.tags`, for each role",
            );
        }
    }
    Some(tags)
}

/// What [`TagKey`] allows.
fn can_be_aimed_at(key: &str) -> bool {
    key.chars()
        .all(|c| c.is_ascii_alphanumeric() || " _.:/=@-".contains(c))
}

fn check_tags(setting: &[&str], tags: &BTreeMap<TagKey, TagValue>, problems: &mut Problems) {
    if tags.len() > MOST_TAGS {
        problems.push(
            setting,
            format!(
                "these are {} tags, and Systems Manager takes {MOST_TAGS}",
                tags.len()
            ),
            "name fewer: a machine must have all of them",
        );
    }
}
