//! Names of images. Pure.

use serde_json::Value as Json;

use super::version::is_version;

/// An image as it is named.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) repository: String,
    pub(super) tag: Option<String>,
    pub(super) has_digest: bool,
}

impl Image {
    /// Of `repository:tag@digest`
    /// (<https://kubernetes.io/docs/concepts/containers/images/#image-names>).
    pub(super) fn parse(name: &str) -> Self {
        let (name, digest) = match name.split_once('@') {
            Some((name, _)) => (name, true),
            None => (name, false),
        };
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.to_owned())),
            _ => (name, None),
        };
        Self {
            repository: repository.to_owned(),
            tag,
            has_digest: digest,
        }
    }

    /// An entry of a kustomization
    /// (<https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/>).
    pub(super) fn of_kustomization(entry: &Json) -> Option<Self> {
        let name = entry.get("name")?.as_str()?;
        let field = |key: &str| entry.get(key).and_then(Json::as_str).map(str::to_owned);
        let tag = field("newTag");
        let has_digest = field("digest").is_some();
        // Without either it says nothing of the version.
        (tag.is_some() || has_digest).then(|| {
            let repository = field("newName").unwrap_or_else(|| name.to_owned());
            Self {
                repository,
                tag,
                has_digest,
            }
        })
    }

    /// Whether it is another one tomorrow.
    pub(super) fn floats(&self) -> bool {
        !self.has_digest && self.tag.as_deref().is_none_or(|tag| !is_version(tag))
    }

    /// The last part of its name, which it keeps in every registry.
    pub(super) fn short_name(&self) -> &str {
        let mut parts = self.repository.rsplit('/');
        parts.next().unwrap_or_default()
    }

    /// Whether it is another version of an image, perhaps from another registry.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.short_name() == other.short_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_are_read() {
        let image = Image::parse("registry.example.com:5000/a/b");
        assert_eq!(
            (image.repository.as_str(), image.tag.as_deref()),
            ("registry.example.com:5000/a/b", None)
        );
        let image = Image::parse("a/b:1.0@sha256:00");
        assert_eq!(
            (image.tag.as_deref(), image.has_digest),
            (Some("1.0"), true)
        );
    }
}
