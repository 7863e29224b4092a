//! AWS Secrets Manager. IO.
//!
//! The stages of a version are AWS's own: `AWSPENDING` for one that is made, `AWSCURRENT` for the one that
//! is handed out, `AWSPREVIOUS` for the one before, which AWS sets by itself
//! (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>).
//! The forwarder reads `AWSCURRENT` and then `AWSPREVIOUS`.

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::types::Tag;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use secrecy::SecretString;
use tokio::runtime::Runtime;

use super::{Secret, SecretStore, Stored};
use crate::fault::Fault;
use crate::settings::SecretsManager;

/// Days in which a deleted secret can be restored by hand. AWS allows 7 to 30:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>.
const RECOVERY_DAYS: i64 = 7;

const PENDING: &str = "AWSPENDING";
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The tag by which secrets that are ours are known.
const MANAGED_BY: (&str, &str) = ("managed-by", "logfleet-reconciler");

/// A store in one account and Region.
#[derive(Debug)]
pub struct AwsStore {
    place: String,
    runtime: Runtime,
    client: Client,
}

impl AwsStore {
    /// Signs in by AWS's default chain (environment, web identity of a pod, machine's role), and assumes the
    /// store's role where it has one.
    pub fn new(name: &str, settings: &SecretsManager) -> Result<Self, Fault> {
        let place = format!("secret_stores.{name}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Fault::new(&place, format!("no runtime for AWS: {error}")))?;
        let http = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let client = runtime.block_on(async {
            let mut loader = aws_config::defaults(BehaviorVersion::latest())
                .http_client(http)
                .region(Region::new(settings.region.clone()));
            if let Some(url) = &settings.endpoint_url {
                loader = loader.endpoint_url(url);
            }
            let base = loader.load().await;
            let Some(role) = &settings.role_arn else {
                return Client::new(&base);
            };
            let assumed = AssumeRoleProvider::builder(role)
                .session_name("logfleet-reconciler")
                .configure(&base)
                .build()
                .await;
            let config =
                aws_sdk_secretsmanager::config::Builder::from(&base).credentials_provider(assumed);
            Client::from_conf(config.build())
        });
        Ok(Self {
            place,
            runtime,
            client,
        })
    }

    fn fault<E, R>(&self, name: &str, action: &str, error: &SdkError<E, R>) -> Fault
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
        SdkError<E, R>: std::error::Error,
    {
        let said = Fault::quoting(&DisplayErrorContext(error).to_string());
        let fault = Fault::new(
            format!("{}: {name}", self.place),
            format!("{action}: {said}"),
        );
        match error.code() {
            Some("AccessDeniedException") => fault.hint("give the reconciler's role this action on this secret"),
            Some(_) => fault,
            None => fault.hint("see that the reconciler has credentials of AWS and reaches Secrets Manager in this Region"),
        }
    }

    fn version(&self, name: &str, stage: &str) -> Result<Option<Secret>, Fault> {
        let call = self
            .client
            .get_secret_value()
            .secret_id(name)
            .version_stage(stage);
        match self.runtime.block_on(call.send()) {
            Ok(answer) => {
                let text = answer.secret_string.map(SecretString::from);
                let text = text
                    .as_ref()
                    .map_or("", |text| secrecy::ExposeSecret::expose_secret(text));
                let secret = Secret::parse(text)
                    .map_err(|why| Fault::new(format!("{}: {name}", self.place), why))?;
                Ok(Some(secret))
            }
            Err(error) if is_absent(error.code(), error.message()) => Ok(None),
            Err(error) => Err(self.fault(name, "GetSecretValue", &error)),
        }
    }

    /// Makes the secret, or takes back one that waits for its deletion.
    fn make(&self, name: &str) -> Result<(), Fault> {
        let (key, value) = MANAGED_BY;
        let tag = Tag::builder().key(key).value(value).build();
        let call = self.client.create_secret().name(name).tags(tag);
        let call = call.description("Managed by logfleet");
        match self.runtime.block_on(call.send()) {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == Some("ResourceExistsException") => {}
            Err(error) if is_being_deleted(error.message()) => {}
            Err(error) => return Err(self.fault(name, "CreateSecret", &error)),
        }
        let described = self.client.describe_secret().secret_id(name).send();
        let described = self
            .runtime
            .block_on(described)
            .map_err(|error| self.fault(name, "DescribeSecret", &error))?;
        if described.deleted_date.is_none() {
            return Ok(());
        }
        let restored = self.client.restore_secret().secret_id(name).send();
        let restored = self.runtime.block_on(restored);
        restored
            .map(drop)
            .map_err(|error| self.fault(name, "RestoreSecret", &error))
    }

    fn move_stage(
        &self,
        name: &str,
        stage: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), Fault> {
        let call = self
            .client
            .update_secret_version_stage()
            .secret_id(name)
            .version_stage(stage);
        let call = call
            .set_move_to_version_id(to.map(ToOwned::to_owned))
            .set_remove_from_version_id(from.map(ToOwned::to_owned));
        let moved = self.runtime.block_on(call.send());
        moved
            .map(drop)
            .map_err(|error| self.fault(name, "UpdateSecretVersionStage", &error))
    }
}

/// No such secret, no such version, or a secret that is being deleted.
fn is_absent(code: Option<&str>, message: Option<&str>) -> bool {
    code == Some("ResourceNotFoundException") || is_being_deleted(message)
}

fn is_being_deleted(message: Option<&str>) -> bool {
    message
        .is_some_and(|message| message.contains("deletion") || message.contains("marked deleted"))
}

impl SecretStore for AwsStore {
    fn read(&self, name: &str) -> Result<Stored, Fault> {
        Ok(Stored {
            current: self.version(name, CURRENT)?,
            pending: self.version(name, PENDING)?,
            previous: self.version(name, PREVIOUS)?,
        })
    }

