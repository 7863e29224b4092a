//! Images that go back, or that are no longer known exactly. Pure.

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, containers, items, pod_spec, shown, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let Some((old, new)) = change.values() else {
        return;
    };
    let old_images = images(old);
    for (name, image) in images(new) {
        let same = |(other, _): &&(String, Image)| *other == name;
        if let Some((_, before)) = old_images.iter().find(same) {
            compare(before, &image, found);
        }
    }
}

/// An image as it is named.
#[derive(Debug, PartialEq, Eq)]
struct Image {
    repository: String,
    tag: Option<String>,
    has_digest: bool,
}

impl Image {
    /// Of `repository:tag@digest`
    /// (<https://kubernetes.io/docs/concepts/containers/images/#image-names>).
    fn parse(name: &str) -> Self {
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
    fn of_kustomization(entry: &Json) -> Option<(String, Self)> {
        let name = entry.get("name")?.as_str()?;
        let field = |key: &str| entry.get(key).and_then(Json::as_str).map(str::to_owned);
        let tag = field("newTag");
        let has_digest = field("digest").is_some();
        // Without either it says nothing of the version.
        (tag.is_some() || has_digest).then(|| {
            let repository = field("newName").unwrap_or_else(|| name.to_owned());
            let image = Self {
                repository,
                tag,
                has_digest,
            };
            (name.to_owned(), image)
        })
    }

    /// Whether it is another one tomorrow.
    fn floats(&self) -> bool {
        !self.has_digest && self.tag.as_deref().is_none_or(|tag| tag == "latest")
    }
}

fn images(value: &Json) -> Vec<(String, Image)> {
    if text(value, "/kind") == "Kustomization" {
        let entries = items(value, "images").iter();
        return entries.filter_map(Image::of_kustomization).collect();
    }
    let containers = pod_spec(value).map(containers).unwrap_or_default();
    let named = containers.into_iter().filter_map(|(name, container)| {
        let image = container.get("image")?.as_str()?;
        Some((name.to_owned(), Image::parse(image)))
    });
    named.collect()
}

fn compare(old: &Image, new: &Image, found: &mut Found) {
    if old.repository != new.repository {
        return;
    }
    if old.has_digest && !new.has_digest {
        found.push(
            Flag::ImageDowngrade,
            "an image is no longer pinned by its digest",
            None,
        );
    } else if new.floats() && !old.floats() {
        found.push(
            Flag::ImageDowngrade,
            "an image is whatever is the latest, and no fixed version",
            None,
        );
    }
    if let (Some(old), Some(new)) = (&old.tag, &new.tag)
        && is_lower(new, old)
    {
        let what = format!("an image goes from {} back to {}", shown(old), shown(new));
        found.push(Flag::ImageDowngrade, what, None);
    }
}

/// A piece of a version.
#[derive(PartialEq, Eq)]
enum Piece<'t> {
    Number(u64),
    Word(&'t str),
}

/// The pieces of a version; nothing if it doesn't begin as one.
fn pieces(tag: &str) -> Option<Vec<Piece<'_>>> {
    let mut rest = tag.strip_prefix('v').unwrap_or(tag);
    let mut pieces = Vec::new();
    while let Some(first) = rest.chars().next() {
        if matches!(first, '.' | '-' | '_' | '+') {
            rest = &rest[1..];
            continue;
        }
        let is_number = first.is_ascii_digit();
        let ends = |c: char| c.is_ascii_digit() != is_number || matches!(c, '.' | '-' | '_' | '+');
        let (piece, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        pieces.push(if is_number {
            Piece::Number(piece.parse().ok()?)
        } else {
            Piece::Word(piece)
        });
        rest = after;
    }
    matches!(pieces.first(), Some(Piece::Number(_))).then_some(pieces)
}

/// Whether a version is lower than another. Not of versions of different
/// makes, and not of those that say less, such as `1.18` for `1.18.2`.
fn is_lower(new: &str, old: &str) -> bool {
    let (Some(new), Some(old)) = (pieces(new), pieces(old)) else {
        return false;
    };
    for (new, old) in new.iter().zip(&old) {
        match (new, old) {
            _ if new == old => {}
            (Piece::Number(new), Piece::Number(old)) => return new < old,
            _ => return false,
        }
    }
    // `2.0.0-rc1` comes before `2.0.0` (<https://semver.org/#spec-item-11>).
    let next = new.get(old.len());
    matches!(
        next,
        Some(Piece::Word("alpha" | "beta" | "rc" | "pre" | "dev"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_versions_are_told_from_others() {
        for (new, old) in [
            ("1.18.0", "1.18.1"),
            ("v1.9", "v1.10"),
            ("1.18.0-debian-1.0", "1.18.0-debian-1.1"),
            (
                "v1.19.3-debian-opensearch-1.1",
                "v1.19.4-debian-opensearch-1.0",
            ),
            ("2.0.0-rc1", "2.0.0"),
            ("2.0.0-rc1", "2.0.0-rc2"),
            ("20240101", "20250101"),
        ] {
            assert!(is_lower(new, old), "{new} {old}");
            assert!(!is_lower(old, new), "{old} {new}");
        }
        for (new, old) in [
            ("1.18", "1.18.2"),
            ("1.18.0-alpine", "1.18.0-debian"),
            ("main", "1.0"),
            ("latest", "1.0"),
            ("99999999999999999999999", "1"),
            ("1.0", "1.0"),
            ("", "1"),
            ("ü1", "2"),
        ] {
            assert!(!is_lower(new, old), "{new} {old}");
        }
    }

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
