//! Why a call of AWS failed. Pure.

use std::fmt::Display;

use super::Element;
use crate::fault::Fault;

/// Why a call of AWS failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// It was refused.
    #[error("{action}: {code}: {message}")]
    Refused {
        /// What was called.
        action: String,
        /// The status of HTTP.
        status: u16,
        /// AWS's name for the reason.
        code: String,
        /// What AWS says.
        message: String,
    },
    /// There was no answer, or it broke off.
    #[error("{action}: {why}")]
    Unanswered {
        /// What was called.
        action: String,
        /// Why.
        why: String,
    },
    /// The answer isn't what it should be.
    #[error("{action}: {what}")]
    Strange {
        /// What was called.
        action: String,
        /// What is wrong with it.
        what: String,
    },
    /// No role is set, and the credential is another account's.
    #[error("the reconciler's credential belongs to the account {own}, and {wanted} is needed")]
    OtherAccount {
        /// The account that is needed.
        wanted: String,
        /// The one that the credential is of.
        own: String,
    },
}

impl AwsError {
    pub(crate) fn strange(action: &str, what: &dyn Display) -> Self {
        Self::Strange {
            action: action.to_owned(),
            what: Fault::quoting(&what.to_string()),
        }
    }

    /// AWS's name for the reason, where it refused.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// The status of HTTP, where AWS refused.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether what was asked for isn't there.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Refused { status: 404, .. } => true,
            // CloudFormation says of a stack that it doesn't know only this.
            Self::Refused { code, message, .. } => {
                code == "ResourceNotFoundException"
                    || code == "ChangeSetNotFound"
                    || (code == "ValidationError" && message.contains("does not exist"))
            }
            _ => false,
        }
    }

    /// Whether the same request may succeed a moment later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unanswered { why, .. } => !why.contains("certificate"),
            Self::Refused { status, code, .. } => {
                *status >= 500 || *status == 429 || is_throttling(code)
            }
            Self::Strange { .. } | Self::OtherAccount { .. } => false,
        }
    }

    /// The fault, with what to do about it.
    pub fn fault(&self, place: impl Into<String>) -> Fault {
        let fault = Fault::new(place, self.to_string());
        match self {
            Self::Refused { .. } if is_of_the_clock(&self.to_string()) => fault.hint(CLOCK),
            Self::OtherAccount { .. } => fault.hint("set `aws.role` to the name of the role to assume in each account"),
            Self::Refused { action, code, .. } if action == "AssumeRole" && code == "AccessDenied" => fault.hint(
                "allow the reconciler's credential to assume the role named by `aws.role`, both in its own policy and in the role's trust policy",
            ),
            Self::Refused { action, code, .. } if code.starts_with("AccessDenied") => {
                fault.hint(format!("allow the role {action}; docs/reconciler-aws.md lists all that it needs"))
            }
            Self::Refused { code, .. } if is_of_the_credential(code) => fault.hint(
                "check the reconciler's own credential: it has expired, or AWS doesn't recognize it",
            ),
            Self::Refused { code, .. } if code == "PreconditionFailed" => fault
                .hint("another run of the reconciler is in progress here; wait until it has ended"),
            Self::Refused { code, .. } if is_throttling(code) => {
                fault.hint("AWS is throttling this account's requests; run again later")
            }
            Self::Unanswered { .. } => fault.hint("check that the reconciler can reach AWS in this Region"),
            _ => fault,
        }
    }
}

/// What to do where [`is_of_the_clock`].
pub(crate) const CLOCK: &str = "correct the clock of the machine that runs the reconciler: AWS rejects signatures that are more than five minutes off";

/// Whether AWS refuses a request since the time in its signature is too far from its own
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>).
pub(crate) fn is_of_the_clock(refusal: &str) -> bool {
    [
        "RequestTimeTooSkewed",
        "RequestExpired",
        "Signature expired",
        "Signature not yet current",
    ]
    .iter()
    .any(|sign| refusal.contains(sign))
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>
fn is_of_the_credential(code: &str) -> bool {
    [
        "ExpiredToken",
        "InvalidClientTokenId",
        "UnrecognizedClient",
        "InvalidAccessKeyId",
    ]
    .iter()
    .any(|own| code.starts_with(own))
}

/// <https://docs.aws.amazon.com/general/latest/gr/api-retries.html>
fn is_throttling(code: &str) -> bool {
    code.contains("Throttl")
        || code.contains("TooManyRequests")
        || matches!(
            code,
            "RequestLimitExceeded"
                | "SlowDown"
                | "PriorRequestNotComplete"
                | "BandwidthLimitExceeded"
        )
}

/// What AWS says of an error, in JSON or XML.
pub(super) fn refused(action: &str, status: u16, body: &[u8]) -> AwsError {
    let (code, message) = from_json(body)
        .or_else(|| from_xml(body))
        .unwrap_or_else(|| {
            let text = String::from_utf8_lossy(body);
            (format!("status {status}"), text.into_owned())
        });
    AwsError::Refused {
        action: action.to_owned(),
        status,
        code,
        message: Fault::quoting(&message),
    }
}

fn from_json(body: &[u8]) -> Option<(String, String)> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = |names: [&str; 2]| {
        let value = names.iter().find_map(|name| json.get(*name)?.as_str());
        value.map(ToOwned::to_owned)
    };
    let code = text(["__type", "code"])?;
    let code = code.rsplit('#').next().unwrap_or(&code).to_owned();
    Some((code, text(["message", "Message"]).unwrap_or_default()))
}

fn from_xml(body: &[u8]) -> Option<(String, String)> {
    let document = Element::parse(body).ok()?;
    let code = document.find("Code")?.text.clone();
    let message = document.find("Message").map(|found| found.text.clone());
    Some((code, message.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> AwsError {
        refused("Action", status, body.as_bytes())
    }

    #[test]
    fn the_reason_is_read_of_each_protocol() {
        let query = "<ErrorResponse xmlns=\"a\"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id x does not exist</Message></Error></ErrorResponse>";
        assert!(of(400, query).is_missing());
        assert_eq!(of(400, query).code(), "ValidationError");
        assert_eq!(
            of(
                400,
                r#"{"__type":"com.amazonaws#ThrottlingException","message":"Rate exceeded"}"#
            )
            .to_string(),
            "Action: ThrottlingException: Rate exceeded"
        );
        assert_eq!(
            of(502, "<html>no</html>").to_string(),
            "Action: status 502: <html>no</html>"
        );
    }

    #[test]
    fn a_wrong_clock_is_named() {
        for body in [
            r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"}"#,
            "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>",
        ] {
            let fault = of(403, body).fault("aws");
            assert_eq!(fault.hints, [CLOCK], "{body}");
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (status, body, passes) in [
            (400, "<E><Code>Throttling</Code></E>", true),
            (429, "{}", true),
            (503, "", true),
            (400, "<E><Code>ValidationError</Code></E>", false),
            (403, "<E><Code>AccessDenied</Code></E>", false),
        ] {
            assert_eq!(of(status, body).is_passing(), passes, "{body}");
        }
    }
}
