//! ARNs of secrets in AWS Secrets Manager. Pure.

/// How many characters AWS puts after a secret's name and a hyphen
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>).
const RANDOM: usize = 6;

/// The ARN of a secret. AWS also finds a secret by an ARN that ends with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretArn<'t> {
    /// Its Region.
    pub region: &'t str,
    /// Its account.
    pub account: &'t str,
    /// Its name, without what AWS puts after it.
    pub name: &'t str,
    /// Whether it ends as AWS makes ARNs end: then it is known only once the secret exists.
    pub is_complete: bool,
}

impl<'t> SecretArn<'t> {
    /// Reads an ARN; none if the text is something else.
    pub fn read(text: &'t str) -> Option<Self> {
        let mut parts = text.splitn(7, ':');
        let [arn, _, service, region, account, kind] = [
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
        ];
        let whole = parts.next()?;
        if (arn, service, kind) != ("arn", "secretsmanager", "secret") {
            return None;
        }
        let name = whole.rsplit_once('-').and_then(|(name, end)| {
            let is_random = end.len() == RANDOM && end.bytes().all(|c| c.is_ascii_alphanumeric());
            (is_random && !name.is_empty()).then_some(name)
        });
        Some(Self {
            region,
            account,
            name: name.unwrap_or(whole),
            is_complete: name.is_some(),
        })
    }
}

/// An ARN as a policy names the secret, which may not exist yet.
pub fn arn_for_policy(text: &str) -> String {
    match SecretArn::read(text) {
        Some(arn) if !arn.is_complete => format!("{text}-{}", "?".repeat(RANDOM)),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_arn_ends_with_six_characters() {
        let begin = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:";
        for (end, name, is_complete) in [
            ("team/logs-a1B2c3", "team/logs", true),
            ("team/logs", "team/logs", false),
            ("team/logs-prod", "team/logs-prod", false),
            ("team/logs-a1b2c!", "team/logs-a1b2c!", false),
        ] {
            let text = format!("{begin}{end}");
            let arn = SecretArn::read(&text).expect("an ARN");
            assert_eq!((arn.region, arn.account), ("eu-central-1", "111122223333"));
            assert_eq!((arn.name, arn.is_complete), (name, is_complete));
            let more = if is_complete { "" } else { "-??????" };
            assert_eq!(arn_for_policy(&text), format!("{text}{more}"));
        }
        for other in [
            "team/logs",
            "arn:aws:iam::111122223333:role/a",
            "arn:aws:secretsmanager:a",
        ] {
            assert_eq!(SecretArn::read(other), None);
        }
    }
}
