"""`make bench`: all of them."""

from benchmarks import detection, fleets, load, reads, verdicts

detection.main()
print()
fleets.main()
print()
verdicts.main()
print()
reads.main()
print()
load.main()
