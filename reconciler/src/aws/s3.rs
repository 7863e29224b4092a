//! Objects of buckets. IO.

use jiff::Timestamp;

use super::query::encoded;
use super::{Answer, Aws, AwsError, Call, Element};

/// The most pages of a list that are read; a page has 1,000 objects.
const MOST_PAGES: usize = 20;

/// What must be so for an object to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Any,
    /// There is no such object.
    Missing,
    /// It is the one that was read.
    Unchanged(String),
}

/// An object, and its `ETag`; none if there is no such object.
pub fn get(aws: &Aws, bucket: &str, key: &str) -> Result<Option<(Vec<u8>, String)>, AwsError> {
    match send(aws, "GetObject", "GET", bucket, key, Vec::new(), Vec::new()) {
        Ok(answer) => {
            let etag = answer
                .etag
                .ok_or_else(|| AwsError::strange("GetObject", &"the answer has no ETag"))?;
            Ok(Some((answer.body, etag)))
        }
        Err(error) if error.code() == "NoSuchKey" => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes an object, and returns its `ETag`
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).
pub fn put(
    aws: &Aws,
    bucket: &str,
    key: &str,
    bytes: Vec<u8>,
    condition: &Condition,
) -> Result<String, AwsError> {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    match condition {
        Condition::Any => {}
        Condition::Missing => headers.push(("if-none-match", "*".to_owned())),
        Condition::Unchanged(etag) => headers.push(("if-match", etag.clone())),
    }
    let answer = send(aws, "PutObject", "PUT", bucket, key, headers, bytes)?;
    Ok(answer.etag.unwrap_or_default())
}

/// An object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was written, to the second.
    pub modified: Timestamp,
}

/// Objects whose keys begin so, 20,000 at most
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>).
pub fn list(aws: &Aws, bucket: &str, prefix: &str) -> Result<Vec<Listed>, AwsError> {
    const ACTION: &str = "ListBucket";
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let next = token.map(|own| format!("&continuation-token={}", encoded(&own)));
        let url = format!(
            "{}/?list-type=2&prefix={}{}",
            aws.bucket(bucket),
            encoded(prefix),
            next.unwrap_or_default()
        );
        let answer = aws.send(&Call {
            service: "s3",
            action: ACTION,
            method: "GET",
            url,
            headers: Vec::new(),
            body: Vec::new(),
        })?;
        let page =
            Element::parse(&answer.body).map_err(|error| AwsError::strange(ACTION, &error))?;
        for own in page.children.iter().filter(|own| own.name == "Contents") {
            let modified = own.string_of("LastModified");
            let modified = modified.parse();
            all.push(Listed {
                key: own.string_of("Key"),
                modified: modified.map_err(|error| AwsError::strange(ACTION, &error))?,
            });
        }
        token = page.text_of("NextContinuationToken").map(ToOwned::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok(all)
}

/// The address of an object, as CloudFormation takes it.
pub fn address(aws: &Aws, bucket: &str, key: &str) -> String {
    // CloudFormation wants AWS's own address, wherever the object was sent.
    format!(
        "https://{bucket}.s3.{}.{}/{}",
        aws.region(),
        aws.partition().1,
        path(key)
    )
}

fn path(key: &str) -> String {
    let parts: Vec<String> = key.split('/').map(encoded).collect();
    parts.join("/")
}

fn send(
    aws: &Aws,
    action: &str,
    method: &'static str,
    bucket: &str,
    key: &str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
) -> Result<Answer, AwsError> {
    aws.send(&Call {
        service: "s3",
        action,
        method,
        url: format!("{}/{}", aws.bucket(bucket), path(key)),
        headers,
        body,
    })
}
