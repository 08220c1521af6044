"""benchmark(): a program that measures, `bazel run`, and the same as a test that it still runs."""

def benchmark(name, script, data = [], smoke_size = "medium"):
    """Makes NAME, and NAME_smoke, a test that runs it with --smoke: seconds, no thresholds.

    Args:
      name: of the target.
      script: Python file that imports benchmarks.support.runner.
      data: what it runs, and the rivals' programs.
      smoke_size: of the test.
    """
    common = {
        "srcs": ["//benchmarks/support:run.sh"],
        "data": [script, "//benchmarks/support:python"] + data,
        "visibility": ["//benchmarks:__pkg__"],
    }
    native.sh_binary(
        name = name,
        args = ["$(location %s)" % script],
        **common
    )
    native.sh_test(
        name = name + "_smoke",
        size = smoke_size,
        args = ["$(location %s)" % script, "--smoke"],
        **common
    )
