//! From what was seen to a verdict: whether a source arrives, or the first place where it ends. Pure.

use std::time::Duration;

use logfleet_contract::pattern;

use super::path::Group;
use crate::fault::Fault;

/// What there is between a log group and the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The log group's subscriptions; none if the log group doesn't exist.
    pub subscriptions: Option<Vec<Subscription>>,
    /// The function.
    pub function: FunctionSeen,
    /// Log groups that CloudWatch Logs may call the function for, as patterns of ARNs.
    pub callers: Vec<String>,
}

/// A subscription filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Where it leads.
    pub destination: String,
    /// Which events it takes; empty for all.
    pub pattern: String,
}

/// What is known of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FunctionSeen {
    /// There is none.
    #[default]
    Missing,
    /// It can be called.
    Ready,
    /// It can't, in AWS's words.
    NotReady(String),
}

/// What became of a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    /// None was written, since the path lets none pass.
    NotWritten,
    /// AWS took none.
    Refused(String),
    /// It was written and found.
    Arrived(Lag),
    /// It was written, and not found within a time.
    Awaited {
        /// The time.
        within: Duration,
        /// What was kept meanwhile instead of delivered.
        kept: Kept,
    },
}

/// How long a marker took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Until the function had it, by the clocks of both.
    pub delivered: Option<Duration>,
    /// Until it was found: an index shows new documents every `refresh_interval`.
    pub found: Duration,
}

/// What the function, or Lambda, kept since a marker was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Calls that Lambda gave up.
    pub calls: usize,
    /// Objects of documents of this data stream that wait.
    pub waiting: usize,
    /// Objects of documents of this data stream that were refused for good.
    pub dead: usize,
    /// What the function says went wrong.
    pub notes: Vec<String>,
}

/// Whether a source arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its marker did.
    Arrives(Lag),
    /// Nothing is known to be wrong, and no marker can show it.
    Untried {
        /// Why none can.
        why: String,
    },
    /// It doesn't.
    Ends(End),
}

/// The first place where a path ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// There is no such log group.
    LogGroup,
    /// Nobody is subscribed to the log group.
    Subscription,
    /// Others are subscribed to the log group, the function isn't.
    OtherSubscription(Vec<String>),
    /// There is no such function.
    Function,
    /// The function can't be called.
    FunctionState(String),
    /// CloudWatch Logs may not call the function for this log group.
    Permission,
    /// The log group takes no event.
    Write(String),
    /// The function fails: calls that Lambda gave up, and what the function says.
    FunctionFails(usize, Vec<String>),
    /// The function says that the destination takes nothing, and keeps nothing: the call comes again.
    Destination(Vec<String>),
    /// The destination refused the document for good.
    Refused(usize),
    /// The destination has no time for it, or can't be reached.
    Waits(usize, Vec<String>),
    /// It isn't in the index, and nothing says why.
    Index(Duration),
}

