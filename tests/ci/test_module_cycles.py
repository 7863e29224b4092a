"""`ci/module-cycles` with small crates."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "ci" / "module-cycles"


class ModuleCycles(unittest.TestCase):
    def judge(self, files):
        """Runs the script over a crate; its exit code and what it printed."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            run = subprocess.run([sys.executable, SCRIPT, "lib.rs"], cwd=folder, capture_output=True, text=True)
        return run.returncode, (run.stdout + run.stderr).splitlines()

    def assert_cycle(self, a, b="use crate::a::Thing;", **more):
        """`a` has this text, and closes a cycle with `b`."""
        code, told = self.judge({"lib.rs": "mod a;\nmod b;\n", "a.rs": a, "b.rs": b, **more})
        self.assertEqual(code, 1, told)
        return told

    def assert_none(self, a, b="use crate::a::Thing;", **more):
        code, told = self.judge({"lib.rs": "mod a;\nmod b;\n", "a.rs": a, "b.rs": b, **more})
        self.assertEqual((code, told), (0, ["lib.rs: 2 modules, no cycle"]))

    def test_no_cycle(self):
        self.assert_none("pub struct Thing;")

    def test_a_cycle_is_told_with_its_places(self):
        told = self.assert_cycle("//! A module.\n\nuse std::fmt;\nuse crate::b::Other;\n")
        self.assertEqual(
            told,
            ["lib.rs: 2 of 2 modules are in cycles: a, b", "  a uses b: a.rs:4", "  b uses a: b.rs:1"],
        )

    def test_a_longer_cycle_through_folders(self):
        code, told = self.judge({
            "lib.rs": "pub mod a;\npub(crate) mod b;\nmod c;\nmod apart;\n",
            "a.rs": "mod inner;",
            "a/inner.rs": "mod deep;",
            "a/inner/deep.rs": "fn f() { crate::b::f() }",
            "b/mod.rs": "mod inner;",
            "b/inner.rs": "use super::super::c;",
            "c.rs": "use super::{apart, a::inner};",
            "apart.rs": "use crate::a;",
        })
        self.assertEqual(code, 1)
        self.assertEqual(told[0], "lib.rs: 4 of 4 modules are in cycles: a, apart, b, c")
        places = ["  a uses b: a/inner/deep.rs:1", "  b uses c: b/inner.rs:1", "  c uses a: c.rs:1"]
        self.assertEqual(told[1:], places)

    def test_every_way_to_name_a_module(self):
        for text in (
            "use crate::{\n    c::{d, e},\n    b::Other,\n};",
            "use crate::{c::{b2}, b};",
            "use super::b;",
            "pub use super::{self, b as other};",
            "fn f() { let x = crate::b::make(); }",
            "macro_rules! m { () => { $crate::b::make() } }",
            "mod inline { use super::super::b; }",
            "mod inline { fn f() {} }\nuse super::b;",
            '#[serde(with = "crate::b")]\nstruct Thing;',
            "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nuse crate::b;",
            "#[cfg(test)]\nconst fn f() -> [u8; 2] { [1, 2] }\nuse crate::b;",
            "#[cfg(test)]\nconst A: [u8; 2] = { [1, 2] };\nuse crate::b;",
            "struct Thing {\n    #[cfg(test)]\n    seen: Vec<u8>,\n    other: crate::b::Other,\n}",
            "fn f<'a>(x: &'a str) -> char { '\"' }\nuse crate::b;",
            "const A: &str = \"\\\\\";\nuse crate::b;",
            'const A: &str = r#"""#;\nuse crate::b;',
        ):
            with self.subTest(text):
                self.assert_cycle(text)

    def test_what_is_no_use(self):
        for text in (
            "// use crate::b;\n/* crate::b */ /// [`crate::b`]\n",
            'const A: &str = "crate::b";\nconst B: &str = r#"crate::b"#;',
            "pub(in crate::b) fn f() {}",
            '#[error("use { of crate::b")]\nstruct Thing;',
            "use other::b;",
            "mod b { }\nuse self::b::Thing;",
            "mod inline { use super::b; }",
            "#[cfg(test)]\nuse crate::b;",
            "#[cfg(test)]\n#[rustfmt::skip]\nmod tests {\n    use crate::b;\n}",
            "#[cfg(test)]\npub(crate) fn f() -> crate::b::Other { crate::b::make() }",
            "struct Thing {\n    #[cfg(test)]\n    other: crate::b::Other,\n}",
        ):
            with self.subTest(text):
                self.assert_none(text)

    def test_files_of_tests_are_left_out(self):
        self.assert_none("#[cfg(test)]\nmod tests;", **{"a/tests.rs": "use crate::b;"})
        self.assert_cycle("mod tests;", **{"a/tests.rs": "use crate::b;"})

    def test_names_of_the_root_are_those_of_where_they_come_from(self):
        root = "mod a;\nmod b;\npub use b::{Other, deep::More};\n"
        for name in ("Other", "More"):
            code, _ = self.judge({"lib.rs": root, "a.rs": f"use crate::{name};", "b.rs": "use crate::a;"})
            self.assertEqual(code, 1)
        code, _ = self.judge({"lib.rs": root, "a.rs": "use crate::Other;", "b.rs": ""})
        self.assertEqual(code, 0)

    def test_the_root_itself_can_be_in_a_cycle(self):
        for use in ("a::f()", "self::a::f()", "crate::a::f()"):
            code, told = self.judge({"lib.rs": f"mod a;\npub fn run() {{ {use} }}\n", "a.rs": "use crate::run;"})
            self.assertEqual(code, 1)
            self.assertEqual(told[1:], ["  a uses crate: a.rs:1", "  crate uses a: lib.rs:2"])

    def test_what_it_cannot_judge_it_refuses(self):
        for text, what in (
            ("use crate::*;", "glob"),
            ('#[path = "x.rs"]\nmod inner;', "path"),
            ("mod inner;", "no file"),
            ("mod inner {", "no end"),
        ):
            with self.subTest(text):
                code, told = self.judge({"lib.rs": "mod a;\nmod b;\n", "a.rs": text, "b.rs": ""})
                self.assertEqual(code, 2, told)
                self.assertIn(what, told[0])
        code, told = self.judge({})
        self.assertEqual(code, 2)


if __name__ == "__main__":
    unittest.main()
