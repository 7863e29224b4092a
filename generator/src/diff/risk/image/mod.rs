//! Images that go back, or that are no longer known exactly; and other programs. Pure.

mod name;
mod program;
#[cfg(test)]
mod tests;
mod version;

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, containers, items, legible, pod_spec, text};
use name::Image;
use version::is_lower;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    program::check(change, found);
    let Some(new) = change.new_value() else {
        return;
    };
    let old_images = change.old_value().map(images).unwrap_or_default();
    for (name, image) in images(new) {
        let same = |(other, _): &&(String, Image)| *other == name;
        match old_images.iter().find(same) {
            Some((_, before)) => compare(before, &image, found),
            None if image.floats() => tell_floating(&image, found),
            None => {}
        }
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
    if !new.is_of(old) {
        return;
    }
    if old.has_digest && !new.has_digest {
        let what = format!(
            "the image `{}` is no longer pinned by its digest",
            legible(new.short_name())
        );
        found.push(Flag::ImageDowngrade, what, None);
    } else if new.floats() && !old.floats() {
        tell_floating(new, found);
    }
    if let (Some(before), Some(after)) = (&old.tag, &new.tag)
        && is_lower(after, before)
    {
        let what = format!(
            "the image `{}` goes from {} back to {}",
            legible(new.short_name()),
            legible(before),
            legible(after)
        );
        found.push(Flag::ImageDowngrade, what, None);
    }
}

fn tell_floating(image: &Image, found: &mut Found) {
    let name = legible(image.short_name());
    let what = match image.tag.as_deref() {
        None | Some("latest") => {
            format!("the image `{name}` is whatever is the latest, and no fixed version")
        }
        Some(tag) => format!(
            "the image `{name}` is whatever is `{}`, and no fixed version",
            legible(tag)
        ),
    };
    found.push(Flag::ImageDowngrade, what, None);
}
