//! The forwarder's program in AWS's own emulator of Lambda's runtime interface
//! (<https://github.com/aws/aws-lambda-runtime-interface-emulator>): every event of
//! `tests/cases/events` that CloudWatch Logs hands over, in the envelope that it
//! sends, under the rendered configuration, templates and write-only credential, into
//! each of the real servers, where each of its fields is searched.
//!
//! Elasticsearch's build has no data streams: there the first document makes an
//! index of the stream's name by the same template, so nothing is said of backing indices,
//! life cycles and the failure store.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use logfleet_contract::forwarder::Configuration;
use logfleet_contract::stack;
use logfleet_events::{FlowLogFields, Format, flow_log_columns, write_fields};
use serde_json::{Map, Value, json};

use super::{Account, account, envelope, now, program, tags_of_log_group};
use crate::indices::{self, Target, events};
use crate::rig::{self, Server, User};

const CLUSTER: &str = "prod-eu";
const WRITER: &str = "logfleet-prod_eu-writer";

#[test]
fn every_event_arrives_in_opensearch() {
    indices::opensearch().into_iter().for_each(arrives);
}

#[test]
fn every_event_arrives_in_elasticsearch() {
    indices::elasticsearch().into_iter().for_each(arrives);
}

/// A function in the emulator.
struct Function {
    _emulator: Server,
    folder: PathBuf,
    url: String,
}

impl Function {
    /// Starts it; none where the emulator isn't installed.
    fn start(variables: &[(&str, &str)]) -> Option<Self> {
        let installed = rig::installed("bin/aws-lambda-rie", "lambda")?;
        let folder = rig::folder("lambda");
        let (own, api) = (rig::free_port(), rig::free_port());
        let address = format!("127.0.0.1:{own}");
        let mut command = Command::new(installed);
        command
            .args(["--runtime-interface-emulator-address", &address])
            .args(["--runtime-api-address", &format!("127.0.0.1:{api}")])
            .arg(program())
            .env("AWS_LAMBDA_FUNCTION_NAME", "forwarder")
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "60")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .envs(variables.iter().copied());
        let mut emulator = Server::start("AWS's runtime emulator", &folder, User::Own, &command);
        emulator.wait_until(|| TcpStream::connect(&address).is_ok());
        let url = format!("http://{address}/2015-03-31/functions/function/invocations");
        Some(Self {
            _emulator: emulator,
            folder,
            url,
        })
    }

    /// What a call is answered with.
    fn call(&self, event: &str) -> Value {
        let mut answer = ureq::post(&self.url).send(event).expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The sum of a count over all calls, by what the function wrote into its log.
    fn counted(&self, name: &str) -> u64 {
        let log = fs::read(self.folder.join("log")).expect("the emulator's log");
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines = log
            .lines()
            .filter_map(|line| line.find("{\"_aws\"").map(|at| &line[at..]));
        let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter_map(|line| line[name].as_u64()).sum()
    }
}

/// What is rendered, with this server in place of its destination.
fn configuration(target: &Target) -> Configuration {
    let text = crate::fleet::text(CLUSTER, "aws/eu-central-1/stack.json");
    let template: Value = serde_json::from_str(&text).expect("JSON");
    let forwarder = stack::forwarder(&template).expect("no fault");
    let mut configuration = forwarder.expect("a forwarder").configuration;
    configuration
        .destinations
        .retain(|name, _| name == target.destination);
    for stream in configuration.streams.values_mut() {
        stream.to.retain(|name| name == target.destination);
    }
    let destination = configuration.destinations.values_mut().next();
    let destination = destination.expect("the fleet writes to both servers");
    target.url.clone_into(&mut destination.url);
    destination.own_ca = true;
    // Whose events they are is tried elsewhere: here all of them are the cluster's.
    for group in configuration.log_groups.values_mut() {
        group.members_only = false;
    }
    let tags = tags_of_log_group();
    let keys = tags.as_object().expect("tags").keys();
    configuration.log_group_tags = keys.cloned().collect();
    configuration
}

