#!/usr/bin/env python3
"""Makes a fleet of many clusters out of the repository's example clusters.

    ci/bench/fleet.py FOLDER [CLUSTERS]      1,000 clusters by default

FOLDER gets a `clusters/` that `gen render --root FOLDER` can render. The four
examples take turns; each copy gets a name, a Region, an account and an
environment of its own, and settings that differ as those of real clusters do:
resources, node groups and taints, retention, shards, buffers, routes, rules.
So hardly any file that a setting reaches is byte-equal to another cluster's by
accident, which would flatter whatever remembers files.

The same number of clusters gives the same bytes on any machine: what differs
is drawn from a hash of the cluster's number and the setting, not from a clock
or a random generator.
"""

import argparse
import hashlib
import re
import shutil
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "clusters"

# Each environment of the bench, with the example environment it is made of.
ENVIRONMENTS = {
    "production": "production",
    "production-regulated": "production",
    "production-batch": "production",
    "staging": "staging",
    "qa": "staging",
}
REGIONS = [
    "eu-central-1", "eu-west-1", "eu-north-1", "us-east-1", "us-west-2",
    "ap-southeast-1", "ap-northeast-1", "sa-east-1",
]
TEAMS = [
    "payments", "checkout", "search", "catalog", "identity", "billing", "fraud",
    "ads", "media", "mail", "maps", "data", "ml", "edge", "legal", "support",
]
ARCHITECTURES = ["amd64", "arm64"]
EFFECTS = ["NoSchedule", "NoExecute", "NoSchedule, NoExecute"]


def draw(seed, setting, values):
    """Picks one of `values`, always the same for the same seed and setting."""
    digest = hashlib.sha256(f"{seed}/{setting}".encode()).digest()
    return values[int.from_bytes(digest[:8], "big") % len(values)]


def set_value(text, path, value):
    """Sets one setting in a YAML text, and leaves all else as it is, comments
    included. Knows the examples' style only: block mappings, two spaces a level."""
    lines = text.splitlines()
    start, end = 0, len(lines)
    for level, key in enumerate(path):
        indent = "  " * level
        found = next((at for at in range(start, end) if lines[at].startswith(f"{indent}{key}:")), None)
        if found is None:
            # The rest of the path isn't there yet; it goes below what is.
            while not lines[end - 1].strip():
                end -= 1
            added = [f"{'  ' * (level + deeper)}{name}:" for deeper, name in enumerate(path[level:])]
            added[-1] += f" {value}"
            lines[end:end] = added
            break
        last = level == len(path) - 1
        if lines[found].rstrip().endswith(":") == last:
            raise ValueError(f"{'.'.join(path)}: can't be set at {lines[found].strip()!r}")
        if last:
            lines[found] = f"{indent}{key}: {value}"
            break
        start = found + 1
        end = next(
            (at for at in range(start, end) if re.match(rf" {{0,{2 * level}}}[^ #]", lines[at])), end
        )
    return "\n".join(lines) + "\n"


def quantity(seed, setting, start, step, count, unit):
    return f"{start + step * draw(seed, setting, range(count))}{unit}"


def resources(seed, source):
    memory = quantity(seed, f"{source} memory", 512, 32, 48, "Mi")
    cpu = quantity(seed, f"{source} cpu", 100, 25, 20, "m")
    path = ["sources", "kubernetes", source, "fluentd", "resources"]
    yield [*path, "requests"], f"{{ cpu: {cpu}, memory: {memory} }}"
    yield [*path, "limits"], f"{{ memory: {memory} }}"


def node_groups(seed):
    """Up to four more groups of machines, some of them tainted."""
    for number in range(draw(seed, "node groups", range(5))):
        team = draw(seed, f"group {number}", TEAMS)
        group = f"{team}-{number}"
        architecture = draw(seed, f"architecture {number}", ARCHITECTURES)
        value = f"{{ role: node, architecture: {architecture}"
        if draw(seed, f"tainted {number}", [True, True, False]):
            effects = draw(seed, f"effects {number}", EFFECTS)
            value += f", taints: {{ example.com/dedicated-{number}: {{ value: {team}, effects: [{effects}] }} }}"
        yield ["node_groups", group], value + " }"


