"""`ci/preview/comment` against a server that behaves as GitHub or GitLab."""

import time
import unittest
from unittest import mock

from forges import TOKEN, Fault, Forge
from support import ScriptTest, script_as_module

MARKER = "<!-- logfleet preview -->"


class Comments:
    """What holds at both."""

    kind = "github"
    me = "github-actions[bot]"
    update = "PATCH"

    def setUp(self):
        super().setUp()
        self.forge = Forge(self.kind, self.me)
        self.addCleanup(self.forge.server_close)
        self.addCleanup(self.forge.shutdown)

    def arguments(self):
        return ["github", "--repository", "o/n", "--pull", "7"]

    def post(self, body, *more, seconds=20, environment=None):
        path = self.write("body.md", body)
        return self.start(
            "comment",
            *self.arguments(), "--body", path, "--api", self.forge.url, "--seconds", seconds, *more,
            environment=environment,
        )  # fmt: skip

    def test_is_created_once_updated_after_and_left_when_equal(self):
        self.assert_ends(self.post("one\n"), 0, "created")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\none\n"])
        self.assert_ends(self.post("two\n"), 0, "updated")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\ntwo\n"])
        writes = self.forge.writes()
        self.assertEqual(writes, ["POST", self.update])
        self.assert_ends(self.post("two\n"), 0, "unchanged")
        self.assertEqual(self.forge.writes(), writes)

    def test_what_servers_do_to_ends_of_lines_is_no_change(self):
        self.post("one\ntwo\n")
        self.forge.comments[0]["body"] = f"{MARKER}\r\none\r\ntwo"
        self.assert_ends(self.post("one\ntwo\n"), 0, "unchanged")

    def test_a_body_with_the_marker_gets_no_second_one(self):
        self.post(f"{MARKER}\none\n")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\none\n"])

    def test_is_found_on_a_later_page(self):
        for number in range(250):
            self.forge.add("somebody", f"comment {number}")
        self.forge.add(self.me, f"{MARKER}\nold")
        for number in range(60):
            self.forge.add("somebody", f"later {number}")
        self.assert_ends(self.post("new\n"), 0, "updated")
        self.assertEqual(self.forge.bodies(self.me), [f"{MARKER}\nnew\n"])
        lists = [path for method, path, _ in self.forge.requests if method == "GET" and "per_page" in path]
        self.assertEqual(len(lists), 4, "each page once")

    def at_request(self, number, method, action):
        """Does something just before the server answers that request."""
        seen = []

        def meanwhile(asked, path):
            if asked == method and "/user" not in path:
                seen.append(path)
                if len(seen) == number:
                    action()

        self.forge.meanwhile = meanwhile

    def test_one_that_moves_to_an_earlier_page_is_found(self):
        for number in range(100):
            self.forge.add("somebody", f"comment {number}")
        self.forge.add(self.me, f"{MARKER}\nold")
        self.at_request(2, "GET", lambda: self.forge.comments.pop(3))
        self.assert_ends(self.post("new\n"), 0, "updated")
        self.assertEqual(self.forge.bodies(self.me), [f"{MARKER}\nnew\n"])

    def test_several_of_its_own_become_one(self):
        for body in (f"{MARKER}\na", "by hand", f"{MARKER}\nb", "<!-- logfleet staging -->\nx", f"{MARKER}\nc"):
            self.forge.add(self.me, body)
        self.forge.add("mallory", f"{MARKER}\ntheirs")
        self.forge.faults = [Fault("DELETE", lost="after")]
        rest = ["by hand", "<!-- logfleet staging -->\nx"]
        self.assert_ends(self.post("new\n"), 0, "updated: comment 1005")
        self.assertEqual(self.forge.bodies(self.me), [*rest, f"{MARKER}\nnew\n"])
        self.assertEqual(self.forge.bodies("mallory"), [f"{MARKER}\ntheirs"])
        self.forge.add(self.me, f"{MARKER}\nnew")
        self.assert_ends(self.post("new\n"), 0, "unchanged")
        self.assertEqual(self.forge.bodies(self.me), [*rest, f"{MARKER}\nnew"])

    def test_an_earlier_one_that_may_not_be_deleted_is_no_failure(self):
        for body in ("a", "b"):
            self.forge.add(self.me, f"{MARKER}\n{body}")
        self.forge.faults = [Fault("DELETE", status=403)]
        run = self.post("new\n")
        self.assert_ends(run, 0, "updated: comment 1002")
        self.assertIn("comment 1001, an earlier one, stays", run.stderr)

    def test_one_that_is_deleted_before_it_is_updated_is_made_anew(self):
        self.forge.add(self.me, f"{MARKER}\nold")
        self.at_request(1, self.update, self.forge.comments.clear)
        self.assert_ends(self.post("new\n"), 0, "created")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\nnew\n"])

    def test_one_that_can_only_be_read_is_not_made_twice(self):
        self.forge.add(self.me, f"{MARKER}\nold")
        self.forge.faults = [Fault(self.update, status=404, times=9)]
        self.assert_ends(self.post("new\n"), 1, "404")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\nold"])

    def test_a_stranger_s_comment_with_the_marker_is_never_edited(self):
        self.forge.add("mallory", f"{MARKER}\ntheirs")
        self.forge.add(self.me, f"I quote: {MARKER}")
        run = self.post("ours\n")
        self.assert_ends(run, 0, "created")
        self.assertIn("by 'mallory': left alone", run.stderr)
        self.assertEqual(
            self.forge.bodies(), [f"{MARKER}\ntheirs", f"I quote: {MARKER}", f"{MARKER}\nours\n"]
        )
        self.assert_ends(self.post("again\n"), 0, "updated")
        self.assertEqual(self.forge.bodies()[0], f"{MARKER}\ntheirs")

    def test_several_previews_of_one_pull_request(self):
        self.post("one\n")
        self.assert_ends(self.post("two\n", "--name", "staging"), 0, "created")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\none\n", "<!-- logfleet staging -->\ntwo\n"])

    def test_only_the_newest_commit_s_is_posted(self):
        old, new = "a" * 40, "b" * 40
        self.forge.head_sha = old
        self.assert_ends(self.post("one\n", "--head-sha", old), 0, "created")
        self.forge.head_sha = new
        self.assert_ends(self.post("two\n", "--head-sha", new), 0, "updated")
        # An earlier run that ends later.
        run = self.post("one\n", "--head-sha", old)
        self.assert_ends(run, 0, "aaaaaaaaaaaa is not the newest commit any more: nothing to post")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\ntwo\n"])
        self.forge.comments.clear()
        self.at_request(2, "GET", lambda: setattr(self.forge, "head_sha", old))
        self.assert_ends(self.post("two\n", "--head-sha", new), 0, "nothing to post")
        self.forge.head_sha = None
        self.assert_ends(self.post("two\n", "--head-sha", new), 0, "nothing to post")
        self.assertEqual(self.forge.bodies(), [])
        self.assert_ends(self.post("two\n", "--head-sha", "abc"), 2, "is not a whole commit")

    def test_server_errors_and_lost_connections_are_survived(self):
        for faults in (
            [Fault("GET", status=502, path="per_page"), Fault("GET", lost="before", path="per_page")],
            [Fault("GET", cut=True, path="per_page"), Fault("POST", status=503)],
            [Fault("GET", cut="without length", path="per_page")],
            [Fault("GET", status=200, value=b"", path="per_page")],
        ):
            self.forge.comments.clear()
            self.forge.faults = faults
            self.assert_ends(self.post("one\n"), 0, "created")
            self.assertEqual(self.forge.bodies(), [f"{MARKER}\none\n"])
        self.forge.faults = [Fault(self.update, status=500), Fault(self.update, lost="after")]
        self.assert_ends(self.post("two\n"), 0, "updated")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\ntwo\n"])

    def test_a_lost_answer_does_not_post_twice(self):
        for fault in (Fault("POST", lost="after"), Fault("POST", cut=True), Fault("POST", cut="without length")):
            self.forge.comments.clear()
            self.forge.requests.clear()
            self.forge.faults = [fault]
            self.assert_ends(self.post("one\n"), 0, "unchanged")
            self.assertEqual(self.forge.bodies(), [f"{MARKER}\none\n"])
            self.assertEqual(self.forge.writes(), ["POST"])

    def test_a_lost_request_is_posted_again(self):
        self.forge.faults = [Fault("POST", lost="before")]
        self.assert_ends(self.post("one\n"), 0, "created")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\none\n"])

    def test_time_runs_out(self):
        self.forge.faults = [Fault("GET", status=500, times=99)]
        start = time.monotonic()
        run = self.post("one\n", seconds=3)
        self.assert_ends(run, 2, "gave up after")
        self.assertLess(time.monotonic() - start, 10)

    def test_a_server_that_dribbles_has_no_more_time(self):
        self.forge.faults = [Fault("GET", drip=True, times=9)]
        start = time.monotonic()
        self.assert_ends(self.post("one\n", seconds=2), 2, "2 s is all the time there is")
        self.assertLess(time.monotonic() - start, 10)
        for seconds in ("0", "-1", "1e3", "100000"):
            self.assert_ends(self.post("one\n", seconds=seconds), 2, "usage:")

    def test_retry_after_is_honoured(self):
        self.forge.faults = [Fault("POST", status=429, headers={"Retry-After": "3"})]
        start = time.monotonic()
        self.assert_ends(self.post("one\n"), 0, "created")
        self.assertGreaterEqual(time.monotonic() - start, 3)

    def test_a_wait_beyond_the_budget_is_not_begun(self):
        self.forge.faults = [Fault("GET", status=429, headers={"Retry-After": "3600"}, times=9, path="per_page")]
        start = time.monotonic()
        self.assert_ends(self.post("one\n"), 2, "gave up after 1 attempts")
        self.assertLess(time.monotonic() - start, 10)

    def test_refusals_are_explained(self):
        for status, hint in ((401, "not valid"), (403, "may not comment"), (404, "no such")):
            self.forge.faults = [Fault("POST", status=status, message="Resource not accessible")]
            run = self.post("one\n")
            self.assert_ends(run, 1, hint)
            self.assertIn("Resource not accessible", run.stderr)
        self.assertEqual(self.forge.bodies(), [])

    def test_a_token_that_the_server_repeats_is_not_shown(self):
        self.forge.faults = [
            Fault("GET", status=502, message=f"bad {TOKEN}", path="per_page"),
            Fault("POST", status=403, message=f"bad {TOKEN}"),
        ]
        run = self.post("one\n")
        self.assert_ends(run, 1, "403 bad ***")
        self.assertIn("502 bad ***", run.stderr)

    def test_no_token_leaves_the_host(self):
        other = Forge(self.kind)
        self.addCleanup(other.server_close)
        self.addCleanup(other.shutdown)
        for method, status in (("GET", 302), ("GET", 307), ("POST", 307), ("POST", 301)):
            self.forge.faults = [
                Fault(method, status=status, headers={"Location": f"{other.url}/evil"}, path="s" if method == "POST" else "per_page")
            ]
            self.assert_ends(self.post("one\n"), 1, "leads to another host")
        self.assertEqual(other.requests, [])

    def test_a_proxy_gets_no_token_in_clear_text(self):
        proxy = Forge(self.kind)
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        variable = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}[self.kind]
        environment = {variable: TOKEN, "http_proxy": proxy.url, "all_proxy": proxy.url}
        self.assert_ends(self.post("one\n", environment=environment), 0, "created")
        self.assertEqual(proxy.requests, [])

    def test_a_redirect_at_the_same_host_is_followed(self):
        path = self.list_path()
        self.forge.faults = [Fault("GET", status=301, headers={"Location": f"{path}?per_page=100&x=1"}, path=path)]
        self.assert_ends(self.post("one\n"), 0, "created")

    def list_path(self):
        return "/repos/o/n/issues/7/comments"

    def test_a_next_page_at_another_host_is_refused(self):
        other = Forge(self.kind)
        self.addCleanup(other.server_close)
        self.addCleanup(other.shutdown)
        self.forge.faults = [
            Fault("GET", status=200, value=[], headers={"Link": f'<{other.url}/x>; rel="next"'}, path="per_page")
        ]
        self.assert_ends(self.post("one\n"), 2, "next page is at another host")
        self.assertEqual(other.requests, [])

    def test_only_https_except_to_this_machine(self):
        for url in ("http://example.com", "ftp://127.0.0.1", "file:///etc/passwd", "https://me:pw@example.com", "x"):
            path = self.write("body.md", "one")
            run = self.start("comment", *self.arguments(), "--body", path, "--api", url)
            self.assert_ends(run, 2, "error: `")
            self.assertNotIn("pw", run.stderr)

    def test_answers_that_are_no_use_end_it_with_2(self):
        elsewhere = ("http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://[/", "http://:80/x", "http://h/\xe4 b")
        answers = [
            *(Fault("GET", status=302, headers={"Location": url}) for url in elsewhere),
            *(Fault("GET", status=200, value=[], headers={"Link": f'<{url}>; rel="next"'}) for url in elsewhere),
            *(Fault("GET", status=429, headers={"Retry-After": digits}) for digits in ("9" * 400, "9" * 5000)),
            Fault("GET", status=429, headers={"Retry-After": "Fri, 01 Jan 0001 00:00:00 +2359"}, times=99),
            Fault("GET", status=200, value=[1]),
            Fault("GET", status=200, value={"message": "x"}),
            Fault("GET", status=200, value=[{"user": None, "body": f"{MARKER}\n"}]),
            Fault("GET", status=200, value=b"[" * 200_000, times=99),
            Fault("POST", status=201, value=[]),
            Fault("POST", status=201, value=b"<html>"),
        ]
        for answer in answers:
            answer.path = "comments" if self.kind == "github" else "notes"
            self.forge.faults = [answer]
            self.assert_ends(self.post("one\n", seconds=2), 2, "error: ")
        self.forge.faults = [Fault("GET", status=200, value=[], path="/user")]
        self.forge.tells_user = True
        self.assert_ends(self.post("one\n"), 2, "something else than an object")

    def test_a_next_page_may_be_named_in_short(self):
        path = self.list_path()
        link = f'<{path}?per_page=100&page=1,2>; rel="first", <?per_page=100&page=2>; rel="next"'
        self.forge.faults = [Fault("GET", status=200, value=[], headers={"Link": link}, path=path)]
        self.assert_ends(self.post("one\n"), 0, "created")

    def test_a_body_that_is_too_long_is_refused_at_once(self):
        limit = {"github": 65_536, "gitlab": 1_000_000}[self.kind]
        room = limit - len(MARKER) - 1
        run = self.post("é" * (room + 1))
        self.assert_ends(run, 1, f"the limit is {limit:,}")
        self.assertEqual(self.forge.requests, [], "before anything is asked")
        self.assert_ends(self.post("é" * room), 0, "created")

    def test_unusable_bodies_and_tokens(self):
        for body, told in ((b"", "is empty"), (b" \n", "is empty"), (b"a\xff", "not UTF-8"), (b"a\0", "NUL")):
            self.assert_ends(self.post(body), 1, told)
        variable = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}[self.kind]
        for environment in ({}, {variable: " "}, {variable: "a\nX-Evil: b"}):
            self.assert_ends(self.post("x", environment=environment), 2, variable)
        self.assertEqual(self.forge.requests, [])
        missing = self.start("comment", *self.arguments(), "--body", self.path / "none", "--api", self.forge.url)
        self.assert_ends(missing, 2, "No such file")
        self.assert_ends(self.post("x", "--token", "abc"), 2, "unrecognized arguments")

    def test_a_wrong_token_is_told(self):
        variable = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}[self.kind]
        self.assert_ends(self.post("x", environment={variable: "other"}), 1, "is not valid")

    def test_an_author_who_is_not_the_token_s_is_told_and_nothing_stays(self):
        run = self.post("x", "--author", "somebody-else")
        self.assert_ends(run, 1, f"the token posts as `{self.me}`, not as `somebody-else`")
        self.assertEqual(self.forge.bodies(), [])


