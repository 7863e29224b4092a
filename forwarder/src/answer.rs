//! What a bulk request's answer means for each document. Pure.
//!
//! What isn't known for sure counts as not stored: sending a document again is
//! safe, since it is created under the same id, and taking it for stored is not.

use serde::Deserialize;

use crate::json::Text;

/// What is to be done with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing more: it is in the index.
    Done,
    /// Send it again later.
    Again,
    /// Put it aside with its reason: it will never be taken as it is.
    Dead,
    /// Nothing like it will be taken before somebody mends the set-up.
    Stop,
}

/// What is said of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// The status.
    pub status: u16,
    /// The error's type. It says nothing of the document's content.
    pub kind: Option<String>,
    /// The error's reason, which may quote the document: nothing for a log.
    pub reason: Option<String>,
    /// What Elasticsearch's failure store did:
    /// <https://www.elastic.co/docs/manage-data/data-store/data-streams/failure-store>.
    pub failure_store: Option<String>,
}

impl Item {
    /// Whether the document had been in the index already.
    pub fn is_duplicate(&self) -> bool {
        self.status == 409
    }
}

/// Decides about a document.
pub fn classify(item: &Item) -> Verdict {
    let kind = item.kind.as_deref().unwrap_or_default();
    match (item.status, item.failure_store.as_deref()) {
        // By what is said, not by the status: a block is 403 or 429, a closed index 400.
        _ if is_passing(kind) => Verdict::Again,
        (200 | 201, Some("used" | "failed" | "not_enabled")) | (400 | 413 | 422, _) => {
            Verdict::Dead
        }
        // An error beside a success is nothing that a server says.
        (200 | 201, _) if kind.is_empty() => Verdict::Done,
        (409, _) => Verdict::Done,
        (401 | 403 | 404, _) => Verdict::Stop,
        _ => Verdict::Again,
    }
}

/// Whether an error passes by itself.
fn is_passing(kind: &str) -> bool {
    matches!(
        kind,
        "cluster_block_exception"
            | "index_closed_exception"
            | "es_rejected_execution_exception"
            | "rejected_execution_exception"
            | "opensearch_rejected_execution_exception"
            | "circuit_breaking_exception"
            | "unavailable_shards_exception"
            | "process_cluster_event_timeout_exception"
            | "cluster_manager_not_discovered_exception"
            | "master_not_discovered_exception"
            | "node_closed_exception"
            | "no_shard_available_action_exception"
    )
}

/// What an answer says of a whole request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// One thing of each document, in their order.
    Items(Vec<Item>),
    /// The credential isn't valid.
    Unauthorized,
    /// Nothing of this may be written, or there is nowhere to.
    Stop(String),
    /// The request is too large, or can't be read as a whole: parts of it may be fine.
    Divide(u16),
    /// The server has no time. Nothing was stored.
    Busy,
    /// Nobody knows what was stored.
    Unknown(String),
}

/// Reads the answer to a request with so many documents.
pub fn read(status: u16, body: &[u8], sent: usize) -> Answer {
    match status {
        200 | 201 => match read_items(body) {
            Some(items) if items.len() == sent => Answer::Items(items),
            Some(items) => Answer::Unknown(format!("{} items for {sent} documents", items.len())),
            None => Answer::Unknown("status 200 without a bulk answer".to_owned()),
        },
        401 => Answer::Unauthorized,
        403 | 404 => match error_of(body) {
            Some(kind) if is_passing(&kind) => Answer::Busy,
            kind => Answer::Stop(match kind {
                Some(kind) => format!("status {status}, {kind}"),
                None => format!("status {status}"),
            }),
        },
        400 if error_of(body).is_some_and(|kind| is_passing(&kind)) => Answer::Busy,
        400 | 413 => Answer::Divide(status),
        429 => Answer::Busy,
        _ => Answer::Unknown(format!("status {status}")),
    }
}

#[derive(Deserialize)]
struct Bulk<'b> {
    #[serde(borrow)]
    items: Vec<Action<'b>>,
}

/// The action's name says nothing: all were the same.
struct Action<'b>(Told<'b>);

impl<'de: 'b, 'b> Deserialize<'de> for Action<'b> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> serde::de::Visitor<'de> for One {
            type Value = Action<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an action")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let Some((_, told)) = map.next_entry::<Text<'de>, Told<'de>>()? else {
                    return Err(serde::de::Error::custom("no action"));
                };
                if map.next_key::<serde::de::IgnoredAny>()?.is_some() {
                    return Err(serde::de::Error::custom("more than one action"));
                }
                Ok(Action(told))
            }
        }
        deserializer.deserialize_map(One)
    }
}

#[derive(Deserialize)]
struct Told<'b> {
    status: u16,
    #[serde(borrow, default)]
    error: Option<Cause<'b>>,
    #[serde(borrow, default)]
    failure_store: Option<Text<'b>>,
}

#[derive(Deserialize)]
struct Cause<'b> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'b>>,
    #[serde(borrow, default)]
    reason: Option<Text<'b>>,
}

fn read_items(body: &[u8]) -> Option<Vec<Item>> {
    let own = |text: Text<'_>| text.0.into_owned();
    let bulk: Bulk<'_> = serde_json::from_slice(body).ok()?;
    let items = bulk.items.into_iter().map(|Action(told)| {
        let (kind, reason) = match told.error {
            Some(cause) => (
                Some(cause.kind.map_or_else(|| "unknown".to_owned(), own)),
                cause.reason.map(own),
            ),
            None => (None, None),
        };
        Item {
            status: told.status,
            kind,
            reason,
            failure_store: told.failure_store.map(own),
        }
    });
    Some(items.collect())
}

