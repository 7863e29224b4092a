//! The ids of AWS's objects in a text.

/// How ids of EC2's objects begin that a resource group can have for members:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>.
const PREFIXES: [&str; 7] = ["i", "vol", "snap", "eni", "vpc", "subnet", "ami"];

/// Names AWS's objects that a text tells of: ids of EC2, such as
/// `i-0123456789abcdef0`, and whole ARNs, in which such an id is told, too. In
/// the order of the text, as often as they stand there.
pub fn resource_ids(text: &str) -> impl Iterator<Item = &str> {
    arns(text).chain(ec2_ids(text))
}

fn arns(text: &str) -> impl Iterator<Item = &str> {
    memchr::memmem::find_iter(text.as_bytes(), b"arn:").map(move |start| {
        let rest = &text[start..];
        let end = rest.find(|end: char| {
            end.is_whitespace() || matches!(end, '"' | '\\' | ',' | '<' | '>' | ')' | ']' | '}')
        });
        &rest[..end.unwrap_or(rest.len())]
    })
}

fn ec2_ids(text: &str) -> impl Iterator<Item = &str> {
    memchr::memchr_iter(b'-', text.as_bytes()).filter_map(move |dash| {
        let (before, after) = (&text.as_bytes()[..dash], &text.as_bytes()[dash + 1..]);
        let prefix = before
            .iter()
            .rev()
            .take(7)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            .count();
        let start = dash - prefix;
        let digits = after
            .iter()
            .take(18)
            .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
            .count();
        let ends = after
            .get(digits)
            .is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
        let known = text
            .get(start..dash)
            .is_some_and(|prefix| PREFIXES.contains(&prefix));
        (known && ends && matches!(digits, 8 | 17)).then(|| &text[start..=dash + digits])
    })
}

#[cfg(test)]
mod tests {
    use super::resource_ids;

    #[test]
    fn ids_and_arns_are_found_wherever_they_stand() {
        let text = r#"{"resources":["arn:aws:ec2:us-east-1:012345678901:volume/vol-01234567"],"detail":{"instance-id":"i-0123456789abcdef0","state":"x-y"},"i-0123456789abcdef01":"ski-01234567"} eni-1235b8ca123456789"#;
        let found: Vec<&str> = resource_ids(text).collect();
        assert_eq!(
            found,
            [
                "arn:aws:ec2:us-east-1:012345678901:volume/vol-01234567",
                "vol-01234567",
                "i-0123456789abcdef0",
                "eni-1235b8ca123456789",
            ]
        );
        assert_eq!(resource_ids("i-ö i- -i vol-é12345678").count(), 0);
    }
}
