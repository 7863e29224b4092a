//! A fleet in memory, and runs of the reconciler over it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aws_credential_types::Credentials;
use logfleet_contract::rendered::{RenderedAccounts, RenderedCluster};
use logfleet_reconciler::aws::{Access, Accounts, Patience};
use logfleet_reconciler::checkout::FleetLocation;
use logfleet_reconciler::fault::Fault;
use logfleet_reconciler::stacks::context::{Context, Pace};
use logfleet_reconciler::stacks::plan::{Options, Plan};
use logfleet_reconciler::stacks::session::{Outcome, Prepared, prepare};
use logfleet_reconciler::stacks::settings::Aws as Settings;
use logfleet_reconciler::stacks::wanted::Rendered;
use logfleet_reconciler::work::{Event, Work};
use serde_json::{Value, json};

use super::emulator::{Account, Aws};

/// What is rendered, and how it is reconciled.
pub struct Fleet {
    pub clusters: BTreeMap<String, RenderedCluster>,
    pub accounts: Option<RenderedAccounts>,
    pub settings: Settings,
    pub endpoint: String,
    /// What was told on the way.
    pub told: Mutex<Vec<String>>,
    /// Whether a run is to end.
    pub ended: AtomicBool,
    /// How long an answer is waited for.
    pub answer: Duration,
}

/// Clusters whose removal is confirmed, and more.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    pub confirmed: BTreeSet<String>,
    pub only: Option<BTreeSet<String>>,
    pub drift: bool,
}

impl Choices {
    pub fn confirmed(clusters: &[&str]) -> Self {
        Self {
            confirmed: clusters.iter().map(|own| (*own).to_owned()).collect(),
            ..Self::default()
        }
    }
}

/// How stacks are made in tests.
pub fn settings(text: &str) -> Settings {
    let value: Value = serde_json::from_str(text).expect("JSON");
    serde_json::from_value(value).expect("settings")
}

impl Fleet {
    /// The example fleet.
    pub fn example(endpoint: &str, settings: Settings) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let read = FleetLocation::Folder(root).read().expect("it is rendered");
        Self {
            clusters: read.clusters,
            accounts: read.accounts,
            ..Self::empty(endpoint, settings)
        }
    }

    /// No cluster.
    pub fn empty(endpoint: &str, settings: Settings) -> Self {
        Self {
            clusters: BTreeMap::new(),
            accounts: None,
            settings,
            endpoint: endpoint.to_owned(),
            told: Mutex::default(),
            ended: AtomicBool::new(false),
            answer: Duration::from_secs(60),
        }
    }

    /// The way to AWS, signed in anew as each run of the program is.
    pub fn way(&self) -> Accounts {
        let access = Access {
            role: self.settings.role.clone(),
            external_id: None,
            endpoint: Some(self.endpoint.clone()),
            patience: Patience {
                times: 4,
                first: Duration::from_millis(5),
                longest: Duration::from_millis(20),
                answer: self.answer,
            },
        };
        let credentials = Credentials::new("AKIAAAAAAAAAAAAAAAAA", "rig", None, None, "test");
        Accounts::with_credentials(access, credentials)
    }

    fn with<T>(&self, accounts: &Accounts, work: impl FnOnce(&Context<'_>) -> T) -> T {
        let tell = |event: Event| {
            if let Event::Says(line) = event {
                self.told.lock().expect("nobody panicked").push(line);
            }
        };
        work(&Context {
            accounts,
            settings: &self.settings,
            pace: Pace {
                first: Duration::from_millis(5),
                longest: Duration::from_millis(50),
            },
            work: Work::new(&self.ended, &tell),
        })
    }

    /// Looks, and says what would be done.
    pub fn prepare(&self, accounts: &Accounts, choices: &Choices) -> Result<Prepared, Vec<Fault>> {
        let options = Options {
            owner: self.settings.owner.clone(),
            rendered: self.clusters.keys().cloned().collect(),
            only: choices.only.clone(),
            confirmed: choices.confirmed.clone(),
            drift: choices.drift,
            most_deleted: 20,
            shard: None,
        };
        let rendered = Rendered {
            clusters: &self.clusters,
            accounts: self.accounts.as_ref(),
        };
        self.with(accounts, |context| prepare(context, rendered, &options))
    }

    /// Does what was prepared.
    pub fn apply(&self, accounts: &Accounts, prepared: &Prepared) -> BTreeMap<String, Outcome> {
        self.with(accounts, |context| prepared.apply(context))
    }

    /// What would be done.
    pub fn plan(&self, choices: &Choices) -> Plan {
        self.prepare(&self.way(), choices)
            .expect("it is planned")
            .plan
    }

    /// A whole run, which must not fail; what was done, sorted.
    pub fn run(&self, choices: &Choices) -> Vec<String> {
        let (done, failed) = self.try_run(choices);
        assert_eq!(failed, Vec::<String>::new(), "done: {done:#?}");
        done
    }

    /// A whole run: what was done and what failed, sorted.
    pub fn try_run(&self, choices: &Choices) -> (Vec<String>, Vec<String>) {
        let accounts = self.way();
        let prepared = self.prepare(&accounts, choices).expect("it is planned");
        let reports = self.apply(&accounts, &prepared);
        let mut done = Vec::new();
        let mut failed: Vec<String> = prepared
            .plan
            .stops
            .iter()
            .map(ToString::to_string)
            .collect();
        for (target, report) in reports {
            done.extend(
                report
                    .done
                    .into_iter()
                    .map(|(subject, verb)| format!("{target} {verb} {subject}")),
            );
            failed.extend(report.failed.iter().map(ToString::to_string));
        }
        done.sort();
        (done, failed)
    }
}

