"""`make bench`: all of them."""

from benchmarks import detection, load, verdicts

detection.main()
print()
verdicts.main()
print()
load.main()
