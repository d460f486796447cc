"""Start one of the `make` verbs: `python -m dev run`.

This file and `dev/__init__.py` are all that an old Python reads, so they keep to what every Python understands.
"""

import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "This is Python %d.%d, and the program needs 3.11 or newer.\n" % sys.version_info[:2]
        + "Install one, or name it: make PYTHON=/path/to/python3.12 run\n"
    )
    sys.exit(1)

from dev.verbs import main

sys.exit(main(sys.argv[1:]))
