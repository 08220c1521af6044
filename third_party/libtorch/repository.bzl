"""@libtorch: an installed LibTorch; nothing is downloaded or copied.

$LIBTORCH wins; otherwise DOWNBEAT_LIBTORCH, which `bazelw` writes into .bazelrc.setup (and `bazelw --consumer` into
.bazelrc.downbeat) as --repo_env. Being environment, a change of either fetches this repository anew.
"""

# Not the others: a wheel's include/ also has google/, fmt/, pybind11/, ..., which would shadow the system's headers.
_HEADERS = ["ATen", "c10", "caffe2", "torch"]

_BUILD = """\
exports_files(["paths.sh"])

cc_library(
    name = "libtorch",
    hdrs = glob(["include/**"]),
    includes = [
        "include",
        "include/torch/csrc/api/include",
    ],
    # The absolute rpath lets `bazel test`, `bazel run` and a copied binary find the libraries without LD_LIBRARY_PATH.
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)

# What torch/csrc/distributed/c10d needs besides: the wheel's fmt, and macros without which its headers are empty.
cc_library(
    name = "c10d",
    hdrs = glob(["include_fmt/**"]),
    defines = [
        "FMT_HEADER_ONLY=1",
        "USE_C10D_GLOO",
        "USE_DISTRIBUTED",
    ],
    includes = ["include_fmt"],
    visibility = ["//visibility:public"],
    deps = [":libtorch"],
)
"""

def _libtorch_impl(ctx):
    home = ctx.os.environ.get("LIBTORCH") or ctx.os.environ.get("DOWNBEAT_LIBTORCH")
    if not home:
        fail("LibTorch is not set up: run Downbeat's ./bazelw --setup (or ./bazelw --consumer DIR for another workspace), or set LIBTORCH.")
    lib = home + "/lib"
    if not ctx.path(lib + "/libtorch_cpu.so").exists or not ctx.path(home + "/include/torch/csrc").exists:
        fail("%s holds no LibTorch (include/torch and lib/libtorch_cpu.so): correct LIBTORCH, or run Downbeat's ./bazelw --setup." % home)
    for directory in _HEADERS:
        ctx.symlink(home + "/include/" + directory, "include/" + directory)
    if ctx.path(home + "/include/fmt").exists:
        ctx.symlink(home + "/include/fmt", "include_fmt/fmt")
    linkopts = ["-L" + lib, "-Wl,-rpath," + lib, "-ltorch", "-ltorch_cpu", "-lc10"]
    cuda = ["-l" + name for name in ["torch_cuda", "c10_cuda"] if ctx.path("%s/lib%s.so" % (lib, name)).exists]
    if cuda:
        # CUDA registers itself from static initialisers: no symbol of it is asked for.
        linkopts += ["-Wl,--push-state,--no-as-needed"] + cuda + ["-Wl,--pop-state"]
    ctx.file("BUILD.bazel", _BUILD.format(linkopts = linkopts))

    # For tests that call the compiler themselves.
    ctx.file("paths.sh", "LIBTORCH_INCLUDE=\"%s\"\nLIBTORCH_LIB=\"%s\"\n" % (ctx.path("include"), lib), executable = False)

libtorch_repository = repository_rule(
    implementation = _libtorch_impl,
    environ = ["DOWNBEAT_LIBTORCH", "LIBTORCH"],
    local = True,
)
