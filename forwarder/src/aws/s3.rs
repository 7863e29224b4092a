//! S3, as far as objects are put aside, read, listed and removed.

use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;

use super::{Aws, AwsError};
use crate::time;

/// Where an object is.
fn url(aws: &Aws, bucket: &str, key: &str) -> String {
    let key: String = key.bytes().map(encoded).collect();
    match &aws.place.endpoint {
        Some(_) => format!("{}/{bucket}/{key}", aws.host("s3")),
        None => format!(
            "https://{bucket}.s3.{}.{}/{key}",
            aws.place.region, aws.suffix
        ),
    }
}

/// A byte of a key in a path.
fn encoded(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

/// Writes an object.
pub async fn put(
    aws: &Aws,
    bucket: &str,
    key: &str,
    body: impl Into<Bytes>,
) -> Result<(), AwsError> {
    let request = Request::put(url(aws, bucket, key));
    aws.call("s3", "PutObject", request, body).await?;
    Ok(())
}

/// Reads an object; none if there is no such one.
pub async fn get(aws: &Aws, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, AwsError> {
    let request = Request::get(url(aws, bucket, key));
    match aws.call("s3", "GetObject", request, Bytes::new()).await {
        Ok(response) => Ok(Some(response.body)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// An object that is read piece by piece.
#[derive(Debug)]
pub struct Opened {
    /// Its content from there on.
    pub body: Incoming,
    /// What tells this version of it from others.
    pub version: String,
    /// When it was written, in milliseconds.
    pub written: Option<i64>,
}

/// Opens an object at a byte; none if there is no such one, or no more of it.
pub async fn open(
    aws: &Aws,
    bucket: &str,
    key: &str,
    from: u64,
) -> Result<Option<Opened>, AwsError> {
    const ACTION: &str = "GetObject";
    let mut request = Request::get(url(aws, bucket, key));
    if from > 0 {
        request = request.header("range", format!("bytes={from}-"));
    }
    let mut request = request
        .body(Bytes::new())
        .map_err(|error| AwsError::strange(ACTION, &error))?;
    aws.sign(&mut request, &aws.place.region, "s3")
        .map_err(|error| AwsError::strange(ACTION, &error))?;
    let (parts, body) = aws
        .client
        .open(request)
        .await
        .map_err(|error| AwsError::Unanswered {
            action: ACTION.to_owned(),
            error,
        })?;
    let header = |name: &str| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some(value.trim_matches('"').to_owned())
    };
    match parts.status.as_u16() {
        200 | 206 => Ok(Some(Opened {
            version: header("x-amz-version-id")
                .or_else(|| header("etag"))
                .unwrap_or_default(),
            written: header("last-modified").and_then(|own| {
                let date = httpdate::parse_http_date(&own).ok()?;
                i64::try_from(date.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis()).ok()
            }),
            body,
        })),
        404 | 416 => Ok(None),
        status => Err(AwsError::Refused {
            action: ACTION.to_owned(),
            status,
            code: "no reason".to_owned(),
        }),
    }
}

/// Removes an object.
pub async fn delete(aws: &Aws, bucket: &str, key: &str) -> Result<(), AwsError> {
    let request = Request::delete(url(aws, bucket, key));
    aws.call("s3", "DeleteObject", request, Bytes::new())
        .await?;
    Ok(())
}

/// An object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was written, in milliseconds.
    pub written: i64,
}

/// A part of a list: objects below a prefix, sorted by key, and how to ask for the next part.
pub async fn list(
    aws: &Aws,
    bucket: &str,
    prefix: &str,
    token: Option<&str>,
) -> Result<(Vec<Listed>, Option<String>), AwsError> {
    const ACTION: &str = "ListObjectsV2";
    let query = |text: &str| -> String {
        text.bytes()
            .map(|byte| {
                if byte == b'/' {
                    "%2F".into()
                } else {
                    encoded(byte)
                }
            })
            .collect()
    };
    let mut url = format!(
        "{}?list-type=2&prefix={}",
        url(aws, bucket, ""),
        query(prefix)
    );
    if let Some(token) = token {
        url = format!("{url}&continuation-token={}", query(token));
    }
    let response = aws
        .call("s3", ACTION, Request::get(url), Bytes::new())
        .await?;
    let text = str::from_utf8(&response.body).map_err(|error| AwsError::strange(ACTION, &error))?;
    read_list(text).ok_or_else(|| AwsError::strange(ACTION, &"no list"))
}

fn read_list(xml: &str) -> Option<(Vec<Listed>, Option<String>)> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let root = document.root_element();
    let text = |node: roxmltree::Node<'_, '_>, name: &str| {
        let own = node
            .children()
            .find(|child| child.tag_name().name() == name)?;
        Some(own.text().unwrap_or_default().to_owned())
    };
    let contents = root
        .children()
        .filter(|child| child.tag_name().name() == "Contents");
    let objects: Option<Vec<Listed>> = contents
        .map(|node| {
            Some(Listed {
                key: text(node, "Key")?,
                written: time::parse(&text(node, "LastModified")?)?,
            })
        })
        .collect();
    Some((objects?, text(root, "NextContinuationToken")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_what_comes_after_it() {
        let xml = r#"<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><IsTruncated>true</IsTruncated><NextContinuationToken>t=</NextContinuationToken><Contents><Key>retry/a</Key><LastModified>2026-11-28T21:06:40.000Z</LastModified><Size>5</Size></Contents></ListBucketResult>"#;
        let listed = Listed {
            key: "retry/a".into(),
            written: 1_795_900_000_000,
        };
        assert_eq!(read_list(xml), Some((vec![listed], Some("t=".into()))));
        assert_eq!(read_list("<html"), None);
        assert_eq!(encoded(b' '), "%20");
    }
}
