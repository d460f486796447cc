"""A checkout that only its owner can enter, such as one in root's home."""

import os
from pathlib import Path


def test_it_runs_in_a_folder_that_only_its_owner_can_enter(checkout):
    checkout.root.chmod(0o700)
    make = checkout.run()
    data = checkout.said().splitlines()[0].rpartition(" in ")[2]
    assert (os.geteuid() == 0) is not data.startswith(str(checkout.root))
    assert checkout.answer()[0] == "fine"
    make.terminate()
    make.wait(10)
    assert "postgres" not in " ".join(checkout.processes())
    assert Path(data).stat().st_mode & 0o077 == 0
