// Times what translation and the device's payload formats cost by themselves, without a network.
//
//   translation_bench            one line per measure: name, value, unit
//   translation_bench DIRECTORY  also writes the requests of TranslateRequest and TranslateResponse there, as they
//                                travel, for a load over gRPC
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/translation/core/loader.h"
#include "services/translation/core/mapping_table.h"
#include "services/translation/core/request_translator.h"
#include "services/translation/core/response_translator.h"
#include "services/translation/data/built_in.h"

namespace {
uint64_t allocations = 0;
}  // namespace

// Counts; everything else is the allocator's.
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace isthmus::translation {
namespace {

namespace codec = lwm2m::codec;

struct Cost {
  double nanoseconds = 0;
  double allocations = 0;
};

// The best of several rounds: whatever else the machine does only adds to it.
Cost Measure(const std::function<void()>& work) {
  constexpr int kRounds = 200, kCalls = 200;
  Cost best{1e18, 0};
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t before = allocations;
    const auto begin = std::chrono::steady_clock::now();
    for (int call = 0; call < kCalls; ++call) work();
    const double nanoseconds =
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / kCalls;
    if (nanoseconds < best.nanoseconds) {
      best = {nanoseconds, static_cast<double>(allocations - before) / kCalls};
    }
  }
  return best;
}

// [deviceInfo] of a device that has all eight resources.
std::vector<lwm2m::v1::Node> DeviceNodes() {
  std::vector<lwm2m::v1::Node> nodes;
  for (const uint32_t id : {0, 1, 2, 3, 17, 18, 19}) {
    lwm2m::v1::Node& node = nodes.emplace_back();
    *node.mutable_path() = lwm2m::MakePath(3, 0, id);
    node.mutable_value()->set_text(absl::StrCat("value of ", id));
  }
  lwm2m::v1::Node& time = nodes.emplace_back();
  *time.mutable_path() = lwm2m::MakePath(3, 0, 13);
  time.mutable_value()->set_time(1701172800);
  return nodes;
}

void Print(const char* name, double value, const char* unit) { std::printf("%-32s %10.3f %s\n", name, value, unit); }

void Write(const std::string& directory, const char* name, const std::string& octets) {
  std::ofstream(absl::StrCat(directory, "/", name), std::ios::binary) << octets;
}

int Run(const char* directory) {
  const LoadResult loaded = Load(BuiltInSources(), {});
  v1::TranslateRequestRequest request;
  request.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_RETRIEVE);
  request.mutable_resource()->set_root("m2m:dvi");
  request.mutable_resource()->set_mgmt_definition(1007);
  request.mutable_resource()->add_object_ids("urn:oma:lwm2m:oma:3");
  request.mutable_resource()->add_object_paths("/3/0");
  const auto plan = TranslateRequest(*loaded.table, request);
  if (!plan.ok() || plan->plan().steps_size() != 1) {
    std::fprintf(stderr, "no plan for m2m:dvi\n");
    return 1;
  }
  v1::TranslateResponseRequest response;
  *response.mutable_primitive() = request.primitive();
  *response.mutable_resource() = request.resource();
  *response.mutable_plan() = plan->plan();
  lwm2m::v1::OperationResult* result = response.add_results();
  result->set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
  result->set_coap_code(205);
  const std::vector<lwm2m::v1::Node> nodes = DeviceNodes();
  for (const lwm2m::v1::Node& node : nodes) *result->add_nodes() = node;
  const auto answer = TranslateResponse(*loaded.table, response);
  if (!answer.ok() || answer->attributes_size() != static_cast<int>(nodes.size())) {
    std::fprintf(stderr, "m2m:dvi does not come back whole\n");
    return 1;
  }
  const Cost to_device = Measure([&] { TranslateRequest(*loaded.table, request).value(); });
  const Cost from_device = Measure([&] { TranslateResponse(*loaded.table, response).value(); });
  Print("TranslateRequest", to_device.nanoseconds / 1000, "us");
  Print("TranslateRequest", to_device.allocations, "allocations");
  Print("TranslateResponse", from_device.nanoseconds / 1000, "us");
  Print("TranslateResponse", from_device.allocations, "allocations");
  for (const auto& [name, format] :
       {std::make_pair("TLV", codec::kTlv), std::make_pair("SenML CBOR", codec::kSenMlCbor)}) {
    const auto payload = codec::Encode(format, nodes, lwm2m::MakePath(3, 0));
    if (!payload.ok()) {
      std::fprintf(stderr, "%s: %s\n", name, std::string(payload.status().message()).c_str());
      return 1;
    }
    const Cost cost = Measure(
        [&, format = format] { codec::Decode(format, *payload, lwm2m::MakePath(3, 0), absl::UnixEpoch()).value(); });
    Print(absl::StrCat(name, " decode, per resource").c_str(), cost.nanoseconds / nodes.size(), "ns");
    Print(absl::StrCat(name, " decode, per resource").c_str(), cost.allocations / nodes.size(), "allocations");
  }
  if (directory != nullptr) {
    Write(directory, "TranslateRequest", request.SerializeAsString());
    Write(directory, "TranslateResponse", response.SerializeAsString());
  }
  return 0;
}

}  // namespace
}  // namespace isthmus::translation

int main(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
    std::fprintf(stderr, "usage: translation_bench [DIRECTORY]\n");
    return 2;
  }
  return isthmus::translation::Run(argc == 2 ? argv[1] : nullptr);
}
