"""collectives.cc with 2 and 4 processes."""

import sys

from torchrun import checked

for processes in (2, 4):
    ended = checked(processes, [sys.argv[1]])
    passed = ended.stdout.count("[  PASSED  ]")
    assert passed == processes, f"{passed} of {processes} processes have passed"
    print(f"{processes} processes have passed")
