//! **A driver that does what the emulator of AWS leaves out**: it hands events of log groups to the functions that are
//! subscribed to them, as CloudWatch Logs does. (The emulator does it only where it may start containers.)
//!
//! What it goes by is the emulator's, not the fleet's: which subscription filters there are, where they lead, whether
//! the function's policy lets CloudWatch Logs call it for this log group, and what is in the function's environment.
//! A filter that is missing or wrong brings nothing.
//!
//! It also writes what a function prints into the function's log group, as Lambda does, and has the index show new documents
//! at once, which it would do within `refresh_interval` of the rendered templates: 30 seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use logfleet_contract::pattern;
use serde_json::{Value, json};

use crate::cloud::{account, items};
use crate::emulator::{Account, Aws};
use crate::fleet::{ACCOUNT, GLOBAL_REGION, REGION};
use crate::functions::Function;
use crate::opensearch::OpenSearch;

/// Pauses between looking for events.
const PAUSE: Duration = Duration::from_millis(300);

/// The driver, in a thread of its own until it is stopped.
pub struct Driver {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    is_over: AtomicBool,
    calls: AtomicUsize,
    /// What calls said went wrong.
    failed: Mutex<BTreeSet<String>>,
    /// Functions that were called, by ARN.
    called: Mutex<BTreeSet<String>>,
}

impl Driver {
    /// Starts it.
    pub fn start(aws: &'static Aws, server: &'static OpenSearch) -> Self {
        let state = Arc::new(State::default());
        let own = Arc::clone(&state);
        let thread = thread::spawn(move || {
            let mut driving = Driving {
                aws,
                server,
                state: &own,
                seen: BTreeSet::new(),
                functions: BTreeMap::new(),
            };
            while !own.is_over.load(Ordering::Relaxed) {
                for region in [REGION, GLOBAL_REGION] {
                    driving.round(region);
                }
                sleep(PAUSE);
            }
        });
        Self {
            state,
            thread: Some(thread),
        }
    }

    /// How many calls were made, and of which functions.
    pub fn calls(&self) -> (usize, Vec<String>) {
        let called = self.state.called.lock().expect("nobody panicked with it");
        let names = called.iter().filter_map(|arn| {
            let parts: Vec<&str> = arn.split(':').collect();
            Some(format!("{} in {}", parts.last()?, parts.get(3)?))
        });
        (self.state.calls.load(Ordering::Relaxed), names.collect())
    }

    /// What calls said went wrong.
    pub fn failed(&self) -> Vec<String> {
        let failed = self.state.failed.lock().expect("nobody panicked with it");
        failed.iter().cloned().collect()
    }

    /// Stops it and the functions.
    pub fn stop(mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread
                .join()
                .expect("the driver found nothing that it doesn't know");
        }
    }
}

struct Driving<'a> {
    aws: &'static Aws,
    server: &'static OpenSearch,
    state: &'a State,
    /// Events that were dealt with.
    seen: BTreeSet<String>,
    functions: BTreeMap<String, Function>,
}

