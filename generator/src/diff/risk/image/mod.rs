//! Images that go back, or that are no longer known exactly; and other programs. Pure.

mod name;
pub(in crate::diff) mod program;
#[cfg(test)]
mod tests;
mod version;

use serde_json::Value as Json;

use super::wording::legible;
use name::Image;
pub(super) use program::version_of_code;
pub(super) use version::is_lower;

/// What becomes of the image of a container, which may be new.
pub(super) fn of_container(old: Option<&Json>, new: &Json) -> Vec<String> {
    let image = |value: &Json| value.as_str().map(Image::parse);
    judge(old.and_then(image), image(new))
}

/// What becomes of an image that a kustomization names.
pub(super) fn of_kustomization(old: Option<&Json>, new: &Json) -> Vec<String> {
    judge(
        old.and_then(Image::of_kustomization),
        Image::of_kustomization(new),
    )
}

fn judge(old: Option<Image>, new: Option<Image>) -> Vec<String> {
    match (old, new) {
        (Some(old), Some(new)) => compare(&old, &new),
        (None, Some(new)) if new.floats() => vec![floating(&new)],
        _ => Vec::new(),
    }
}

fn compare(old: &Image, new: &Image) -> Vec<String> {
    let mut reported = Vec::new();
    if !new.is_of(old) {
        return reported;
    }
    let name = legible(new.short_name());
    if old.has_digest && !new.has_digest {
        reported.push(format!("`{name}` is no longer pinned by its digest"));
    } else if new.floats() && !old.floats() {
        reported.push(floating(new));
    }
    if let (Some(before), Some(after)) = (&old.tag, &new.tag)
        && is_lower(after, before)
    {
        let [before, after] = [before, after].map(|tag| legible(tag));
        reported.push(format!("`{name}` goes from {before} back to {after}"));
    }
    reported
}

fn floating(image: &Image) -> String {
    let [name, tag] = [image.short_name(), image.tag.as_deref().unwrap_or("latest")].map(legible);
    format!("`{name}` has no fixed version: it is whatever `{tag}` is")
}
