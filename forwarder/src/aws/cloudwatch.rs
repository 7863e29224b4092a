//! Measurements of CloudWatch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Aws, AwsError};

/// Measurements that one request may ask for:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>.
const MOST_QUERIES: usize = 500;

/// What is asked for of each measurement, and the member that it goes to.
pub const STATISTICS: [(&str, &str); 5] = [
    ("Sum", "sum"),
    ("Average", "average"),
    ("Minimum", "minimum"),
    ("Maximum", "maximum"),
    ("SampleCount", "sample_count"),
];

/// A measurement's name with what it is measured of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    /// Such as `AWS/EC2`.
    pub namespace: String,
    /// Such as `CPUUtilization`.
    pub metric_name: String,
    /// What it is measured of.
    #[serde(default)]
    pub dimensions: Vec<Dimension>,
}

/// A dimension of a measurement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Dimension {
    /// Such as `InstanceId`.
    pub name: String,
    /// Whose.
    pub value: String,
}

/// The statistics of one measurement over one period.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point(pub BTreeMap<&'static str, f64>);

/// A time to ask for, in milliseconds, and the periods that it is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its start.
    pub start: i64,
    /// Its end, which isn't part of it.
    pub end: i64,
    /// Seconds of a period.
    pub period: i64,
}

/// The measurements of a name that were made lately.
pub async fn list(
    aws: &Aws,
    namespace: &str,
    name: &str,
    recently: bool,
) -> Result<Vec<Metric>, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(default)]
        metrics: Vec<Metric>,
        next_token: Option<String>,
    }
    const TARGET: &str = "GraniteServiceVersion20100801.ListMetrics";
    let mut found = Vec::new();
    let mut body = json!({ "Namespace": namespace, "MetricName": name });
    if recently {
        body["RecentlyActive"] = "PT3H".into();
    }
    loop {
        let response = aws.json("monitoring", TARGET, "1.0", &body).await?;
        let answer: Answer = serde_json::from_slice(&response.body)
            .map_err(|error| AwsError::strange("ListMetrics", &error))?;
        found.extend(answer.metrics);
        match answer.next_token {
            Some(token) if !token.is_empty() => body["NextToken"] = token.into(),
            _ => return Ok(found),
        }
    }
}

/// What was measured within a window: points by measurement and start, in milliseconds.
pub async fn data(
    aws: &Aws,
    metrics: &[Metric],
    window: Window,
) -> Result<BTreeMap<(usize, i64), Point>, AwsError> {
    let mut found = BTreeMap::new();
    for (chunk, part) in metrics.chunks(MOST_QUERIES / STATISTICS.len()).enumerate() {
        let first = chunk * (MOST_QUERIES / STATISTICS.len());
        part_of_data(aws, first, part, window, &mut found).await?;
    }
    Ok(found)
}

async fn part_of_data(
    aws: &Aws,
    first: usize,
    metrics: &[Metric],
    window: Window,
    found: &mut BTreeMap<(usize, i64), Point>,
) -> Result<(), AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(default)]
        metric_data_results: Vec<Series>,
        next_token: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Series {
        id: String,
        #[serde(default)]
        timestamps: Vec<f64>,
        #[serde(default)]
        values: Vec<f64>,
    }
    const TARGET: &str = "GraniteServiceVersion20100801.GetMetricData";
    let queries: Vec<Value> = metrics
        .iter()
        .enumerate()
        .flat_map(|(number, metric)| {
            STATISTICS.iter().enumerate().map(move |(at, (statistic, _))| {
                json!({
                    "Id": format!("m{number}_{at}"),
                    "MetricStat": { "Metric": metric, "Period": window.period, "Stat": statistic },
                    "ReturnData": true,
                })
            })
        })
        .collect();
    let mut body = json!({
        "MetricDataQueries": queries,
        "StartTime": window.start / 1000,
        "EndTime": window.end / 1000,
    });
    loop {
        let response = aws.json("monitoring", TARGET, "1.0", &body).await?;
        let answer: Answer = serde_json::from_slice(&response.body)
            .map_err(|error| AwsError::strange("GetMetricData", &error))?;
        for series in answer.metric_data_results {
            let Some((number, statistic)) = query(&series.id) else {
                continue;
            };
            for (timestamp, value) in series.timestamps.iter().zip(series.values) {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "seconds of these centuries"
                )]
                let start = *timestamp as i64 * 1000;
                let point: &mut Point = found.entry((first + number, start)).or_default();
                point.0.insert(statistic, value);
            }
        }
        match answer.next_token {
            Some(token) if !token.is_empty() => body["NextToken"] = token.into(),
            _ => return Ok(()),
        }
    }
}

/// The measurement and the statistic that an id stands for.
fn query(id: &str) -> Option<(usize, &'static str)> {
    let (number, at) = id.strip_prefix('m')?.split_once('_')?;
    let (_, member) = STATISTICS.get(at.parse::<usize>().ok()?)?;
    Some((number.parse().ok()?, member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_statistic() {
        assert_eq!(query("m7_1"), Some((7, "average")));
        assert_eq!(query("m7_9"), None);
        assert_eq!(query("x"), None);
    }
}
