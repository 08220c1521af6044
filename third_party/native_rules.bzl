"""Stand-ins for the rule sets that Bazel itself would download.

Bazel 4 loads @rules_cc and @rules_java for its own toolchains and @remote_coverage_tools for every test.
Debian's build does not bring them (its rules_cc is too new for its Bazel), and nobody should need the network for these lines.
"""

def _native_rules_impl(ctx):
    ctx.file("BUILD.bazel", ctx.attr.build_file_content)
    if ctx.attr.rules:
        ctx.file(ctx.attr.package + "/BUILD.bazel")
        ctx.file(ctx.attr.package + "/defs.bzl", "".join(["%s = native.%s\n" % (rule, rule) for rule in ctx.attr.rules]))

_native_rules = repository_rule(
    implementation = _native_rules_impl,
    attrs = {
        "build_file_content": attr.string(),
        "package": attr.string(),
        "rules": attr.string_list(),
    },
)

def native_rules():
    """Declares the stand-ins where Bazel is a distribution's build, which has no version; others download their own."""
    if native.bazel_version or native.existing_rule("rules_cc"):
        return
    _native_rules(
        name = "rules_cc",
        package = "cc",
        rules = ["cc_binary", "cc_import", "cc_library", "cc_test", "cc_toolchain", "cc_toolchain_suite", "objc_library"],
    )
    _native_rules(
        name = "rules_java",
        package = "java",
        rules = ["java_binary", "java_import", "java_library", "java_runtime", "java_test", "java_toolchain"],
    )
    _native_rules(
        name = "remote_coverage_tools",
        build_file_content = "filegroup(name = \"coverage_report_generator\", visibility = [\"//visibility:public\"])\n",
    )
