"""Tests that compare with Python's own libraries."""

def with_python_test(name, script, program, data = [], size = "medium", timeout = "long"):
    """`script PROGRAM` in the reference environment; skipped, with a sentence, where there is none.

    Args:
      name: of the test.
      script: the Python file.
      program: what it runs beside Python.
      data: further files.
      size: as of every test.
      timeout: as of every test.
    """
    native.sh_test(
        name = name,
        size = size,
        timeout = timeout,
        srcs = ["//tests/parity:reference/with_python.sh"],
        args = [
            "$(rootpath %s)" % script,
            "$(rootpath %s)" % program,
        ],
        data = [
            script,
            program,
            "//:WORKSPACE",
        ] + data,
        tags = [
            "cpu:2",
            "external",  # the environment is no input that Bazel sees
        ],
    )
