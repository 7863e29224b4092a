"""Makes the DaemonSets of a fleet by kustomize and by Kapitan, each in its own
style, and measures that beside `gen render`.

What gen rendered is the material, and the judge: the DaemonSets that the peers
make must be the same, or there is no figure.

- kustomize: a base for each example cluster, with its DaemonSets; for each
  cluster an overlay that patches what differs and takes the Fluentd
  configuration into a ConfigMap. One `kustomize build` for each cluster.
- Kapitan: Jinja2 templates; classes defaults → environment, then the cluster's
  target. The Fluentd configuration is copied. One `kapitan compile` for all.

Neither renders the Fluentd configuration or anything of the index side, and
neither checks anything; gen renders, checks and writes every file.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import fleet
from machine import cache
from measure import Failed, Spread, ratios, run, run_all, table

KAPITAN = "0.36.3"
COMPARE = Path(__file__).with_name("same_daemonsets.py")
# What differs between clusters, and how far it is indented in a DaemonSet.
DIFFERING = {"terminationGracePeriodSeconds": 6, "tolerations": 6, "image": 10, "env": 10, "resources": 10}
PATCH_HEAD = """\
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {name}
spec:
  template:
    spec:
"""


@dataclass(frozen=True)
class DaemonSet:
    """A rendered DaemonSet, its configuration, and the example cluster whose
    copy it belongs to."""

    cluster: str
    environment: str
    example: str
    source: str
    text: str
    configuration: Path

    @property
    def name(self):
        return f"fluentd-{self.source}"

    def part(self, key):
        """The lines of one of DIFFERING; none if it isn't there."""
        space = " " * DIFFERING[key]
        found = re.search(rf"^{space}{key}:.*\n(?:{space} .*\n)*", self.text, re.M)
        return found[0] if found else ""

    def value(self, key):
        """A part's value as YAML that can stand below any key; an empty list if
        it isn't there."""
        value = self.part(key).partition(":")[2] or "[]\n"
        return value.strip() if value.count("\n") == 1 else "\n" + dedent(value.partition("\n")[2]).rstrip()


def kustomize():
    installed = cache() / "bin" / "kustomize"
    found = installed if installed.exists() else shutil.which("kustomize")
    if not found:
        raise Failed("kustomize is missing: ci/rigs/kustomize install")
    return found


def kapitan():
    """Kapitan's folder of programs; installs it unless it is there."""
    home = cache() / f"kapitan-{KAPITAN}"
    if not (home / "bin" / "kapitan").exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        wanted = f"kapitan[gojsonnet,reclass-rs,rapidyaml]=={KAPITAN}"
        subprocess.run([home / "bin" / "pip", "install", "--quiet", wanted], check=True)
    return home / "bin"


def read_daemon_sets(folder, examples):
    for cluster, example in examples.items():
        cluster_text = (folder / "clusters" / cluster / "cluster.yaml").read_text()
        environment = re.search(r"^environment: (\S+)$", cluster_text, re.M).group(1)
        for file in sorted((folder / "rendered" / cluster / "kubernetes").glob("*/daemonset.yaml")):
            source = file.parent.name
            yield DaemonSet(cluster, environment, example, source, file.read_text(), file.with_name("fluent.conf"))


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def listing(key, lines):
    return f"{key}:\n" + "".join(f"  - {line}\n" for line in lines)


def write_kustomizations(folder, daemon_sets):
    bases, overlays = {}, {}
    for each in daemon_sets:
        # Tolerations belong to the overlays: a cluster may have none.
        base = bases.setdefault(each.example, {})
        base.setdefault(each.name, each.text.replace(each.part("tolerations"), ""))
        overlays.setdefault((each.cluster, each.example), []).append(each)
    for example, texts in bases.items():
        for name, text in texts.items():
            write(folder / "bases" / example / f"{name}.yaml", text)
        write(folder / "bases" / example / "kustomization.yaml", listing("resources", [f"{name}.yaml" for name in texts]))
    for (cluster, example), members in overlays.items():
        target = folder / "overlays" / cluster
        for each in members:
            container = "".join(each.part(key) for key in ("image", "env", "resources"))
            pod = each.part("terminationGracePeriodSeconds") + each.part("tolerations")
            patch = f"{PATCH_HEAD.format(name=each.name)}{pod}      containers:\n        - name: fluentd\n{container}"
            write(target / f"{each.name}.yaml", patch)
            shutil.copy(each.configuration, target / f"{each.name}.conf")
        generators = [f"name: {each.name}\n    files: [fluent.conf={each.name}.conf]" for each in members]
        write(
            target / "kustomization.yaml",
            "namespace: logging\n"
            + listing("resources", [f"../../bases/{example}"])
            + listing("patches", [f"path: {each.name}.yaml" for each in members])
            + listing("configMapGenerator", generators),
        )


def jinja_template(daemon_set):
    """A DaemonSet with expressions in place of what differs."""
    text = daemon_set.text.replace(daemon_set.part("tolerations"), "")
    for key, width in DIFFERING.items():
        scope = "environment" if key == "terminationGracePeriodSeconds" else f"daemon_sets['{daemon_set.name}']"
        line = f"{' ' * width}{key}: {{{{ inventory.parameters.{scope}.{key} | tojson }}}}\n"
        if key == "tolerations":
            text = text.replace("      securityContext:\n", line + "      securityContext:\n", 1)
        else:
            text = text.replace(daemon_set.part(key), line)
    return text


