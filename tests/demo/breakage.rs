//! Takes things away without which logs are missing, and puts them back.

use serde_json::{Value, json};

use crate::cloud::{account, items};
use crate::emulator::Aws;
use crate::fleet::CLUSTER;
use crate::opensearch::OpenSearch;

/// Calls that put back what was taken away.
#[derive(Default)]
pub struct Broken(Vec<(String, &'static str, &'static str, Value)>);

impl Broken {
    /// Puts everything back, in the order in which it was taken away.
    pub fn mend(self, aws: &Aws) {
        for (region, service, operation, request) in self.0 {
            account(aws).call(&region, service, operation, &request);
        }
    }

    fn then(
        &mut self,
        region: &str,
        service: &'static str,
        operation: &'static str,
        request: Value,
    ) {
        self.0
            .push((region.to_owned(), service, operation, request));
    }

    /// Deletes the subscription of a log group.
    pub fn subscription(&mut self, aws: &Aws, region: &str, group: &str) {
        let filter = subscription(aws, region, group);
        let name = json!({ "logGroupName": group, "filterName": filter["filterName"] });
        account(aws).call(region, "logs", "delete_subscription_filter", &name);
        self.then(region, "logs", "put_subscription_filter", filter);
    }

    /// Lets the subscription of a log group lead to another function; its ARN.
    pub fn destination(&mut self, aws: &Aws, region: &str, group: &str) -> String {
        let filter = subscription(aws, region, group);
        let functions = account(aws).call(region, "lambda", "list_functions", &json!({}));
        let other = items(&functions["Functions"])
            .find(|own| own["FunctionArn"] != filter["destinationArn"])
            .expect("the account's distributor");
        let mut changed = filter.clone();
        changed["destinationArn"] = other["FunctionArn"].clone();
        account(aws).call(region, "logs", "put_subscription_filter", &changed);
        self.then(region, "logs", "put_subscription_filter", filter);
        other["FunctionArn"].as_str().expect("an ARN").to_owned()
    }

    /// Deletes a log group.
    pub fn log_group(&mut self, aws: &Aws, region: &str, group: &str) {
        let filter = subscription(aws, region, group);
        let name = json!({ "logGroupName": group });
        account(aws).call(region, "logs", "delete_log_group", &name);
        self.then(region, "logs", "create_log_group", name);
        self.then(region, "logs", "put_subscription_filter", filter);
    }

    /// Takes CloudWatch Logs the right to call the forwarder.
    pub fn permission(&mut self, aws: &Aws, region: &str) {
        let function = json!({ "FunctionName": format!("logfleet-{CLUSTER}-forwarder") });
        let policy = account(aws).call(region, "lambda", "get_policy", &function);
        let policy: Value =
            serde_json::from_str(policy["Policy"].as_str().expect("a policy")).expect("JSON");
        for statement in items(&policy["Statement"]) {
            let principal = &statement["Principal"]["Service"];
            if principal != "logs.amazonaws.com" {
                continue;
            }
            let mut request = function.clone();
            request["StatementId"] = statement["Sid"].clone();
            account(aws).call(region, "lambda", "remove_permission", &request);
            request["Action"] = statement["Action"].clone();
            request["Principal"] = principal.clone();
            request["SourceArn"] = statement["Condition"]["ArnLike"]["AWS:SourceArn"].clone();
            request["SourceAccount"] =
                statement["Condition"]["StringEquals"]["AWS:SourceAccount"].clone();
            self.then(region, "lambda", "add_permission", request);
        }
    }
}

/// The subscription of a log group, as it is put.
fn subscription(aws: &Aws, region: &str, group: &str) -> Value {
    let name = json!({ "logGroupName": group });
    let filters = account(aws).call(region, "logs", "describe_subscription_filters", &name);
    let filter = items(&filters["subscriptionFilters"])
        .next()
        .expect("a subscription");
    json!({
        "logGroupName": group,
        "filterName": filter["filterName"],
        "filterPattern": filter["filterPattern"],
        "destinationArn": filter["destinationArn"],
    })
}

/// The mapping that gives the cluster's credential its role.
const MAPPING: &str = "_plugins/_security/api/rolesmapping/logfleet-prod_eu-writer";

/// Takes the cluster's credential the right to write; what it had.
pub fn take_the_right_to_write(server: &OpenSearch) -> Value {
    let mapping = server.admin.send("GET", MAPPING, None);
    assert_eq!(mapping.status, 200, "{mapping:?}");
    let gone = server.admin.send("DELETE", MAPPING, None);
    assert_eq!(gone.status, 200, "{gone:?}");
    let own = &mapping.body["logfleet-prod_eu-writer"];
    json!({ "backend_roles": own["backend_roles"], "description": own["description"] })
}

/// Gives it back.
pub fn give_the_right_to_write(server: &OpenSearch, mapping: &Value) {
    let made = server.admin.send("PUT", MAPPING, Some(mapping));
    assert!(matches!(made.status, 200 | 201), "{made:?}");
}

/// Blocks a data stream for writing, as a server does whose disks are full; or lifts that.
pub fn block(server: &OpenSearch, stream: &str, is_blocked: bool) {
    let body = json!({ "index.blocks.write": is_blocked });
    let answer = server
        .admin
        .send("PUT", &format!("{stream}/_settings"), Some(&body));
    assert_eq!(answer.status, 200, "{answer:?}");
}
