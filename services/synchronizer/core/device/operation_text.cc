#include "services/synchronizer/core/device/operation_text.h"

#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::synchronizer {
namespace {

using lwm2m::PathToString;
using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;

constexpr uint32_t kTextFormat = 0;

const char* CodeName(uint32_t code) {
  switch (code) {
    case 201:
      return " Created";
    case 202:
      return " Deleted";
    case 203:
      return " Valid";
    case 204:
      return " Changed";
    case 205:
      return " Content";
    case 231:
      return " Continue";
    case 400:
      return " Bad Request";
    case 401:
      return " Unauthorized";
    case 402:
      return " Bad Option";
    case 403:
      return " Forbidden";
    case 404:
      return " Not Found";
    case 405:
      return " Method Not Allowed";
    case 406:
      return " Not Acceptable";
    case 408:
      return " Request Entity Incomplete";
    case 409:
      return " Conflict";
    case 412:
      return " Precondition Failed";
    case 413:
      return " Request Entity Too Large";
    case 415:
      return " Unsupported Content-Format";
    case 500:
      return " Internal Server Error";
    case 501:
      return " Not Implemented";
    case 503:
      return " Service Unavailable";
    default:
      return "";
  }
}

std::string CodeText(uint32_t code) { return absl::StrFormat("%d.%02d%s", code / 100, code % 100, CodeName(code)); }

std::string Counted(size_t count, const char* noun) { return absl::StrCat(count, " ", noun, count == 1 ? "" : "s"); }

size_t CountResources(const OperationResult& result) {
  std::set<std::vector<uint32_t>> resources;
  for (const lwm2m::v1::Node& node : result.nodes()) {
    std::vector<uint32_t> levels = lwm2m::Levels(node.path());
    if (levels.size() > 3) levels.resize(3);
    resources.insert(std::move(levels));
  }
  return resources.size();
}

std::string WithDiagnostic(std::string text, const OperationResult& result) {
  if (!result.diagnostic().empty()) absl::StrAppend(&text, ": ", result.diagnostic().substr(0, 200));
  return text;
}

}  // namespace

std::string OperationText(const Operation& operation) {
  switch (operation.kind_case()) {
    case Operation::kRead:
      return absl::StrCat("Read ", PathToString(operation.read().path()));
    case Operation::kWrite:
      return absl::StrCat(operation.write().partial() ? "Write (partial) " : "Write ",
                          PathToString(operation.write().path()));
    case Operation::kExecute:
      return absl::StrCat("Execute ", PathToString(operation.execute().path()));
    case Operation::kCreate:
      return absl::StrCat("Create ", PathToString(operation.create().path()));
    case Operation::kDelete:
      return absl::StrCat("Delete ", PathToString(operation.delete_().path()));
    case Operation::kDiscover:
      return absl::StrCat("Discover ", PathToString(operation.discover().path()));
    case Operation::kWriteAttributes:
      return absl::StrCat("Write-Attributes ", PathToString(operation.write_attributes().path()));
    case Operation::kReadComposite: {
      std::string text = "Read-Composite";
      for (const auto& path : operation.read_composite().paths()) absl::StrAppend(&text, " ", PathToString(path));
      return text;
    }
    case Operation::kWriteComposite: {
      std::string text = "Write-Composite";
      for (const auto& node : operation.write_composite().nodes())
        absl::StrAppend(&text, " ", PathToString(node.path()));
      return text;
    }
    case Operation::kObserve:
      return absl::StrCat("Observe ", PathToString(operation.observe().path()));
    case Operation::kCancelObservation:
      return absl::StrCat("Cancel Observation ", PathToString(operation.cancel_observation().path()));
    case Operation::KIND_NOT_SET:
      break;
  }
  return "no operation";
}