impl End {
    /// The part of the path, in one word for programs.
    pub fn at(&self) -> &'static str {
        match self {
            Self::LogGroup | Self::Write(_) => "log_group",
            Self::Subscription | Self::OtherSubscription(_) => "subscription",
            Self::Function | Self::FunctionState(_) | Self::FunctionFails(..) => "function",
            Self::Permission => "permission",
            Self::Destination(_) | Self::Refused(_) | Self::Waits(..) => "destination",
            Self::Index(_) => "index",
        }
    }

    /// What is wrong, and what to do about it.
    pub fn fault(&self, group: &Group) -> Fault {
        let function = &group.function;
        let bucket = &function.bucket;
        let place = group.place();
        let fault = |message: String, hint: String| Fault::new(place, message).hint(hint);
        let apply = format!(
            "`reconciler apply --only aws --cluster {}` creates it",
            group.cluster
        );
        match self {
            Self::LogGroup => fault("the log group doesn't exist".into(), apply),
            Self::Write(why) => fault(
                format!("no event can be written to the log group: {why}"),
                "docs/reconciler-aws.md lists what the role needs".into(),
            ),
            Self::Subscription => fault("nobody is subscribed to the log group".into(), format!("{apply}; with --drift if the stack is up to date")),
            Self::OtherSubscription(others) => fault(
                format!("the function {} isn't subscribed to the log group; subscribed: {}", function.name, others.join(", ")),
                format!("{apply}; a log group has two subscriptions at most, so remove one of somebody else's if there are two"),
            ),
            Self::Function => fault(format!("the function {} doesn't exist", function.name), apply),
            Self::FunctionState(state) => fault(
                format!("the function {} can't be called: {state}", function.name),
                "check the function's state in AWS Lambda".into(),
            ),
            Self::Permission => fault(
                format!("CloudWatch Logs may not call the function {} for this log group", function.name),
                format!("{apply}; with --drift if the stack is up to date"),
            ),
            Self::FunctionFails(calls, notes) => fault(
                format!("the function {} fails{}{}", function.name, given_up(*calls), told(notes)),
                format!("read its log group {}", function.log_group),
            ),
            Self::Destination(notes) => fault(
                format!("the function {} can't deliver{}", function.name, told(notes)),
                "check the server, the data stream and the secret; Lambda retries the call twice within minutes".into(),
            ),
            Self::Refused(objects) => fault(
                format!("the server refuses documents: {} in s3://{bucket}/dead/", new(*objects)),
                "they hold status, type and reason; after mending, `logfleet-forwarder replay` sends them again".into(),
            ),
            Self::Waits(objects, notes) => fault(
                format!("documents wait: {} in s3://{bucket}/retry/{}", new(*objects), told(notes)),
                "check that the function can reach the server, and that the server has capacity; they are sent again every five minutes".into(),
            ),
            Self::Index(within) => fault(
                format!("the marker didn't arrive in {} within {} s, and no cause was found", group.data_stream, within.as_secs()),
                format!("wait longer with --wait, and read the function's log group {}", function.log_group),
            ),
        }
    }
}

fn new(objects: usize) -> String {
    match objects {
        1 => "1 new object".to_owned(),
        objects => format!("{objects} new objects"),
    }
}

fn given_up(calls: usize) -> String {
    match calls {
        0 => String::new(),
        1 => "; Lambda gave up on 1 call".to_owned(),
        calls => format!("; Lambda gave up on {calls} calls"),
    }
}

fn told(notes: &[String]) -> String {
    if notes.is_empty() {
        String::new()
    } else {
        format!(": {}", notes.join("; "))
    }
}

/// The first place where a path ends by what is there, before any event is written.
pub fn obstacle(group: &Group, seen: &Seen) -> Option<End> {
    let Some(subscriptions) = &seen.subscriptions else {
        return Some(End::LogGroup);
    };
    if subscriptions.is_empty() {
        return Some(End::Subscription);
    }
    let own = group.function_arn();
    if !subscriptions.iter().any(|one| one.destination == own) {
        let others = subscriptions.iter().map(|one| one.destination.clone());
        return Some(End::OtherSubscription(others.collect()));
    }
    match &seen.function {
        FunctionSeen::Missing => return Some(End::Function),
        FunctionSeen::NotReady(state) => return Some(End::FunctionState(state.clone())),
        FunctionSeen::Ready => {}
    }
    let caller = group.caller_arn();
    let mut allowed = seen.callers.iter();
    (!allowed.any(|own| pattern::matches(own, &caller))).then_some(End::Permission)
}

/// Why no marker can show that a path is whole; none if one can.
pub fn doubt(group: &Group, seen: &Seen) -> Option<String> {
    if group.members_only {
        return Some("only events that name a member of the cluster are forwarded".to_owned());
    }
    if group.log_stream.is_none() {
        return Some(format!(
            "`streams.{}.cloudwatch.log_streams` excludes log streams of this name",
            group.stream
        ));
    }
    let own = group.function_arn();
    let mut subscriptions = seen.subscriptions.iter().flatten();
    let pattern = &subscriptions.find(|one| one.destination == own)?.pattern;
    (!pattern.is_empty())
        .then(|| format!("the subscription takes only events that fit the pattern {pattern}"))
}