def differences(seed, team):
    """What one cluster sets otherwise than the example it is made of."""
    records = ["sources", "kubernetes", "applications", "records"]
    yield from node_groups(seed)
    for source in "applications", "nodes":
        yield from resources(seed, source)
    yield (
        ["stream_defaults", "buffer"],
        f"{{ total_mebibytes: {quantity(seed, 'buffer', 1024, 128, 64, '')}, "
        f"flush_interval_seconds: {draw(seed, 'flush', range(3, 21))} }}",
    )
    yield ["stream_defaults", "retention_days"], draw(seed, "retention", range(7, 120))
    yield ["stream_defaults", "shards"], draw(seed, "shards", range(1, 7))
    yield ["kubernetes", "monitoring", "alerts", "buffer_percent"], draw(seed, "alert", range(50, 95))
    if draw(seed, "routed", [True, False]):
        yield (
            [*records, "routes", team],
            f'{{ order: {draw(seed, "order", range(30, 90))}, when: {{ namespaces: ["{team}-*"] }}, stream: {team} }}',
        )
        yield (
            ["streams", team],
            f"{{ description: What the programs of {team} write, retention_days: {draw(seed, 'own', range(3, 400))} }}",
        )
    for number in range(draw(seed, "exclusions", range(4))):
        other = draw(seed, f"excluded {number}", TEAMS)
        yield (
            [*records, "exclude", f"{other}-{number}"],
            f'{{ containers: {{ namespaces: ["{other}-load-*"], pods: ["*-{number}"] }}, '
            f"reason: Load tests of {other}; nobody reads their logs. }}",
        )
    if draw(seed, "dropping", [True, False, False]):
        code = draw(seed, "status", range(200, 305))
        yield (
            [*records, "drop", f"health-{code}"],
            f"{{ matches: 'GET /health[^ ]* {code} ', reason: Probes; failures are metrics already. }}",
        )


def cluster_name(number, example, environment, region, team):
    stem = f"{environment.replace('production', 'prod')}-{team}-{region}-{number:04}"
    _, dot, domain = example.partition(".")
    return stem + dot + domain


def write_cluster(folder, number, example):
    text = (EXAMPLES / example / "cluster.yaml").read_text()
    of = re.search(r"^environment: (\S+)$", text, re.M).group(1)
    environment = draw(number, "environment", [name for name, base in ENVIRONMENTS.items() if base == of])
    region, team = draw(number, "region", REGIONS), draw(number, "team", TEAMS)
    name = cluster_name(number, example, environment, region, team)
    # A domain of Amazon OpenSearch Service is one of its account and Region.
    text = re.sub(r"search-logs-\w+\.[\w-]+\.es", f"search-logs-{number:010}.{region}.es", text)
    # Each cluster has an account of its own, so what accounts have once is rendered for each.
    account = 100000000000 + 1111 * number
    for path, value in [
        (["name"], name),
        (["environment"], environment),
        (["region"], region),
        (["account"], f'"{account}"'),
        *differences(number, team),
    ]:
        text = set_value(text, path, value)
    target = folder / "clusters" / name
    target.mkdir()
    (target / "cluster.yaml").write_text(text)
    for patch in sorted((EXAMPLES / example).glob("kubernetes/*.yaml")):
        (target / "kubernetes").mkdir(exist_ok=True)
        cost_center = re.sub(r"(cost-center: ).*", rf"\g<1>{team}", patch.read_text())
        (target / "kubernetes" / patch.name).write_text(cost_center)
    return name


def write_environments(folder):
    target = folder / "clusters" / "environments"
    target.mkdir()
    for name, base in ENVIRONMENTS.items():
        text = (EXAMPLES / "environments" / f"{base}.yaml").read_text()
        if name != base:
            text = set_value(text, ["fluentd", "termination_grace_seconds"], draw(name, "grace", range(60, 180)))
            text = set_value(text, ["streams", "audit", "retention_days"], draw(name, "audit", range(30, 800)))
        (target / f"{name}.yaml").write_text(text)


def write_fleet_file(folder, made):
    """The example's settings. A line of the reconciler's that names a cluster by its API server becomes one for each of
    its copies."""
    lines = []
    for line in (EXAMPLES / "fleet.yaml").read_text(encoding="utf-8").splitlines():
        example = re.match(r"    ([^ :]+): { api_server: ", line)
        if example:
            copies = sorted(name for name, of in made.items() if of == example[1])
            lines += [line.replace(example[1], name) for name in copies]
        else:
            lines.append(line)
    (folder / "clusters/fleet.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_fleet(folder, clusters):
    """Makes the fleet in a folder that has no `clusters/` yet; gives the names
    of its clusters and the example that each was made of."""
    (folder / "clusters").mkdir(parents=True)
    shutil.copytree(EXAMPLES / "certificates", folder / "clusters" / "certificates")
    write_environments(folder)
    examples = sorted(file.parent.name for file in EXAMPLES.glob("*/cluster.yaml"))
    made = {
        write_cluster(folder, number, example): example
        for number in range(clusters)
        for example in [examples[number % len(examples)]]
    }
    write_fleet_file(folder, made)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("clusters", metavar="CLUSTERS", type=int, nargs="?", default=1000)
    arguments = parser.parse_args()
    if (arguments.folder / "clusters").exists():
        parser.error(f"{arguments.folder / 'clusters'} is there already")
    print(f"{arguments.folder}: {len(write_fleet(arguments.folder, arguments.clusters))} clusters")


if __name__ == "__main__":
    main()