def target_name(cluster):
    """A dot in a target's name is a folder to Kapitan."""
    return cluster.replace(".", "_")


def write_inventory(folder, daemon_sets):
    classes = folder / "inventory" / "classes"
    write(classes / "defaults.yml", "parameters:\n  target_name: ${_reclass_:name:short}\n")
    targets = {}
    for each in daemon_sets:
        template = folder / "templates" / each.example / f"{each.name}.yaml"
        if not template.exists():
            write(template, jinja_template(each))
        environment = classes / "environments" / f"{each.environment}.yml"
        grace = each.value("terminationGracePeriodSeconds")
        write(environment, f"parameters:\n  environment:\n    terminationGracePeriodSeconds: {grace}\n")
        configuration = folder / "configurations" / each.cluster / f"{each.name}.conf"
        configuration.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(each.configuration, configuration)
        targets.setdefault((each.cluster, each.environment, each.example), []).append(each)
    for (cluster, environment, example), members in targets.items():
        write(folder / "inventory" / "targets" / f"{target_name(cluster)}.yml", target(cluster, environment, example, members))


def target(cluster, environment, example, members):
    text = listing("classes", ["defaults", f"environments.{environment}"])
    text += "parameters:\n  daemon_sets:\n"
    for each in members:
        text += f"    {each.name}:\n"
        for key in ("tolerations", "image", "env", "resources"):
            value = each.value(key)
            text += indent(f"{key}:{indent(value, '  ') if value.startswith(chr(10)) else ' ' + value}\n", " " * 6)
    inputs = [
        {"input_type": "jinja2", "input_paths": [f"templates/{example}"], "output_path": "."},
        {"input_type": "copy", "input_paths": [f"configurations/{cluster}"], "output_path": "."},
    ]
    vars_ = {"target": target_name(cluster)}
    return f"{text}  kapitan:\n    vars: {json.dumps(vars_)}\n    compile: {json.dumps(inputs)}\n"


def check_same(python, rendered, kustomize_out, kapitan_out):
    result = run([python, COMPARE, rendered, kustomize_out, kapitan_out])
    print(f"{result.stdout.strip()}\n")


def measure_round(gen, programs, folder, examples):
    gen_folder, kustomize_folder, kapitan_folder = folder / "gen", folder / "kustomize", folder / "kapitan"
    shutil.rmtree(gen_folder / "rendered", ignore_errors=True)
    shutil.rmtree(kapitan_folder / "compiled", ignore_errors=True)
    shutil.rmtree(kustomize_folder / "out", ignore_errors=True)
    (kustomize_folder / "out").mkdir()
    builds = [
        [programs["kustomize"], "build", kustomize_folder / "overlays" / name, "-o", kustomize_folder / "out" / f"{name}.yaml"]
        for name in examples
    ]
    compile_all = [programs["kapitan"] / "kapitan", "compile", "--inventory-backend", "reclass-rs", "--ignore-version-check"]
    return {
        "gen, every file": run([gen, "render", "--no-record", "--root", gen_folder]),
        "kustomize, DaemonSets only": run_all(builds),
        "Kapitan, DaemonSets only": run(compile_all, cwd=kapitan_folder),
    }


def measure(gen, clusters, rounds, folder):
    """Prints what each tool takes for one cluster of a fleet."""
    programs = {"kustomize": kustomize(), "kapitan": kapitan()}
    examples = fleet.write_fleet(folder / "gen", clusters)
    run([gen, "render", "--no-record", "--root", folder / "gen"])
    daemon_sets = list(read_daemon_sets(folder / "gen", examples))
    write_kustomizations(folder / "kustomize", daemon_sets)
    write_inventory(folder / "kapitan", daemon_sets)
    versions = run([programs["kustomize"], "version"]).stdout.strip()
    print(f"\npeers     kustomize {versions}, Kapitan {KAPITAN}; {clusters} clusters, {len(daemon_sets)} DaemonSets.")
    print("          gen renders, checks and writes every file; the peers make the DaemonSets only, beside")
    print("          Fluentd configurations that gen rendered.")
    rounds = [measure_round(gen, programs, folder, examples) for _ in range(rounds)]
    check_same(
        programs["kapitan"] / "python",
        folder / "gen" / "rendered",
        folder / "kustomize" / "out",
        folder / "kapitan" / "compiled",
    )
    print("per cluster, median (least–most)")
    rows = []
    for name in rounds[0]:
        runs, ours = [each[name] for each in rounds], [each["gen, every file"] for each in rounds]
        wall, cpu = (Spread.of(getattr(each, figure) for each in runs) for figure in ("wall", "cpu"))
        row = [name, wall.text(1000 / clusters), cpu.text(1000 / clusters)]
        rows.append([*row, *(f"{ratios(runs, ours, figure).median:.0f}" for figure in ("wall", "cpu"))])
    table(["", "wall ms", "CPU ms", "wall ÷ gen", "CPU ÷ gen"], rows)
