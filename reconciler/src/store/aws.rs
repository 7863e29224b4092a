//! AWS Secrets Manager. IO.
//!
//! The stages of a version are AWS's own: `AWSPENDING` for one that is made, `AWSCURRENT` for the one that
//! is handed out, `AWSPREVIOUS` for the one before, which AWS sets by itself
//! (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>).
//! The forwarder reads `AWSCURRENT` and then `AWSPREVIOUS`.

use std::collections::BTreeMap;

use logfleet_contract::secrets::SecretArn;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Secret, SecretStore, Stored};
use crate::aws::{Access, Accounts, Aws, AwsError, sts};
use crate::credential::Layout;
use crate::fault::Fault;
use crate::random;
use crate::settings::SecretsManager;

/// Days in which a deleted secret can be restored by hand. AWS allows 7 to 30:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>.
const RECOVERY_DAYS: i64 = 7;

const SERVICE: &str = "secretsmanager";

const PENDING: &str = "AWSPENDING";
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The tag by which secrets that are ours are known.
const MANAGED_BY: (&str, &str) = ("managed-by", "logfleet-reconciler");

/// A store in one account and Region.
#[derive(Debug)]
pub struct AwsStore {
    place: String,
    accounts: Accounts,
    region: String,
    role_arn: Option<String>,
}

/// What `GetSecretValue` answers, of which only the text is wanted.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "SecretString", default)]
    text: String,
}

/// What `DescribeSecret` answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    deleted_date: Option<Value>,
    #[serde(default)]
    version_ids_to_stages: BTreeMap<String, Vec<String>>,
}

impl Description {
    fn version_with(&self, stage: &str) -> Option<&str> {
        let mut all = self.version_ids_to_stages.iter();
        let found = all.find(|(_, stages)| stages.iter().any(|one| one == stage));
        found.map(|(id, _)| id.as_str())
    }
}

impl AwsStore {
    /// Signs in by AWS's default chain (environment, web identity of a pod, machine's role), and assumes the
    /// store's role where it has one. Nothing is sent before it is needed.
    pub fn new(name: &str, settings: &SecretsManager) -> Result<Self, Fault> {
        let place = format!("secret_stores.{name}");
        let access = Access {
            endpoint: settings.endpoint_url.clone(),
            external_id: settings.external_id.clone(),
            ..Access::default()
        };
        let accounts = Accounts::sign_in(access).map_err(|error| error.fault(&place))?;
        Ok(Self {
            place,
            accounts,
            region: settings.region.clone(),
            role_arn: settings.role_arn.clone(),
        })
    }

    fn aws(&self) -> Result<Aws, AwsError> {
        match &self.role_arn {
            Some(role) => self.accounts.assumed(role, &self.region),
            None => self.accounts.own(&self.region),
        }
    }

    fn call(&self, action: &str, body: &Value) -> Result<Value, AwsError> {
        self.aws()?
            .json(SERVICE, &format!("secretsmanager.{action}"), body)
    }

    fn fault(&self, name: &str, error: &AwsError) -> Fault {
        error.fault(format!("{}: {name}", self.place))
    }

    /// A version, or why it is no credential; none where there is none.
    fn version(
        &self,
        name: &str,
        layout: &Layout,
        stage: &str,
    ) -> Result<Option<Result<Secret, String>>, Fault> {
        let body = json!({ "SecretId": name, "VersionStage": stage });
        let answer = self
            .aws()
            .and_then(|aws| aws.json_answer(SERVICE, "secretsmanager.GetSecretValue", &body));
        let answer = match answer {
            Ok(answer) => Zeroizing::new(answer),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(self.fault(name, &error)),
        };
        // Says nothing of the answer: it holds the secret.
        let strange = |why| Fault::new(format!("{}: {name}", self.place), why);
        let mut version: Version = serde_json::from_slice(&answer)
            .map_err(|_| strange("GetSecretValue: unexpected response"))?;
        let secret = Secret::parse(&version.text, layout);
        version.text.zeroize();
        Ok(Some(secret))
    }

    fn describe(&self, name: &str) -> Result<Description, Fault> {
        let answer = self
            .call("DescribeSecret", &json!({ "SecretId": name }))
            .map_err(|error| self.fault(name, &error))?;
        serde_json::from_value(answer)
            .map_err(|error| self.fault(name, &AwsError::strange("DescribeSecret", &error)))
    }

    /// Makes the secret, or takes back one that waits for its deletion.
    fn make(&self, secret: &str) -> Result<(), Fault> {
        let name = match SecretArn::read(secret) {
            Some(_) if self.is_there(secret)? => return self.take_back(secret),
            Some(arn) => self.name_of(secret, &arn)?,
            None => secret,
        };
        let (key, value) = MANAGED_BY;
        let body = json!({
            "Name": name,
            "Description": "Managed by logfleet",
            "Tags": [{ "Key": key, "Value": value }],
        });
        match self.call("CreateSecret", &body) {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == "ResourceExistsException" => {}
            Err(error) if is_being_deleted(&error) => {}
            Err(error) => return Err(self.fault(secret, &error)),
        }
        self.take_back(name)
    }

