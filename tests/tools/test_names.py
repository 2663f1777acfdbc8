import sys

from tests.tools.support import REPOSITORY


def test_no_tool_hides_a_module_of_the_standard_library() -> None:
    """A script's own folder comes first on Python's path: a tools/types.py would end every script in tools."""
    names = {file.stem for file in (REPOSITORY / "tools").iterdir()}
    assert not names & sys.stdlib_module_names
