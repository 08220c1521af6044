"""A tracker's page as a user sees it: its server started, its page drawn by a headless Chromium."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request


def _chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def require(test):
    if not _chromium():
        print("SKIPPED: there is no browser for this test; tests/integrations/clients/setup.sh installs chromium")
        test.skipTest("no browser")


@contextlib.contextmanager
def served(command, directory, seconds=120):
    """The address of `command`, with "{port}" filled in, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([word.format(port=port) for word in command], cwd=directory,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        end = time.monotonic() + seconds
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < end, f"{command[0]} does not answer"
                time.sleep(0.1)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # with the workers it started
        process.wait()


def _command(url, more):
    # A high window, as pages draw only what can be seen.
    return [_chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--window-size=1400,8000", "--virtual-time-budget=20000", *more, url]


def page(url, is_there, seconds=120):
    """The document once `is_there` says so, else as it is at the end: the server reads in the background."""
    end = time.monotonic() + seconds
    while True:
        with tempfile.TemporaryDirectory() as profile:
            text = subprocess.run(_command(url, [f"--user-data-dir={profile}", "--dump-dom"]), capture_output=True,
                                  text=True, timeout=seconds, check=False).stdout
        if is_there(text) or time.monotonic() > end:
            return text
