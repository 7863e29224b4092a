"""Resource groups: by a query of tags."""

import json
from typing import Any

from resource_types.base import ResourceType, only, tag_map, tags_gone


class Group(ResourceType):
    kind = "AWS::ResourceGroups::Group"
    service = "resource-groups"
    name_property = "Name"
    longest_name = 128
    properties = {"Description", "Name", "ResourceQuery", "Tags"}

    def _query(self, new: dict[str, Any]) -> dict[str, str]:
        query = new["ResourceQuery"]
        return {"Type": query["Type"], "Query": json.dumps(query.get("Query", {}))}

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_group(
            **only(new, "Description", "Name"),
            ResourceQuery=self._query(new),
            Tags=tag_map(new),
        )
        return new["Name"]

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.client.update_group(GroupName=physical, Description=new.get("Description", ""))
        self.client.update_group_query(GroupName=physical, ResourceQuery=self._query(new))
        arn = self.attributes(physical, new)["Arn"]
        if gone := tags_gone(old, new):
            self.client.untag(Arn=arn, Keys=gone)
        if new.get("Tags"):
            self.client.tag(Arn=arn, Tags=tag_map(new))

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_group(GroupName=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self.client.get_group(GroupName=physical)["Group"]["GroupArn"]}