class GitHub(Comments, ScriptTest):
    """GitHub, with the token of a workflow."""

    def test_a_person_s_token_is_asked_who_it_is(self):
        self.forge.me = "anna"
        self.forge.tells_user = True
        self.forge.add("github-actions[bot]", f"{MARKER}\ntheirs")
        self.assert_ends(self.post("one\n"), 0, "created")
        self.assert_ends(self.post("two\n"), 0, "updated")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\ntheirs", f"{MARKER}\ntwo\n"])

    def test_an_app_is_found_out_before_it_posts(self):
        self.forge.me = "our-app[bot]"
        self.forge.add("github-actions[bot]", f"{MARKER}\ntheirs")
        self.assert_ends(self.post("one\n"), 0, "created")
        self.assert_ends(self.post("two\n"), 0, "updated")
        self.assertEqual(self.forge.bodies(), [f"{MARKER}\ntheirs", f"{MARKER}\ntwo\n"])
        self.forge.tells_user = True
        self.assert_ends(self.post("three\n", "--author", "our-app[bot]"), 0, "updated")

    def test_on_a_server_of_one_s_own_graphql_is_elsewhere(self):
        self.forge.graphql = "/api/graphql"
        self.forge.faults = [Fault("GET", status=403, path="/user"), Fault("GET", status=200, value=[], times=2)]
        body = self.write("body.md", "one")
        api = f"{self.forge.url}/api/v3"
        self.assert_ends(self.start("comment", *self.arguments(), "--body", body, "--api", api), 1, "404")
        self.assertIn("/api/graphql", [path for _, path, _ in self.forge.requests])

    def test_who_can_t_be_found_out_posts_nothing(self):
        for answer in ({"status": 404}, {"status": 200, "value": {"errors": [{"message": "no"}]}}):
            self.forge.faults = [Fault("POST", path="/graphql", **answer)]
            run = self.post("one\n")
            self.assert_ends(run, 2, "doesn't say who the token is")
            self.assertIn("--author", run.stderr)
        self.assertEqual(self.forge.bodies(), [])

    def test_rate_limits_that_come_as_403(self):
        reset = str(int(time.time()) + 2)
        self.forge.faults = [
            Fault("GET", status=403, path="per_page", headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}),
            Fault("POST", status=403, headers={"Retry-After": "1"}, message="You have exceeded a secondary rate limit"),
        ]
        self.assert_ends(self.post("one\n"), 0, "created")
        self.assertEqual(len(self.forge.bodies()), 1)

    def test_a_secondary_limit_without_a_time_takes_a_minute(self):
        self.forge.faults = [Fault("POST", status=403, message="You have exceeded a secondary rate limit.")]
        self.assert_ends(self.post("one\n"), 2, "may be made in 60 s")

    def test_wrong_arguments(self):
        body = self.write("body.md", "x")
        for repository, pull in (("o", "7"), ("o/..", "7"), ("o/n/x", "7"), ("o/n?x", "7"), ("o/n", "0"), ("o/n", "7/x")):
            run = self.start("comment", "github", "--repository", repository, "--pull", pull, "--body", body)
            self.assert_ends(run, 2, "usage:")


