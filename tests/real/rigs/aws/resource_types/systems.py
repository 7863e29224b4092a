"""Systems Manager: documents, and which machines they are run on."""

from typing import Any

from resource_types.base import Refused, ResourceType, document, only, tags_gone


class Document(ResourceType):
    kind = "AWS::SSM::Document"
    service = "ssm"
    name_property = "Name"
    longest_name = 128
    properties = {
        "Content", "DocumentFormat", "DocumentType", "Name", "Tags", "TargetType", "UpdateMethod",
        "VersionName",
    }

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_document(
            Content=document(new["Content"]),
            **only(
                new, "DocumentFormat", "DocumentType", "Name", "Tags", "TargetType", "VersionName"
            ),
        )
        return new["Name"]

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        content = {key: new.get(key) for key in ("Content", "VersionName", "TargetType")}
        if any(old.get(key) != value for key, value in content.items()):
            # The other way, `Replace`, makes another document of the same name.
            if new.get("UpdateMethod") != "NewVersion":
                raise Refused("a document whose content changes wants UpdateMethod: NewVersion")
            version = self.client.update_document(
                Name=physical,
                Content=document(new["Content"]),
                DocumentVersion="$LATEST",
                **only(new, "DocumentFormat", "TargetType", "VersionName"),
            )["DocumentDescription"]["DocumentVersion"]
            self.client.update_document_default_version(Name=physical, DocumentVersion=version)
        resource = {"ResourceType": "Document", "ResourceId": physical}
        if keys := tags_gone(old, new):
            self.client.remove_tags_from_resource(**resource, TagKeys=keys)
        if new.get("Tags"):
            self.client.add_tags_to_resource(**resource, Tags=new["Tags"])

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_document(Name=physical)


class Association(ResourceType):
    kind = "AWS::SSM::Association"
    service = "ssm"
    properties = {
        "ApplyOnlyAtCronInterval", "AssociationName", "ComplianceSeverity", "DocumentVersion",
        "MaxConcurrency", "MaxErrors", "Name", "Parameters", "ScheduleExpression", "Targets",
    }

    def make(self, new: dict[str, Any]) -> str:
        return self.client.create_association(**new)["AssociationDescription"]["AssociationId"]

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.client.update_association(AssociationId=physical, **new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_association(AssociationId=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"AssociationId": physical}


class Parameter(ResourceType):
    kind = "AWS::SSM::Parameter"
    service = "ssm"
    name_property = "Name"
    longest_name = 1011
    properties = {"Description", "Name", "Tier", "Type", "Value"}

    def make(self, new: dict[str, Any]) -> str:
        # Of the standard tier: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
        if len(new["Value"].encode()) > 4096:
            raise Refused("a parameter has 4,096 bytes at most")
        self.client.put_parameter(**new)
        return new["Name"]

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.client.put_parameter(**new, Overwrite=True)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_parameter(Name=physical)
