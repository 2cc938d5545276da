"""One macro for the contracts: .proto files of one package -> one C++ library."""

def isthmus_proto_library(name, srcs, deps = [], services = []):
    """Messages (and services, where a file has one) of one proto package.

    Args:
      name: the C++ library of the messages; `<name>_grpc` is the library of the services.
      srcs: the .proto files.
      deps: other isthmus_proto_library targets.
      services: those of srcs that hold a service.
    """
    package = native.package_name()
    native.filegroup(
        name = name + "_srcs",
        srcs = srcs,
    )
    imports = [d + "_all_srcs" for d in deps]
    native.filegroup(
        name = name + "_all_srcs",
        srcs = srcs + imports,
        visibility = ["//visibility:public"],
    )
    stems = [s[:-len(".proto")] for s in srcs]
    native.genrule(
        name = name + "_messages_gen",
        srcs = [":" + name + "_all_srcs"],
        outs = [s + suffix for s in stems for suffix in [".pb.h", ".pb.cc"]],
        cmd = "/usr/bin/protoc -Iproto --cpp_out=$(RULEDIR)/" + "../" * (len(package.split("/")) - 1) + " " +
              " ".join([package + "/" + s for s in srcs]),
    )
    native.cc_library(
        name = name,
        srcs = [s + ".pb.cc" for s in stems],
        hdrs = [s + ".pb.h" for s in stems],
        copts = ["-w"],
        strip_include_prefix = "/proto",
        deps = deps + ["@system//:protobuf"],
        visibility = ["//visibility:public"],
    )
    if services:
        service_stems = [s[:-len(".proto")] for s in services]
        native.genrule(
            name = name + "_services_gen",
            srcs = [":" + name + "_all_srcs"],
            outs = [s + suffix for s in service_stems for suffix in [".grpc.pb.h", ".grpc.pb.cc"]],
            cmd = "/usr/bin/protoc -Iproto --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin --grpc_out=$(RULEDIR)/" +
                  "../" * (len(package.split("/")) - 1) + " " + " ".join([package + "/" + s for s in services]),
        )
        native.cc_library(
            name = name + "_grpc",
            srcs = [s + ".grpc.pb.cc" for s in service_stems],
            hdrs = [s + ".grpc.pb.h" for s in service_stems],
            copts = ["-w"],
            strip_include_prefix = "/proto",
            deps = [":" + name, "@system//:grpc"],
            visibility = ["//visibility:public"],
        )
