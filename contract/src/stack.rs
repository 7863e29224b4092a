//! The forwarder in a rendered template of CloudFormation. Pure.
//!
//! A reconciler deploys the template as it is. What the forwarder will be told
//! is read out of it, so that what a fleet's own template got wrong is found
//! before it runs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::forwarder::{CONFIGURATION_VARIABLE, Configuration, ScheduleInput};

/// The forwarder of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarder {
    /// The function's logical id.
    pub logical_id: String,
    /// What it is told of its cluster.
    pub configuration: Configuration,
    /// What schedules hand it, by the logical ids of their rules.
    pub schedules: BTreeMap<String, ScheduleInput>,
}

/// What is wrong with a resource of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("`{logical_id}`: {message}")]
pub struct ResourceFault {
    /// Its logical id.
    pub logical_id: String,
    /// What is wrong.
    pub message: String,
}

pub(crate) fn fault(logical_id: &str, message: String) -> ResourceFault {
    ResourceFault {
        logical_id: logical_id.to_owned(),
        message,
    }
}

/// Reads the forwarder of a template: the function that has a
/// [`CONFIGURATION_VARIABLE`], and the rules that call it with an input of
/// their own. A template may well have none.
pub fn forwarder(template: &Value) -> Result<Option<Forwarder>, Vec<ResourceFault>> {
    let mut found = of_type(template, "AWS::Lambda::Function").filter_map(|(id, resource)| {
        let variables = &resource["Properties"]["Environment"]["Variables"];
        Some((id, variables.get(CONFIGURATION_VARIABLE)?))
    });
    let Some((logical_id, text)) = found.next() else {
        return Ok(None);
    };
    let second = found.map(|(id, _)| fault(id, format!("`{logical_id}` is the forwarder already")));
    let mut faults: Vec<ResourceFault> = second.collect();
    let configuration = text
        .as_str()
        .ok_or_else(|| "it isn't a text".to_owned())
        .and_then(|text| Configuration::parse(text).map_err(|error| error.to_string()));
    let configuration = match configuration {
        Ok(configuration) => configuration,
        Err(error) => {
            let message =
                format!("the forwarder couldn't read `{CONFIGURATION_VARIABLE}`: {error}");
            faults.push(fault(logical_id, message));
            return Err(faults);
        }
    };
    let mut schedules = BTreeMap::new();
    for (rule, input) in inputs(template, logical_id) {
        match schedule(input, &configuration) {
            Ok(input) => {
                schedules.insert(rule.to_owned(), input);
            }
            Err(error) => {
                faults.push(fault(
                    rule,
                    format!("the forwarder couldn't read the input: {error}"),
                ));
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Some(Forwarder {
        logical_id: logical_id.to_owned(),
        configuration,
        schedules,
    }))
}

fn schedule(input: &Value, configuration: &Configuration) -> Result<ScheduleInput, String> {
    let text = input.as_str().ok_or("it isn't a text")?;
    let input: ScheduleInput = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match input.stream() {
        Some(stream) if !configuration.streams.contains_key(stream) => {
            Err(format!("the stream `{stream}` isn't configured"))
        }
        _ => Ok(input),
    }
}

/// The resources of a type, by their logical ids.
pub(crate) fn of_type<'t>(
    template: &'t Value,
    kind: &'t str,
) -> impl Iterator<Item = (&'t str, &'t Value)> + 't {
    let resources = template["Resources"].as_object().into_iter().flatten();
    resources
        .filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(id, resource)| (id.as_str(), resource))
}

/// What rules hand a function, by the rules' logical ids.
fn inputs<'t>(
    template: &'t Value,
    function: &'t str,
) -> impl Iterator<Item = (&'t str, &'t Value)> + 't {
    of_type(template, "AWS::Events::Rule").flat_map(move |(id, rule)| {
        let targets = rule["Properties"]["Targets"]
            .as_array()
            .into_iter()
            .flatten();
        let own = targets.filter(move |target| target["Arn"]["Fn::GetAtt"][0] == function);
        own.filter_map(move |target| Some((id, target.get("Input")?)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const INPUT: &str = r#"{"poll":"machines","stream":"a","status":true,"console_output":false}"#;

    fn configuration() -> String {
        json!({
            "version": 1,
            "cluster": { "name": "alpha", "environment": "test", "region": "eu-central-1", "account": "111122223333" },
            "index": { "type": "logs", "namespace": "alpha" },
            "log_group_prefix": "/logfleet/alpha/",
            "log_groups": {},
            "streams": { "a": { "dataset": "a", "to": [] } },
            "destinations": {},
            "dead_letter_bucket": "dead",
        })
        .to_string()
    }

    fn function(text: &Value) -> Value {
        json!({ "Type": "AWS::Lambda::Function", "Properties": { "Environment": { "Variables": { CONFIGURATION_VARIABLE: text } } } })
    }

    fn rule(function: &str, input: &Value) -> Value {
        json!({ "Type": "AWS::Events::Rule", "Properties": { "Targets": [{ "Arn": { "Fn::GetAtt": [function, "Arn"] }, "Input": input }] } })
    }

    fn told(resources: &Value) -> Vec<String> {
        let faults = forwarder(&json!({ "Resources": resources })).expect_err("a fault");
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_forwarder_is_read_with_the_schedules_that_call_it() {
        let template = json!({ "Resources": {
            "F": function(&json!(configuration())),
            "Own": { "Type": "AWS::Lambda::Function", "Properties": {} },
            "Rule": rule("F", &json!(INPUT)),
            "OfOther": rule("Own", &json!("{}")),
        } });
        let read = forwarder(&template)
            .expect("no fault")
            .expect("a forwarder");
        assert_eq!(read.logical_id, "F");
        assert_eq!(read.configuration.cluster.name, "alpha");
        assert_eq!(read.schedules.keys().collect::<Vec<_>>(), ["Rule"]);
        assert_eq!(forwarder(&json!({ "Resources": {} })), Ok(None));
    }

    #[test]
    fn what_the_forwarder_could_not_read_is_a_fault() {
        let whole = function(&json!(configuration()));
        assert_eq!(
            told(&json!({ "F": function(&json!({ "Ref": "X" })) })),
            ["`F`: the forwarder couldn't read `LOGFLEET_CONFIGURATION`: it isn't a text"]
        );
        assert_eq!(
            told(&json!({ "F": whole, "G": whole })),
            ["`G`: `F` is the forwarder already"]
        );
        let stranger = INPUT.replace("\"a\"", "\"b\"");
        assert_eq!(
            told(
                &json!({ "F": whole, "R": rule("F", &json!(stranger)), "S": rule("F", &json!(1)) })
            ),
            [
                "`R`: the forwarder couldn't read the input: the stream `b` isn't configured",
                "`S`: the forwarder couldn't read the input: it isn't a text"
            ]
        );
    }
}
