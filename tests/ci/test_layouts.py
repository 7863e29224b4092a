"""`ci/bench/layouts.py`: which objects a cluster has, and in which order they are applied."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ci" / "bench"))
import layouts

FILES = {
    "_plugins/_security/api/rolesmapping/writer": {},
    "_plugins/_security/api/internalusers/writer": {"backend_roles": ["writer"]},
    "_plugins/_security/api/roles/writer": {},
    "_plugins/_security/api/tenants/reader": {},
    "_data_stream/logs-a-x": {},
    "_data_stream/logs-a.b-x": {},
    "_index_template/logs-a-x": {
        "index_patterns": ["logs-a-x", "logs-a.b-x"],
        "composed_of": ["logfleet-k@mappings-01", "logfleet-1-shard@settings-02"],
        "priority": 7,
    },
    "_plugins/_ism/policies/logs-a-x": {"patterns": ["logs-a-x"]},
    "_plugins/_ism/policies/logs-a.b-x": {"patterns": ["logs-a.b-x"]},
    "_component_template/logfleet-k@mappings-01": {"mappings": 1},
    "_component_template/logfleet-1-shard@settings-02": {"settings": 2},
}


class Layouts(unittest.TestCase):
    def read(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, body in files.items():
                path = Path(folder) / f"{name}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(body))
            return layouts.read(Path(folder))

    def test_what_is_needed_comes_first(self):
        paths = [one.path() for one in self.read(FILES)]
        self.assertEqual(paths, [path.replace("@", "%40") for path in reversed(sorted(FILES, key=self.place))])

    @staticmethod
    def place(path):
        """The reverse of the order in which kinds are applied, then that of names."""
        kinds = [folder for folder, _ in layouts.KINDS]
        at = kinds.index(path.rpartition("/")[0])
        return -at, [-ord(letter) for letter in path]

    def test_a_file_of_another_kind_is_refused(self):
        with self.assertRaises(ValueError):
            self.read({**FILES, "_ingest/pipeline/x": {}})

    def test_only_a_user_is_sent_with_more_than_its_file_has(self):
        for one in self.read(FILES):
            sent, body = json.loads(one.request_body()), json.loads(one.body)
            if one.kind == "internal users":
                self.assertGreater(len(sent.pop("password")), 20)
            self.assertEqual(sent, body)

    def test_each_stream_has_a_set_of_its_own(self):
        objects = {(one.kind, one.name): json.loads(one.body) for one in layouts.per_stream(self.read(FILES))}
        for stream in ("logs-a-x", "logs-a.b-x"):
            self.assertEqual(objects.pop(("component templates", f"{stream}@mappings")), {"mappings": 1})
            self.assertEqual(objects.pop(("component templates", f"{stream}@settings")), {"settings": 2})
            self.assertEqual(objects.pop(("policies", stream)), {"patterns": [stream]})
            self.assertEqual(objects.pop(("data streams", stream)), {})
            template = {
                "index_patterns": [stream],
                "composed_of": [f"{stream}@mappings", f"{stream}@settings"],
                "priority": 7,
            }
            self.assertEqual(objects.pop(("index templates", stream)), template)
        self.assertEqual({kind for kind, _ in objects}, set(layouts.SECURITY))


if __name__ == "__main__":
    unittest.main()