std::string ResultText(const OperationResult& result) {
  switch (result.outcome()) {
    case lwm2m::v1::OUTCOME_ANSWERED: {
      std::string text = CodeText(result.coap_code());
      if (result.nodes_size() > 0) absl::StrAppend(&text, ", ", Counted(CountResources(result), "resource"));
      if (result.links_size() > 0) absl::StrAppend(&text, ", ", Counted(result.links_size(), "link"));
      if (result.has_created_path()) absl::StrAppend(&text, ", ", PathToString(result.created_path()));
      return WithDiagnostic(std::move(text), result);
    }
    case lwm2m::v1::OUTCOME_TIMEOUT:
      return WithDiagnostic("no answer in time", result);
    case lwm2m::v1::OUTCOME_RESET:
      return WithDiagnostic("Reset", result);
    case lwm2m::v1::OUTCOME_NOT_REGISTERED:
      return WithDiagnostic("the device is not registered", result);
    case lwm2m::v1::OUTCOME_UNDECODABLE:
      return WithDiagnostic(absl::StrCat(CodeText(result.coap_code()), ", payload cannot be decoded"), result);
    case lwm2m::v1::OUTCOME_UNSUPPORTED:
      return WithDiagnostic("the LwM2M Server cannot send this", result);
    case lwm2m::v1::OUTCOME_EXPIRED_UNSENT:
      return WithDiagnostic("not sent in time", result);
    default:
      return WithDiagnostic("not sent", result);
  }
}

onem2m::v1::TraceStep MakeTraceStep(const Operation& operation, const OperationResult& result) {
  onem2m::v1::TraceStep step;
  step.set_operation(OperationText(operation));
  step.set_outcome(ResultText(result));
  step.set_duration_us(result.duration_us());
  return step;
}

bool Succeeded(const OperationResult& result) {
  return result.outcome() == lwm2m::v1::OUTCOME_ANSWERED && result.coap_code() / 100 == 2;
}

Operation ReadOperation(const lwm2m::v1::Path& path) {
  Operation operation;
  *operation.mutable_read()->mutable_path() = path;
  return operation;
}

std::optional<int64_t> IntegerOf(const lwm2m::v1::Value& value) {
  using lwm2m::v1::Value;
  switch (value.kind_case()) {
    case Value::kInteger:
      return value.integer();
    case Value::kUnsignedInteger:
      if (value.unsigned_integer() > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
      return static_cast<int64_t>(value.unsigned_integer());
    case Value::kFloating:
      if (!(std::fabs(value.floating()) < 9e15) || std::trunc(value.floating()) != value.floating())
        return std::nullopt;
      return static_cast<int64_t>(value.floating());
    case Value::kBoolean:
      return value.boolean() ? 1 : 0;
    case Value::kTime:
      return value.time();
    case Value::kText: {
      int64_t number = 0;
      if (!absl::SimpleAtoi(value.text(), &number)) return std::nullopt;
      return number;
    }
    case Value::kRaw: {
      const std::string& octets = value.raw().octets();
      if (value.raw().content_format() == kTextFormat) {
        int64_t number = 0;
        if (!absl::SimpleAtoi(octets, &number)) return std::nullopt;
        return number;
      }
      // TLV: two's complement, big-endian, of 1, 2, 4 or 8 octets.
      if (octets.size() != 1 && octets.size() != 2 && octets.size() != 4 && octets.size() != 8) return std::nullopt;
      uint64_t number = (static_cast<uint8_t>(octets[0]) & 0x80) != 0 ? ~uint64_t{0} : 0;
      for (const char octet : octets) number = (number << 8) | static_cast<uint8_t>(octet);
      return static_cast<int64_t>(number);
    }
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> IntegerAt(const google::protobuf::RepeatedPtrField<lwm2m::v1::Node>& nodes,
                                 const lwm2m::v1::Path& path) {
  std::optional<int64_t> found;
  for (const lwm2m::v1::Node& node : nodes) {
    if (!lwm2m::Equal(node.path(), path)) continue;
    if (std::optional<int64_t> value = IntegerOf(node.value()); value.has_value()) found = value;
  }
  return found;
}

}  // namespace isthmus::synchronizer