/// The verdict.
pub fn judge(group: &Group, seen: &Seen, marker: &Marker) -> Verdict {
    // What arrived did, whatever was made of the rest.
    if let Marker::Arrived(lag) = marker {
        return Verdict::Arrives(*lag);
    }
    if let Some(end) = obstacle(group, seen) {
        return Verdict::Ends(end);
    }
    match (marker, doubt(group, seen)) {
        (Marker::Refused(why), _) => Verdict::Ends(End::Write(why.clone())),
        (Marker::Awaited { kept, .. }, None) if kept.dead > 0 => {
            Verdict::Ends(End::Refused(kept.dead))
        }
        (Marker::Awaited { kept, .. }, None) if kept.waiting > 0 => {
            Verdict::Ends(End::Waits(kept.waiting, kept.notes.clone()))
        }
        (Marker::Awaited { kept, .. }, None) if !of_destinations(group, kept).is_empty() => {
            Verdict::Ends(End::Destination(of_destinations(group, kept)))
        }
        (Marker::Awaited { kept, .. }, None) if kept.calls > 0 || !kept.notes.is_empty() => {
            Verdict::Ends(End::FunctionFails(kept.calls, kept.notes.clone()))
        }
        (Marker::Awaited { within, .. }, None) => Verdict::Ends(End::Index(*within)),
        (_, why) => Verdict::Untried {
            why: why.unwrap_or_else(|| "no marker was written".to_owned()),
        },
    }
}

