//! The steps.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use logfleet_contract::forwarder::{CONFIGURATION_VARIABLE, Configuration};
use logfleet_contract::server::Backend;
use serde_json::{Value, json};

use crate::breakage::{Broken, block, give_the_right_to_write, take_the_right_to_write};
use crate::cluster::Cluster;
use crate::emulator::Aws;
use crate::fleet::{ACCOUNT, CLUSTER, Fleet, GLOBAL_REGION, READER, REGION};
use crate::functions::built;
use crate::kubernetes::server::ApiServer;
use crate::narrator::{command, compare_with_the_page, printed, say, step};
use crate::opensearch::OpenSearch;
use crate::relay::{self, Real};
use crate::subscriptions::{Driver, milliseconds};
use crate::{cloud, reader};

const STREAM: &str = "logs-aws.vpc-prod_eu";
const LOG_GROUP: &str = "/logfleet/prod-eu/aws/vpc";
const INTERFACE: &str = "eni-0a1b2c3d4e5f60718";

/// The fields of a flow log whose format nobody chose
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>).
const DEFAULT_FORMAT: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";

/// What is there, by kind.
type Lists = BTreeMap<String, Vec<String>>;

/// Goes the whole way.
pub fn tell(keep: bool, breaks: Option<&str>) {
    let start = Instant::now();
    step("Servers: OpenSearch, an AWS emulator, a Kubernetes API server");
    let (server, aws, kubernetes) = servers();
    let real = Real::start(Backend::Opensearch).expect("it is installed");
    cloud::prepare(aws);
    say(&format!(
        "OpenSearch at {}, with its security plugin and a certificate from its own CA",
        server.url()
    ));
    say(&format!(
        "AWS at {}: account {ACCOUNT}, with an EKS cluster {CLUSTER} in {REGION}",
        aws.endpoint
    ));
    let before = (reader::list(server), cloud::list(aws));

    step("A fleet of your own");
    let fleet = Fleet::make(server.url(), &server.authority());

    step("The reconciler makes servers, credentials and stacks match the repository");
    let reconciler = Reconciler::set_up(&fleet, &real, aws);
    let plan = reconciler.run(2, &["plan"]);
    tell_end(&plan);
    let applied = reconciler.run(0, &["apply"]);
    tell_end(&applied);
    let again = reconciler.run(0, &["apply"]);
    tell_end(&again);
    assert!(again.contains("0 done, 0 failed"), "{again}");
    told_stacks(aws);

    step("Flux applies the Kubernetes part");
    let cluster = Cluster::start(kubernetes, &fleet.root());
    let revision = cluster.publish(&fleet.root());
    say(&format!(
        "kustomize-controller got the commit as {revision} (the demo stands in for source-controller)"
    ));
    let fetched = cluster.fetch_secrets(aws);
    say(&format!(
        "Secret logging/{}: fetched from AWS Secrets Manager for its ExternalSecret (the demo stands in for the External Secrets Operator)",
        fetched.join(", ")
    ));
    for half in ["credentials", "shippers"] {
        cluster.wait_until_applied(half, &revision);
        say(&format!("Kustomization logfleet-{CLUSTER}-{half}: applied"));
    }
    let shippers = cluster.names("apis/apps/v1/namespaces/logging/daemonsets");
    say(&format!(
        "DaemonSets in the API server: {}",
        shippers.join(", ")
    ));
    assert_eq!(shippers, ["fluentd-applications", "fluentd-nodes"]);

    step("An AWS log line arrives in the index");
    if let Some(what) = breaks {
        break_something(aws, what);
    }
    let driver = Driver::start(aws, server);
    say(
        "From here on, a driver does what the AWS emulator doesn't: it passes events of log groups to the functions that",
    );
    say(
        "are subscribed according to the emulator. They are the forwarder's real program in AWS's runtime emulator, with",
    );
    say(
        "the environment and the role from the emulator. The driver also writes their logs, and makes the index show",
    );
    say("new documents at once, instead of every 30 seconds as in the rendered templates.");
    let (line, time) = flow(aws);
    put(aws, &line, time);
    let anna = reader::sign_in(server);
    let query = json!({ "match_phrase": { "message": INTERFACE } });
    let Some(document) = reader::find(&anna, STREAM, &query) else {
        panic!(
            "the line never arrived in {STREAM}; calls of functions: {:?}, failed: {:?}",
            driver.calls(),
            driver.failed()
        );
    };
    tell_document(&document);
    refusals(server, aws, &anna);

    step("`reconciler verify` shows what arrives");
    let verified = reconciler.run(0, &["verify", CLUSTER, "--wait", "90"]);
    printed(&verified);
    assert!(
        verified.contains(&format!("{LOG_GROUP} -> {STREAM}: arrives")),
        "{verified}"
    );
    let (calls, functions) = driver.calls();
    say(&format!(
        "The driver made {calls} calls of {}.",
        functions.join(" and ")
    ));
    assert_eq!(driver.failed(), Vec::<String>::new());

    step("... and where the rest ends");
    ends(&reconciler, server, aws);

    if keep {
        stay(&fleet, server, &real, aws, kubernetes);
        driver.stop();
        return;
    }
    remove(&fleet, &reconciler, server, aws, &before);
    driver.stop();
    step(&format!(
        "Done: end to end in {} s",
        start.elapsed().as_secs()
    ));
    compare_with_the_page();
}

