//! Lists of tagged resources. IO.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::{Aws, AwsError};

/// A resource and its tags.
pub type Resource = (String, BTreeMap<String, String>);

/// All resources of some types that have, or had, tags
/// (<https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>).
pub fn resources(aws: &Aws, types: &BTreeSet<&str>) -> Result<Vec<Resource>, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(default)]
        pagination_token: Option<String>,
        resource_tag_mapping_list: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        #[serde(rename = "ResourceARN")]
        arn: String,
        #[serde(rename = "Tags", default)]
        tags: Vec<Tag>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Tag {
        key: String,
        value: String,
    }
    const TARGET: &str = "ResourceGroupsTaggingAPI_20170126.GetResources";
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let mut body = json!({ "ResourceTypeFilters": types, "ResourcesPerPage": 100 });
        if !token.is_empty() {
            body["PaginationToken"] = token.into();
        }
        let answer = aws.json("tagging", TARGET, &body)?;
        let answer: Answer = serde_json::from_value(answer)
            .map_err(|error| AwsError::strange("GetResources", &error))?;
        found.extend(answer.resource_tag_mapping_list.into_iter().map(|item| {
            let tags = item.tags.into_iter().map(|tag| (tag.key, tag.value));
            (item.arn, tags.collect())
        }));
        token = answer.pagination_token.unwrap_or_default();
        if token.is_empty() {
            return Ok(found);
        }
    }
}
