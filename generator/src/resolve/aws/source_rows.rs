//! What is collected of AWS, row by row, for the list of sources. Pure.

use logfleet_contract::account::Source as AccountSource;

use super::super::account::{self, AccountShare};
use super::arn::global_region;
use super::forwarded::Forwarded;
use super::members::Fragments;
use super::resolved::{AwsLogGroup, AwsRegion, AwsSource};
use super::source::{self, Details, Source, eks};
use crate::settings::Settings;

/// The rows of the sources that are on, in their fixed order.
pub(super) fn rows(
    settings: &Settings,
    regions: &[AwsRegion],
    fragments: &Fragments,
    groups: &[AwsLogGroup],
    share: Option<&AccountShare>,
) -> Vec<AwsSource> {
    let of_sources = source::enabled(&settings.sources.aws).map(|source| {
        let mut details = source.own.details(settings, regions);
        let mut objects = rules(source.key, regions);
        objects.append(&mut details.objects);
        objects.extend(share.and_then(|share| of_account(source.key, settings, share)));
        AwsSource {
            gaps: gaps(&source, settings),
            metrics: source.metrics.is_some() && source::metrics_on(settings),
            ..row(
                &source.id(),
                source.stream.as_str(),
                groups,
                Details { objects, ..details },
                fragments
                    .get(source.key)
                    .map(Vec::as_slice)
                    .unwrap_or_default(),
            )
        }
    });
    let of_eks = eks::stream(settings).map(|stream| {
        let details = Details {
            objects: vec!["logging of the EKS cluster".to_owned()],
            ..Details::default()
        };
        row(eks::ID, stream.as_str(), groups, details, &["eks-cluster"])
    });
    of_sources.chain(of_eks).collect()
}

/// The rules of EventBridge that a source comes by.
fn rules(key: &str, regions: &[AwsRegion]) -> Vec<String> {
    let of_region = |region: &AwsRegion| {
        let rules = region.event_rules.iter().filter(|rule| rule.kind == key);
        let words = rules.map(|rule| format!("event rule {} in {}", rule.name, region.name));
        words.collect::<Vec<_>>()
    };
    regions.iter().flat_map(of_region).collect()
}

/// The trail of the account that a source comes from.
fn of_account(key: &str, settings: &Settings, share: &AccountShare) -> Option<String> {
    let (source, _) = share.wants.iter().find(|(own, _)| own.word() == key)?;
    let of_account = settings.accounts.get(&settings.account);
    let calls = &of_account.unwrap_or(&settings.account_defaults).calls;
    if *source == AccountSource::Cloudtrail
        && let Some(existing) = &calls.existing_log_group
    {
        let (name, region) = (&existing.name, &existing.region);
        return Some(format!("log group {name} of the account in {region}"));
    }
    let region = match source {
        AccountSource::Cloudtrail => global_region(&share.region),
        _ => &share.region,
    };
    let name = account::trail(&share.account, region, *source);
    Some(format!("trail {name} in {region}"))
}

fn row(
    id: &str,
    stream: &str,
    groups: &[AwsLogGroup],
    mut details: Details,
    fragments: &[&str],
) -> AwsSource {
    let own: Vec<&AwsLogGroup> = groups
        .iter()
        .filter(|group| group.source.as_deref() == Some(id))
        .collect();
    let mut files: Vec<String> = own
        .iter()
        .filter(|_| id.starts_with("aws."))
        .map(|group| format!("aws/{}/stack.json", group.group.region))
        .collect();
    files.sort_unstable();
    files.dedup();
    files.extend(
        fragments
            .iter()
            .map(|fragment| format!("aws/members/{fragment}.json")),
    );
    details.objects.extend(
        own.iter()
            .map(|group| format!("log group {} in {}", group.group.name, group.group.region)),
    );
    AwsSource {
        source: id.to_owned(),
        stream: stream.to_owned(),
        log_groups: own
            .iter()
            .map(|group| (group.group.region.clone(), group.group.name.clone()))
            .collect(),
        reads: details.reads,
        objects: details.objects,
        files,
        metrics: false,
        gaps: Vec::new(),
    }
}

/// What of a source no destination of its stream can take.
fn gaps(source: &Source<'_>, settings: &Settings) -> Vec<String> {
    let of_source = Forwarded::ALL.into_iter().filter(|own| match own {
        Forwarded::Metrics => source.has_metrics(),
        _ => own.setting()[2] == source.key,
    });
    of_source
        .filter_map(|own| own.off_by_itself(settings))
        .collect()
}
