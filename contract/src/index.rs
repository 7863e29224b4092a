//! The index side: what is below `elasticsearch/<destination>/`. Pure.
//!
//! There the path of a file is the path of the API, without `.json`, and its
//! content the body of the PUT. So anybody can apply a file with `curl`, and a
//! reconciler needs to know of each [`Kind`] only when it goes and what makes
//! it whole.
//!
//! # Order
//! [`Kind`]s are applied in their order, since each may only need what comes
//! before it, and removed in the opposite one. Within a kind the order is that
//! of the names, but for index templates: [`order_writes`] says why.
//!
//! A data stream that isn't rendered any more holds records. Removing it is
//! never part of applying.

mod content;
mod order;

use std::fmt;

use serde_json::Value;

use crate::server::Backend;

pub use content::{
    ContentNameError, content_digest, content_name, is_content_digest, is_content_name,
    verify_content_name,
};
pub use order::{OrderError, Template, TemplateWrite, order_writes};

/// A kind of API object, in the order in which kinds are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Mappings or settings that index templates are composed of.
    ComponentTemplate,
    /// A life cycle of Elasticsearch.
    LifecyclePolicy,
    /// A life cycle of OpenSearch.
    StatePolicy,
    /// What a new index gets.
    IndexTemplate,
    /// A data stream.
    DataStream,
    /// A role of Elasticsearch.
    Role,
    /// A user of Elasticsearch.
    User,
    /// Who has which roles, of Elasticsearch.
    RoleMapping,
    /// A tenant of OpenSearch's dashboards.
    OpensearchTenant,
    /// A role of OpenSearch.
    OpensearchRole,
    /// A user of OpenSearch.
    OpensearchUser,
    /// Who has which roles, of OpenSearch.
    OpensearchRoleMapping,
}

impl Kind {
    /// Every kind, in the order in which they are applied.
    pub const ALL: [Self; 12] = [
        Self::ComponentTemplate,
        Self::LifecyclePolicy,
        Self::StatePolicy,
        Self::IndexTemplate,
        Self::DataStream,
        Self::Role,
        Self::User,
        Self::RoleMapping,
        Self::OpensearchTenant,
        Self::OpensearchRole,
        Self::OpensearchUser,
        Self::OpensearchRoleMapping,
    ];

    /// The path of the API that all objects of the kind are below.
    pub fn api(self) -> &'static str {
        match self {
            Self::ComponentTemplate => "_component_template",
            Self::LifecyclePolicy => "_ilm/policy",
            Self::StatePolicy => "_plugins/_ism/policies",
            Self::IndexTemplate => "_index_template",
            Self::DataStream => "_data_stream",
            Self::Role => "_security/role",
            Self::User => "_security/user",
            Self::RoleMapping => "_security/role_mapping",
            Self::OpensearchTenant => "_plugins/_security/api/tenants",
            Self::OpensearchRole => "_plugins/_security/api/roles",
            Self::OpensearchUser => "_plugins/_security/api/internalusers",
            Self::OpensearchRoleMapping => "_plugins/_security/api/rolesmapping",
        }
    }

    /// The server that alone has the kind; none if both have it.
    pub fn backend(self) -> Option<Backend> {
        match self {
            Self::ComponentTemplate | Self::IndexTemplate | Self::DataStream => None,
            Self::LifecyclePolicy | Self::Role | Self::User | Self::RoleMapping => {
                Some(Backend::Elasticsearch)
            }
            Self::StatePolicy
            | Self::OpensearchTenant
            | Self::OpensearchRole
            | Self::OpensearchUser
            | Self::OpensearchRoleMapping => Some(Backend::Opensearch),
        }
    }

    /// Whether a PUT has a body. A data stream takes everything from its index
    /// template, and Elasticsearch refuses a body wherever it reads none
    /// (<https://github.com/elastic/elasticsearch/blob/v8.19.0/server/src/main/java/org/elasticsearch/rest/BaseRestHandler.java>);
    /// so its file is `{}`.
    pub fn has_body(self) -> bool {
        self != Self::DataStream
    }

    /// The field that whoever sends it adds to the body, since its value is a
    /// secret and in no file.
    pub fn secret_field(self) -> Option<&'static str> {
        matches!(self, Self::User | Self::OpensearchUser).then_some("password")
    }
}

