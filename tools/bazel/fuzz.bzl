"""Fuzz targets: one source with LLVMFuzzerTestOneInput, built two ways.

    fuzz_target(
        name = "tlv_fuzz",
        srcs = ["tlv_fuzz.cc"],
        corpus = glob(["corpus/tlv/*"]),
        deps = [":codec"],
    )

makes `tlv_fuzz`, a test with any compiler that feeds each file of the corpus to the target, whole, cut short and damaged,
and `tlv_fuzz_live`, the libFuzzer program, which needs --config=clang --config=fuzz (tools/fuzz builds and runs it).
"""

def fuzz_target(name, srcs, deps, corpus, defines = [], size = "small"):
    """A fuzz target and its replay.

    Args:
      name: ends in `_fuzz`: the test that replays the corpus; `<name>_live` is the program that searches.
      srcs: the source with LLVMFuzzerTestOneInput.
      deps: what it needs.
      corpus: seed files below corpus/<name without _fuzz>, also what once made it fail.
      defines: for the preprocessor, where one source serves several targets.
      size: of the test.
    """
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = [native.package_name() + "/" + file for file in corpus],
        data = corpus,
        local_defines = defines,
        deps = deps + ["//tools/bazel/fuzz:replay"],
    )
    native.cc_binary(
        name = name + "_live",
        testonly = True,
        srcs = srcs,
        linkopts = ["-fsanitize=fuzzer"],
        local_defines = defines,
        tags = [
            "fuzz",
            "manual",
        ],
        deps = deps,
    )