    fn put_pending(&self, name: &str, secret: &Secret) -> Result<(), Fault> {
        self.make(name)?;
        let call = self
            .client
            .put_secret_value()
            .secret_id(name)
            .secret_string(secret.to_text().as_str())
            .version_stages(PENDING);
        let stored = self.runtime.block_on(call.send());
        stored
            .map(drop)
            .map_err(|error| self.fault(name, "PutSecretValue", &error))
    }

    fn promote(&self, name: &str, username: &str) -> Result<(), Fault> {
        let current = self.version(name, CURRENT)?;
        let pending = self.version(name, PENDING)?;
        let described = self
            .runtime
            .block_on(self.client.describe_secret().secret_id(name).send());
        let described = described.map_err(|error| self.fault(name, "DescribeSecret", &error))?;
        let versions = described.version_ids_to_stages.unwrap_or_default();
        let with = |stage: &str| {
            let mut all = versions.iter();
            let found = all.find(|(_, stages)| stages.iter().any(|one| one == stage));
            found.map(|(id, _)| id.as_str())
        };
        let is = |secret: &Option<Secret>| {
            secret
                .as_ref()
                .is_some_and(|secret| secret.username == username)
        };
        if is(&pending) {
            // AWS makes the first version of a secret the current one by itself.
            if with(PENDING) != with(CURRENT) {
                self.move_stage(name, CURRENT, with(PENDING), with(CURRENT))?;
            }
        } else if !is(&current) {
            let message = format!("holds no password of `{username}`, which was stored there");
            return Err(Fault::new(format!("{}: {name}", self.place), message)
                .hint("see who else writes this secret"));
        }
        match with(PENDING) {
            Some(id) => self.move_stage(name, PENDING, None, Some(id)),
            None => Ok(()),
        }
    }

    fn delete(&self, name: &str) -> Result<(), Fault> {
        let call = self
            .client
            .delete_secret()
            .secret_id(name)
            .recovery_window_in_days(RECOVERY_DAYS);
        match self.runtime.block_on(call.send()) {
            Ok(_) => Ok(()),
            Err(error) if is_absent(error.code(), error.message()) => Ok(()),
            Err(error) => Err(self.fault(name, "DeleteSecret", &error)),
        }
    }
}