/// Makes what templates take for granted: the code of functions, destinations of other accounts, log groups that AWS writes.
pub fn make_surroundings(aws: &Aws, fleet: &Fleet) {
    let mut own = BTreeSet::new();
    let mut used = BTreeSet::new();
    for cluster in fleet.clusters.values() {
        for (region, stack) in &cluster.stacks {
            let Some(forwarder) = &stack.forwarder else {
                continue;
            };
            let account = aws.account(&forwarder.configuration.cluster.account);
            around(&account, region, &stack.template, &mut own, &mut used);
        }
    }
    for ((number, region), shared) in fleet.accounts.iter().flat_map(|own| &own.regions) {
        if let Some(template) = &shared.template {
            around(&aws.account(number), region, template, &mut own, &mut used);
        }
    }
    for (number, region, group) in used.difference(&own) {
        let name = json!({ "logGroupName": group });
        let _ = aws
            .account(number)
            .ask(region, "logs", "create_log_group", &name);
    }
}

type Groups = BTreeSet<(String, String, String)>;

fn around(
    account: &Account<'_>,
    region: &str,
    template: &Value,
    own: &mut Groups,
    used: &mut Groups,
) {
    for resource in template["Resources"]
        .as_object()
        .expect("resources")
        .values()
    {
        let properties = &resource["Properties"];
        let group = || {
            let name = properties["LogGroupName"].as_str()?;
            Some((account.number.clone(), region.to_owned(), name.to_owned()))
        };
        match resource["Type"].as_str().expect("a type") {
            "AWS::Lambda::Function" => {
                let bucket = properties["Code"]["S3Bucket"].as_str().expect("a bucket");
                make_bucket(account, bucket, region);
                let object = json!({ "Bucket": bucket, "Key": properties["Code"]["S3Key"], "Body": "never run" });
                account.call(region, "s3", "put_object", &object);
            }
            "AWS::Logs::LogGroup" => own.extend(group()),
            "AWS::Logs::SubscriptionFilter" => {
                used.extend(group());
                let arn = properties["DestinationArn"].as_str().unwrap_or_default();
                let parts: Vec<&str> = arn.split(':').collect();
                if let [_, _, "logs", region, number, "destination", name] = parts[..] {
                    let destination = json!({
                        "destinationName": name,
                        "targetArn": format!("arn:aws:firehose:{region}:{number}:deliverystream/{name}"),
                        "roleArn": format!("arn:aws:iam::{number}:role/{name}"),
                    });
                    account.aws.account(number).call(
                        region,
                        "logs",
                        "put_destination",
                        &destination,
                    );
                }
            }
            "AWS::Logs::MetricFilter" => used.extend(group()),
            _ => {}
        }
    }
}

/// Makes a bucket unless it exists, in whatever account.
pub fn make_bucket(account: &Account<'_>, bucket: &str, region: &str) {
    let mut request = json!({ "Bucket": bucket });
    if region != "us-east-1" {
        request["CreateBucketConfiguration"] = json!({ "LocationConstraint": region });
    }
    match account.ask(region, "s3", "create_bucket", &request) {
        Ok(_) => {}
        Err(refusal) => assert!(refusal.code.contains("Bucket"), "{refusal:?}"),
    }
}

/// The stacks of a place: their names, states and whose they are.
pub fn stacks(account: &Account<'_>, region: &str) -> BTreeMap<String, (String, String)> {
    let answer = account.call(region, "cloudformation", "describe_stacks", &json!({}));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = answer["Stacks"].as_array().expect("a list").iter();
    all.map(|stack| {
        let tags = stack["Tags"].as_array().into_iter().flatten();
        let owner = tags
            .clone()
            .find(|tag| tag["Key"] == "logfleet:owner")
            .map(|tag| text(&tag["Value"]));
        (
            text(&stack["StackName"]),
            (text(&stack["StackStatus"]), owner.unwrap_or_default()),
        )
    })
    .collect()
}
