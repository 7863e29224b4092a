//! The filters that only templates of Fluentd's configuration use. Pure.

use tera::value::Key;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::quote;

/// Gives the templates the filters of Fluentd's configuration.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("fluentd", |text: &str, _: Kwargs, _: &State| {
        quote::fluentd(text)
    });
    tera.register_filter("fluentd_regex", |text: &str, _: Kwargs, _: &State| {
        quote::fluentd_regex(text)
    });
    tera.register_filter("fluentd_list", fluentd_list);
    tera.register_filter("comment", |text: &str, _: Kwargs, _: &State| {
        quote::comment(text)
    });
    tera.register_filter("ruby", ruby);
    tera.register_filter("accessor", accessor);
    tera.register_filter("all_paths", all_paths);
    tera.register_filter("multiline_tag", multiline_tag);
    tera.register_filter("annotation_patterns", annotation_patterns);
    tera.register_filter("journal_matches", journal_matches);
    tera.register_filter("genid", genid);
    tera.register_filter("destination_url", destination_url);
    tera.register_filter("chunk_bytes", chunk_bytes);
}

/// `{{ texts | fluentd_list }}`.
fn fluentd_list(texts: &Value, _: Kwargs, _: &State) -> TeraResult<String> {
    // An item that is JSON already, such as a hash, is made by another filter.
    let items = list(texts, "fluentd_list")?;
    if items.iter().all(|item| item.as_map().is_some()) && !items.is_empty() {
        let written: Vec<String> = items.iter().map(hash).collect::<TeraResult<_>>()?;
        return Ok(format!("[{}]", written.join(", ")));
    }
    let texts: Vec<&str> = items
        .iter()
        .map(|item| text(item, "fluentd_list"))
        .collect::<TeraResult<_>>()?;
    Ok(quote::fluentd_list(&texts))
}

fn hash(value: &Value) -> TeraResult<String> {
    let mut parts = Vec::new();
    for (key, value) in value.as_map().into_iter().flatten() {
        let key = key
            .as_str()
            .ok_or_else(|| wrong("fluentd_list", "a map of texts"))?;
        parts.push(format!(
            "{}: {}",
            quote::fluentd_item(key),
            quote::fluentd_item(text(value, "fluentd_list")?)
        ));
    }
    Ok(format!("{{{}}}", parts.join(", ")))
}

/// `{{ text | ruby }}` or `{{ texts | ruby }}`: a string or an array in Ruby,
/// for a value that has no quotes of Fluentd's around it.
fn ruby(value: &Value, _: Kwargs, _: &State) -> TeraResult<String> {
    if let Some(items) = value.as_array() {
        let items: Vec<String> = items
            .iter()
            .map(|item| Ok(quote::ruby(text(item, "ruby")?)))
            .collect::<TeraResult<_>>()?;
        return Ok(format!("[{}]", items.join(", ")));
    }
    Ok(quote::ruby(text(value, "ruby")?))
}

/// `{{ path | accessor }}`: the record accessor of a path of keys
/// (<https://docs.fluentd.org/plugin-helper-overview/api-plugin-helper-record_accessor>).
/// `dots="_"` for keys whose dots were replaced before.
#[expect(clippy::needless_pass_by_value, reason = "Tera calls it so")]
fn accessor(path: &Value, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    let dots = kwargs.get::<&str>("dots")?;
    let mut out = "$".to_owned();
    for key in list(path, "accessor")? {
        let key = text(key, "accessor")?;
        let key = dots.map_or_else(|| key.to_owned(), |dots| key.replace('.', dots));
        if key.contains(['\'', '[', ']']) {
            return Err(wrong("accessor", "keys without quotes and brackets"));
        }
        out.push_str("['");
        out.push_str(&key);
        out.push_str("']");
    }
    Ok(out)
}

