"""The index side of a rendered cluster, as it is and with a set of objects for each stream."""

import json
import secrets
import urllib.parse
from dataclasses import dataclass

# In the order in which they are applied: what an object needs comes before it.
KINDS = [
    ("_component_template", "component templates"),
    ("_plugins/_ism/policies", "policies"),
    ("_index_template", "index templates"),
    ("_data_stream", "data streams"),
    ("_plugins/_security/api/tenants", "tenants"),
    ("_plugins/_security/api/roles", "roles"),
    ("_plugins/_security/api/internalusers", "internal users"),
    ("_plugins/_security/api/rolesmapping", "role mappings"),
]
KIND_NAMES = [name for _, name in KINDS]
# The rig's OpenSearch has no Index State Management: these requests are counted, not sent.
NOT_SENT = "policies"
SECURITY = ("tenants", "roles", "internal users", "role mappings")


@dataclass(frozen=True)
class IndexObject:
    """One file below `elasticsearch/<destination>/`: its kind, its name and its body."""

    kind: str
    name: str
    body: str

    def path(self):
        """The path of the API that it is put to."""
        folder = next(folder for folder, kind in KINDS if kind == self.kind)
        return f"{folder}/{urllib.parse.quote(self.name)}"

    def request_body(self):
        """What is sent: a user needs a password, which no file has."""
        if self.kind != "internal users":
            return self.body
        return json.dumps({**json.loads(self.body), "password": f"Aa1!{secrets.token_urlsafe(24)}"})


def read(destination):
    """The objects below a folder `elasticsearch/<destination>`, in the order in which they are applied."""
    objects = []
    for folder, kind in KINDS:
        files = sorted((destination / folder).glob("*.json"))
        objects += [IndexObject(kind, file.name.removesuffix(".json"), file.read_text()) for file in files]
    rendered = sum(1 for _ in destination.rglob("*.json"))
    if len(objects) != rendered:
        raise ValueError(f"{destination}: {rendered} files, of which {len(objects)} are of a known kind")
    return objects


def per_stream(objects):
    """The same streams in the layout that gen had before: an index template, two
    component templates and a policy for each stream, all with its name, instead of
    objects that streams and clusters share. Objects are as many and have the names
    that they had then; mappings, settings and roles are those of today."""
    by_kind = {kind: {one.name: one for one in objects if one.kind == kind} for kind in KIND_NAMES}
    own = {kind: [] for kind in ("component templates", "policies", "index templates")}
    for template in by_kind["index templates"].values():
        body = json.loads(template.body)
        for stream in body["index_patterns"]:
            # `logfleet-aws@mappings-3f9a1c` becomes `<stream>@mappings`.
            renamed = {name: f"{stream}@{name.partition('@')[2].partition('-')[0]}" for name in body["composed_of"]}
            for name, new in renamed.items():
                shared = by_kind["component templates"][name]
                own["component templates"].append(IndexObject(shared.kind, new, shared.body))
            alone = {**body, "index_patterns": [stream], "composed_of": list(renamed.values())}
            own["index templates"].append(IndexObject(template.kind, stream, json.dumps(alone)))
            policy = next(one for one in by_kind["policies"].values() if json.dumps(stream) in one.body)
            own["policies"].append(IndexObject(policy.kind, stream, policy.body))
    return [one for kind in KIND_NAMES for one in own.get(kind, by_kind[kind].values())]
