"""Operations that moto lacks or gets wrong, over its own back ends."""

import json
from functools import lru_cache
from typing import Any

from moto.awslambda import models as lambda_models
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models import flow_logs as flow_log_models
from moto.ec2.responses import flow_logs as flow_log_responses
from moto.eks import models as eks_models
from moto.eks import responses as eks_responses
from moto.eks import urls as eks_urls
from moto.elb import responses as elb_responses
from moto.elb.exceptions import LoadBalancerNotFoundError
from moto.elbv2.models import elbv2_backends
from moto.iam import models as iam_models
from moto.logs import models as logs_models
from moto.logs import responses as logs_responses
from moto.route53 import models as route53_models
from moto.route53.exceptions import NoSuchHostedZone
from moto.route53resolver import models as resolver_models
from moto.route53resolver import responses as resolver_responses
from moto.s3.models import s3_backends
from moto.ssm import models as ssm_models
from moto.ssm import responses as ssm_responses
from moto.utilities.paginator import paginate


def add() -> None:
    """Adds them all."""
    _subscription_filters()
    _group_policies()
    _deliveries()
    _resolver()
    _flow_logs()
    _roles()
    _invoke_configurations()
    _associations()
    _query_logging()
    _control_planes()
    _classic_load_balancers()


# --- CloudWatch Logs ---------------------------------------------------------


def _subscription_filters() -> None:
    put = logs_models.LogGroup.put_subscription_filter
    put_in_backend = logs_models.LogsBackend.put_subscription_filter
    to_json = logs_models.SubscriptionFilter.to_json

    def put_filter(group: Any, filter_name: str, *values: Any) -> None:
        # moto refuses to change one of two filters.
        if filter_name in group.subscription_filters:
            group.subscription_filters[filter_name].update(*values)
        else:
            put(group, filter_name, *values)

    def put_in_account(
        backend: Any, group: str, name: str, pattern: str, destination: str, role: str
    ) -> None:
        parts = destination.split(":")
        if parts[2] != "logs":
            put_in_backend(backend, group, name, pattern, destination, role)
            return
        # moto takes every ARN of this service for a log group; it's a destination.
        destinations = logs_models.logs_backends[parts[4]][parts[3]].destinations
        if destination not in [one.arn for one in destinations.values()]:
            raise logs_models.InvalidParameterException(f"no destination {destination}")
        if group not in backend.groups:
            raise logs_models.ResourceNotFoundException()
        backend.groups[group].put_subscription_filter(name, pattern, destination, role)

    def put_response(response: Any) -> str:
        group, name = response._get_param("logGroupName"), response._get_param("filterName")
        response.logs_backend.put_subscription_filter(
            group,
            name,
            response._get_param("filterPattern"),
            response._get_param("destinationArn"),
            response._get_param("roleArn"),
        )
        made = response.logs_backend.groups[group].subscription_filters[name]
        made.distribution = response._get_param("distribution") or "ByLogStream"
        return ""

    logs_models.LogGroup.put_subscription_filter = put_filter
    logs_models.LogsBackend.put_subscription_filter = put_in_account
    logs_responses.LogsResponse.put_subscription_filter = put_response
    logs_models.SubscriptionFilter.to_json = lambda one: to_json(one) | {
        "distribution": getattr(one, "distribution", "ByLogStream")
    }


