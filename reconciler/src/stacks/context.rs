//! What the steps with IO need. IO.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};

use super::formation::{Body, ChangeSet, Formation, Proposal};
use super::observed::{ObservedStack, State};
use super::place::{Place, StackKey};
use super::plan::Ground;
use super::settings::{Aws as Settings, Mark};
use super::template::{MOST_IN_REQUEST, Template};
use crate::aws::{Accounts, Aws, AwsError, s3};
use crate::fault::Fault;
use crate::random;
use crate::work::{Work, ended_early};

/// How often it is looked whether AWS is done.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first pause; each is one and a half times as long as the one before, with jitter.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(20),
        }
    }
}

/// How long CloudFormation may take until a stack shows that something was begun with it.
const BEGINS_WITHIN: Duration = Duration::from_secs(300);

/// What the steps with IO need.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The way to AWS.
    pub accounts: &'a Accounts,
    /// The part `aws` of the settings.
    pub settings: &'a Settings,
    /// How often it is looked whether AWS is done.
    pub pace: Pace,
    /// Hears what a long run is at, and says whether it is to end.
    pub work: Work<'a>,
}

impl Context<'_> {
    /// An account in a Region.
    pub fn aws(&self, place: &Place) -> Result<Aws, AwsError> {
        self.accounts.account(&place.account, &place.region)
    }

    /// CloudFormation there.
    pub fn formation(&self, place: &Place) -> Result<Formation, AwsError> {
        self.aws(place).map(Formation::new)
    }

    /// A change set, made and finished.
    pub fn propose(
        &self,
        key: &StackKey,
        template: &Template,
        cluster: Option<&str>,
        is_new: bool,
        drift: bool,
    ) -> Result<(String, String, ChangeSet), Fault> {
        let place = || key.to_string();
        let told = |error: AwsError| error.fault(place());
        let aws = self.aws(&key.place).map_err(told)?;
        let mark = Mark {
            owner: self.settings.owner.clone(),
            cluster: cluster.map(ToOwned::to_owned),
        };
        let body = self.body(&aws, key, template)?;
        let role = self.settings.cloudformation_role.as_ref();
        let partition = aws.partition().0;
        let formation = Formation::new(aws);
        // What nobody applied is in the way of what is planned now.
        formation
            .withdraw(&key.name, super::formation::CHANGE_SET)
            .map_err(told)?;
        let proposal = Proposal {
            stack: &key.name,
            is_new,
            body,
            mark: &mark,
            role: role
                .map(|role| format!("arn:{partition}:iam::{}:role/{role}", key.place.account)),
            drift,
            token: random::hex(16)?,
        };
        let (id, stack) = formation.propose(&proposal).map_err(told)?;
        let change_set = self.wait(&place(), || {
            let found = formation.change_set(&id, None).map_err(told)?;
            let found = found.ok_or_else(|| {
                Fault::new(place(), "the change set was removed by somebody else").hint("run again")
            })?;
            Ok((!found.is_unfinished()).then_some(found))
        })?;
        Ok((id, stack, change_set))
    }

    /// A template in the request, or in a bucket where it is too large.
    fn body<'t>(
        &self,
        aws: &Aws,
        key: &StackKey,
        template: &'t Template,
    ) -> Result<Body<'t>, Fault> {
        if template.body.len() <= MOST_IN_REQUEST {
            return Ok(Body::Text(&template.body));
        }
        let Some(templates) = &self.settings.templates else {
            let message = format!(
                "its template has {} bytes; a request takes at most {MOST_IN_REQUEST}",
                template.body.len()
            );
            return Err(Fault::new(key.to_string(), message)
                .hint("set `aws.templates.bucket` to a bucket that the role may write and read"));
        };
        let bucket = templates.of(&key.place);
        let object = format!(
            "{}{}/{}/{}.json",
            templates.prefix, self.settings.owner, key.name, template.digest
        );
        let bytes = template.body.clone().into_bytes();
        s3::put(aws, &bucket, &object, bytes, &s3::Condition::Any)
            .map_err(|error| error.fault(format!("s3://{bucket}/{object}")))?;
        Ok(Body::Url(s3::address(aws, &bucket, &object)))
    }

    /// Waits until what was asked for has been done with a stack, and says how it ended. CloudFormation answers before it
    /// begins, so at first the stack may look as it did before.
    pub fn settled(
        &self,
        key: &StackKey,
        formation: &Formation,
        id: &str,
        before: &Ground,
    ) -> Result<ObservedStack, Fault> {
        let mut last = String::new();
        let mut has_begun = false;
        let since = Instant::now();
        self.wait(&key.to_string(), || {
            let stack = formation
                .stack(id)
                .map_err(|error| error.fault(key.to_string()))?;
            let stack = stack.ok_or_else(|| Fault::new(key.to_string(), "the stack is gone"))?;
            if stack.status != last {
                self.work.says(format!("{key}: {}", stack.status));
                last.clone_from(&stack.status);
            }
            let is_busy = matches!(stack.state(), State::Busy | State::Reviewed);
            has_begun |= Ground::of(&stack) != *before || since.elapsed() > BEGINS_WITHIN;
            Ok((has_begun && !is_busy).then_some(stack))
        })
    }

    /// Asks again and again until there is an answer.
    fn wait<T>(
        &self,
        place: &str,
        mut ask: impl FnMut() -> Result<Option<T>, Fault>,
    ) -> Result<T, Fault> {
        let mut pauses = ExponentialBuilder::default()
            .with_factor(1.5)
            .with_min_delay(self.pace.first)
            .with_max_delay(self.pace.longest)
            .without_max_times()
            .with_jitter()
            .build();
        let longest = Duration::from_secs(self.settings.minutes.saturating_mul(60));
        let since = Instant::now();
        loop {
            if let Some(answer) = ask()? {
                return Ok(answer);
            }
            if since.elapsed() > longest {
                let message = format!(
                    "it hasn't ended after {} minutes; it continues by itself",
                    self.settings.minutes
                );
                return Err(
                    Fault::new(place, message).hint("run again later, or raise `aws.minutes`")
                );
            }
            if self.work.is_to_end() {
                return Err(ended_early(place).hint("AWS continues what was started"));
            }
            sleep(pauses.next().unwrap_or(self.pace.longest));
        }
    }
}

/// Does something with each item, some at a time, and keeps the order.
pub fn each<I: Sync, O: Send>(
    items: &[I],
    at_a_time: usize,
    work: impl Fn(&I) -> O + Sync,
) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, O)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..at_a_time.min(items.len()) {
            scope.spawn(|| {
                while let Some((at, item)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    items.get(at).map(|item| (at, item))
                } {
                    let result = work(item);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_done_once_and_in_order() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(
            each(&items, 8, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert_eq!(each(&[] as &[usize], 8, |item| *item), Vec::<usize>::new());
    }
}
