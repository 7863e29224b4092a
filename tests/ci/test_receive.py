"""`ci/preview/receive`: what an untrusted run made is read as data."""

import unittest
import zipfile

from forges import Fault, Forge, archive
from support import ScriptTest, script_as_module

SHA = "0123456789abcdef0123456789abcdef01234567"


def pull(number, sha=SHA, base="o/n", owner="forker", branch="fix"):
    head = {"sha": sha, "ref": branch, "repo": {"owner": {"login": owner}}}
    return {"number": number, "head": head, "base": {"repo": {"full_name": base}}}


class Receive(ScriptTest):
    @classmethod
    def setUpClass(cls):
        cls.receive_script, cls.forge_module = script_as_module("receive")

    def setUp(self):
        super().setUp()
        self.forge = Forge()
        self.blobs = Forge()
        for server in (self.forge, self.blobs):
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
        self.forge.artifact_host = self.blobs
        self.forge.lists["/repos/o/n/pulls"] = [pull(6, "f" * 40), pull(7), pull(8, base="fork/n")]
        self.changes([{"filename": "clusters/a/cluster.yaml"}])
        self.artifacts(("logfleet-comment", 1, False), ("logfleet-preview.html", 2, False))
        self.upload([("body.md", "hello\n"), ("pull", "7\n")])

    def changes(self, files, now=None):
        self.forge.lists["/repos/o/n/pulls/7/files"] = files
        self.forge.lists["/repos/o/n/pulls/7"] = {**(now or pull(7)), "changed_files": len(files)}

    def artifacts(self, *listed):
        self.forge.lists["/repos/o/n/actions/runs/55/artifacts"] = {
            "artifacts": [{"name": name, "id": number, "expired": expired} for name, number, expired in listed]
        }

    def upload(self, files):
        data = files if isinstance(files, bytes) else archive(files)
        self.forge.archives["/repos/o/n/actions/artifacts/1/zip"] = data
        self.blobs.archives["/blobs/1"] = data

    def receive(self, owner="forker", branch="fix", seconds=20, memory=None):
        return self.start(
            "receive",
            "--repository", "o/n", "--run", 55, "--head-sha", SHA, f"--head-owner={owner}", f"--head-branch={branch}",
            "--out", "received", "--api", self.forge.url, "--seconds", seconds,
            memory=memory,
        )  # fmt: skip

    def refused(self, code, text):
        self.assert_ends(self.receive(), code, text)
        self.assertFalse((self.path / "received").exists())

    def test_the_comment_and_its_pull_request(self):
        self.forge.lists["/repos/o/n/pulls"] = [pull(7, branch="--fix/ü")]
        self.changes([], pull(7, branch="--fix/ü"))
        self.assert_ends(self.receive(branch="--fix/ü"), 0, "pull request 7")
        self.assertEqual((self.path / "received/pull").read_text(), "7\n")
        url = "https://github.com/o/n/actions/runs/55"
        self.assertEqual(
            (self.path / "received/body.md").read_text(),
            f"Preview of 0123456789ab, as merged into its base ([run]({url})) · [everything on one page]({url}/artifacts/2)\n\nhello\n",
        )
        asked = [path for _, path, _ in self.forge.requests if "/pulls?" in path]
        self.assertEqual(asked, ["/repos/o/n/pulls?state=open&per_page=100&head=forker%3A--fix%2F%C3%BC"])

    def test_the_token_is_not_sent_to_where_artifacts_are(self):
        self.assert_ends(self.receive(), 0)
        self.assertEqual(len(self.blobs.requests), 1)
        for _, _, headers in self.blobs.requests:
            self.assertNotIn("Authorization", headers)

    def test_a_commit_that_is_no_pull_request_s_newest_any_more(self):
        self.forge.lists["/repos/o/n/pulls"] = [pull(7, "e" * 40)]
        self.assert_ends(self.receive(), 0, "nothing to post")
        self.assertFalse((self.path / "received").exists())
        self.assert_ends(self.receive(owner=""), 0, "nothing to post")

    def test_a_server_that_ignores_the_filter(self):
        no_fork = pull(12)
        no_fork["head"]["repo"] = None
        others = [pull(9, owner="mallory"), pull(10, branch="other"), pull(11, base="O/other"), no_fork]
        self.forge.lists["/repos/o/n/pulls"] = others
        self.assert_ends(self.receive(), 0, "nothing to post")
        self.forge.lists["/repos/o/n/pulls"] = [*others, pull(7, owner="Forker")]
        self.upload([("body.md", "hello\n"), ("pull", "9\n")])
        self.refused(1, "its commit belongs to [7]")

    def test_what_the_run_says_only_chooses_among_its_own(self):
        for said in ("6\n", "8\n", "1", "", "7 8", "7\n7", "../7", "७"):
            self.upload([("body.md", "hello\n"), ("pull", said)])
            self.refused(1, "its commit belongs to [7]")
        self.forge.lists["/repos/o/n/pulls"] = [pull(7), pull(9)]
        self.upload([("body.md", "hello\n"), ("pull", "7")])
        self.assert_ends(self.receive(), 0, "pull request 7")

    def test_a_run_without_a_preview(self):
        self.artifacts(("logfleet-comment", 1, True), ("other", 3, False))
        self.assert_ends(self.receive(), 0, "made no preview")
        self.assertFalse((self.path / "received").exists())

    def test_of_a_run_that_was_started_again_the_newest_counts(self):
        comments = [("logfleet-comment", number, False) for number in (9, 1, 3)]
        pages = [("logfleet-preview.html", number, False) for number in (8, 10, 2)]
        self.artifacts(*comments, *pages, ("logfleet-comment", 11, True))
        self.forge.archives["/repos/o/n/actions/artifacts/9/zip"] = b""
        self.assert_ends(self.receive(), 0, "pull request 7")
        asked = [path for _, path, _ in self.forge.requests if path.endswith("/zip")]
        self.assertEqual(asked, ["/repos/o/n/actions/artifacts/9/zip"])
        self.assertIn("/runs/55/artifacts/10)", (self.path / "received/body.md").read_text())

    def test_archives_that_are_not_as_they_should_be(self):
        files = [("body.md", "x"), ("pull", "7")]
        for bad, told in (
            (b"no zip", "not a usable archive"),
            ([("body.md", "x")], "should hold"),
            (files + [("../../evil", "x")], "should hold"),
            ([("body.md", "x"), ("./pull", "7")], "should hold"),
            ([("body.md", "x" * 300_000), ("pull", "7")], "has more than 262,144 bytes"),
            ([("body.md", "x"), ("pull", "7" * 30)], "has more than 20 bytes"),
            ([("body.md", "x" * 65_000), ("pull", "7")], "may have 64,836"),
            ([("body.md", b"\xff"), ("pull", "7")], "not UTF-8"),
            ([("body.md", "a\x1b[31m"), ("pull", "7")], "U+001B"),
            ([("body.md", "a\x9b"), ("pull", "7")], "U+009B"),
            ([("body.md", " \n"), ("pull", "7")], "is empty"),
            (archive(files)[:-30], "not a usable archive"),
        ):
            self.upload(bad)
            self.refused(1, told)

    def test_archives_that_are_damaged_anywhere(self):
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            whole = archive([("body.md", "hello, hello, hello\n" * 9), ("pull", "7")], method)
            for place in range(0, len(whole), 5):
                damaged = bytearray(whole)
                damaged[place] ^= 0x55
                with self.subTest(method=method, place=place):
                    try:
                        self.receive_script.unpack(bytes(damaged))
                    except self.forge_module.Refusal as refusal:
                        self.assertEqual(refusal.code, 1)

    def test_only_what_github_compresses_by_is_unpacked(self):
        self.upload(archive([("body.md", "x"), ("pull", "7")], zipfile.ZIP_LZMA))
        self.refused(1, "compressed in a way that GitHub doesn't use")

    def test_answers_that_are_no_use_end_it_with_2(self):
        for path, value in (
            ("/pulls?", [7]),
            ("/pulls?", {}),
            ("/pulls?", [{**pull(7), "number": "7/../8"}]),
            ("/artifacts", []),
            ("/artifacts", {}),
            ("/artifacts", {"artifacts": [1]}),
            ("/artifacts", {"artifacts": [{"name": "logfleet-comment", "id": "1/../2", "expired": False}]}),
            ("/files", ["x"]),
        ):
            self.forge.faults = [Fault("GET", status=200, value=value, path=path)]
            self.refused(2, "the server")
        self.forge.lists["/repos/o/n/pulls"] = [{"number": 7, "head": None, "base": 1}]
        self.assert_ends(self.receive(), 0, "nothing to post")

    def test_a_bomb_is_not_unpacked(self):
        self.upload([("body.md", bytes(200 << 20)), ("pull", "7")])
        self.assertLess(len(self.blobs.archives["/blobs/1"]), 1 << 20)
        self.assert_ends(self.receive(memory=200 << 20), 1, "has more than 262,144 bytes")
        self.upload(bytes(2 << 20))
        self.refused(1, "has more than 1048576 bytes")

    def test_a_change_of_its_own_means_is_told_in_front(self):
        for file in (
            {"filename": ".github/workflows/logfleet-preview.yml"},
            {"filename": "elsewhere", "previous_filename": "ci/preview/check"},
        ):
            clusters = [{"filename": f"clusters/{number}"} for number in range(150)]
            self.changes([*clusters, file])
            self.assert_ends(self.receive(), 0)
            text = (self.path / "received/body.md").read_text()
            self.assertLess(text.index("changes the scripts or workflows"), text.index("hello"))
            self.assertLess(len(text) - len("hello\n"), 700)

    def test_more_files_than_are_listed_are_told_in_front(self):
        clusters = [{"filename": f"clusters/{number}"} for number in range(150)]
        self.changes([*clusters, {"filename": "ci/preview/check"}])
        self.forge.listed_at_most = 150
        self.assert_ends(self.receive(), 0)
        text = (self.path / "received/body.md").read_text()
        self.assertLess(text.index("can't be told"), text.index("hello"))
        self.assertLess(len(text) - len("hello\n"), 700)
        self.changes(clusters)
        self.assert_ends(self.receive(), 0)
        self.assertNotIn("can't be told", (self.path / "received/body.md").read_text())
        del self.forge.lists["/repos/o/n/pulls/7"]["changed_files"]
        self.assert_ends(self.receive(), 0)
        self.assertIn("can't be told", (self.path / "received/body.md").read_text())

    def test_one_that_moves_on_meanwhile_gets_nothing(self):
        for now in (pull(7, "e" * 40), pull(7, branch="other"), pull(7, base="o/other")):
            self.changes([{"filename": "clusters/a/cluster.yaml"}], now)
            self.assert_ends(self.receive(), 0, "pull request 7 has moved on")
            self.assertFalse((self.path / "received").exists())

    def test_failures_of_the_server(self):
        self.forge.faults = [Fault("GET", status=502, path="/zip"), Fault("GET", lost="before", path="/pulls?")]
        self.blobs.faults = [Fault("GET", cut=True)]
        self.assert_ends(self.receive(), 0, "pull request 7")
        self.forge.faults = [Fault("GET", status=403, path="/artifacts")]
        self.assert_ends(self.receive(), 1, "actions: read")

    def test_a_server_that_dribbles_has_no_more_time(self):
        for server, path in ((self.forge, "/pulls?"), (self.blobs, "/blobs")):
            server.faults = [Fault("GET", drip=True, path=path)]
            self.assert_ends(self.receive(seconds=2), 2, "2 s is all the time there is")

    def test_a_redirect_to_plain_http_elsewhere_is_refused(self):
        self.forge.faults = [Fault("GET", status=302, headers={"Location": "http://192.0.2.1/x"}, path="/zip")]
        self.assert_ends(self.receive(), 2, "is not an https address")


if __name__ == "__main__":
    unittest.main()