/// The type of the error that a whole request was answered with.
fn error_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Failed<'b> {
        #[serde(borrow)]
        error: Cause<'b>,
    }
    let failed: Failed<'_> = serde_json::from_slice(body).ok()?;
    Some(failed.error.kind?.0.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(status: u16, kind: &str, failure_store: &str) -> Item {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Item {
            status,
            kind: some(kind),
            reason: None,
            failure_store: some(failure_store),
        }
    }

    #[test]
    fn every_row_of_the_table_of_answers() {
        use Verdict::{Again, Dead, Done, Stop};
        for (status, kind, failure_store, verdict) in [
            (200, "", "", Done),
            (201, "", "", Done),
            (201, "", "not_applicable_or_unknown", Done),
            (201, "", "used", Dead),
            (201, "", "failed", Dead),
            (400, "document_parsing_exception", "failed", Dead),
            (400, "document_parsing_exception", "not_enabled", Dead),
            (409, "version_conflict_engine_exception", "", Done),
            (429, "es_rejected_execution_exception", "", Again),
            (429, "es_rejected_execution_exception", "not_enabled", Again),
            (429, "cluster_block_exception", "", Again),
            (403, "cluster_block_exception", "", Again),
            (400, "index_closed_exception", "", Again),
            (429, "", "", Again),
            (400, "mapper_parsing_exception", "", Dead),
            (400, "illegal_argument_exception", "", Dead),
            (400, "", "", Dead),
            (404, "index_not_found_exception", "", Stop),
            (403, "security_exception", "", Stop),
            (500, "", "", Again),
            (503, "unavailable_shards_exception", "", Again),
            (200, "unknown", "", Again),
            (202, "", "", Again),
            (0, "", "", Again),
            (302, "", "", Again),
        ] {
            assert_eq!(
                classify(&item(status, kind, failure_store)),
                verdict,
                "{status} {kind} {failure_store}"
            );
        }
    }

    #[test]
    fn answers_to_whole_requests() {
        let items = br#"{"took":3,"errors":true,"items":[{"create":{"status":201,"_id":"1","more":{}}},{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"a \ud800 b","caused_by":{}}}}]}"#;
        let Answer::Items(read_items) = read(200, items, 2) else {
            panic!("no items");
        };
        assert_eq!(read_items[0], item(201, "", ""));
        assert_eq!(
            read_items[1].kind.as_deref(),
            Some("mapper_parsing_exception")
        );
        let unknown = |answer| matches!(answer, Answer::Unknown(_));
        assert!(unknown(read(200, items, 3)));
        assert!(unknown(read(200, &items[..items.len() - 9], 2)));
        assert!(unknown(read(200, b"<html>", 2)));
        assert!(unknown(read(200, b"", 2)));
        assert!(unknown(read(200, br#"{"items":[{}]}"#, 1)));
        assert!(unknown(read(200, br#"{"items":[{"create":{}}]}"#, 1)));
        assert!(unknown(read(500, b"", 2)));
        assert!(unknown(read(503, b"", 2)));
        assert!(unknown(read(302, b"", 2)));
        assert_eq!(read(401, b"", 2), Answer::Unauthorized);
        assert_eq!(read(403, b"", 2), Answer::Stop("status 403".into()));
        assert_eq!(
            read(404, br#"{"error":{"type":"index_not_found_exception","reason":"no such index [x]"},"status":404}"#, 2),
            Answer::Stop("status 404, index_not_found_exception".into())
        );
        assert_eq!(
            read(403, br#"{"error":{"type":"cluster_block_exception"}}"#, 2),
            Answer::Busy
        );
        assert_eq!(read(413, b"", 2), Answer::Divide(413));
        assert_eq!(read(400, b"", 2), Answer::Divide(400));
        assert_eq!(read(429, b"", 2), Answer::Busy);
    }

    fn any_item() -> impl Strategy<Value = Item> {
        let kinds = prop_oneof![
            Just(None),
            "[a-z_]{0,20}".prop_map(Some),
            Just(Some("cluster_block_exception".to_owned())),
            Just(Some("security_exception".to_owned())),
        ];
        let stores = prop_oneof![
            Just(None),
            prop::sample::select(vec![
                "used",
                "failed",
                "not_enabled",
                "not_applicable_or_unknown",
                "else"
            ])
            .prop_map(|own| Some(own.to_owned())),
        ];
        (any::<u16>().prop_map(|status| status % 700), kinds, stores).prop_map(
            |(status, kind, failure_store)| Item {
                status,
                kind,
                reason: None,
                failure_store,
            },
        )
    }

    proptest! {
        #[test]
        fn only_what_is_in_the_index_for_sure_is_done(item in any_item()) {
            let stored = matches!(item.status, 200 | 201)
                && item.kind.as_deref().unwrap_or_default().is_empty()
                && !matches!(item.failure_store.as_deref(), Some("used" | "failed" | "not_enabled"));
            let known = item.status == 409;
            prop_assert!(classify(&item) != Verdict::Done || stored || known);
            // What says that it passes is never given up, and no other success is taken for a reject.
            if item.kind.as_deref() == Some("cluster_block_exception") || item.status >= 500 || item.status == 429 {
                prop_assert_eq!(classify(&item), Verdict::Again);
            }
        }

        #[test]
        fn no_answer_of_any_bytes_is_taken_for_stored(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(!matches!(read(status, &body, 3), Answer::Items(_)));
        }
    }
}
