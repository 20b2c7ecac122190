from collections.abc import Awaitable, Callable

import pytest

from tahoe_engine.skills.running.script_runner import ScriptResult

type RunBundled = Callable[..., Awaitable[ScriptResult]]

DIFF = """diff --git a/shop/cart.py b/shop/cart.py
index 1..2 100644
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -10,2 +10,4 @@ class Cart:
     def total(self):
-        return sum(self.items)
+        breakpoint()
+        password = "hunter2hunter2"
+        return round(sum(self.items), 2)
@@ -13,1 +14,1 @@
     # end
@@ -40 +42 @@
--- an old comment in SQL
+++ a new one
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-one
-two
\\ No newline at end of file
--- /dev/null
+++ b/tests/test_new.py
@@ -0,0 +1,2 @@
+@pytest.mark.skip
+def test_it(): ...
"""


class TestADiff:
    async def test_gets_the_numbers_of_the_new_file(self, run_bundled: RunBundled) -> None:
        result = await run_bundled("code-review", "read_diff.py", stdin=DIFF)
        assert (result.exit_code, result.stderr) == (0, "")
        head, _, signs = result.stdout.partition("Worth a look:")
        assert head.splitlines() == [
            "3 file(s)",
            "",
            "shop/cart.py: +4 -2",
            "       -         return sum(self.items)",
            "    11 +         breakpoint()",
            '    12 +         password = "hunter2hunter2"',
            "    13 +         return round(sum(self.items), 2)",
            "       - -- an old comment in SQL",
            "    42 + ++ a new one",
            "",
            "gone.py (removed): +0 -2",
            "       - one",
            "       - two",
            "",
            "tests/test_new.py: +2 -0",
            "     1 + @pytest.mark.skip",
            "     2 + def test_it(): ...",
            "",
        ]
        assert signs.split("\n")[1:-1] == [
            "shop/cart.py:11: debugging: breakpoint()",
            "shop/cart.py:12: secret: (not shown)",
            "tests/test_new.py:1: test switched off: @pytest.mark.skip",
        ]

    async def test_shows_what_stays_when_it_is_asked_to(self, run_bundled: RunBundled) -> None:
        result = await run_bundled("code-review", "read_diff.py", "--context", stdin=DIFF)
        assert "    10       def total(self):\n" in result.stdout

    @pytest.mark.parametrize("text", ["", "hello", "--- a\n"])
    async def test_that_is_none_is_refused(self, run_bundled: RunBundled, text: str) -> None:
        result = await run_bundled("code-review", "read_diff.py", stdin=text)
        assert result.exit_code == 2
        assert "no unified diff" in result.stderr
