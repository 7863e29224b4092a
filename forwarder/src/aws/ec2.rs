//! Machines: their status, and what their consoles printed. Two actions of EC2's
//! Query API (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use serde_json::Value;

use super::{Aws, AwsError};
use crate::time;

const VERSION: &str = "2016-11-15";

/// What EC2 says of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The machine.
    pub instance: String,
    /// All of it, as JSON under the names of
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatus.html>.
    pub json: String,
}

/// What a console printed lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    /// When, in milliseconds.
    pub time: i64,
    /// The last 64 KiB.
    pub text: String,
}

async fn query(aws: &Aws, action: &str, parameters: &str) -> Result<String, AwsError> {
    let request = Request::post(aws.host("ec2") + "/").header(
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    );
    let body = format!("Action={action}&Version={VERSION}{parameters}");
    let response = aws.call("ec2", action, request, body).await?;
    String::from_utf8(response.body).map_err(|error| AwsError::strange(action, &error))
}

/// The status of all machines of the account in the Region.
pub async fn statuses(aws: &Aws) -> Result<Vec<Status>, AwsError> {
    const ACTION: &str = "DescribeInstanceStatus";
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let more = token.map(|own| {
            // Tokens are base64.
            let own = own
                .replace('%', "%25")
                .replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D")
                .replace('&', "%26");
            format!("&NextToken={own}")
        });
        let parameters = format!(
            "&IncludeAllInstances=true&MaxResults=1000{}",
            more.unwrap_or_default()
        );
        let xml = query(aws, ACTION, &parameters).await?;
        let (statuses, next) =
            read_statuses(&xml).ok_or_else(|| AwsError::strange(ACTION, &"no statuses"))?;
        found.extend(statuses);
        match next {
            Some(next) if !next.is_empty() => token = Some(next),
            _ => return Ok(found),
        }
    }
}

/// What a machine's console printed; none if it printed nothing.
pub async fn console(aws: &Aws, instance: &str) -> Result<Option<Console>, AwsError> {
    const ACTION: &str = "GetConsoleOutput";
    let xml = query(aws, ACTION, &format!("&InstanceId={instance}")).await?;
    read_console(&xml).map_err(|what| AwsError::strange(ACTION, &what))
}

type Node<'a, 'x> = roxmltree::Node<'a, 'x>;

fn child<'a, 'x>(node: Node<'a, 'x>, name: &str) -> Option<Node<'a, 'x>> {
    node.children().find(|own| own.tag_name().name() == name)
}

fn text(node: Node<'_, '_>, path: &[&str]) -> Option<String> {
    let node = path.iter().try_fold(node, |node, name| child(node, name))?;
    Some(node.text().unwrap_or_default().to_owned())
}

fn read_statuses(xml: &str) -> Option<(Vec<Status>, Option<String>)> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let root = document.root_element();
    let set = child(root, "instanceStatusSet")?;
    let items = set.children().filter(|own| own.tag_name().name() == "item");
    let statuses = items.filter_map(|item| {
        Some(Status {
            instance: text(item, &["instanceId"])?,
            json: as_json(item).to_string(),
        })
    });
    Some((statuses.collect(), text(root, &["nextToken"])))
}

/// An element as JSON: one that holds `item`s is a list, and names begin with a
/// capital, as AWS's own JSON has them.
fn as_json(node: Node<'_, '_>) -> Value {
    let mut children = node.children().filter(Node::is_element).peekable();
    match children.peek().map(|first| first.tag_name().name()) {
        None => node.text().unwrap_or_default().into(),
        Some("item") => children.map(as_json).collect(),
        Some(_) => {
            let members = children.map(|child| {
                let name = child.tag_name().name();
                // Its list is named `eventsSet` here, and `Events` there.
                let name = name.strip_suffix("Set").unwrap_or(name);
                let (first, rest) = name.split_at(1);
                (first.to_ascii_uppercase() + rest, as_json(child))
            });
            Value::Object(members.collect())
        }
    }
}

