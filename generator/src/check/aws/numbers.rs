//! Values of which AWS takes only some: days that CloudWatch Logs can keep
//! events, and filter patterns. Whoever wrote the template; settings are
//! checked where they are read. Pure.

use serde_json::Value;

use super::Template;
use crate::fault::Faults;
use crate::filter_pattern;
use crate::settings::LOG_RETENTION_DAYS;

const PATTERNS: &str =
    "see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html";

pub(super) fn check(template: &Template<'_>, faults: &mut Faults) {
    for resource in template.resources() {
        find_days(resource.value, &mut |days| {
            retention(template, resource.id, days, faults);
        });
        if let Some(pattern) = resource.text("FilterPattern")
            && let Some(fault) = filter_pattern::fault(pattern)
        {
            let message = format!("its `FilterPattern` isn't valid: {fault}");
            faults.push(template.fault(&resource, &message).hint(PATTERNS));
        }
    }
    // What a fragment calls with a member.
    find_days(&template.value["calls"], &mut |days| {
        retention(template, "calls", days, faults);
    });
}

/// Every number of days that a log group is to keep events for.
fn find_days<'v>(value: &'v Value, reported: &mut impl FnMut(&'v Value)) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if ["RetentionInDays", "retentionInDays"].contains(&key.as_str()) {
                    reported(value);
                } else {
                    find_days(value, reported);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find_days(item, reported)),
        _ => {}
    }
}

fn retention(template: &Template<'_>, id: &str, days: &Value, faults: &mut Faults) {
    // What a function makes of it, CloudFormation knows alone.
    if days.is_object() {
        return;
    }
    let number = days.as_u64().or_else(|| days.as_str()?.parse().ok());
    let mut longer = LOG_RETENTION_DAYS.iter();
    let longer = longer.find(|known| number.is_some_and(|number| u64::from(**known) >= number));
    if longer.copied().map(u64::from) == number && number.is_some() {
        return;
    }
    let all: Vec<String> = LOG_RETENTION_DAYS.iter().map(u16::to_string).collect();
    let choices = format!("it keeps them for {} days", all.join(", "));
    let hint = match longer {
        Some(longer) => format!("write {longer}, the next that it can; {choices}"),
        None => choices,
    };
    let message = format!("`{id}`: CloudWatch Logs can't keep events for {days} days");
    faults.push(template.fault_at(id, message).hint(hint));
}
