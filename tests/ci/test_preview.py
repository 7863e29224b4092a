"""`ci/preview/check` and `ci/preview/preview`, with programs that do as told in
the place of gen and kustomize."""

import shlex
import subprocess
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
    GEN = """
    while [[ $# -gt 0 ]]; do
      if [[ $1 == --out ]]; then echo "what changes, as ${2##*/}" >"$2"; fi
      shift
    done
    echo verdict
    """

    def preview(self, *arguments, gen=None, **environment):
        environment = {"GEN": str(self.program("gen", self.GEN if gen is None else gen)), **environment}
        return self.start("preview", *arguments, environment=environment)

    def made(self):
        files = self.path.glob("preview/**/*.*")
        return {str(file.relative_to(self.path / "preview")): file.read_text() for file in files}

    FILES = "--out preview/comment/body.md --out preview/logfleet-preview.html"
    MADE = {
        "comment/body.md": "what changes, as body.md\n",
        "logfleet-preview.html": "what changes, as logfleet-preview.html\n",
    }

    def test_a_comment_and_a_page_of_one_run(self):
        self.assert_ends(self.preview("--base", "main", "--head", "fix"), 0, "verdict")
        self.assertEqual(self.calls(), [f"gen --root . diff --base main --head fix --max-bytes 64500 --deny danger {self.FILES}"])
        self.assertEqual(self.made(), self.MADE)

    def test_gen_is_told_the_length_and_the_link(self):
        run = self.preview("--base", "a", "--head", "b", "--link", "https://example.com/?a b", "--max-bytes", 2_000)
        self.assert_ends(run, 0)
        arguments = "--max-bytes 2000 --deny danger --link https://example.com/?a b"
        self.assertEqual(self.calls(), [f"gen --root . diff --base a --head b {arguments} {self.FILES}"])

    def test_a_server_without_tls_has_its_preview(self):
        run = self.preview("--base", "a", "--head", "b", "--link", "http://gitlab.example.com/x")
        self.assert_ends(run, 0, "--link is left out")
        self.assertEqual(self.calls(), [f"gen --root . diff --base a --head b --max-bytes 64500 --deny danger {self.FILES}"])

    def test_nothing_is_denied_where_nothing_is_to_be(self):
        self.assert_ends(self.preview("--base", "a", "--head", "b", LOGFLEET_DENY=""), 0)
        self.assertEqual(self.calls(), [f"gen --root . diff --base a --head b --max-bytes 64500 {self.FILES}"])

    def test_a_preview_with_faults_is_shown_all_the_same(self):
        self.assert_ends(self.preview("--base", "a", "--head", "b", gen=self.GEN + "exit 1"), 1)
        self.assertEqual(self.made(), self.MADE)

    def test_a_failure_leaves_no_older_preview(self):
        self.preview("--base", "a", "--head", "b")
        self.assert_ends(self.preview("--base", "a", "--head", "b", gen="exit 2"), 2)
        self.assertEqual(self.made(), {})

    def git(self, *arguments):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        run = subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def commit(self, name):
        self.git("commit", "--quiet", "--allow-empty", "--message", name)
        return self.git("rev-parse", "HEAD")

    def merged(self):
        """A pull request's newest commit; what is checked out is its merge."""
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("base")
        self.git("checkout", "--quiet", "-b", "fix")
        newest = self.commit("fix")
        self.git("checkout", "--quiet", "main")
        self.commit("others")
        self.git("merge", "--quiet", "--no-ff", "--no-edit", "fix")
        return newest

    def test_the_merge_of_a_pull_request_into_its_base(self):
        newest = self.merged()
        self.assert_ends(self.preview("--merge-of", newest), 0, "verdict")
        self.assertEqual(self.calls(), [f"gen --root . diff --base HEAD^1 --head HEAD --max-bytes 64500 --deny danger {self.FILES}"])
        self.assertEqual(self.made(), self.MADE)

    def test_what_is_no_merge_of_it_gets_no_preview(self):
        newest = self.merged()
        base = self.git("rev-parse", "HEAD^1")
        for other in (base, "HEAD^2", newest[:12], f".*{newest[2:]}", "x"):
            self.assert_ends(self.preview("--merge-of", other), 2, "is not the merge of")
        self.git("checkout", "--quiet", "fix")
        self.assert_ends(self.preview("--merge-of", newest), 2, "is not the merge of")
        self.git("clone", "--quiet", "--depth=1", "--branch=main", f"file://{self.path}", "shallow")
        self.assert_ends(self.preview("--merge-of", newest, LOGFLEET_ROOT="shallow"), 2, "with its history")
        self.assert_ends(self.preview("--merge-of", newest, LOGFLEET_ROOT=self.write("a/b", "").parent), 2)
        self.assertEqual(self.calls(), [])

    def test_wrong_use(self):
        for arguments in (
            (), ("--base", "a"), ("--head", "b"), ("--base",), ("--base", "a", "--head", "b", "x"),
            ("--base", "a", "--head", "b", "--max-bytes", "1; x"), ("--base", "", "--head", "b"),
            ("--merge-of", "a", "--base", "b"), ("--merge-of", "a", "--head", "b"), ("--merge-of", ""),
        ):  # fmt: skip
            self.assertEqual(self.preview(*arguments).returncode, 2, arguments)
        self.assert_ends(self.preview("--base", "a", "--head", "b", GEN="/nowhere"), 2, "is not here")
        self.assertEqual(self.calls(), [])


if __name__ == "__main__":
    unittest.main()
