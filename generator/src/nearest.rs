//! "did you mean …?": the known word that a mistyped one is closest to. Pure.

/// A longer word could be hostile: comparing costs the product of both lengths.
const MAX_COMPARED: usize = 200;

/// The known word closest to `written`: it differs in at most a third of its
/// letters (one in a short word), or one of the two begins with the other. Case
/// doesn't count. None for a number: `730` is no slip of `7`.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let is_word = written.chars().any(char::is_alphabetic);
    if written.len() > MAX_COMPARED || !is_word {
        return None;
    }
    let written = written.to_lowercase();
    let near = known.into_iter().filter_map(|name| {
        let lower = name.to_lowercase();
        let begins = written.len() >= 4
            && lower.len() >= 4
            && (written.starts_with(&lower) || lower.starts_with(&written));
        let most = (written.chars().count().max(lower.chars().count()) / 3).max(1);
        let distance = strsim::damerau_levenshtein(&written, &lower);
        (begins || distance <= most).then_some((distance, name))
    });
    near.min().map(|(_, name)| name)
}

/// The hint for a mistyped word, if one that is known is like it.
pub fn did_you_mean<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    nearest(written, known).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_only_those() {
        let known = ["applications", "nodes", "events", "aws_vpc", "7", "1"];
        for (written, near) in [
            ("aplications", Some("applications")),
            ("Applications", Some("applications")),
            ("application", Some("applications")),
            ("node", Some("nodes")),
            ("aws_vcp", Some("aws_vpc")),
            ("ingress", None),
            ("730", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), near, "{written}");
        }
        assert_eq!(nearest(&"a".repeat(100_000), ["aaaa"]), None);
    }
}