/// `{{ exclude | all_paths }}`: the globs of all exclusions, each once.
fn all_paths(exclusions: &Value, _: Kwargs, _: &State) -> TeraResult<Vec<String>> {
    let mut paths = Vec::new();
    for exclusion in list(exclusions, "all_paths")? {
        for path in list(field(exclusion, "paths", "all_paths")?, "all_paths")? {
            let path = text(path, "all_paths")?.to_owned();
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// `{{ rule | multiline_tag(pipeline=…, rules=…, rotated=…) }}`: the tags of a rule's
/// files, and of their rotated ones in the folder `rotated`. What a rule before
/// it takes is not this one's, so that no line is joined twice.
#[expect(clippy::needless_pass_by_value, reason = "Tera calls it so")]
fn multiline_tag(rule: &Value, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    let pipeline = kwargs.must_get::<&str>("pipeline")?;
    let rules = kwargs.must_get::<&Value>("rules")?;
    let rotated = kwargs.must_get::<&str>("rotated")?;
    let rotated = rotated.trim_start_matches('/').replace(['/', '.'], r"\.");
    let name = text(field(rule, "name", "multiline_tag")?, "multiline_tag")?;
    let mut earlier = Vec::new();
    for other in list(rules, "multiline_tag")? {
        if text(field(other, "name", "multiline_tag")?, "multiline_tag")? == name {
            break;
        }
        earlier.push(text(
            field(other, "file_name_pattern", "multiline_tag")?,
            "multiline_tag",
        )?);
    }
    let not_earlier = if earlier.is_empty() {
        String::new()
    } else {
        format!(r"(?!(?:{})\.log\z)", earlier.join("|"))
    };
    let pattern = text(
        field(rule, "file_name_pattern", "multiline_tag")?,
        "multiline_tag",
    )?;
    Ok(format!(
        r"/\A{pipeline}\.(?:var\.log\.containers|{rotated})\.{not_earlier}{pattern}\.log\z/"
    ))
}

/// `{{ records | annotation_patterns }}`: regular expressions of the
/// annotations that are kept or that a field is made from.
fn annotation_patterns(records: &Value, _: Kwargs, _: &State) -> TeraResult<Vec<String>> {
    let mut keys: Vec<&str> = Vec::new();
    for key in list(
        field(records, "annotations", "annotation_patterns")?,
        "annotation_patterns",
    )? {
        keys.push(text(key, "annotation_patterns")?);
    }
    for (_, from) in field(records, "enrich", "annotation_patterns")?
        .as_map()
        .into_iter()
        .flatten()
    {
        if part(from, "from").and_then(Value::as_str) == Some("pod_annotation") {
            keys.push(text(
                field(from, "key", "annotation_patterns")?,
                "annotation_patterns",
            )?);
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys
        .into_iter()
        .map(|key| format!(r"\A{}\z", key.replace('.', r"\.")))
        .collect())
}

/// `{{ units | journal_matches }}`: a match for each unit; of several, one must hold.
fn journal_matches(
    units: &Value,
    _: Kwargs,
    _: &State,
) -> TeraResult<Vec<std::collections::BTreeMap<&'static str, String>>> {
    list(units, "journal_matches")?
        .iter()
        .map(|unit| Ok([("_SYSTEMD_UNIT", text(unit, "journal_matches")?.to_owned())].into()))
        .collect()
}

/// `{{ daemon | genid(destinations=…) }}`: the filter that makes ids, which
/// comes with the output plugin of the image. Empty where nothing goes to an
/// Elasticsearch or OpenSearch: nothing else asks for ids.
#[expect(clippy::needless_pass_by_value, reason = "Tera calls it so")]
fn genid(daemon: &Value, kwargs: Kwargs, _: &State) -> TeraResult<&'static str> {
    let destinations = kwargs.must_get::<&Value>("destinations")?;
    let used = list(field(daemon, "destinations", "genid")?, "genid")?;
    if used.is_empty() {
        return Ok("");
    }
    let opensearch = list(destinations, "genid")?.iter().any(|destination| {
        part(destination, "backend").and_then(Value::as_str) == Some("opensearch")
            && part(destination, "name").is_some_and(|name| used.contains(name))
    });
    Ok(if opensearch {
        "opensearch_genid"
    } else {
        "elasticsearch_genid"
    })
}

/// `{{ destination | destination_url }}`.
fn destination_url(destination: &Value, _: Kwargs, _: &State) -> TeraResult<String> {
    let text_of = |name| {
        text(
            field(destination, name, "destination_url")?,
            "destination_url",
        )
    };
    let port = field(destination, "port", "destination_url")?
        .as_u64()
        .unwrap_or(443);
    Ok(format!(
        "{}://{}:{port}{}",
        text_of("scheme")?,
        text_of("host")?,
        text_of("path")?
    ))
}

/// `{{ stream | chunk_bytes(destination=…) }}`: bytes of a chunk, at most half
/// of the largest request, because JSON is longer than what a chunk holds. Settings
/// that ask for more are refused.
#[expect(clippy::needless_pass_by_value, reason = "Tera calls it so")]
fn chunk_bytes(stream: &Value, kwargs: Kwargs, _: &State) -> TeraResult<u64> {
    let destination = kwargs.must_get::<&Value>("destination")?;
    let buffer = field(stream, "buffer", "chunk_bytes")?;
    let wanted = field(buffer, "chunk_mebibytes", "chunk_bytes")?.as_u64();
    let request = field(destination, "bulk_size_bytes", "chunk_bytes")?
        .as_u64()
        .unwrap_or(1 << 20);
    let most = request / 2;
    Ok(wanted.map_or(most, |wanted| most.min(wanted << 20)))
}

fn list<'a>(value: &'a Value, filter: &str) -> TeraResult<&'a [Value]> {
    value.as_array().ok_or_else(|| wrong(filter, "a list"))
}

fn text<'a>(value: &'a Value, filter: &str) -> TeraResult<&'a str> {
    value.as_str().ok_or_else(|| wrong(filter, "a text"))
}

fn field<'a>(value: &'a Value, name: &'static str, filter: &str) -> TeraResult<&'a Value> {
    part(value, name).ok_or_else(|| Error::message(format!("`{filter}` misses the field `{name}`")))
}

fn part<'a>(value: &'a Value, name: &'static str) -> Option<&'a Value> {
    value.as_map()?.get(&Key::from(name))
}

fn wrong(filter: &str, wanted: &str) -> Error {
    Error::message(format!("`{filter}` wants {wanted}"))
}