def _group_policies() -> None:
    """Resource policies of one log group, which moto takes for those of the account."""
    responses, backend = logs_responses.LogsResponse, logs_models.LogsBackend
    put, describe, delete = (
        responses.put_resource_policy,
        responses.describe_resource_policies,
        responses.delete_resource_policy,
    )
    delete_group = backend.delete_log_group

    def kept(backend: Any) -> dict[str, dict[str, Any]]:
        if not hasattr(backend, "group_policies"):
            backend.group_policies = {}
        return backend.group_policies

    def put_policy(response: Any) -> str:
        arn = response._get_param("resourceArn")
        if not arn:
            return put(response)
        policies, document = kept(response.logs_backend), response._get_param("policyDocument")
        old = policies.get(arn)
        if arn.split(":log-group:")[1] not in response.logs_backend.groups:
            raise logs_models.ResourceNotFoundException()
        if (old or {}).get("revisionId") != response._get_param("expectedRevisionId"):
            raise logs_models.ConflictException(msg="expectedRevisionId is not the current one")
        json.loads(document)
        policies[arn] = {
            "policyDocument": document,
            "policyScope": "RESOURCE",
            "resourceArn": arn,
            "revisionId": str(int((old or {}).get("revisionId", "0")) + 1),
        }
        return json.dumps(
            {"resourcePolicy": policies[arn], "revisionId": policies[arn]["revisionId"]}
        )

    def describe_policies(response: Any) -> str:
        arn, scope = response._get_param("resourceArn"), response._get_param("policyScope")
        if not arn and scope != "RESOURCE":
            return describe(response)
        found = kept(response.logs_backend).values()
        return json.dumps(
            {"resourcePolicies": [one for one in found if arn in (None, one["resourceArn"])]}
        )

    def delete_policy(response: Any) -> str:
        arn = response._get_param("resourceArn")
        if not arn:
            return delete(response)
        if kept(response.logs_backend).pop(arn, None) is None:
            raise logs_models.ResourceNotFoundException()
        return ""

    def delete_group_and_policy(self: Any, log_group_name: str) -> None:
        delete_group(self, log_group_name)
        for arn in [one for one in kept(self) if one.endswith(f":log-group:{log_group_name}")]:
            kept(self).pop(arn)

    responses.put_resource_policy = put_policy
    responses.describe_resource_policies = describe_policies
    responses.delete_resource_policy = delete_policy
    backend.delete_log_group = delete_group_and_policy


# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDeliverySource.html
_LOG_TYPES = {
    "elasticloadbalancing": {
        "ALB_ACCESS_LOGS", "ALB_CONNECTION_LOGS", "ALB_HEALTH_CHECK_LOGS", "NLB_ACCESS_LOGS"
    },
    "s3": {"S3_SERVER_ACCESS_LOGS"},
}


def _exists(backend: Any, service: str, arn: str) -> bool:
    if service == "s3":
        return arn.split(":")[5] in s3_backends[backend.account_id]["aws"].buckets
    return arn in elbv2_backends[backend.account_id][backend.region_name].load_balancers


def _deliveries() -> None:
    backend = logs_models.LogsBackend
    delete_source, delete_destination = backend.delete_delivery_source, backend.delete_delivery_destination

    def update_configuration(response: Any) -> str:
        delivery = response.logs_backend.get_delivery(response._get_param("id"))
        for name, parameter in (
            ("record_fields", "recordFields"),
            ("field_delimiter", "fieldDelimiter"),
            ("s3_delivery_configuration", "s3DeliveryConfiguration"),
        ):
            if response._get_param(parameter) is not None:
                setattr(delivery, name, response._get_param(parameter))
        return "{}"

    # moto refuses the sources of load balancers and buckets.
    def put_source(
        self: Any, name: str, resource_arn: str, log_type: str, tags: dict[str, str]
    ) -> Any:
        service = resource_arn.split(":")[2]
        if service not in _LOG_TYPES:
            return put_other_source(self, name, resource_arn, log_type, tags)
        if log_type not in _LOG_TYPES[service]:
            raise logs_models.ValidationException(
                msg="This service is not allowed for this LogSource."
            )
        old = self.delivery_sources.get(name)
        if old and (tags or old.resource_arns != [resource_arn] or old.log_type != log_type):
            raise logs_models.ConflictException(msg=f"{name} can't be changed so")
        if not _exists(self, service, resource_arn):
            raise logs_models.ResourceNotFoundException(msg=f"no {resource_arn}")
        if old:
            return old
        made = logs_models.DeliverySource(
            self.account_id, self.region_name, name, resource_arn, log_type, tags
        )
        self.delivery_sources[name] = made
        if tags:
            self.tag_resource(made.arn, tags)
        return made

    put_other_source = backend.put_delivery_source
    backend.put_delivery_source = put_source

    # AWS keeps both while a delivery uses them.
    def delete_unused_source(self: Any, name: str) -> None:
        if any(one.delivery_source_name == name for one in self.deliveries.values()):
            raise logs_models.ConflictException(msg="This delivery source has a delivery.")
        delete_source(self, name)

    def delete_unused_destination(self: Any, name: str) -> None:
        destination = self.delivery_destinations.get(name)
        used = {one.delivery_destination_arn for one in self.deliveries.values()}
        if destination and destination.arn in used:
            raise logs_models.ConflictException(msg="This delivery destination has a delivery.")
        delete_destination(self, name)

    logs_responses.LogsResponse.update_delivery_configuration = update_configuration
    backend.delete_delivery_source = delete_unused_source
    backend.delete_delivery_destination = delete_unused_destination


