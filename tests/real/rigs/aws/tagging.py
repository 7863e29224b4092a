"""What moto's list of tagged resources lacks: hosted zones, which the list of the global Region has, and
classic load balancers by the name that AWS gives their type."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from moto.core.resource_tagging import TaggedResource, make_tag_matcher, match_resource_type
from moto.elb.models import ELBBackend
from moto.resourcegroupstaggingapi import models
from moto.route53.models import route53_backends


def add() -> None:
    """Adds them."""
    listed = models.ResourceGroupsTaggingAPIBackend._get_resources_generator

    def with_zones(backend: Any, *values: Any, **named: Any) -> Iterator[TaggedResource]:
        yield from listed(backend, *values, **named)
        if backend.region_name != "us-east-1":
            return
        is_tagged = make_tag_matcher(named.get("tag_filters"))
        if not match_resource_type("route53:hostedzone", named.get("resource_type_filters")):
            return
        for zone, tags in route53_backends[backend.account_id]["aws"].resource_tags.items():
            if tags and is_tagged(tags):
                yield TaggedResource(f"arn:aws:route53:::hostedzone/{zone}", dict(tags), "route53:hostedzone")

    models.ResourceGroupsTaggingAPIBackend._get_resources_generator = with_zones
    classic = ELBBackend.iter_tagged_resources

    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancing.html
    def by_their_name(backend: Any) -> Iterator[TaggedResource]:
        for resource in classic(backend):
            yield replace(resource, resource_type="elasticloadbalancing:loadbalancer")

    ELBBackend.iter_tagged_resources = by_their_name
