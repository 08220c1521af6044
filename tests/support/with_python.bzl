"""Tests that compare with Python's own libraries or read with a tracker's own client."""

_SETUPS = {
    "reference": "//tests/parity:reference/setup.sh",
    "trackers": "//tests/integrations:clients/setup.sh",
}

def with_python_test(name, script, program, data = [], environment = "reference", size = "medium", timeout = "long", tags = []):
    """`script PROGRAM` in a Python environment; skipped, with a sentence, where there is none.

    Args:
      name: of the test.
      script: the Python file.
      program: what it runs beside Python.
      data: further files.
      environment: "reference" with torch and transformers, or "trackers" with the trackers' clients and servers.
      size: as of every test.
      timeout: as of every test.
      tags: beside those that every such test has.
    """
    native.sh_test(
        name = name,
        size = size,
        timeout = timeout,
        srcs = ["//tests/support:with_python.sh"],
        args = [".venv-" + environment] + ["$(rootpath %s)" % label for label in [_SETUPS[environment], script, program]],
        data = [
            script,
            program,
            _SETUPS[environment],
            "//:WORKSPACE",
        ] + data,
        tags = [
            "cpu:2",
            "external",  # the environment is no input that Bazel sees
        ] + tags,
    )
