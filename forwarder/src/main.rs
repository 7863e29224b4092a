//! The program: the function's handler when Lambda starts it, and commands for people.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use aws_credential_types::Credentials;
use lambda_runtime::{LambdaEvent, service_fn};
use logfleet_contract::account::{self, AccountConfiguration};
use logfleet_contract::forwarder::{CONFIGURATION_VARIABLE, Configuration};
use logfleet_forwarder::aws::Place;
use logfleet_forwarder::distribute::Distributor;
use logfleet_forwarder::handle::{Context, Forwarder};
use serde_json::value::RawValue;

mod commands;

const HELP: &str = "\
Ships AWS logs to Elasticsearch and OpenSearch.

Usage:
  logfleet-forwarder                       run as an AWS Lambda function
  logfleet-forwarder explain <EVENT.json   print what would be sent for an event, without sending it
  logfleet-forwarder replay [OPTIONS]      resend what was put aside in the bucket

Options of replay:
  --shelf <retry|dead>    the folder to resend [default: dead]
  --stream <DATA STREAM>  only documents for this data stream
  --reason <TYPE>         only documents that were refused with this error type
  --from <TIME>           only objects put aside at this time or later, such as 2026-11-29T00:00:00Z
  --until <TIME>          only objects put aside before this time
  --dry-run               print the objects, without sending anything

Environment:
  LOGFLEET_CONFIGURATION  the function's configuration
  LOGFLEET_ACCOUNT_CONFIGURATION  an account's configuration: runs as its distributor
  AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
  AWS_ENDPOINT_URL        endpoint of all AWS services, instead of their own
";

#[expect(
    clippy::disallowed_methods,
    reason = "only `main` reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn needed(name: &str) -> Result<String, String> {
    variable(name).ok_or_else(|| format!("the environment has no {name}"))
}

fn configuration() -> Result<Configuration, String> {
    let text = needed(CONFIGURATION_VARIABLE)?;
    Configuration::parse(&text).map_err(|error| format!("{CONFIGURATION_VARIABLE}: {error}"))
}

fn place() -> Result<Place, String> {
    let credentials = Credentials::new(
        needed("AWS_ACCESS_KEY_ID")?,
        needed("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    Ok(Place {
        region: needed("AWS_REGION")?,
        credentials,
        endpoint: variable("AWS_ENDPOINT_URL"),
    })
}

fn forwarder() -> Result<Forwarder, String> {
    let function = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "replay".to_owned());
    Forwarder::new(configuration()?, place()?, &function).map_err(|error| error.to_string())
}

/// Prints a line; one that can't be printed is lost.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What the function is: that of a cluster, or that of an account.
#[derive(Debug)]
enum Function {
    Forwarder(Box<Forwarder>),
    Distributor(Box<Distributor>),
}

fn function() -> Result<Function, String> {
    let Some(text) = variable(account::CONFIGURATION_VARIABLE) else {
        return Ok(Function::Forwarder(Box::new(forwarder()?)));
    };
    let configuration = AccountConfiguration::parse(&text)
        .map_err(|error| format!("{}: {error}", account::CONFIGURATION_VARIABLE))?;
    let name = needed("AWS_LAMBDA_FUNCTION_NAME")?;
    let distributor = Distributor::new(configuration, place()?, &name);
    let distributor = distributor.map_err(|error| error.to_string())?;
    Ok(Function::Distributor(Box::new(distributor)))
}

/// Answers Lambda's calls, one after another.
async fn serve() -> Result<(), String> {
    let function = Arc::new(function()?);
    let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        async move {
            let context = Context {
                request: event.context.request_id,
                deadline: event.context.deadline,
            };
            let event = event.payload.get();
            let outcome = match &*function {
                Function::Forwarder(own) => own.handle(event, &context).await,
                Function::Distributor(own) => own.handle(event, &context).await,
            };
            print(&outcome.line);
            outcome
                .result
                .map_err(|failed| lambda_runtime::Error::from(failed.to_string()))
        }
    });
    lambda_runtime::run(handler)
        .await
        .map_err(|error| error.to_string())
}

fn run(arguments: &[String]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut words = arguments.iter().map(String::as_str);
    match words.next() {
        None if variable("AWS_LAMBDA_RUNTIME_API").is_some() => runtime.block_on(serve()),
        // Lambda names the handler to some runtimes; `bootstrap` needs none.
        Some("explain") if words.next().is_none() => {
            let mut event = String::new();
            std::io::stdin()
                .read_to_string(&mut event)
                .map_err(|error| error.to_string())?;
            commands::explain(
                &configuration()?,
                &event,
                &variable("AWS_REGION").unwrap_or_default(),
                print,
            )
        }
        Some("replay") => {
            let options = commands::options(&arguments[1..])?;
            runtime.block_on(commands::replay(&forwarder()?, &options, print))
        }
        Some("--help" | "-h") => {
            print(HELP.trim_end());
            Ok(())
        }
        _ => Err(format!("wrong use\n\n{}", HELP.trim_end())),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "logfleet-forwarder: {error}");
            ExitCode::FAILURE
        }
    }
}