# --- Route 53 Resolver -----------------------------------------------------


def _resolver() -> None:
    def disassociate(response: Any) -> str:
        backend = response.route53resolver_backend
        wanted = (response._get_param("ResolverQueryLogConfigId"), response._get_param("ResourceId"))
        for key, one in list(backend.resolver_query_log_config_associations.items()):
            if (one.resolver_query_log_config_id, one.resource_id) == wanted:
                backend.resolver_query_log_configs[wanted[0]].association_count -= 1
                gone = backend.resolver_query_log_config_associations.pop(key)
                return json.dumps({"ResolverQueryLogConfigAssociation": gone.description()})
        raise resolver_models.ResourceNotFoundException(f"no association of {wanted}")

    def delete(response: Any) -> str:
        backend = response.route53resolver_backend
        config = backend.get_resolver_query_log_config(
            response._get_param("ResolverQueryLogConfigId")
        )
        if config.association_count:
            raise resolver_models.InvalidRequestException(f"{config.id} has associations")
        backend.resolver_query_log_configs.pop(config.id)
        return json.dumps({"ResolverQueryLogConfig": config.description()})

    responses = resolver_responses.Route53ResolverResponse
    responses.disassociate_resolver_query_log_config = disassociate
    responses.delete_resolver_query_log_config = delete


# --- Flow logs -------------------------------------------------------------


def _flow_logs() -> None:
    create = flow_log_responses.FlowLogs.create_flow_logs

    # moto drops which tags go into the records.
    def create_with_tags(response: Any) -> ActionResult:
        answer = create(response)
        for key in answer.result["FlowLogIds"]:
            made = response.ec2_backend.flow_logs[key]
            made.tag_field_specifications = response._get_param("TagFieldSpecifications")
        return answer

    flow_log_responses.FlowLogs.create_flow_logs = create_with_tags

    create_in_backend = flow_log_models.FlowLogsBackend.create_flow_logs

    # AWS refuses a second one with "the same configuration and log destination";
    # moto one with the same destination, whatever its configuration.
    def create_another(backend: Any, **given: Any) -> Any:
        told = {
            "traffic_type": given["traffic_type"],
            "log_format": given["log_format"],
            "max_aggregation_interval": int(given["max_aggregation_interval"] or 600),
        }
        others = {
            key: one
            for key, one in backend.flow_logs.items()
            if any(value and getattr(one, name) != value for name, value in told.items())
        }
        for key in others:
            del backend.flow_logs[key]
        try:
            return create_in_backend(backend, **given)
        finally:
            backend.flow_logs.update(others)

    flow_log_models.FlowLogsBackend.create_flow_logs = create_another


# --- Identity and Access Management -------------------------------------------


