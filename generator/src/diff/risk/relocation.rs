//! A cluster that moves: to another Region or account, or its objects to another namespace. Everything in it is
//! made anew there, which is reported once. What else changes is found beside it, in the base's files as they would
//! be in that place ([`crate::resolve::FleetResolver::resolve_at`]). Pure.

use super::{Applier, Flag, RiskFinding};
use crate::diff::documents::Documents;
use crate::resolve::Place;

/// What the move of a cluster itself does.
pub(in crate::diff) fn risks(
    old: &Place,
    new: &Place,
    base: &Documents<'_>,
    applier: Applier,
) -> Vec<RiskFinding> {
    let has_stacks = base.iter().any(|file| file.path().ends_with("/stack.json"));
    let in_aws = [(&old.region, &new.region), (&old.account, &new.account)];
    let in_aws = in_aws.into_iter().filter(|(old, new)| old != new);
    let (before, after): (Vec<&str>, Vec<&str>) = in_aws
        .map(|(old, new)| (old.as_str(), new.as_str()))
        .unzip();
    let stacks = (has_stacks && !before.is_empty())
        .then(|| of_stacks(&before.join(", "), &after.join(", ")));
    let namespace = (old.namespace != new.namespace)
        .then(|| of_namespace(&old.namespace, &new.namespace, applier));
    stacks.into_iter().chain(namespace).collect()
}

fn of_stacks(old: &str, new: &str) -> RiskFinding {
    let what = format!("every stack is recreated in {new} instead of {old}");
    let live = format!(
        "the stacks in {old} stay, with everything in them, and keep working until someone deletes them; records of old log groups stay there"
    );
    RiskFinding::new(Flag::AwsObjectReplaced, what, Some(live))
}

fn of_namespace(old: &str, new: &str, applier: Applier) -> RiskFinding {
    let live = match applier {
        Applier::Prunes(tool) if !["default", "kube-system"].contains(&old) => format!(
            "{tool} deletes the namespace `{old}` with everything in it, what others put there as well; buffers on machines stay"
        ),
        Applier::Prunes(tool) => format!("{tool} deletes the old ones with the next sync"),
        _ => format!(
            "{}: what is in `{old}` keeps shipping next to the new one until someone deletes it, so records arrive twice",
            applier
                .of_removed()
                .replace("deletes it", "deletes the old one")
        ),
    };
    let what = format!(
        "every object is recreated in the namespace `{new}` instead of `{old}`; Secrets that others create must exist there first"
    );
    RiskFinding::new(Flag::KubernetesObjectReplaced, what, Some(live))
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::*;

    #[test]
    fn what_becomes_of_the_old_place_is_reported() {
        let stacks = tree(&[("aws/a/stack.json", "{}".to_owned())]);
        let place = |region: &str, namespace: &str| Place {
            region: region.to_owned(),
            account: "1".to_owned(),
            namespace: namespace.to_owned(),
        };
        let (old, new) = (place("a", "logs"), place("b", "logs2"));
        let files = Documents::of(&stacks);
        let reported = risks(&old, &new, &files, Applier::Prunes("Flux"));
        assert_eq!(reported.len(), 2);
        assert_eq!(
            reported[0].what,
            "every stack is recreated in b instead of a"
        );
        let live = reported[1].live.clone().expect("what becomes of it");
        assert!(
            live.starts_with("Flux deletes the namespace `logs`"),
            "{live}"
        );
        let reported = risks(&old, &new, &Documents::default(), Applier::Nobody);
        assert_eq!(reported.len(), 1);
    }
}
