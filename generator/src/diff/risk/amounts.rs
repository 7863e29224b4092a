//! CPU and memory of containers that get less of them. Pure.
//!
//! <https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/>

use serde_json::{Map, Value as Json};

use super::row::word;

/// Limits that are lower or new, and memory that nothing limits any more. One of CPU that goes gives more.
pub(super) fn lower_limits(old: &Json, new: &Json) -> Vec<String> {
    let lower = of(new).filter_map(|(name, after)| match old.get(name) {
        Some(before) if amount(after)? < amount(before)? => Some(lowered("limit", name, old, new)),
        None => Some(format!("gets a {name} limit of {}", word(after))),
        Some(_) => None,
    });
    let lost = of(old).filter(|(name, _)| *name == "memory" && new.get(name).is_none());
    let lost = lost.map(|(name, _)| format!("has no {name} limit any more"));
    lower.chain(lost).collect()
}

/// What a container requests; without a request its limit is one.
pub(super) fn requests(container: &Json) -> Json {
    let list = |name: &str| container.pointer(&format!("/resources/{name}"));
    let lists = ["limits", "requests"].into_iter().filter_map(list);
    let all = lists.flat_map(of);
    let all = all.map(|(name, amount)| (name.clone(), amount.clone()));
    all.collect::<Map<_, _>>().into()
}

/// Requests that are lower, or gone.
pub(super) fn lower_requests(old: &Json, new: &Json) -> Vec<String> {
    let lower = of(old).filter_map(|(name, before)| match new.get(name) {
        Some(after) => {
            (amount(after)? < amount(before)?).then(|| lowered("request", name, old, new))
        }
        None => Some(format!("requests no {name} any more")),
    });
    lower.collect()
}

fn of(list: &Json) -> impl Iterator<Item = (&String, &Json)> {
    list.as_object().into_iter().flatten()
}

fn lowered(what: &str, name: &str, old: &Json, new: &Json) -> String {
    let [before, after] = [old, new].map(|list| word(&list[name]));
    format!("has a {name} {what} of {after} instead of {before}")
}

/// A quantity (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>).
fn amount(quantity: &Json) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let text = word(quantity);
    let with = |(suffix, factor): (&str, f64)| {
        let number: f64 = text.strip_suffix(suffix)?.parse().ok()?;
        Some(number * factor)
    };
    let plain = text.parse().ok();
    plain.or_else(|| SUFFIXES.into_iter().find_map(with))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::tests::of_pods;

    fn reported(old: &Json, new: &Json) -> Vec<String> {
        let [old, new] =
            [old, new].map(|own| json!({"containers": [{"name": "a", "resources": own}]}));
        of_pods(&old, &new)
    }

    #[test]
    fn less_cpu_and_memory_is_reported() {
        let memory =
            |limit: &str| json!({"requests": {"memory": "64Mi"}, "limits": {"memory": limit}});
        let cpu = |amount: Json| json!({"requests": {"cpu": amount}});
        let limit = |amount: &str| json!({"limits": {"memory": amount}});
        for (old, new, what) in [
            (
                memory("1Gi"),
                memory("512Mi"),
                vec!["has a memory limit of 512Mi instead of 1Gi"],
            ),
            (memory("1024Mi"), memory("1Gi"), vec![]),
            (memory("1G"), memory("1Gi"), vec![]),
            (
                memory("1e9"),
                memory("900M"),
                vec!["has a memory limit of 900M instead of 1e9"],
            ),
            (
                cpu(json!("1")),
                cpu(json!("500m")),
                vec!["has a cpu request of 500m instead of 1"],
            ),
            (cpu(json!(1)), cpu(json!("1000m")), vec![]),
            (cpu(json!("1")), json!({}), vec!["requests no cpu any more"]),
            (json!({}), cpu(json!("1")), vec![]),
            // Without a request the limit is one.
            (
                limit("1Gi"),
                limit("1Mi"),
                vec![
                    "has a memory limit of 1Mi instead of 1Gi",
                    "has a memory request of 1Mi instead of 1Gi",
                ],
            ),
            (
                memory("1Gi"),
                json!({"requests": {"memory": "64Mi"}}),
                vec!["has no memory limit any more"],
            ),
            (
                json!({}),
                json!({"limits": {"cpu": "1"}}),
                vec!["gets a cpu limit of 1"],
            ),
            (
                json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}),
                cpu(json!("1")),
                vec![],
            ),
        ] {
            let expected: Vec<String> = what
                .iter()
                .map(|what| format!("source-stops: a container {what} (`a`)"))
                .collect();
            assert_eq!(reported(&old, &new), expected);
        }
    }
}