/// What the function says of this log group's destinations: these notes begin with a destination's name.
fn of_destinations(group: &Group, kept: &Kept) -> Vec<String> {
    let is_of = |note: &&String| {
        let mut names = group.destinations.iter();
        names.any(|name| {
            note.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with(':'))
        })
    };
    kept.notes.iter().filter(is_of).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::path::Function;
    use super::*;
    use crate::stacks::place::Place;

    const FUNCTION: &str = "arn:aws:lambda:eu-central-1:111122223333:function:forwarder";
    const OTHER: &str = "arn:aws:lambda:eu-central-1:111122223333:function:other";
    const CALLER: &str = "arn:aws:logs:eu-central-1:111122223333:log-group:/logfleet/alpha/*";

    fn group() -> Group {
        Group {
            cluster: "alpha".into(),
            place: Place::new("111122223333", "eu-central-1"),
            name: "/logfleet/alpha/aws/vpc".into(),
            source: Some("aws.vpc".into()),
            stream: "aws_vpc".into(),
            data_stream: "logs-aws.vpc-alpha".into(),
            destinations: vec!["main".into()],
            log_stream: Some("logfleet-verify".into()),
            members_only: false,
            function: Function {
                name: "forwarder".into(),
                log_group: "/aws/lambda/forwarder".into(),
                bucket: "dead".into(),
            },
        }
    }

    fn whole() -> Seen {
        Seen {
            subscriptions: Some(vec![subscription(FUNCTION, "")]),
            function: FunctionSeen::Ready,
            callers: vec![CALLER.into()],
        }
    }

    fn subscription(destination: &str, pattern: &str) -> Subscription {
        Subscription {
            destination: destination.into(),
            pattern: pattern.into(),
        }
    }

    fn awaited(kept: Kept) -> Marker {
        Marker::Awaited {
            within: Duration::from_secs(60),
            kept,
        }
    }

    #[test]
    fn the_first_place_where_a_path_ends_is_told() {
        let none = || awaited(Kept::default());
        let with = |change: fn(&mut Seen)| {
            let mut seen = whole();
            change(&mut seen);
            seen
        };
        let notes = || vec!["main: status 403".to_owned()];
        let rows: Vec<(Seen, Marker, End, &str)> = vec![
            (
                Seen::default(),
                Marker::NotWritten,
                End::LogGroup,
                "log_group",
            ),
            (
                with(|seen| seen.subscriptions = Some(vec![])),
                none(),
                End::Subscription,
                "subscription",
            ),
            (
                with(|seen| seen.subscriptions = Some(vec![subscription(OTHER, "")])),
                none(),
                End::OtherSubscription(vec![OTHER.into()]),
                "subscription",
            ),
            (
                with(|seen| seen.function = FunctionSeen::Missing),
                none(),
                End::Function,
                "function",
            ),
            (
                with(|seen| seen.function = FunctionSeen::NotReady("Failed".into())),
                none(),
                End::FunctionState("Failed".into()),
                "function",
            ),
            (
                with(|seen| seen.callers.clear()),
                none(),
                End::Permission,
                "permission",
            ),
            (
                with(|seen| {
                    seen.callers = vec![CALLER.replace("alpha", "beta")];
                }),
                none(),
                End::Permission,
                "permission",
            ),
            (
                whole(),
                Marker::Refused("AccessDenied".into()),
                End::Write("AccessDenied".into()),
                "log_group",
            ),
            (
                whole(),
                awaited(Kept {
                    dead: 1,
                    waiting: 1,
                    calls: 1,
                    ..Kept::default()
                }),
                End::Refused(1),
                "destination",
            ),
            (
                whole(),
                awaited(Kept {
                    waiting: 2,
                    notes: notes(),
                    ..Kept::default()
                }),
                End::Waits(2, notes()),
                "destination",
            ),
            (
                whole(),
                awaited(Kept {
                    calls: 3,
                    ..Kept::default()
                }),
                End::FunctionFails(3, vec![]),
                "function",
            ),
            (
                whole(),
                awaited(Kept {
                    notes: notes(),
                    ..Kept::default()
                }),
                End::Destination(notes()),
                "destination",
            ),
            (
                whole(),
                awaited(Kept {
                    notes: vec!["mainly: out of memory".into()],
                    ..Kept::default()
                }),
                End::FunctionFails(0, vec!["mainly: out of memory".into()]),
                "function",
            ),
            (
                whole(),
                none(),
                End::Index(Duration::from_secs(60)),
                "index",
            ),
        ];
        for (seen, marker, end, at) in rows {
            assert_eq!(
                judge(&group(), &seen, &marker),
                Verdict::Ends(end.clone()),
                "{seen:?}"
            );
            assert_eq!(end.at(), at);
            let fault = end.fault(&group());
            assert_eq!(
                fault.place,
                "aws/111122223333/eu-central-1/logfleet/alpha/aws/vpc"
            );
            assert_eq!(fault.hints.len(), 1, "{fault}");
        }
    }

    #[test]
    fn what_arrives_is_never_told_to_end() {
        let lag = Lag {
            delivered: Some(Duration::from_millis(1_500)),
            found: Duration::from_secs(30),
        };
        let arrived = Marker::Arrived(lag);
        for seen in [whole(), Seen::default()] {
            assert_eq!(judge(&group(), &seen, &arrived), Verdict::Arrives(lag));
        }
    }

    #[test]
    fn what_no_marker_can_pass_is_untried_unless_something_is_in_the_way() {
        let mut members = group();
        members.members_only = true;
        let mut closed = group();
        closed.log_stream = None;
        let mut filtered = whole();
        filtered.subscriptions = Some(vec![
            subscription(OTHER, "not looked at"),
            subscription(FUNCTION, "-kube-probe"),
        ]);
        for (group, seen, marker, said) in [
            (&members, whole(), Marker::NotWritten, "names a member"),
            (&closed, whole(), Marker::NotWritten, "log_streams"),
            (&group(), filtered, awaited(Kept::default()), "-kube-probe"),
        ] {
            let Verdict::Untried { why } = judge(group, &seen, &marker) else {
                panic!("{group:?}")
            };
            assert!(why.contains(said) || why.contains("name a member"), "{why}");
        }
        assert_eq!(
            judge(&members, &Seen::default(), &Marker::NotWritten),
            Verdict::Ends(End::LogGroup)
        );
    }
}
