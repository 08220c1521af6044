"""What the tests of several trackers wait for and bring about."""
import os
import subprocess
import time


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.02)


def small_disk(test, directory, size="64k", lazily=False):
    """Makes `directory` a file system of that size until the end of the test; `lazily`: also while files in it are open.
    Skips the test, and says so, where nothing may be mounted."""
    os.makedirs(directory, exist_ok=True)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory], capture_output=True,
                           text=True, check=False)
    if mount.returncode != 0:
        print("SKIPPED: no small file system can be mounted here, so a full disk is not tested:", mount.stderr.strip())
        test.skipTest("no small file system can be mounted here")
    test.addCleanup(subprocess.run, ["umount", *(["--lazy"] if lazily else []), directory], check=True)
