//! The filters that only templates of the machines' shippers use. Pure.

use tera::value::Key;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::{filter, json, quote};

/// Gives the templates the filters of the machines' shippers.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("filebeat", filebeat);
    tera.register_filter("shell", |text: &str, _: Kwargs, _: &State| {
        quote::shell(text)
    });
    tera.register_filter("logstash_field", logstash_field);
    tera.register_filter("logstash_regex", |pattern: &str, _: Kwargs, _: &State| {
        quote::logstash_regex(pattern)
    });
    tera.register_filter("logstash_pattern", |pattern: &str, _: Kwargs, _: &State| {
        quote::logstash_pattern(pattern)
    });
    tera.register_filter("units_expression", units_expression);
    tera.register_filter("json_text", |text: &str, _: Kwargs, _: &State| {
        json_text(text)
    });
    tera.register_filter("canonical_json", canonical_json);
    tera.register_filter("without_comments", |text: &str, _: Kwargs, _: &State| {
        without_comments(text)
    });
}

/// `{{ text | filebeat }}` or `{{ texts | filebeat }}`: YAML that Filebeat reads back as that very text.
fn filebeat(value: &Value, _: Kwargs, _: &State) -> TeraResult<String> {
    let text = |value: &Value| {
        let text = value
            .as_str()
            .ok_or_else(|| Error::message("`filebeat` wants a text or a list of texts"))?;
        quote::filebeat(text).map_err(|error| Error::message(error.to_string()))
    };
    match value.as_array() {
        None => text(value),
        Some(items) => {
            let items: Vec<String> = items.iter().map(text).collect::<TeraResult<_>>()?;
            Ok(format!("[{}]", items.join(", ")))
        }
    }
}

/// `{{ path | logstash_field }}`: `["a", "b"]` as `[a][b]`.
fn logstash_field(path: &Value, _: Kwargs, _: &State) -> TeraResult<String> {
    let wrong =
        || Error::message("`logstash_field` wants a list of keys without brackets and quotes");
    let mut field = String::new();
    for key in path.as_array().ok_or_else(wrong)? {
        let key = key.as_str().ok_or_else(wrong)?;
        if key.is_empty() || key.contains(['[', ']', '"', '\\', ',', '$', '%']) {
            return Err(wrong());
        }
        field.push('[');
        field.push_str(key);
        field.push(']');
    }
    Ok(field)
}

/// `{{ exclude | units_expression }}`: matches a journal entry's JSON if its unit is one of these.
fn units_expression(exclude: &Value, _: Kwargs, _: &State) -> TeraResult<String> {
    let wrong = || Error::message("`units_expression` wants a list of excluded units");
    let mut units = Vec::new();
    for item in exclude.as_array().ok_or_else(wrong)? {
        let unit = item.as_map().and_then(|map| map.get(&Key::from("unit")));
        units.push(
            unit.and_then(Value::as_str)
                .ok_or_else(wrong)?
                .replace('.', r"\."),
        );
    }
    Ok(format!("\"_SYSTEMD_UNIT\":\"({})\"", units.join("|")))
}

/// `{% filter json_text %}…{% endfilter %}`: a text as a string of JSON.
fn json_text(text: &str) -> TeraResult<String> {
    filter::to_json(&text.trim_end()).map_err(|error| Error::message(error.to_string()))
}

/// `{% filter without_comments %}…{% endfilter %}`: a script, and the files in
/// it, without empty lines and lines that are a comment only. User data has
/// room for 16 KiB, and whoever reads has the script as a file of its own.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let trimmed = line.trim_start();
        let is_comment = trimmed.starts_with('#') && !trimmed.starts_with("#!");
        if !trimmed.is_empty() && !is_comment {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// `{% filter canonical_json %}…{% endfilter %}`: JSON with comments as it is
/// in a file of its own, without the line break at its end.
fn canonical_json(text: &str, _: Kwargs, _: &State) -> TeraResult<String> {
    json::canonical(text)
        .map(|text| text.trim_end().to_owned())
        .map_err(|_| Error::message("`canonical_json` was given what is no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_only_explain_go_and_all_others_stay() {
        let script =
            "#!/bin/bash\n# why\nset -eu\n\n  # how\n  echo '# no comment'  \n$(( 1 # 2 ))\n";
        assert_eq!(
            without_comments(script),
            "#!/bin/bash\nset -eu\n  echo '# no comment'  \n$(( 1 # 2 ))"
        );
    }
}
