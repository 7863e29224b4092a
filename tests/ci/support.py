"""Runs the scripts of `ci/preview/` as people do."""

import importlib.machinery
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from forges import TOKEN

SCRIPTS = Path(__file__).resolve().parents[2] / "ci" / "preview"


def script_as_module(name):
    """A script of `ci/preview/` as a module, and the module that it uses."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        loader = importlib.machinery.SourceFileLoader(name, str(SCRIPTS / name))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
        loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module, sys.modules["forge"]


class ScriptTest(unittest.TestCase):
    """A temporary folder, and runs whose output never holds the token."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def start(self, script, *arguments, environment=None, memory=None):
        if environment is None:
            environment = {"GITHUB_TOKEN": TOKEN, "GITLAB_TOKEN": TOKEN}
        command = [str(SCRIPTS / script), *map(str, arguments)]
        if script in ("comment", "receive"):
            # -W: a warning would be a message that users see.
            command = [sys.executable, "-W", "error", *command]
        run = subprocess.run(
            command,
            cwd=self.path,
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            preexec_fn=memory and (lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))),
        )
        self.assertNotIn(TOKEN, run.stdout + run.stderr)
        self.assertNotIn("Traceback", run.stderr)
        return run

    def assert_ends(self, run, code, text=""):
        self.assertEqual(run.returncode, code, run)
        self.assertIn(text, run.stdout + run.stderr)
