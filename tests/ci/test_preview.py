"""`ci/preview/check` and `ci/preview/preview`, with programs that do as told in
the place of gen and kustomize."""

import shlex
import unittest

from support import ScriptTest


class Bash(ScriptTest):
    def program(self, name, script):
        """A program that notes its arguments, then runs a script."""
        path = self.write(f"bin/{name}", f'#!/usr/bin/env bash\necho "{name} $*" >>{shlex.quote(str(self.path))}/calls\n{script}\n')
        path.chmod(0o755)
        return path

    def calls(self):
        path = self.path / "calls"
        return path.read_text().splitlines() if path.exists() else []


class Check(Bash):
    def setUp(self):
        super().setUp()
        for cluster in ("a", "b"):
            self.write(f"rendered/{cluster}/kubernetes/kustomization.yaml", "resources: []\n")
        self.write("rendered/_fleet/gitops/x.yaml", "")

    def check(self, *arguments, gen="exit 0", kustomize="exit 0", **environment):
        environment = {
            "GEN": str(self.program("gen", gen)),
            "KUSTOMIZE": str(self.program("kustomize", kustomize)),
            **environment,
        }
        return self.start("check", *arguments, environment=environment)

    def test_all_is_well(self):
        run = self.check()
        self.assert_ends(run, 0, "2 clusters built")
        self.assertEqual(
            self.calls(),
            [
                "gen --root . render --check",
                "gen --root . check",
                "kustomize build ./rendered/a/kubernetes",
                "kustomize build ./rendered/b/kubernetes",
            ],
        )

    def test_every_check_runs_after_one_that_failed(self):
        run = self.check(gen='[[ $* != *render* ]]', kustomize='[[ $* != */a/* ]] || { echo broken >&2; exit 5; }')
        self.assert_ends(run, 1, "rendered/ equals its inputs: FAILED")
        self.assertIn("schemas: passed", run.stdout)
        self.assertIn("./rendered/a/kubernetes:\nbroken\n", run.stderr)
        self.assertIn("1 clusters built\nkustomize: FAILED", run.stdout)
        self.assertEqual(len(self.calls()), 4)

    def test_faults_that_only_the_schemas_find(self):
        self.assert_ends(self.check(gen="[[ $* == *render* ]]"), 1, "schemas: FAILED")

    def test_surroundings_end_it_with_2(self):
        self.assert_ends(self.check(gen="exit 2"), 2)
        self.assert_ends(self.check(gen="exit 101"), 2, "FAILED (101)")
        self.assert_ends(self.check(GEN="/nowhere/gen"), 2, "is not here")
        self.assert_ends(self.check(KUSTOMIZE="/nowhere/kustomize"), 2, "is not here")
        self.assert_ends(self.check(LOGFLEET_ROOT="elsewhere"), 2, "elsewhere/rendered is not here")
        self.assert_ends(self.check("--what"), 2, "ci/preview/check")

    def test_a_fleet_in_a_folder(self):
        self.write("my fleet/rendered/c/kubernetes/kustomization.yaml", "")
        self.assert_ends(self.check(LOGFLEET_ROOT="my fleet"), 0, "1 clusters built")
        self.assertEqual(self.calls()[-1], "kustomize build my fleet/rendered/c/kubernetes")


class Preview(Bash):
    # As gen does: the comment goes to --out, whatever it ends with.
    GEN = """
while [[ $# -gt 1 ]]; do
  [[ $1 == --out ]] && out=$2
  [[ $1 == --format ]] && format=$2
  shift
done
echo "the $format" >"$out"
"""

    def preview(self, *arguments, gen=None, **environment):
        environment = {"GEN": str(self.program("gen", self.GEN if gen is None else gen)), **environment}
        return self.start("preview", *arguments, environment=environment)

    def test_a_comment_and_a_page(self):
        self.assert_ends(self.preview("--base", "main", "--head", "fix"), 0)
        self.assertEqual(
            self.calls(),
            [
                "gen --root . diff --base main --head fix --format html --out preview/logfleet-preview.html",
                "gen --root . diff --base main --head fix --format markdown --max-bytes 64500 --out preview/comment/body.md",
            ],
        )
        self.assertEqual((self.path / "preview/comment/body.md").read_text(), "the markdown\n")
        self.assertEqual((self.path / "preview/logfleet-preview.html").read_text(), "the html\n")

    def test_a_link_counts_as_a_part_of_the_comment(self):
        link = "https://example.com/page"
        run = self.preview("--base", "a", "--head", "b", "--out", "my out", "--link", link, "--max-bytes", 10_000)
        self.assert_ends(run, 0)
        first = f"[Everything on one page]({link})\n\n"
        self.assertEqual((self.path / "my out/comment/body.md").read_text(), f"{first}the markdown\n")
        self.assertIn(f"--max-bytes {10_000 - len(first)} ", self.calls()[1])

    def test_what_is_denied_fails_and_is_shown_all_the_same(self):
        gen = '[[ $* == *"--deny danger"* ]] && code=1\n' + self.GEN + "exit ${code:-0}"
        run = self.preview("--base", "a", "--head", "b", "--deny", "danger", gen=gen)
        self.assert_ends(run, 1)
        self.assertTrue((self.path / "preview/comment/body.md").exists())
        self.assertNotIn("deny", self.calls()[0])

    def test_a_failure_leaves_no_older_preview(self):
        self.preview("--base", "a", "--head", "b")
        self.assert_ends(self.preview("--base", "a", "--head", "b", gen="exit 2"), 2)
        self.assertFalse((self.path / "preview/comment/body.md").exists())
        self.assertFalse((self.path / "preview/logfleet-preview.html").exists())

    def test_wrong_use(self):
        for arguments in (
            (), ("--base", "a"), ("--head", "b"), ("--base",), ("--base", "a", "--head", "b", "x"),
            ("--base", "a", "--head", "b", "--max-bytes", "1; x"), ("--base", "", "--head", "b"),
        ):  # fmt: skip
            self.assertEqual(self.preview(*arguments).returncode, 2, arguments)
        self.assert_ends(self.preview("--base", "a", "--head", "b", GEN="/nowhere"), 2, "is not here")
        self.assertEqual(self.calls(), [])


if __name__ == "__main__":
    unittest.main()