/// Starts the servers at the same time.
fn servers() -> (&'static OpenSearch, &'static Aws, &'static ApiServer) {
    std::thread::scope(|scope| {
        let server = scope.spawn(OpenSearch::shared);
        let aws = scope.spawn(Aws::shared);
        let kubernetes = scope.spawn(ApiServer::shared);
        let server = server
            .join()
            .expect("OpenSearch starts")
            .expect("it is installed");
        let aws = aws
            .join()
            .expect("the emulator starts")
            .expect("it is installed");
        let kubernetes = kubernetes
            .join()
            .expect("the API server starts")
            .expect("it is installed");
        (server, aws, kubernetes)
    })
}

/// The reconciler as it is installed.
struct Reconciler {
    folder: PathBuf,
    source: String,
    endpoint: String,
}

impl Reconciler {
    /// Writes its settings, which hold no secret.
    fn set_up(fleet: &Fleet, real: &Real, aws: &Aws) -> Self {
        let folder = fleet.beside().to_owned();
        let role = cloud::ROLE;
        let settings = format!(
            "servers:
  production:
    url: {url}
    backend: opensearch
    serves: [{{ destination: main }}]
    administrator: {{ username: {administrator}, password: {{ file: password }} }}
secret_stores:
  account:
    aws_secrets_manager: {{ region: {REGION}, role_arn: \"arn:aws:iam::{ACCOUNT}:role/{role}\" }}
aws:
  owner: example
  role: {role}
  templates: {{ bucket: \"example-templates-{{account}}-{{region}}\" }}
  records: {{ bucket: {records}, region: {REGION} }}
  also:
    - {{ account: \"{ACCOUNT}\", region: {REGION} }}
    - {{ account: \"{ACCOUNT}\", region: {GLOBAL_REGION} }}
",
            url = real.played.url(),
            administrator = relay::ADMINISTRATOR,
            records = cloud::RECORDS,
        );
        say("reconciler.yaml, next to the repository:");
        printed(&settings);
        say(
            "(The address is a relay to OpenSearch that simulates the Index State Management plugin, which this build lacks.)",
        );
        fs::write(folder.join("reconciler.yaml"), settings).expect("writable");
        fs::write(folder.join("password"), relay::PASSWORD).expect("writable");
        Self {
            folder,
            source: fleet.address(),
            endpoint: aws.endpoint.clone(),
        }
    }

    /// Runs a command that must come to an exit code; what it printed.
    fn run(&self, code: i32, arguments: &[&str]) -> String {
        let shown: Vec<&str> = arguments.iter().take(8).copied().collect();
        let more = arguments.len() - shown.len();
        let more = if more > 0 {
            format!(" … {more} more arguments")
        } else {
            String::new()
        };
        command(&format!("reconciler {}{more}", shown.join(" ")));
        let none = self.folder.join("none");
        let output = Command::new(built("reconciler"))
            .args(arguments)
            .args(["--source", &self.source, "--revision", "main", "--settings"])
            .arg(self.folder.join("reconciler.yaml"))
            .env("AWS_CONFIG_FILE", &none)
            .env("AWS_SHARED_CREDENTIALS_FILE", &none)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "only-for-tests")
            .env("AWS_SECRET_ACCESS_KEY", "only-for-tests")
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .output()
            .expect("the reconciler starts");
        let out = String::from_utf8_lossy(&output.stdout);
        let told = String::from_utf8_lossy(&output.stderr);
        let text = format!("{out}{told}");
        assert_eq!(
            output.status.code(),
            Some(code),
            "reconciler {arguments:?}\n{text}"
        );
        assert!(
            !text.contains(relay::PASSWORD),
            "the password is shown:\n{text}"
        );
        text
    }
}

/// The end of what a plan or a run printed.
fn tell_end(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines
        .iter()
        .rev()
        .find(|line| line.contains(" to do") || line.contains(" done"));
    let sum = lines
        .iter()
        .filter(|line| line.contains(" to do, "))
        .chain(last);
    let mut sum: Vec<&str> = sum.copied().collect();
    sum.dedup();
    printed(&sum.join("\n"));
}

fn told_stacks(aws: &Aws) {
    for region in [REGION, GLOBAL_REGION] {
        let stacks =
            cloud::account(aws).call(region, "cloudformation", "describe_stacks", &json!({}));
        for stack in cloud::items(&stacks["Stacks"]) {
            say(&format!(
                "{region}: stack {} is {}",
                text(&stack["StackName"]),
                text(&stack["StackStatus"])
            ));
            assert_eq!(stack["StackStatus"], "CREATE_COMPLETE");
        }
    }
    let secret = json!({ "SecretId": format!("logfleet/{CLUSTER}/main") });
    let secret = cloud::account(aws).call(REGION, "secretsmanager", "get_secret_value", &secret);
    let secret: Value = serde_json::from_str(&text(&secret["SecretString"])).expect("JSON");
    let keys: Vec<&String> = secret.as_object().expect("keys").keys().collect();
    say(&format!(
        "{REGION}: secret logfleet/{CLUSTER}/main has {keys:?} of {}",
        secret["username"]
    ));
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// A record of a flow log that ends now, with the fields that the function was told of, and its time in milliseconds.
fn flow(aws: &Aws) -> (String, u64) {
    let end = milliseconds() / 1000;
    let start = end - 60;
    let function = json!({ "FunctionName": format!("logfleet-{CLUSTER}-forwarder") });
    let described =
        cloud::account(aws).call(REGION, "lambda", "get_function_configuration", &function);
    let told = text(&described["Environment"]["Variables"][CONFIGURATION_VARIABLE]);
    let told = Configuration::parse(&told).expect("the forwarder can read it");
    let format = told
        .log_group(LOG_GROUP)
        .expect("the forwarder knows the log group")
        .flow_log_format
        .clone()
        .unwrap_or_else(|| DEFAULT_FORMAT.to_owned());
    let columns = format.split_whitespace().map(|column| {
        let name = column.trim_start_matches("${").trim_end_matches('}');
        match name {
            "version" => "2".to_owned(),
            "account-id" => ACCOUNT.to_owned(),
            "interface-id" => INTERFACE.to_owned(),
            "srcaddr" | "pkt-srcaddr" => "10.0.0.7".to_owned(),
            "dstaddr" | "pkt-dstaddr" => "203.0.113.9".to_owned(),
            "srcport" => "49152".to_owned(),
            "dstport" => "443".to_owned(),
            "protocol" => "6".to_owned(),
            "packets" => "20".to_owned(),
            "bytes" => "4249".to_owned(),
            "start" => start.to_string(),
            "end" => end.to_string(),
            "action" => "ACCEPT".to_owned(),
            "log-status" => "OK".to_owned(),
            // What AWS writes for a field that has no value.
            _ => "-".to_owned(),
        }
    });
    (columns.collect::<Vec<_>>().join(" "), end * 1000)
}

/// AWS writes the line.
fn put(aws: &Aws, line: &str, time: u64) {
    let account = cloud::account(aws);
    let stream = format!("{INTERFACE}-all");
    let target = json!({ "logGroupName": LOG_GROUP, "logStreamName": stream });
    account.call(REGION, "logs", "create_log_stream", &target);
    let mut events = target;
    events["logEvents"] = json!([{ "timestamp": time, "message": line }]);
    account.call(REGION, "logs", "put_log_events", &events);
    say(&format!("into {LOG_GROUP}, log stream {stream}:"));
    printed(line);
}

fn tell_document(document: &Value) {
    say(&format!(
        "{READER}, a reader in the fleet's settings, finds in {STREAM}:"
    ));
    let parsed = [
        ("cluster.name", json!(CLUSTER)),
        ("aws.source", json!("aws.vpc")),
        ("source.ip", json!("10.0.0.7")),
        ("source.port", json!(49152)),
        ("destination.ip", json!("203.0.113.9")),
        ("destination.port", json!(443)),
        ("network.bytes", json!(4249)),
        ("network.transport", json!("tcp")),
        ("event.action", json!("accept")),
    ];
    let mut lines = Vec::new();
    let mut wrong = Vec::new();
    for (name, wanted) in parsed {
        let found = field(document, name);
        lines.push(format!("{name}: {found}"));
        // Some fields are lists.
        let found = if found.is_array() {
            found[0].clone()
        } else {
            found
        };
        let is_same = found == wanted
            || found
                .as_str()
                .is_some_and(|own| Some(own.to_lowercase().as_str()) == wanted.as_str());
        if !is_same {
            wrong.push(format!("{name} is {found}, not {wanted}"));
        }
    }
    printed(&lines.join("\n"));
    assert!(wrong.is_empty(), "{wrong:?}\n{document:#}");
}

/// A field of a document, which may be written with dots or nested.
fn field(document: &Value, name: &str) -> Value {
    if let Some(found) = document.get(name) {
        return found.clone();
    }
    for (at, _) in name.match_indices('.') {
        if let Some(inner) = document.get(&name[..at]) {
            let found = field(inner, &name[at + 1..]);
            if !found.is_null() {
                return found;
            }
        }
    }
    Value::Null
}

/// Who reads can't write and sees nothing else; who writes can't read.
fn refusals(server: &OpenSearch, aws: &Aws, anna: &crate::client::Client) {
    let other = reader::search(
        anna,
        "logs-kubernetes.nodes-prod_eu",
        &json!({ "match_all": {} }),
    );
    assert_eq!(other.status, 403, "{other:?}");
    let secret = json!({ "SecretId": format!("logfleet/{CLUSTER}/main") });
    let secret = cloud::account(aws).call(REGION, "secretsmanager", "get_secret_value", &secret);
    let secret: Value = serde_json::from_str(&text(&secret["SecretString"])).expect("JSON");
    let identity =
        crate::client::Identity::Password(text(&secret["username"]), text(&secret["password"]));
    let writer = reader::search(
        &server.client(&identity),
        STREAM,
        &json!({ "match_all": {} }),
    );
    assert_eq!(writer.status, 403, "{writer:?}");
    say(&format!(
        "{READER} can't read the cluster's other streams, and the cluster's own credential can't read anything."
    ));
}

/// Takes something away without which nothing may arrive.
fn break_something(aws: &Aws, what: &str) {
    let mut broken = Broken::default();
    match what {
        "subscription" => broken.subscription(aws, REGION, LOG_GROUP),
        "permission" => broken.permission(aws, REGION),
        other => panic!("--break takes subscription or permission, not {other}"),
    }
    say(&format!("BROKEN on purpose: the {what}"));
}

/// Breaks a place of each path, and reads what `verify` makes of it.
fn ends(reconciler: &Reconciler, server: &OpenSearch, aws: &Aws) {
    let group = |source: &str| format!("/logfleet/{CLUSTER}/aws/{source}");
    let mut broken = Broken::default();
    say(
        "Somebody deletes the flow logs' subscription, points the load balancers' subscription elsewhere, deletes the",
    );
    say(&format!(
        "buckets' log group, and removes CloudWatch Logs' permission to call the function in {GLOBAL_REGION}:"
    ));
    broken.subscription(aws, REGION, LOG_GROUP);
    let other = broken.destination(aws, REGION, &group("elb"));
    broken.log_group(aws, REGION, &group("s3"));
    broken.permission(aws, GLOBAL_REGION);
    let verified = reconciler.run(1, &["verify", CLUSTER, "--wait", "60"]);
    tell_ends(&verified);
    for (region, source, end) in [
        (REGION, "vpc", "subscription"),
        (REGION, "elb", "subscription"),
        (REGION, "s3", "log group"),
        (GLOBAL_REGION, "iam", "permission"),
        (GLOBAL_REGION, "route53", "permission"),
    ] {
        let line = verified
            .lines()
            .find(|line| line.contains(&format!(" {region} {} -> ", group(source))));
        assert!(
            line.is_some_and(|line| line.contains(&format!(": ENDS at the {end};"))),
            "{line:?}"
        );
    }
    assert_eq!(verified.matches(": ENDS at ").count(), 5, "{verified}");
    assert!(
        verified.contains(&format!("subscribed: {other}")),
        "{verified}"
    );
    broken.mend(aws);

    say("Repaired. Then somebody revokes the write permission of the cluster's credential:");
    let mapping = take_the_right_to_write(server);
    let verified = reconciler.run(1, &["verify", CLUSTER, "--wait", "10"]);
    let told: Vec<&str> = verified
        .lines()
        .filter(|line| line.contains("cloudtrail"))
        .collect();
    printed(&told.join("\n"));
    assert!(
        verified.contains("logs-aws.vpc-prod_eu: REFUSED"),
        "{verified}"
    );
    let own = verified
        .lines()
        .find(|line| line.contains("aws/vpc: the function"));
    assert!(
        own.is_some_and(|line| line.contains("status 403")),
        "{verified}"
    );
    give_the_right_to_write(server, &mapping);

    say("Repaired. Then the flow logs' data stream accepts no writes, as if disks were full:");
    block(server, STREAM, true);
    let verified = reconciler.run(1, &["verify", CLUSTER, "--wait", "45"]);
    tell_ends(&verified);
    let own = verified
        .lines()
        .find(|line| line.contains("aws/vpc: the function"));
    assert!(
        own.is_some_and(|line| line.contains("status 403, cluster_block_exception"))
            && verified.contains("ENDS at the destination"),
        "{verified}"
    );
    block(server, STREAM, false);
    let verified = reconciler.run(0, &["verify", CLUSTER, "--wait", "60"]);
    assert!(!verified.contains("ENDS"), "{verified}");
    say("Repaired again: everything arrives.");
}

/// The lines of what doesn't arrive.
fn tell_ends(verified: &str) {
    let told = verified
        .lines()
        .filter(|line| line.contains(": ENDS at ") || line.starts_with("aws/"));
    printed(&told.collect::<Vec<_>>().join("\n"));
}

/// The cluster leaves the fleet, and everything is as it was.
fn remove(
    fleet: &Fleet,
    reconciler: &Reconciler,
    server: &OpenSearch,
    aws: &Aws,
    before: &(Lists, Lists),
) {
    step("The cluster is removed");
    let streams: Vec<String> = reader::list(server)["_data_stream"].clone();
    fleet.remove_cluster();
    say(
        "What runs in the cluster stays until the cluster itself is deleted; Flux deletes none of it.",
    );
    reader::leave(server);
    // Data streams go only by name.
    let mut arguments = vec!["remove", CLUSTER];
    for stream in &streams {
        arguments.extend(["--delete-data-stream", stream]);
    }
    let removed = reconciler.run(0, &arguments);
    tell_end(&removed);
    let again = reconciler.run(0, &["plan"]);
    tell_end(&again);

    step("What is left");
    let after = (reader::list(server), cloud::list(aws));
    let mut left = Vec::new();
    left.extend(more("OpenSearch", &before.0, &after.0));
    left.extend(more("AWS", &before.1, &after.1));
    let lost = [
        more("OpenSearch", &after.0, &before.0),
        more("AWS", &after.1, &before.1),
    ]
    .concat();
    assert_eq!(lost, Vec::<String>::new(), "it was there before");
    let (told, unexpected): (Vec<String>, Vec<String>) =
        left.into_iter().partition(|line| is_meant(line));
    for line in &told {
        say(line);
    }
    assert_eq!(unexpected, Vec::<String>::new(), "it should be gone");
    let planned = json!({ "IncludePlannedDeletion": true });
    let secrets = cloud::account(aws).call(REGION, "secretsmanager", "list_secrets", &planned);
    for secret in cloud::items(&secrets["SecretList"]) {
        assert!(secret["DeletedDate"].is_string(), "{secret}");
        say(&format!(
            "AWS: secret {}: can be restored for seven days",
            text(&secret["Name"])
        ));
    }
    say(
        "Nothing else: templates, roles, users, data streams, stacks, functions, IAM roles and secrets are the same as before.",
    );
}

/// What the second lists have and the first don't.
fn more(place: &str, before: &Lists, after: &Lists) -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, names) in after {
        for name in names.iter().filter(|name| !before[kind].contains(name)) {
            lines.push(format!("{place}: {kind}: {name}"));
        }
    }
    lines
}

/// What stays on purpose: buckets with logs, the inventory, which is the reconciler's own, and the log group that EKS made.
fn is_meant(line: &str) -> bool {
    line.starts_with("AWS: s3 Buckets: ")
        || line.ends_with("indices: logfleet-inventory")
        || line.ends_with(&format!("/aws/eks/{CLUSTER}/cluster"))
}

/// Leaves everything up until standard input ends.
fn stay(fleet: &Fleet, server: &OpenSearch, real: &Real, aws: &Aws, kubernetes: &ApiServer) {
    step("Everything stays until you press Enter");
    say(&format!("the fleet: {}", fleet.root().display()));
    say(&format!(
        "OpenSearch: curl --insecure --user {}:{} {}",
        relay::ADMINISTRATOR,
        relay::PASSWORD,
        server.url()
    ));
    say(&format!(
        "AWS: AWS_ENDPOINT_URL={} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any aws logs describe-log-groups --region {REGION}",
        aws.endpoint
    ));
    say(&format!(
        "Kubernetes: kubectl --kubeconfig {}",
        kubernetes.kubeconfig.display()
    ));
    say(&format!(
        "the reconciler: --settings {}, at {}",
        fleet.beside().join("reconciler.yaml").display(),
        real.played.url()
    ));
    let mut line = String::new();
    // The end of standard input is as good as Enter.
    let _ = std::io::stdin().read_line(&mut line);
}
