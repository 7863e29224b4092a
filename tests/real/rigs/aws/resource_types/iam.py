"""Identity and Access Management: of the account, in no Region."""

from typing import Any

from resource_types.base import PutType, ResourceType, document, only, tags_gone


class Role(ResourceType):
    kind = "AWS::IAM::Role"
    service = "iam"
    is_global = True
    name_property = "RoleName"
    longest_name = 64
    properties = {
        "AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration",
        "Path", "PermissionsBoundary", "Policies", "RoleName", "Tags",
    }

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_role(
            AssumeRolePolicyDocument=document(new["AssumeRolePolicyDocument"]),
            **only(
                new, "Description", "MaxSessionDuration", "Path", "PermissionsBoundary",
                "RoleName", "Tags",
            ),
        )
        return new["RoleName"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        before = {one["PolicyName"]: one for one in old.get("Policies", [])}
        after = {one["PolicyName"]: one for one in new.get("Policies", [])}
        for name in before.keys() - after.keys():
            self.client.delete_role_policy(RoleName=physical, PolicyName=name)
        for name, policy in after.items():
            self.client.put_role_policy(
                RoleName=physical,
                PolicyName=name,
                PolicyDocument=document(policy["PolicyDocument"]),
            )
        attached, wanted = set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", []))
        for arn in sorted(attached - wanted):
            self.client.detach_role_policy(RoleName=physical, PolicyArn=arn)
        for arn in sorted(wanted - attached):
            self.client.attach_role_policy(RoleName=physical, PolicyArn=arn)

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.client.update_assume_role_policy(
            RoleName=physical, PolicyDocument=document(new["AssumeRolePolicyDocument"])
        )
        self.client.update_role(
            RoleName=physical,
            Description=new.get("Description", ""),
            MaxSessionDuration=new.get("MaxSessionDuration", 3600),
        )
        if "PermissionsBoundary" in new:
            self.client.put_role_permissions_boundary(
                RoleName=physical, PermissionsBoundary=new["PermissionsBoundary"]
            )
        elif "PermissionsBoundary" in old:
            self.client.delete_role_permissions_boundary(RoleName=physical)
        if gone := tags_gone(old, new):
            self.client.untag_role(RoleName=physical, TagKeys=gone)
        if new.get("Tags"):
            self.client.tag_role(RoleName=physical, Tags=new["Tags"])
        self.settle(physical, old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        # As AWS does: a policy of another resource hinders the deletion.
        own = {one["PolicyName"] for one in properties.get("Policies", [])}
        present = self.client.list_role_policies(RoleName=physical)["PolicyNames"]
        for name in sorted(own & set(present)):
            self.client.delete_role_policy(RoleName=physical, PolicyName=name)
        for one in self.client.list_attached_role_policies(RoleName=physical)["AttachedPolicies"]:
            if one["PolicyArn"] in properties.get("ManagedPolicyArns", []):
                self.client.detach_role_policy(RoleName=physical, PolicyArn=one["PolicyArn"])
        self.client.delete_role(RoleName=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        role = self.client.get_role(RoleName=physical)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


class RolePolicy(PutType):
    kind = "AWS::IAM::RolePolicy"
    service = "iam"
    is_global = True
    name_property = "PolicyName"
    properties = {"PolicyDocument", "PolicyName", "RoleName"}

    def put(self, new: dict[str, Any]) -> None:
        self.client.put_role_policy(
            RoleName=new["RoleName"],
            PolicyName=new["PolicyName"],
            PolicyDocument=document(new["PolicyDocument"]),
        )

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_role_policy(RoleName=properties["RoleName"], PolicyName=physical)


class Policy(PutType):
    kind = "AWS::IAM::Policy"
    service = "iam"
    is_global = True
    name_property = "PolicyName"
    properties = {"PolicyDocument", "PolicyName", "Roles"}

    def put(self, new: dict[str, Any]) -> None:
        for role in new["Roles"]:
            self.client.put_role_policy(
                RoleName=role,
                PolicyName=new["PolicyName"],
                PolicyDocument=document(new["PolicyDocument"]),
            )

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.put(new)
        for role in set(old["Roles"]) - set(new["Roles"]):
            self.client.delete_role_policy(RoleName=role, PolicyName=physical)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        for role in properties["Roles"]:
            self.client.delete_role_policy(RoleName=role, PolicyName=physical)


class ManagedPolicy(ResourceType):
    kind = "AWS::IAM::ManagedPolicy"
    service = "iam"
    is_global = True
    name_property = "ManagedPolicyName"
    longest_name = 128
    properties = {"Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles"}

    def make(self, new: dict[str, Any]) -> str:
        return self.client.create_policy(
            PolicyName=new["ManagedPolicyName"],
            PolicyDocument=document(new["PolicyDocument"]),
            **only(new, "Description", "Path"),
        )["Policy"]["Arn"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        before, after = set(old.get("Roles", [])), set(new.get("Roles", []))
        for role in sorted(before - after):
            self.client.detach_role_policy(RoleName=role, PolicyArn=physical)
        for role in sorted(after - before):
            self.client.attach_role_policy(RoleName=role, PolicyArn=physical)

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        if old["PolicyDocument"] != new["PolicyDocument"]:
            self._delete_old_versions(physical)
            self.client.create_policy_version(
                PolicyArn=physical,
                PolicyDocument=document(new["PolicyDocument"]),
                SetAsDefault=True,
            )
        self.settle(physical, old, new)

    def _delete_old_versions(self, physical: str) -> None:
        for version in self.client.list_policy_versions(PolicyArn=physical)["Versions"]:
            if not version["IsDefaultVersion"]:
                self.client.delete_policy_version(
                    PolicyArn=physical, VersionId=version["VersionId"]
                )

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        roles = self.client.list_entities_for_policy(PolicyArn=physical)["PolicyRoles"]
        for role in roles:
            if role["RoleName"] in properties.get("Roles", []):
                self.client.detach_role_policy(RoleName=role["RoleName"], PolicyArn=physical)
        self._delete_old_versions(physical)
        self.client.delete_policy(PolicyArn=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"PolicyArn": physical}


class InstanceProfile(ResourceType):
    kind = "AWS::IAM::InstanceProfile"
    service = "iam"
    is_global = True
    name_property = "InstanceProfileName"
    longest_name = 128
    properties = {"InstanceProfileName", "Path", "Roles"}

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_instance_profile(**only(new, "InstanceProfileName", "Path"))
        return new["InstanceProfileName"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        profile = self.client.get_instance_profile(InstanceProfileName=physical)
        present = {role["RoleName"] for role in profile["InstanceProfile"]["Roles"]}
        for role in sorted(present - set(new["Roles"])):
            self.client.remove_role_from_instance_profile(
                InstanceProfileName=physical, RoleName=role
            )
        for role in sorted(set(new["Roles"]) - present):
            self.client.add_role_to_instance_profile(InstanceProfileName=physical, RoleName=role)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.settle(physical, properties, {"Roles": []})
        self.client.delete_instance_profile(InstanceProfileName=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        profile = self.client.get_instance_profile(InstanceProfileName=physical)
        return {"Arn": profile["InstanceProfile"]["Arn"]}
