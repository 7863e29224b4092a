//! Objects that are named by their content. Pure.
//!
//! A component template, or a life cycle of Elasticsearch, of equal meaning is
//! one object of all clusters, so its name says what it is and tells its body:
//! `logfleet-<what>@mappings-<digest>`, `…@settings-<digest>` or
//! `…@lifecycle-<digest>`. It is never changed once it is made; another body
//! has another name. So an equal path means equal bytes, and a reconciler need
//! not send what is there. It may only remove one that no cluster renders.

use sha2::{Digest as _, Sha256};

/// How such names begin.
const PREFIX: &str = "logfleet-";

/// What stands before the digest.
const PARTS: [&str; 3] = ["@mappings-", "@settings-", "@lifecycle-"];

/// Hexadecimal digits of a digest. 64 bits: two of a million bodies are equal
/// by chance once in 37 million such fleets.
const DIGITS: usize = 16;

/// Why a name doesn't fit its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum ContentNameError {
    /// It begins as a name that tells its content, and has no digest.
    #[error("`{name}` must end with a digest of {DIGITS} hexadecimal digits")]
    Form {
        /// The name.
        name: String,
    },
    /// The digest is of another content.
    #[error("`{name}` was named for another content, whose digest isn't `{digest}`")]
    Other {
        /// The name.
        name: String,
        /// The content's own digest.
        digest: String,
    },
}

/// Whether a text has the form of a [`content_digest`].
pub fn is_content_digest(text: &str) -> bool {
    let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    text.len() == DIGITS && text.bytes().all(is_digit)
}

/// The digest of a content: the first 16 hexadecimal digits of the SHA-256 of
/// the file's bytes, canonical JSON as it is rendered.
pub fn content_digest(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes)[..DIGITS / 2])
}

/// Names an object by what it is, such as `aws@mappings`, and its content.
pub fn content_name(what: &str, bytes: &[u8]) -> String {
    format!("{PREFIX}{what}-{}", content_digest(bytes))
}

/// Whether a name tells its content, so that all clusters share the object.
pub fn is_content_name(name: &str) -> bool {
    told_digest(name).is_some()
}

/// Sees that a name that tells its content tells this one. Other names say
/// nothing of theirs.
pub fn verify_content_name(name: &str, bytes: &[u8]) -> Result<(), ContentNameError> {
    let Some(told) = told_digest(name) else {
        return Ok(());
    };
    if !is_content_digest(told) {
        return Err(ContentNameError::Form {
            name: name.to_owned(),
        });
    }
    let digest = content_digest(bytes);
    if told == digest {
        Ok(())
    } else {
        Err(ContentNameError::Other {
            name: name.to_owned(),
            digest,
        })
    }
}

/// What stands where the digest of a name is, if it is one of these.
fn told_digest(name: &str) -> Option<&str> {
    let what = name.strip_prefix(PREFIX)?;
    PARTS.iter().find_map(|part| Some(what.split_once(part)?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_content() {
        let name = content_name("aws@mappings", b"{}\n");
        assert_eq!(name, "logfleet-aws@mappings-ca3d163bab055381");
        assert!(is_content_name(&name) && !is_content_name("logs-aws.ec2-alpha"));
        assert_eq!(verify_content_name(&name, b"{}\n"), Ok(()));
        let other = verify_content_name(&name, b"{ }\n").expect_err("another content");
        assert_eq!(
            other.to_string(),
            format!(
                "`{name}` was named for another content, whose digest isn't `{}`",
                content_digest(b"{ }\n")
            )
        );
    }

    #[test]
    fn a_name_that_only_looks_so_is_refused_and_others_are_left_alone() {
        for name in [
            "logfleet-aws@mappings-",
            "logfleet-aws@mappings-ca3d163bab05538",
            "logfleet-aws@settings-CA3D163BAB055381",
            "logfleet-14d@lifecycle-ca3d163bab055381-2",
        ] {
            let error = verify_content_name(name, b"{}\n");
            assert!(
                matches!(error, Err(ContentNameError::Form { .. })),
                "{name}"
            );
        }
        for name in [
            "logs-aws.ec2-alpha@mappings",
            "mine@mappings-1",
            "logfleet-x",
        ] {
            assert_eq!(verify_content_name(name, b"{}\n"), Ok(()), "{name}");
        }
    }
}
