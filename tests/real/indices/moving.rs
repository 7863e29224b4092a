//! Streams that get another index template, as happens when only one of those
//! that share one gets another setting, or with a release that shares otherwise.

use serde_json::{Value, json};

use super::{
    PASSWORD, Target, create, elasticsearch, item_status, opensearch, record, succeeds,
    without_life_cycle,
};
use crate::client::{Answer, Identity};
use crate::fleet::{self, Object, data_stream};

mod on_opensearch {
    #[test]
    fn a_stream_moves_to_another_template_while_it_is_in_both() {
        super::opensearch()
            .into_iter()
            .for_each(super::a_stream_moves);
    }
    #[test]
    fn templates_of_single_streams_give_way() {
        super::opensearch()
            .into_iter()
            .for_each(super::templates_of_single_streams_give_way);
    }
    #[test]
    fn the_writer_cannot_make_a_stream() {
        super::opensearch()
            .into_iter()
            .for_each(super::the_writer_cannot_make_a_stream);
    }
}

mod on_elasticsearch {
    #[test]
    fn a_stream_moves_to_another_template_while_it_is_in_both() {
        super::elasticsearch()
            .into_iter()
            .for_each(super::a_stream_moves);
    }
    #[test]
    fn templates_of_single_streams_give_way() {
        super::elasticsearch()
            .into_iter()
            .for_each(super::templates_of_single_streams_give_way);
    }
    #[test]
    fn the_writer_cannot_make_a_stream() {
        super::elasticsearch()
            .into_iter()
            .for_each(super::the_writer_cannot_make_a_stream);
    }
}

/// A cluster that no other test looks at: its name, and where `-` isn't allowed.
struct Cluster {
    name: &'static str,
    slug: &'static str,
}

impl Cluster {
    /// What its files say to a server, with some settings added.
    fn objects(&self, settings: &str, target: &Target) -> Vec<Object> {
        let name = self.name;
        let destinations = "{ open: { authentication: { type: basic } }, elastic: { authentication: { type: basic } } }";
        let text = format!(
            "name: {name}\nenvironment: production\naccount: \"200000000009\"\ndestinations: {destinations}\n{settings}\n"
        );
        fleet::objects_of_another(name, &text, target.destination)
    }

    fn data_stream(&self, stream: &str) -> String {
        data_stream(self.slug, stream)
    }
}

impl Target {
    /// Makes the data streams: where their endpoint is missing, by a first record.
    fn make_streams(&self, cluster: &Cluster, streams: &[&str]) {
        for stream in streams {
            let name = cluster.data_stream(stream);
            if self.missing("_data_stream/").is_some() {
                let answer = create(self.admin, &name, "first", &record());
                assert_eq!(item_status(&answer), 201, "{answer:?}");
            } else {
                succeeds(
                    &name,
                    &self
                        .admin
                        .send("PUT", &format!("_data_stream/{name}"), None),
                );
            }
        }
    }

    /// Sends an index template as it is rendered, but for the policy where the build knows none.
    fn put_template(&self, template: &Object) -> Answer {
        let template = template.clone();
        let template = if self.lacks_life_cycles() {
            without_life_cycle(template)
        } else {
            template
        };
        fleet::put(self.admin, &template)
    }

    /// The primary shards of the index that a stream begins now.
    fn shards_of_next_index(&self, stream: &str) -> Value {
        let answer = self
            .admin
            .send("POST", &format!("{stream}/_rollover"), None);
        let index = answer.body["new_index"].as_str();
        let index = index.unwrap_or_else(|| panic!("{stream}: {answer:?}"));
        let answer = self.admin.send("GET", &format!("{index}/_settings"), None);
        answer.body[index]["settings"]["index"]["number_of_shards"].clone()
    }
}

fn templates(objects: &[Object]) -> Vec<Object> {
    let templates = objects.iter();
    templates
        .filter(|object| object.path.starts_with("_index_template/"))
        .cloned()
        .collect()
}

fn template_of<'o>(objects: &'o [Object], stream: &str) -> &'o Object {
    let path = format!("_index_template/{stream}");
    let found = objects.iter().find(|object| object.path == path);
    found.unwrap_or_else(|| panic!("{path} isn't rendered"))
}

/// Sends what comes before the index templates.
fn put_components(target: &Target, objects: &[Object]) {
    for object in objects {
        if object.path.starts_with("_component_template/") {
            succeeds(&object.path, &fleet::put(target.admin, object));
        }
    }
}

/// Whether a server refuses something, and says so in these words.
fn refuses(answer: &Answer, words: &str) {
    let reason = answer.body["error"]["reason"].as_str();
    let says_so = reason.is_some_and(|reason| reason.contains(words));
    assert!(answer.status == 400 && says_so, "{words}: {answer:?}");
}

