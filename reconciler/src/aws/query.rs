//! The form of AWS's Query protocol. Pure.

/// Parameters of a call, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a parameter where there is a value.
    #[must_use]
    pub fn with_any(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds tags, numbered from one.
    #[must_use]
    pub fn with_tags<'t>(mut self, tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        for (number, (key, value)) in (1..).zip(tags) {
            self = self
                .with(&format!("Tags.member.{number}.Key"), key)
                .with(&format!("Tags.member.{number}.Value"), value);
        }
        self
    }

    /// The body of the request.
    pub(crate) fn text(&self) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        pairs.join("&")
    }
}

/// A text with everything encoded that isn't unreserved (RFC 3986, section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded() {
        let form = Form::default()
            .with("StackName", "a b")
            .with_any("Token", None::<String>)
            .with_tags([("logfleet:owner", "é/1")]);
        assert_eq!(
            form.text(),
            "StackName=a%20b&Tags.member.1.Key=logfleet%3Aowner&Tags.member.1.Value=%C3%A9%2F1"
        );
    }
}
