"""`make bench`: all of them."""

from benchmarks import detection, load, reads, verdicts

detection.main()
print()
verdicts.main()
print()
reads.main()
print()
load.main()
