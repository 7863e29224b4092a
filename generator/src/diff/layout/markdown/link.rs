//! Where everything is that a comment has no room for.

/// Bytes of a link: so many fit into any comment.
const MAX_BYTES: usize = 500;

/// The address of a page, for people to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// Reads one: `https`, or `http` on this machine.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("https://").or_else(|| {
            let rest = text.strip_prefix("http://")?;
            is_here(rest).then_some(rest)
        });
        let Some(rest) = rest else {
            return Err("it begins with https://".to_owned());
        };
        if rest.is_empty() || rest.starts_with(['/', '?', '#', ':']) {
            return Err("it names no host".to_owned());
        }
        if text.len() > MAX_BYTES {
            return Err(format!("it has at most {MAX_BYTES} bytes"));
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err("spaces, and what is not ASCII, are written as %20 and so on".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// As the destination of a link: `<…>`, in which nothing is markup
    /// (<https://spec.commonmark.org/0.31.2/#link-destination>).
    pub(super) fn destination(&self) -> String {
        let mut destination = String::from("<");
        for character in self.0.chars() {
            match character {
                '<' | '>' | '\\' | '`' | '|' | '"' => {
                    destination += &format!("%{:02X}", u32::from(character));
                }
                // Else `&copy` would be a character.
                '&' => destination += "&amp;",
                other => destination.push(other),
            }
        }
        destination + ">"
    }
}

/// Whether an address without its scheme is of this machine.
fn is_here(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_this_machine_are_links() {
        for good in [
            "https://example.com/a?b=c&d#e",
            "http://localhost:8080/x",
            "http://127.0.0.1",
            "http://[::1]:1/",
        ] {
            assert!(Link::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://localhost@example.com/",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://example.com/a b",
            "https://example.com/ü",
            "https://example.com/\n",
            &format!("https://example.com/{}", "a".repeat(MAX_BYTES)),
        ] {
            assert!(Link::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_in_a_link_is_markup() {
        let link = Link::parse("https://example.com/<a>)[b](c)`|\\&copy;").expect("a link");
        assert_eq!(
            link.destination(),
            "<https://example.com/%3Ca%3E)[b](c)%60%7C%5C&amp;copy;>"
        );
    }
}