fn read_console(xml: &str) -> Result<Option<Console>, &'static str> {
    let document = roxmltree::Document::parse(xml).map_err(|_| "no XML")?;
    let root = document.root_element();
    text(root, &["instanceId"]).ok_or("no machine")?;
    let output = text(root, &["output"]).unwrap_or_default();
    let packed: String = output.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| "no base64")?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let time = text(root, &["timestamp"]).and_then(|own| time::parse(&own));
    Ok(Some(Console {
        time: time.ok_or("no time")?,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }))
}

/// The lines of a console that follow what was seen before: so many bytes, which ended with `tail`; all if that is
/// out of sight. A line that isn't ended yet waits.
///
/// A console that prints the same line again and again has the tail many times. Until EC2 cuts the text's beginning off,
/// it is where it was; then the first of them counts, so that lines may be stored twice, and none is lost.
pub fn new_lines<'t>(text: &'t str, seen: usize, tail: &str) -> &'t str {
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    let whole = &text[..end];
    if tail.is_empty() {
        return whole;
    }
    let is_where_it_was = whole.get(..seen).is_some_and(|own| own.ends_with(tail));
    let start = if is_where_it_was {
        seen
    } else {
        whole.find(tail).map_or(0, |at| at + tail.len())
    };
    &whole[start..]
}

/// The end of a text, by which the next one is found.
pub fn tail(text: &str) -> &str {
    const BYTES: usize = 512;
    let mut start = text.len().saturating_sub(BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_consoles_are_read() {
        let xml = r#"<DescribeInstanceStatusResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><instanceStatusSet><item><instanceId>i-1</instanceId><availabilityZone>a</availabilityZone><instanceState><code>16</code><name>running</name></instanceState><systemStatus><status>ok</status></systemStatus><instanceStatus><status>impaired</status></instanceStatus><eventsSet><item><code>instance-stop</code><notBefore>2026-12-01T00:00:00.000Z</notBefore></item></eventsSet></item></instanceStatusSet><nextToken>t</nextToken></DescribeInstanceStatusResponse>"#;
        let (statuses, next) = read_statuses(xml).expect("statuses");
        assert_eq!(next.as_deref(), Some("t"));
        assert_eq!(
            statuses,
            [Status {
                instance: "i-1".into(),
                json: r#"{"InstanceId":"i-1","AvailabilityZone":"a","InstanceState":{"Code":"16","Name":"running"},"SystemStatus":{"Status":"ok"},"InstanceStatus":{"Status":"impaired"},"Events":[{"Code":"instance-stop","NotBefore":"2026-12-01T00:00:00.000Z"}]}"#.into(),
            }]
        );
        let xml = "<GetConsoleOutputResponse><instanceId>i-1</instanceId><timestamp>2026-11-28T21:06:40.000Z</timestamp><output>YQpi\nCg==</output></GetConsoleOutputResponse>";
        let console = read_console(xml).expect("an answer").expect("output");
        assert_eq!(
            (console.time, console.text.as_str()),
            (1_795_900_000_000, "a\nb\n")
        );
        assert_eq!(read_console("<R><instanceId>i</instanceId></R>"), Ok(None));
    }

    #[test]
    fn only_new_lines_of_a_console_are_taken() {
        assert_eq!(new_lines("a\nb\nc", 0, ""), "a\nb\n");
        assert_eq!(new_lines("a\nb\nc\nd\n", 4, "a\nb\n"), "c\nd\n");
        assert_eq!(new_lines("b\nc\n", 4, "a\nb\n"), "b\nc\n");
        assert_eq!(new_lines("a\n", 2, "a\n"), "");
        // The same line again and again.
        assert_eq!(new_lines("a\na\na\na\n", 4, "a\n"), "a\na\n");
        // The beginning was cut off.
        assert_eq!(new_lines("b\nc\nd\n", 100, "b\n"), "c\nd\n");
        assert_eq!(new_lines("ä\nb\n", 1, "x"), "ä\nb\n");
        assert_eq!(tail(&"é".repeat(1000)).len(), 512);
    }
}
