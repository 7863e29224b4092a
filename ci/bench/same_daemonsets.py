"""Compares the DaemonSets that the peers made with those of gen.

    same_daemonsets.py RENDERED KUSTOMIZE_OUT KAPITAN_OUT

Needs PyYAML, so it runs with Kapitan's Python. Comments, the namespace, the
order of environment variables and the hash that kustomize puts behind a
ConfigMap's name don't count.
"""

import re
import sys
from pathlib import Path

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(*files):
    """The DaemonSets of some files by name, in the form that is compared."""
    documents = (document for file in files for document in yaml.load_all(file.read_text(), LOADER))
    return {each["metadata"]["name"]: normalize(each) for each in documents if each["kind"] == "DaemonSet"}


def normalize(daemon_set):
    daemon_set["metadata"].pop("namespace", None)
    pod = daemon_set["spec"]["template"]["spec"]
    pod.setdefault("tolerations", [])
    for container in pod["containers"]:
        container["env"].sort(key=lambda variable: variable["name"])
    for volume in pod["volumes"]:
        if "configMap" in volume:
            of = volume["configMap"]
            of["name"] = re.sub(r"^(fluentd-(?!certificates).+)-[a-z0-9]{10}$", r"\1", of["name"])
    return daemon_set


def main(rendered, kustomize, kapitan):
    count = 0
    # What is the whole fleet's, in _fleet, is no cluster.
    for cluster in sorted(folder for folder in rendered.iterdir() if (folder / "kubernetes").exists()):
        ours = read(*cluster.glob("kubernetes/*/daemonset.yaml"))
        theirs = {
            "kustomize": read(kustomize / f"{cluster.name}.yaml"),
            "Kapitan": read(*(kapitan / cluster.name.replace(".", "_")).glob("*.yaml")),
        }
        for tool, made in theirs.items():
            if made != ours:
                sys.exit(f"{cluster.name}: the DaemonSets of {tool} are not those of gen")
        count += len(ours)
    print(f"All {count} DaemonSets of each tool are the same.")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