def _roles() -> None:
    create = iam_models.IAMBackend.create_role

    # moto judges who may assume a role only when that is changed.
    def create_judged(backend: Any, role_name: str, trust: str, *others: Any, **named: Any) -> Any:
        iam_models.IAMTrustPolicyDocumentValidator(trust).validate()
        return create(backend, role_name, trust, *others, **named)

    attach = iam_models.IAMBackend.attach_role_policy

    # moto can have AWS's own policies in every account, which takes seconds each;
    # here an account has those that it uses.
    def attach_own(backend: Any, policy_arn: str, role_name: str) -> None:
        name, owner = policy_arn.rsplit("/", 1)[-1], policy_arn.split(":")[4]
        if owner == "aws" and policy_arn not in backend.managed_policies and name in _aws_policies():
            policy = iam_models.AWSManagedPolicy.from_data(
                name, backend.account_id, backend.region_name, _aws_policies()[name]
            )
            backend.aws_managed_policies.append(policy)
            backend.managed_policies[policy.arn] = policy
        attach(backend, policy_arn, role_name)

    iam_models.IAMBackend.create_role = create_judged
    iam_models.IAMBackend.attach_role_policy = attach_own


@lru_cache(maxsize=None)
def _aws_policies() -> dict[str, Any]:
    return json.loads(iam_models.aws_managed_policies_data)


# --- Lambda ----------------------------------------------------------------


