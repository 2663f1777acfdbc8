"""`make bench`: all of them."""

from benchmarks import detection, verdicts

detection.main()
print()
verdicts.main()