    /// Whether there is a secret, maybe one that waits for its deletion.
    fn is_there(&self, arn: &str) -> Result<bool, Fault> {
        match self.call("DescribeSecret", &json!({ "SecretId": arn })) {
            Ok(_) => Ok(true),
            Err(error) if error.code() == "ResourceNotFoundException" => Ok(false),
            Err(error) => Err(self.fault(arn, &error)),
        }
    }

    /// The name to make a secret by that is referred to by its ARN.
    fn name_of<'t>(&self, secret: &str, arn: &SecretArn<'t>) -> Result<&'t str, Fault> {
        let fault = |message: &str| Fault::new(format!("{}: {secret}", self.place), message);
        let by_name = format!(
            "write `aws-secretsmanager:{}` in `authentication.secret`; the reconciler then makes the secret",
            arn.name
        );
        if arn.is_complete {
            return Err(fault("no secret has this ARN; AWS chooses the last six characters when it makes a secret").hint(by_name));
        }
        let account = match self
            .role_arn
            .as_deref()
            .and_then(|role| role.split(':').nth(4))
        {
            Some(account) => account.to_owned(),
            None => self
                .aws()
                .and_then(|own| sts::caller_account(&own))
                .map_err(|error| self.fault(secret, &error))?,
        };
        if (arn.region, arn.account) != (self.region.as_str(), account.as_str()) {
            let message = format!(
                "no secret has this ARN, and this store makes secrets in the account {account} in {} only",
                self.region
            );
            return Err(fault(&message).hint(format!("make the secret yourself, or {by_name}")));
        }
        Ok(arn.name)
    }

    /// Takes a secret back if it waits for its deletion.
    fn take_back(&self, name: &str) -> Result<(), Fault> {
        if self.describe(name)?.deleted_date.is_none() {
            return Ok(());
        }
        self.call("RestoreSecret", &json!({ "SecretId": name }))
            .map(drop)
            .map_err(|error| self.fault(name, &error))
    }

    fn move_stage(
        &self,
        name: &str,
        stage: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), Fault> {
        let mut body = json!({ "SecretId": name, "VersionStage": stage });
        for (key, id) in [("MoveToVersionId", to), ("RemoveFromVersionId", from)] {
            if let Some(id) = id {
                body[key] = Value::from(id);
            }
        }
        self.call("UpdateSecretVersionStage", &body)
            .map(drop)
            .map_err(|error| self.fault(name, &error))
    }
}

/// No such secret, no such version, or a secret that is being deleted.
fn is_absent(error: &AwsError) -> bool {
    error.code() == "ResourceNotFoundException" || is_being_deleted(error)
}

fn is_being_deleted(error: &AwsError) -> bool {
    let message = error.to_string();
    message.contains("deletion") || message.contains("marked deleted")
}

impl SecretStore for AwsStore {
    fn read(&self, name: &str, layout: &Layout) -> Result<Stored, Fault> {
        let version = |stage| self.version(name, layout, stage);
        let (current, strange) = match version(CURRENT)? {
            Some(Ok(secret)) => (Some(secret), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        Ok(Stored {
            current,
            pending: version(PENDING)?.and_then(Result::ok),
            previous: version(PREVIOUS)?.and_then(Result::ok),
            strange,
        })
    }

    fn put_pending(&self, name: &str, layout: &Layout, secret: &Secret) -> Result<(), Fault> {
        self.make(name)?;
        let mut body = json!({
            "SecretId": name,
            // A request that is sent again makes the same version:
            // <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>.
            "ClientRequestToken": random::hex(16)?,
            "SecretString": secret.to_text(layout).as_str(),
            "VersionStages": [PENDING],
        });
        let stored = self.call("PutSecretValue", &body);
        if let Some(Value::String(text)) = body.get_mut("SecretString") {
            text.zeroize();
        }
        stored.map(drop).map_err(|error| self.fault(name, &error))
    }

    fn promote(&self, name: &str, layout: &Layout, identifier: &str) -> Result<(), Fault> {
        let version = |stage| Ok(self.version(name, layout, stage)?.and_then(Result::ok));
        let (current, pending) = (version(CURRENT)?, version(PENDING)?);
        let described = self.describe(name)?;
        let (at_pending, at_current) = (
            described.version_with(PENDING),
            described.version_with(CURRENT),
        );
        let is = |secret: &Option<Secret>| {
            secret
                .as_ref()
                .is_some_and(|secret| secret.identifier == identifier)
        };
        if is(&pending) {
            // AWS makes the first version of a secret the current one by itself.
            if at_pending != at_current {
                self.move_stage(name, CURRENT, at_pending, at_current)?;
            }
        } else if !is(&current) {
            let message = format!("holds no credential of `{identifier}`, which was stored there");
            return Err(Fault::new(format!("{}: {name}", self.place), message)
                .hint("find out who else writes to this secret"));
        }
        match at_pending {
            Some(id) => self.move_stage(name, PENDING, None, Some(id)),
            None => Ok(()),
        }
    }

    fn delete(&self, name: &str) -> Result<(), Fault> {
        let body = json!({ "SecretId": name, "RecoveryWindowInDays": RECOVERY_DAYS });
        match self.call("DeleteSecret", &body) {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(self.fault(name, &error)),
        }
    }
}
