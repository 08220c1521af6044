"""headers: what a test that calls the compiler itself needs as data."""

def _headers(ctx):
    headers = depset(transitive = [dep[CcInfo].compilation_context.headers for dep in ctx.attr.deps])
    return [DefaultInfo(files = headers, runfiles = ctx.runfiles(transitive_files = headers))]

headers = rule(
    implementation = _headers,
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
    doc = "All headers that can be included by who depends on `deps`.",
)