/// The path of an API object: its kind and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectPath {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// Why a file is no API object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum ObjectError {
    /// Its path is none of a known API.
    #[error("`{0}` isn't the path of an API object that logfleet knows")]
    UnknownPath(String),
    /// Its name would have to be encoded, so that the path isn't the API's.
    #[error("`{0}` has a character that can't be in a URL's path as it is")]
    Name(String),
    /// Its body isn't JSON.
    #[error("the body isn't JSON: {0}")]
    Json(String),
    /// Its body isn't a map.
    #[error("the body isn't a JSON object")]
    NotAMap,
    /// It has a body, and its kind has none.
    #[error("the file must be `{{}}`, since the request has no body")]
    Body,
    /// Its name tells a digest that isn't its body's.
    #[error(transparent)]
    Content(#[from] ContentNameError),
}

impl ObjectPath {
    /// Reads the path of a file below `elasticsearch/<destination>/`.
    pub fn parse(path: &str) -> Result<Self, ObjectError> {
        let unknown = || ObjectError::UnknownPath(path.to_owned());
        let (api, file) = path.rsplit_once('/').ok_or_else(unknown)?;
        let name = file.strip_suffix(".json").ok_or_else(unknown)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.api() == api);
        let kind = kind.filter(|_| !name.is_empty()).ok_or_else(unknown)?;
        if !name.chars().all(is_plain_in_url) {
            return Err(ObjectError::Name(path.to_owned()));
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }

    /// The file's path below `elasticsearch/<destination>/`.
    pub fn file(&self) -> String {
        format!("{self}.json")
    }
}

/// The path of the API, without a leading `/`.
impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.api(), self.name)
    }
}

/// Whether a character stands for itself in a part of a URL's path: `pchar` of
/// <https://www.rfc-editor.org/rfc/rfc3986#section-3.3>, but for `%`.
fn is_plain_in_url(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c)
}

/// An API object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its path.
    pub path: ObjectPath,
    /// The content of its file.
    pub content: Value,
}

impl Object {
    /// Reads a file, and sees that a name that tells a digest fits it.
    pub fn read(path: ObjectPath, bytes: &[u8]) -> Result<Self, ObjectError> {
        let content: Value =
            serde_json::from_slice(bytes).map_err(|error| ObjectError::Json(error.to_string()))?;
        let map = content.as_object().ok_or(ObjectError::NotAMap)?;
        if !path.kind.has_body() && !map.is_empty() {
            return Err(ObjectError::Body);
        }
        verify_content_name(&path.name, bytes)?;
        Ok(Self { path, content })
    }

    /// The body of the PUT, as far as a file can have it: see [`Kind::secret_field`].
    pub fn body(&self) -> Option<&Value> {
        self.path.kind.has_body().then_some(&self.content)
    }

    /// Patterns and priority, if it is an index template.
    pub fn template(&self) -> Option<Template> {
        let is_template = self.path.kind == Kind::IndexTemplate;
        is_template.then(|| Template::of(&self.content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_listed_in_their_order_and_have_paths_of_their_own() {
        assert!(Kind::ALL.is_sorted());
        for kind in Kind::ALL {
            let path = ObjectPath {
                kind,
                name: "logs-a@b".to_owned(),
            };
            assert_eq!(ObjectPath::parse(&path.file()), Ok(path));
        }
    }

    #[test]
    fn a_path_of_no_known_api_is_refused() {
        for path in [
            "_ingest/pipeline/a.json",
            "_index_template/a",
            "_index_template/.json",
            "_index_template/a/b.json",
            "_plugins/_security/api/a.json",
            "a.json",
        ] {
            let error = ObjectPath::parse(path);
            assert_eq!(error, Err(ObjectError::UnknownPath(path.to_owned())));
        }
        for name in ["a b", "a%20b", "a?b", "ä"] {
            let path = format!("_index_template/{name}.json");
            assert_eq!(ObjectPath::parse(&path), Err(ObjectError::Name(path)));
        }
    }

    fn read(path: &str, text: &str) -> Result<Object, ObjectError> {
        Object::read(ObjectPath::parse(path)?, text.as_bytes())
    }

    #[test]
    fn a_data_stream_is_sent_without_a_body_and_others_with_theirs() {
        let stream = read("_data_stream/logs-a.json", "{}\n").expect("a data stream");
        assert_eq!(stream.body(), None);
        assert_eq!(
            read("_data_stream/logs-a.json", "{\"a\": 1}"),
            Err(ObjectError::Body)
        );
        let role = read("_security/role/a.json", "{\"cluster\": []}").expect("a role");
        assert_eq!(role.body(), Some(&role.content));
        assert_eq!(
            read("_security/role/a.json", "[]"),
            Err(ObjectError::NotAMap)
        );
        assert!(matches!(
            read("_security/role/a.json", "{"),
            Err(ObjectError::Json(_))
        ));
    }
}