def _invoke_configurations() -> None:
    put = lambda_models.LambdaBackend.put_function_event_invoke_config

    # moto keeps every one that was ever put, and answers the first.
    def put_only(backend: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
        backend.get_function(function_name).event_invoke_config.clear()
        return put(backend, function_name, config)

    lambda_models.LambdaBackend.put_function_event_invoke_config = put_only


# --- Systems Manager ---------------------------------------------------------

_FIELDS = (
    "ApplyOnlyAtCronInterval", "AssociationName", "ComplianceSeverity", "DocumentVersion",
    "MaxConcurrency", "MaxErrors", "Name", "Parameters", "ScheduleExpression", "Targets",
)


def _associations() -> None:
    """State Manager's associations: which document is run on which machines."""

    def kept(response: Any) -> dict[str, dict[str, Any]]:
        backend = response.ssm_backend
        if not hasattr(backend, "associations"):
            backend.associations = {}
        return backend.associations

    def found(response: Any) -> dict[str, Any]:
        associations, key = kept(response), response._get_param("AssociationId")
        if key not in associations:
            raise JsonRESTError("AssociationDoesNotExist", f"no association {key}")
        return associations[key]

    def given(response: Any) -> dict[str, Any]:
        values = {name: response._get_param(name) for name in _FIELDS}
        response.ssm_backend.get_document(
            values["Name"], values["DocumentVersion"], None, None
        )
        return {name: value for name, value in values.items() if value is not None}

    def create(response: Any) -> ActionResult:
        associations = kept(response)
        association = given(response)
        key = str(ssm_models.random.uuid4())
        associations[key] = association | {"AssociationId": key, "AssociationVersion": "1"}
        return ActionResult({"AssociationDescription": associations[key]})

    def update(response: Any) -> ActionResult:
        old = found(response)
        new = given(response) | {
            "AssociationId": old["AssociationId"],
            "AssociationVersion": str(int(old["AssociationVersion"]) + 1),
        }
        kept(response)[old["AssociationId"]] = new
        return ActionResult({"AssociationDescription": new})

    def describe(response: Any) -> ActionResult:
        return ActionResult({"AssociationDescription": found(response)})

    def list_all(response: Any) -> ActionResult:
        shown = (
            "AssociationId", "AssociationName", "AssociationVersion", "DocumentVersion", "Name",
            "ScheduleExpression", "Targets",
        )
        return ActionResult(
            {
                "Associations": [
                    {name: one[name] for name in shown if name in one}
                    for one in kept(response).values()
                ]
            }
        )

    def delete(response: Any) -> EmptyResult:
        del kept(response)[found(response)["AssociationId"]]
        return EmptyResult()

    responses = ssm_responses.SimpleSystemManagerResponse
    responses.create_association = create
    responses.update_association = update
    responses.describe_association = describe
    responses.list_associations = list_all
    responses.delete_association = delete


# --- Route 53 ------------------------------------------------------------------


def _query_logging() -> None:
    create = route53_models.Route53Backend.create_query_logging_config

    # AWS documents the ARN without `:*`; moto takes it with it only.
    # https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateQueryLoggingConfig.html
    def create_by_either(backend: Any, hosted_zone_id: str, log_group_arn: str) -> Any:
        return create(backend, hosted_zone_id, log_group_arn.removesuffix(":*") + ":*")

    route53_models.Route53Backend.create_query_logging_config = create_by_either

    # moto knows no zone by its id here, and lists the configurations of all zones.
    @paginate(pagination_model=route53_models.PAGINATION_MODEL)
    def list_query_logging_configs(backend: Any, hosted_zone_id: str | None = None) -> list[Any]:
        configs = list(backend.query_logging_configs.values())
        if hosted_zone_id is None:
            return configs
        if all(zone.resource_id != hosted_zone_id for zone in backend.zones.values()):
            raise NoSuchHostedZone(hosted_zone_id)
        return [config for config in configs if config.hosted_zone_id == hosted_zone_id]

    route53_models.Route53Backend.list_query_logging_configs = list_query_logging_configs


# --- Classic load balancers ------------------------------------------------------


def _classic_load_balancers() -> None:
    describe = elb_responses.ELBResponse.describe_load_balancer_attributes

    # moto answers 500 where there is no such load balancer.
    def describe_existing(response: Any) -> Any:
        name = response._get_param("LoadBalancerName")
        if name not in response.elb_backend.load_balancers:
            raise LoadBalancerNotFoundError(name)
        return describe(response)

    elb_responses.ELBResponse.describe_load_balancer_attributes = describe_existing


# --- EKS -----------------------------------------------------------------------


def _control_planes() -> None:
    update = eks_models.EKSBackend.update_cluster_config

    # The log group is made by EKS when logging is switched on, and stays.
    # https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html
    def update_and_log(backend: Any, name: str, *values: Any, **named: Any) -> Any:
        cluster = backend.clusters.get(name)
        asked = (named.get("logging") or {}).get("clusterLogging", [])
        if cluster and asked:
            # Types that a request doesn't name stay as they are.
            before = (cluster.logging or {}).get("clusterLogging", [])
            on = {one for setup in before if setup["enabled"] for one in setup["types"]}
            for setup in asked:
                on = on | set(setup["types"]) if setup["enabled"] else on - set(setup["types"])
            named["logging"] = {"clusterLogging": [{"types": sorted(on), "enabled": True}] if on else []}
        cluster = update(backend, name, *values, **named)
        groups = logs_models.logs_backends[backend.account_id][backend.region_name]
        group = f"/aws/eks/{name}/cluster"
        if any(one["enabled"] for one in asked) and group not in groups.groups:
            groups.create_log_group(group, {})
        return cluster

    eks_models.EKSBackend.update_cluster_config = update_and_log

    # An update takes a while, and is asked for; here, it has ended when it is asked for the first time.
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeUpdate.html
    answer = eks_responses.EKSResponse.update_cluster_config

    def answer_with_update(response: Any) -> Any:
        answer(response)
        return ActionResult({"update": {"id": "1", "status": "InProgress", "type": "LoggingUpdate"}})

    def describe_update(response: Any) -> Any:
        return ActionResult({"update": {"id": "1", "status": "Successful", "type": "LoggingUpdate"}})

    eks_responses.EKSResponse.update_cluster_config = answer_with_update
    eks_responses.EKSResponse.describe_update = describe_update
    eks_urls.url_paths["{0}/clusters/(?P<name>[^/]+)/updates/(?P<updateId>[^/]+)$"] = eks_urls.response.dispatch
