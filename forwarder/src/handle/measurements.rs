//! What CloudWatch measures of the resource group's members.
//!
//! Measurements come late and change for a while, and a document once written stays. So
//! what is asked for ends two periods ago, and begins where the last call ended.

use std::collections::BTreeMap;

use logfleet_events::{Format, write_fields};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::machines::period_start;
use super::members::Members;
use super::{DOCUMENT, Forwarder, failed};
use crate::aws::cloudwatch::{self, Metric, Point, Window};
use crate::deliver::{Call, Failed};
use crate::document::{self, Head, Origin, member};
use crate::route::{self, Route};
use crate::time::{self, DAY};

/// Periods that are waited for.
const LATE_PERIODS: i64 = 2;

/// The most that is caught up with.
const LONGEST: i64 = 3 * 3_600_000;

/// What S3 measures once a day, hours later:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html>.
const DAILY: [&str; 2] = ["BucketSizeBytes", "NumberOfObjects"];

/// Days of them that are asked for.
const DAILY_BACK: i64 = 3 * DAY;

/// How far the last call came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// The end of the last window, in milliseconds.
    until: i64,
}

/// The window to ask for; none if there is nothing new.
fn window(cursor: &Cursor, now: i64, period: i64) -> Option<Window> {
    let end = period_start(now, period) - LATE_PERIODS * period * 1000;
    let start = cursor.until.max(end - LONGEST).min(end);
    let start = if cursor.until == 0 {
        end - period * 1000
    } else {
        period_start(start, period)
    };
    (start < end).then_some(Window { start, end, period })
}

/// The window of what is measured once a day, once an hour.
fn daily(window: Window) -> Option<Window> {
    let hour = 3_600_000;
    let is_first = window.start.div_euclid(hour) != window.end.div_euclid(hour);
    is_first.then(|| {
        let end = period_start(window.end, 86_400);
        Window {
            start: end - DAILY_BACK,
            end,
            period: 86_400,
        }
    })
}

/// Where the cursor is kept.
fn state(stream: &str) -> String {
    format!("state/metrics-{stream}.json")
}

impl Forwarder {
    /// Asks for the measurements of these names that are of a member.
    pub(super) async fn measurements(
        &self,
        call: &mut Call<'_>,
        stream: &str,
        period_seconds: u16,
        names: &BTreeMap<String, Vec<String>>,
        now: i64,
    ) -> Result<BTreeMap<String, String>, Failed> {
        let Some(route) = route::of_stream(&self.configuration, stream, Some("aws.metrics")) else {
            return Err(Failed(format!("the stream `{stream}` isn't configured")));
        };
        let cursor: Cursor = self
            .state(&state(stream))
            .await
            .map_err(|error| failed(&error))?;
        let Some(window) = window(&cursor, now, period_seconds.into()) else {
            return call.finish().await;
        };
        let members = self.members(now).await?;
        let head = Head::new(&self.configuration, &route, Origin::default(), now);
        for (namespace, names) in names {
            for name in names {
                let is_daily = namespace == "AWS/S3" && DAILY.contains(&name.as_str());
                let own = if is_daily {
                    daily(window)
                } else {
                    Some(window)
                };
                if let Some(own) = own {
                    self.measurement(call, &route, &head, &members, own, (namespace, name))
                        .await?;
                }
            }
        }
        let blocked = call.finish().await?;
        // Not before everything is stored or put aside: whoever fails before asks again.
        let cursor = Cursor { until: window.end };
        self.set_state(&state(stream), &cursor)
            .await
            .map_err(|error| failed(&error))?;
        Ok(blocked)
    }