/// The cases that come by CloudWatch Logs: folder, format, log group, data stream.
fn cases() -> Vec<(&'static str, Format, &'static str, &'static str)> {
    let default = Format::VpcFlowLog(FlowLogFields::default());
    vec![
        (
            "cloudtrail",
            Format::CloudTrail,
            "cloudtrail",
            "logs-aws.cloudtrail-prod_eu",
        ),
        (
            "event_bridge",
            Format::EventBridge,
            "ec2",
            "logs-aws.ec2-prod_eu",
        ),
        (
            "load_balancer",
            Format::LoadBalancer,
            "elb",
            "logs-aws.elb-prod_eu",
        ),
        (
            "route53",
            Format::Route53,
            "route53-resolver",
            "logs-aws.route53-prod_eu",
        ),
        ("s3_access", Format::S3Access, "s3", "logs-aws.s3-prod_eu"),
        ("vpc_flow_log", default, "vpc", "logs-aws.vpc-prod_eu"),
    ]
}

fn arrives(target: &Target) {
    let state = Arc::new(Mutex::new(Account::default()));
    let endpoint = account(&state);
    let secret = |password: &str| json!({ "username": WRITER, "password": password, "ca_certificate": target.authority });
    let start = |configuration: &Configuration| {
        Function::start(&[
            (
                "LOGFLEET_CONFIGURATION",
                &configuration.environment_text().expect("JSON"),
            ),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &endpoint),
        ])
    };
    let mut configuration = configuration(target);
    let Some(function) = start(&configuration) else {
        return;
    };

    // Lambda hears of a call that failed, and why.
    state.lock().expect("no panic").secret = secret("not the password");
    let control = envelope("CONTROL_MESSAGE", "", &[]);
    assert_eq!(function.call(&control), Value::Null);
    let first = json!({ "id": "0", "timestamp": now(), "message": "first" });
    let told = function.call(&envelope(
        "DATA_MESSAGE",
        "/logfleet/prod-eu/aws/vpc",
        &[first],
    ));
    assert!(
        told["errorMessage"]
            .as_str()
            .is_some_and(|own| own.contains("status 401")),
        "{told}"
    );
    state.lock().expect("no panic").secret = secret(indices::PASSWORD);

    for (case, format, group, stream) in cases() {
        sent_and_found(target, &function, case, &format, group, stream);
    }
    assert_eq!(function.counted("Rejected"), 0);

    // Flow logs with every field there is.
    let columns = flow_log_columns();
    let every: Vec<String> = columns.iter().map(|own| format!("${{{own}}}")).collect();
    let group = configuration
        .log_groups
        .get_mut("aws/vpc")
        .expect("flow logs");
    group.flow_log_format = Some(every.join(" "));
    let function = start(&configuration).expect("it is installed");
    let fields = FlowLogFields::parse(&columns.join(" ")).expect("they are known");
    let format = Format::VpcFlowLog(fields);
    let stream = "logs-aws.vpc-prod_eu";
    sent_and_found(
        target,
        &function,
        "vpc_flow_log_all_fields",
        &format,
        "vpc",
        stream,
    );
    assert_eq!(function.counted("Rejected"), 0);
    let state = state.lock().expect("no panic");
    assert!(state.objects.is_empty(), "{:?}", state.objects.keys());
}

/// Hands a case's events over, and searches each by each of its fields.
fn sent_and_found(
    target: &Target,
    function: &Function,
    case: &str,
    format: &Format,
    group: &str,
    stream: &str,
) {
    let texts = events::events(case);
    let id = |number: usize| format!("through-the-emulator-{case}-{number}");
    let time = now();
    let logged: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            json!({ "id": id(number), "timestamp": time - number as u64, "message": text })
        })
        .collect();
    let event = envelope(
        "DATA_MESSAGE",
        &format!("/logfleet/prod-eu/aws/{group}"),
        &logged,
    );
    assert_eq!(function.call(&event), Value::Null, "{case}");
    let mut faults = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let mut fields = b"{\"aws.source\":\"".to_vec();
        let source = if group == "route53-resolver" {
            "route53"
        } else {
            group
        };
        fields.extend_from_slice(format!("aws.{source}\",").as_bytes());
        write_fields(format, text, &mut fields);
        fields.push(b'}');
        let mut fields: Map<String, Value> = serde_json::from_slice(&fields).expect("JSON");
        fields.insert("aws.tags".to_owned(), tags_of_log_group());
        let filter = json!({ "term": { "aws.event_id": id(number) } });
        faults.extend(events::missing(
            target,
            stream,
            &id(number),
            &filter,
            &fields,
        ));
    }
    assert!(faults.is_empty(), "{}:\n{}", target.name, faults.join("\n"));
}
