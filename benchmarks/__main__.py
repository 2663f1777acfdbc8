"""`make bench`: all rows in one go, the record, and the page that is made of it.

python -m benchmarks             measures everything (15 minutes), writes benchmarks/results.json and the page
python -m benchmarks quick       tries everything out (2 minutes) and writes below build/: no figures to quote
python -m benchmarks page        makes the page and its picture anew from benchmarks/results.json
python -m benchmarks again NAME  measures one row again, after a change that concerns it; the page says so
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from benchmarks import delay, gates, growth, judging, reads, starts, ups
from benchmarks.suite import page
from benchmarks.suite.peers import ROOT
from benchmarks.suite.record import measured, measured_again, read, write
from benchmarks.suite.works import Effort, NotDone

ROWS = (delay, reads, judging, ups, gates, starts, growth)
RESULTS = ROOT / "benchmarks" / "results.json"
TRIED = ROOT / "build" / "benchmarks"


def main(arguments: list[str]) -> int:
    """Do what is asked for; the exit code."""
    if arguments == ["page"]:
        page.write(read(RESULTS), page.PAGE, page.PICTURE)
        return 0
    again = next((each for each in ROWS if arguments == ["again", each.__name__.rpartition(".")[2]]), None)
    if again is None and arguments not in ([], ["quick"]):
        print(__doc__, file=sys.stderr)
        return 2
    effort = Effort(quick=arguments == ["quick"])
    results, place, picture = RESULTS, page.PAGE, page.PICTURE
    if effort.quick:
        TRIED.mkdir(parents=True, exist_ok=True)
        results, place, picture = TRIED / "results.json", TRIED / "performance.md", TRIED / "performance.svg"
    tell = partial(print, flush=True)
    try:
        if again is None:
            record = measured([each.tables for each in ROWS], effort, tell)
        else:
            record = measured_again(read(RESULTS), again.tables, tell)
    except NotDone as error:
        print(f"benchmarks: a work was not done, so nothing is written: {error}", file=sys.stderr)
        return 1
    write(record, results)
    page.write(record, place, picture)
    shown = [str(Path(each).relative_to(ROOT)) for each in (results, place, picture)]
    print(f"written: {', '.join(shown)}")
    if effort.quick:
        print("This was a quick run, with few runs and small sizes: no measurement to quote.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