class GitLab(Comments, ScriptTest):
    kind = "gitlab"
    me = "project_12_bot"
    update = "PUT"

    def arguments(self):
        return ["gitlab", "--project", "g/p", "--merge-request", "7"]

    def list_path(self):
        return "/projects/g%2Fp/merge_requests/7/notes"


class Units(unittest.TestCase):
    """What takes too long to wait for."""

    @classmethod
    def setUpClass(cls):
        cls.comment, cls.forge = script_as_module("comment")

    def test_waits_grow_with_jitter_and_have_an_end(self):
        with mock.patch.object(self.forge.time, "sleep") as sleep, mock.patch.object(self.forge, "tell"):
            budget = self.forge.Budget(1000)
            for _ in range(20):
                budget.wait(self.forge.Passing("x"))
        waits = [call.args[0] for call in sleep.call_args_list]
        for attempt, wait in enumerate(waits):
            highest = min(30, 2**attempt)
            self.assertTrue(highest / 2 <= wait <= highest, (attempt, wait))
        self.assertEqual(len(set(waits)), len(waits))

    def test_waits_that_servers_ask_for(self):
        def wait(headers, status=429, data=b"{}"):
            return self.forge.asked_wait(self.forge.Answer(status, headers, data))

        self.assertEqual(wait({"Retry-After": "7"}), 7)
        self.assertEqual(wait({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}), 0)
        self.assertGreater(wait({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}), 1e9)
        self.assertIsNone(wait({"Retry-After": "soon"}))
        self.assertIsNone(wait({}))
        self.assertIsNone(wait({"X-RateLimit-Remaining": "7"}, 403))

    def test_the_next_page(self):
        link = '<https://h/x?page=1,2>; rel="prev"'
        self.assertIsNone(self.forge.next_page(link))
        self.assertIsNone(self.forge.next_page(""))
        self.assertEqual(self.forge.next_page('<https://h/a>; rel="first", <https://h/b>; rel="next"'), "https://h/b")

    def test_a_defect_is_no_refusal(self):
        with mock.patch("sys.stderr"), self.assertRaises(SystemExit) as ended:
            self.forge.run(lambda: 1 // 0)
        self.assertEqual(ended.exception.code, 2)

    def test_an_address_is_shown_without_what_is_secret_in_it(self):
        self.assertEqual(self.forge.public("https://me:pw@h/x?sig=secret#f"), "https://h/x")

    def test_hosts(self):
        for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"):
            self.assertTrue(self.forge.is_loopback(host), host)
        for host in ("localhost.example.com", "128.0.0.1", "10.0.0.1", "", None, "127.0.0.1.example.com"):
            self.assertFalse(self.forge.is_loopback(host), host)
        self.assertEqual(self.forge.origin("https://h/a"), self.forge.origin("https://h:443/b"))
        self.assertNotEqual(self.forge.origin("https://h/a"), self.forge.origin("http://h/a"))


if __name__ == "__main__":
    unittest.main()