impl Driving<'_> {
    /// Looks for new events in a Region.
    fn round(&mut self, region: &str) {
        let account = account(self.aws);
        let groups = account.call(region, "logs", "describe_log_groups", &json!({}));
        for group in items(&groups["logGroups"]) {
            // Nobody is subscribed to a function's own log group: each line would make another.
            if group["logGroupName"]
                .as_str()
                .is_some_and(|name| name.starts_with("/aws/lambda/"))
            {
                continue;
            }
            // A log group may go between two questions.
            let name = &group["logGroupName"];
            let Ok(events) = account.ask(
                region,
                "logs",
                "filter_log_events",
                &json!({ "logGroupName": name }),
            ) else {
                continue;
            };
            let mut streams: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for event in items(&events["events"]) {
                let id = event["eventId"].as_str().expect("an id").to_owned();
                if self.seen.insert(format!("{region} {name} {id}")) {
                    let stream = event["logStreamName"].as_str().expect("a log stream");
                    let logged = json!({ "id": id, "timestamp": event["timestamp"], "message": event["message"] });
                    streams.entry(stream.to_owned()).or_default().push(logged);
                }
            }
            for (stream, events) in streams {
                self.deliver(region, name.as_str().expect("a name"), &stream, &events);
            }
        }
    }

    /// Hands events of a log stream to every function that is subscribed.
    fn deliver(&mut self, region: &str, group: &str, stream: &str, events: &[Value]) {
        let account = account(self.aws);
        let name = json!({ "logGroupName": group });
        let asked = account.ask(region, "logs", "describe_subscription_filters", &name);
        // The log group may be gone by now.
        let Ok(subscribed) = asked else { return };
        for filter in items(&subscribed["subscriptionFilters"]) {
            let arn = filter["destinationArn"].as_str().expect("an ARN");
            if !arn.contains(":lambda:") {
                continue;
            }
            assert_eq!(
                filter["filterPattern"], "",
                "this driver knows no patterns: {filter}"
            );
            if let Err(why) = self.may_call(region, group, arn) {
                self.fail(format!("{group}: {why}"));
                continue;
            }
            let envelope = json!({
                "messageType": "DATA_MESSAGE",
                "owner": ACCOUNT,
                "logGroup": group,
                "logStream": stream,
                "subscriptionFilters": [filter["filterName"]],
                "logEvents": events,
            });
            let aws = self.aws;
            let function = self
                .functions
                .entry(arn.to_owned())
                .or_insert_with(|| Function::start(aws, &account, region, arn));
            let outcome = function.call(&packed(&envelope));
            let printed = function.printed();
            write_log(&account, region, function, &printed);
            self.server.admin.send("POST", "logs-*/_refresh", None);
            self.state.calls.fetch_add(1, Ordering::Relaxed);
            self.state
                .called
                .lock()
                .expect("nobody panicked with it")
                .insert(arn.to_owned());
            if let Err(why) = outcome {
                self.fail(format!("{group}: {why}"));
            }
        }
    }

    fn fail(&self, why: String) {
        self.state
            .failed
            .lock()
            .expect("nobody panicked with it")
            .insert(why);
    }

    /// Whether the function's policy lets CloudWatch Logs call it for a log group.
    fn may_call(&self, region: &str, group: &str, arn: &str) -> Result<(), String> {
        let asked = account(self.aws).ask(
            region,
            "lambda",
            "get_policy",
            &json!({ "FunctionName": arn }),
        );
        let policy =
            asked.map_err(|refusal| format!("{arn} has no policy: {}", refusal.message))?;
        let policy: Value =
            serde_json::from_str(policy["Policy"].as_str().expect("a policy")).expect("JSON");
        let caller = format!("arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}:*");
        let is_allowed = items(&policy["Statement"]).any(|own| {
            let source = &own["Condition"]["ArnLike"]["AWS:SourceArn"];
            own["Effect"] == "Allow"
                && own["Principal"]["Service"] == "logs.amazonaws.com"
                && source
                    .as_str()
                    .is_some_and(|allowed| pattern::matches(allowed, &caller))
        });
        is_allowed
            .then_some(())
            .ok_or_else(|| format!("{arn} may not be called by {caller}: {policy}"))
    }
}

/// Writes what a function printed into its log group.
fn write_log(account: &Account<'_>, region: &str, function: &Function, lines: &[String]) {
    let target = json!({ "logGroupName": function.log_group, "logStreamName": "one" });
    // It exists from the second time on.
    let _ = account.ask(region, "logs", "create_log_stream", &target);
    let now = milliseconds();
    let events: Vec<Value> = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| json!({ "timestamp": now, "message": line }))
        .collect();
    if !events.is_empty() {
        let mut request = target;
        request["logEvents"] = events.into();
        account.call(region, "logs", "put_log_events", &request);
    }
}

/// Now, in milliseconds since 1970.
pub fn milliseconds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "events have a time")]
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    u64::try_from(now.as_millis()).expect("less than for ever")
}

/// An event as Lambda gets it
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample>).
fn packed(envelope: &Value) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(envelope.to_string().as_bytes())
        .expect("memory");
    let data = STANDARD.encode(encoder.finish().expect("memory"));
    json!({ "awslogs": { "data": data } }).to_string()
}