    async fn measurement(
        &self,
        call: &mut Call<'_>,
        route: &Route<'_>,
        head: &Head,
        members: &Members,
        window: Window,
        (namespace, name): (&str, &str),
    ) -> Result<(), Failed> {
        let recently = window.period < 86_400;
        let listed = cloudwatch::list(&self.aws, namespace, name, recently).await;
        let mut own = listed.map_err(|error| failed(&error))?;
        own.retain(|metric| {
            metric
                .dimensions
                .iter()
                .any(|dimension| members.has(&dimension.value))
        });
        if own.is_empty() {
            return Ok(());
        }
        let points = cloudwatch::data(&self.aws, &own, window).await;
        for ((number, start), point) in points.map_err(|error| failed(&error))? {
            let Some(metric) = own.get(number) else {
                continue;
            };
            let document = self.point(head, members, metric, window.period, start, &point);
            let id = document::id(start, &key(metric, window.period), "0");
            call.counters().events += 1;
            call.add(route.to, &route.data_stream, &id, &document)
                .await?;
        }
        Ok(())
    }

    fn point(
        &self,
        head: &Head,
        members: &Members,
        metric: &Metric,
        period: i64,
        start: i64,
        point: &Point,
    ) -> Vec<u8> {
        let mut own = Vec::with_capacity(DOCUMENT);
        let resource = metric
            .dimensions
            .iter()
            .find(|dimension| members.has(&dimension.value));
        member(
            &mut own,
            "aws.resource",
            resource.map(|dimension| dimension.value.as_str()),
        );
        self.place(&mut own);
        own.push(b',');
        let measured = as_json(metric, period, start, point).to_string();
        write_fields(&Format::Metric, &measured, &mut own);
        let mut document = Vec::with_capacity(DOCUMENT);
        document::write_members(head, start, &own, &mut document);
        document
    }
}

/// A measurement as the table of [`Format::Metric`] names its parts.
fn as_json(metric: &Metric, period: i64, start: i64, point: &Point) -> Value {
    let dimensions = metric.dimensions.iter();
    let dimensions: Map<String, Value> = dimensions
        .map(|dimension| (dimension.name.clone(), dimension.value.clone().into()))
        .collect();
    let mut measured = json!({
        "start": time::text(start),
        "namespace": metric.namespace,
        "name": metric.metric_name,
        "period_seconds": period,
        "dimensions": dimensions,
    });
    for (name, value) in &point.0 {
        // What is no number becomes `null`, which isn't written.
        measured[*name] = json!(value);
    }
    measured
}

/// What tells measurements apart.
fn key(metric: &Metric, period: i64) -> String {
    let mut dimensions = metric.dimensions.clone();
    dimensions.sort();
    let period = period.to_string();
    let mut parts = vec![metric.namespace.as_str(), &metric.metric_name, &period];
    for dimension in &dimensions {
        parts.extend([dimension.name.as_str(), &dimension.value]);
    }
    document::hash(&parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_900_123_000;

    proptest! {
        #[test]
        fn windows_follow_each_other_without_a_gap(steps in prop::collection::vec(1i64..7_200_000, 1..30), period in prop::sample::select(vec![60i64, 300, 3600])) {
            let mut cursor = Cursor::default();
            let mut now = NOW;
            for step in steps {
                now += step;
                if let Some(window) = window(&cursor, now, period) {
                    prop_assert!(cursor.until == 0 || window.start == cursor.until || window.end - window.start == LONGEST);
                    prop_assert!(window.start < window.end && window.end <= now - LATE_PERIODS * period * 1000);
                    prop_assert_eq!((window.start % (period * 1000), window.end % (period * 1000)), (0, 0));
                    cursor.until = window.end;
                }
            }
        }
    }

    #[test]
    fn what_is_measured_once_a_day_is_asked_for_once_an_hour() {
        let asked = (0..288).filter(|number| {
            let end = number * 300_000;
            daily(Window {
                start: end - 300_000,
                end,
                period: 300,
            })
            .is_some()
        });
        assert_eq!(asked.count(), 24);
    }

    #[test]
    fn the_order_of_dimensions_makes_no_other_measurement() {
        let of = |names: &[&str]| Metric {
            namespace: "AWS/X".into(),
            metric_name: "m".into(),
            dimensions: names
                .iter()
                .map(|name| cloudwatch::Dimension {
                    name: (*name).into(),
                    value: "v".into(),
                })
                .collect(),
        };
        assert_eq!(key(&of(&["a", "b"]), 60), key(&of(&["b", "a"]), 60));
        assert_ne!(key(&of(&["a"]), 60), key(&of(&["a"]), 300));
    }
}
