"""Libraries of the distribution under the labels that upstream gives them.

Their headers lie in the compiler's own include directories, so Bazel asks for no declaration;
what to link is named here or comes from pkg-config.
"""

def _header_of(ctx, package):
    for line in ctx.read(Label("//third_party:system_packages.txt")).splitlines():
        if line.startswith(package + " "):
            return line[len(package):].strip()
    fail("third_party/system_packages.txt has no line for %s." % package)

def _include_directories(ctx):
    multiarch = [str(path) for path in ctx.path("/usr/include").readdir() if "-linux-" in path.basename]
    return ["/usr/include", "/usr/local/include"] + multiarch

def _link_options(ctx, libraries):
    options = [library for library in libraries if library.startswith("-l")]
    modules = [library for library in libraries if not library.startswith("-l")]
    if modules:
        if not ctx.which("pkg-config"):
            fail("pkg-config is not installed: run Downbeat's ./bazelw --setup, or install the package pkg-config.")
        result = ctx.execute(["pkg-config", "--libs"] + modules)
        if result.return_code != 0:
            fail("pkg-config has no %s, though package %s has it: install that anew." % (" ".join(modules), ctx.attr.package))
        options += [option for option in result.stdout.strip().split(" ") if option]
    return options

def _system_library_impl(ctx):
    header = _header_of(ctx, ctx.attr.package)
    if not [path for path in _include_directories(ctx) if ctx.path(path + "/" + header).exists]:
        fail("<%s> is not installed: run Downbeat's ./bazelw --setup, or install the package %s." % (header, ctx.attr.package))
    packages = {}
    for target, libraries in ctx.attr.targets.items():
        package, _, name = target.partition(":")
        packages.setdefault(package, []).append("""\
cc_library(
    name = "{name}",
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(name = name, linkopts = _link_options(ctx, libraries)))
    for package, rules in packages.items():
        ctx.file(package + "/BUILD.bazel" if package else "BUILD.bazel", "\n".join(rules))

system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "package": attr.string(mandatory = True, doc = "Debian package, a line of system_packages.txt"),
        "targets": attr.string_list_dict(mandatory = True, doc = "\"package:target\" to -l options and pkg-config modules"),
    },
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)
