"""Everything Downbeat needs from outside, for its own workspace and for those that use it."""

load("//third_party:native_rules.bzl", "native_rules")
load("//third_party:system_library.bzl", "system_library")
load("//third_party/libtorch:repository.bzl", "libtorch_repository")

def _maybe(rule, name, **kwargs):
    if not native.existing_rule(name):
        rule(name = name, **kwargs)

def downbeat_repositories():
    """Declares the repositories that the workspace has not declared already."""
    native_rules()
    _maybe(libtorch_repository, name = "libtorch")
    _maybe(
        system_library,
        name = "com_google_absl",
        package = "libabsl-dev",
        targets = {
            "absl/base:core_headers": ["absl_core_headers"],
            "absl/cleanup:cleanup": ["absl_cleanup"],
            "absl/container:flat_hash_map": ["absl_flat_hash_map"],
            "absl/container:flat_hash_set": ["absl_flat_hash_set"],
            "absl/flags:flag": ["absl_flags"],
            "absl/flags:parse": ["absl_flags_parse"],
            "absl/flags:reflection": ["absl_flags_reflection"],
            "absl/flags:usage": ["absl_flags_usage"],
            "absl/functional:any_invocable": ["absl_any_invocable"],
            "absl/random:random": ["absl_random_random"],
            "absl/status:status": ["absl_status"],
            "absl/status:statusor": ["absl_statusor"],
            "absl/strings:str_format": ["absl_str_format"],
            "absl/strings:strings": ["absl_strings"],
            "absl/synchronization:synchronization": ["absl_synchronization"],
            "absl/time:time": ["absl_time"],
            "absl/types:span": ["absl_span"],
        },
    )
    _maybe(
        system_library,
        name = "com_google_googletest",
        package = "libgmock-dev",
        targets = {
            ":gtest": ["-lgmock", "-lgtest"],
            ":gtest_main": ["-lgmock_main", "-lgmock", "-lgtest"],
        },
    )
    _maybe(
        system_library,
        name = "com_github_google_benchmark",
        package = "libbenchmark-dev",
        targets = {
            ":benchmark": ["-lbenchmark"],
            ":benchmark_main": ["-lbenchmark_main", "-lbenchmark"],
        },
    )
    _maybe(system_library, name = "libzip", package = "libzip-dev", targets = {":zip": ["libzip"]})
    _maybe(system_library, name = "boost_hana", package = "libboost-dev", targets = {":hana": []})
    _maybe(system_library, name = "nlohmann_json", package = "nlohmann-json3-dev", targets = {":json": []})
    _maybe(system_library, name = "libcurl", package = "libcurl4-openssl-dev", targets = {":curl": ["libcurl"]})
    _maybe(system_library, name = "sqlite3", package = "libsqlite3-dev", targets = {":sqlite3": ["sqlite3"]})
    _maybe(system_library, name = "zlib", package = "zlib1g-dev", targets = {":zlib": ["zlib"]})
