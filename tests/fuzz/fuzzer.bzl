"""fuzzer: a libFuzzer target, and a test that runs its seeds with any compiler."""

def fuzzer(name, deps):
    """NAME.cc defines LLVMFuzzerTestOneInput; seeds/ has a folder for it.

    Makes NAME, which needs --config=clang --config=fuzz, and NAME_seeds_test.

    Args:
      name: ends with _fuzzer.
      deps: what NAME.cc needs.
    """
    seeds = "seeds/" + name[:-len("_fuzzer")]
    native.cc_library(
        name = name + "_input",
        testonly = True,
        srcs = [name + ".cc"],
        tags = ["manual"],
        deps = deps,
        alwayslink = True,
    )
    native.cc_binary(
        name = name,
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name + "_input"],
    )
    native.cc_test(
        name = name + "_seeds_test",
        size = "small",
        srcs = ["run_seeds.cc"],
        args = [native.package_name() + "/" + seeds],
        data = native.glob([seeds + "/*"]),
        deps = [":" + name + "_input"],
    )