fn a_stream_moves(target: &Target) {
    let cluster = Cluster {
        name: "prod-moves",
        slug: "prod_moves",
    };
    let (first, second) = (
        cluster.data_stream("control_plane"),
        cluster.data_stream("nodes"),
    );
    let before = cluster.objects("", target);
    let after = cluster.objects("streams: { control_plane: { shards: 2 } }", target);
    let both = json!([first, second]);
    assert_eq!(template_of(&before, &first).body["index_patterns"], both);
    assert_eq!(
        template_of(&after, &first).body["index_patterns"],
        json!([first])
    );
    assert_eq!(
        template_of(&after, &second).body["index_patterns"],
        json!([second])
    );

    put_components(target, &before);
    for template in templates(&before) {
        succeeds(&template.path, &target.put_template(&template));
    }
    target.make_streams(&cluster, &["control_plane", "nodes"]);
    put_components(target, &after);

    // The one that loses first: the stream would be in none.
    refuses(
        &target.put_template(template_of(&after, &first)),
        &format!("would cause data streams [{second}] to no longer match a data stream template"),
    );
    // The one that gains, at the other's priority: the stream would be in two that count alike.
    let mut equal = template_of(&after, &second).clone();
    equal.body["priority"] = template_of(&before, &first).body["priority"].clone();
    let answer = target.put_template(&equal);
    refuses(&answer, "that have the same priority");
    // As it is rendered.
    succeeds(&second, &target.put_template(template_of(&after, &second)));
    succeeds(&first, &target.put_template(template_of(&after, &first)));
    assert_eq!(target.shards_of_next_index(&first), "2");
    assert_eq!(target.shards_of_next_index(&second), "1");

    // And back.
    let template = format!("_index_template/{second}");
    refuses(
        &target.admin.send("DELETE", &template, None),
        &format!("in use by a data streams [{second}]"),
    );
    succeeds(&first, &target.put_template(template_of(&before, &first)));
    let mut gone = template_of(&after, &second).clone();
    assert!(
        gone.body["priority"].as_u64() > template_of(&before, &first).body["priority"].as_u64()
    );
    if target.destination == "open" {
        // It still counts for the stream, though the other would do.
        refuses(
            &target.admin.send("DELETE", &template, None),
            &format!("in use by a data streams [{second}]"),
        );
    }
    // Below all that are rendered it counts no more.
    gone.body["priority"] = json!(500);
    succeeds(&template, &target.put_template(&gone));
    succeeds(&template, &target.admin.send("DELETE", &template, None));
    assert_eq!(target.shards_of_next_index(&first), "1");
    assert_eq!(target.shards_of_next_index(&second), "1");
}

/// Up to 0.1 each stream had an index template and two component templates of its own.
fn templates_of_single_streams_give_way(target: &Target) {
    let cluster = Cluster {
        name: "prod-upgrade",
        slug: "prod_upgrade",
    };
    let objects = cluster.objects("", target);
    let streams = ["applications", "control_plane", "nodes"];
    for stream in streams {
        let name = cluster.data_stream(stream);
        let part = |part: &str| format!("{name}@{part}");
        for part in [part("mappings"), part("settings")] {
            let path = format!("_component_template/{part}");
            let body = json!({ "template": {} });
            succeeds(&path, &target.admin.send("PUT", &path, Some(&body)));
        }
        let path = format!("_index_template/{name}");
        let body = json!({
            "index_patterns": [name], "data_stream": {}, "priority": 500,
            "composed_of": [part("mappings"), part("settings")],
        });
        succeeds(&path, &target.admin.send("PUT", &path, Some(&body)));
    }
    target.make_streams(&cluster, &streams);

    put_components(target, &objects);
    for template in templates(&objects) {
        succeeds(&template.path, &target.put_template(&template));
    }
    let kept: Vec<String> = templates(&objects)
        .into_iter()
        .map(|object| object.path)
        .collect();
    let mut deleted = Vec::new();
    for stream in streams {
        let name = cluster.data_stream(stream);
        let path = format!("_index_template/{name}");
        if !kept.contains(&path) {
            succeeds(&path, &target.admin.send("DELETE", &path, None));
            deleted.push(stream);
        }
        for part in ["mappings", "settings"] {
            let path = format!("_component_template/{name}@{part}");
            succeeds(&path, &target.admin.send("DELETE", &path, None));
        }
    }
    assert_eq!(deleted, ["nodes"]);
    for stream in streams {
        assert_eq!(
            target.shards_of_next_index(&cluster.data_stream(stream)),
            "1"
        );
    }
}

/// Streams are made before the first record: the privilege to make one is
/// another than the one to write.
fn the_writer_cannot_make_a_stream(target: &Target) {
    let cluster = Cluster {
        name: "prod-unmade",
        slug: "prod_unmade",
    };
    for object in cluster.objects("", target) {
        if !object.path.starts_with("_data_stream/") {
            target.put(object);
        }
    }
    let writer = (target.connect)(&Identity::Password(
        format!("logfleet-{}-writer", cluster.slug),
        PASSWORD.to_owned(),
    ));
    let stream = cluster.data_stream("nodes");
    let answer = create(&writer, &stream, "early", &record());
    assert_eq!(item_status(&answer), 403, "{answer:?}");
    let reason = answer.body["items"][0]["create"]["error"]["reason"].as_str();
    let action = match target.destination {
        "open" => "no permissions for [indices:admin/create]",
        _ => "action [indices:admin/auto_create] is unauthorized",
    };
    assert!(
        reason.is_some_and(|reason| reason.contains(action)),
        "{answer:?}"
    );
    target.make_streams(&cluster, &["nodes"]);
    let answer = create(&writer, &stream, "early", &record());
    assert_eq!(item_status(&answer), 201, "{answer:?}");
}
