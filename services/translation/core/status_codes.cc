#include "services/translation/core/status_codes.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::translation {
namespace {

using lwm2m::v1::Operation;

struct CodeEntry {
  Row row;
  uint32_t coap;
  uint32_t rsc;
};

// One entry per row and CoAP code that the operation may be answered with; codes that stand nowhere are below.
constexpr CodeEntry kCodes[] = {
    {Row::kCreate, 201, 2001},  {Row::kCreate, 400, 4000},  {Row::kCreate, 401, 5105},  {Row::kCreate, 404, 6005},
    {Row::kCreate, 405, 4005},  {Row::kCreate, 415, 6025},

    {Row::kRead, 205, 2000},    {Row::kRead, 400, 4000},    {Row::kRead, 401, 5105},    {Row::kRead, 404, 6005},
    {Row::kRead, 405, 4005},    {Row::kRead, 406, 6025},

    {Row::kWrite, 204, 2004},   {Row::kWrite, 400, 4102},   {Row::kWrite, 401, 5105},   {Row::kWrite, 404, 6005},
    {Row::kWrite, 405, 4005},   {Row::kWrite, 408, 6025},   {Row::kWrite, 413, 6025},   {Row::kWrite, 415, 6025},

    {Row::kExecute, 204, 2004}, {Row::kExecute, 400, 4000}, {Row::kExecute, 401, 5105}, {Row::kExecute, 404, 6005},
    {Row::kExecute, 405, 4005},

    {Row::kDelete, 202, 2002},  {Row::kDelete, 400, 4005},  {Row::kDelete, 401, 5105},  {Row::kDelete, 404, 6005},
    {Row::kDelete, 405, 4005},
};

struct CodeName {
  uint32_t code;
  const char* name;
};
constexpr CodeName kNames[] = {
    {201, "Created"},
    {202, "Deleted"},
    {203, "Valid"},
    {204, "Changed"},
    {205, "Content"},
    {231, "Continue"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Bad Option"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Entity Incomplete"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Request Entity Too Large"},
    {415, "Unsupported Content-Format"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "Proxying Not Supported"},
};

uint32_t SuccessOf(Row row) {
  switch (row) {
    case Row::kCreate:
      return onem2m::v1::RESPONSE_STATUS_CODE_CREATED;
    case Row::kRead:
      return onem2m::v1::RESPONSE_STATUS_CODE_OK;
    case Row::kDelete:
      return onem2m::v1::RESPONSE_STATUS_CODE_DELETED;
    case Row::kWrite:
    case Row::kExecute:
      break;
  }
  return onem2m::v1::RESPONSE_STATUS_CODE_UPDATED;
}

// The device is ours to talk to, but it fails (5.xx), is busy (4.29), or forbids (4.03); or we do not understand each
// other.
uint32_t UnlistedCode(Row row, uint32_t coap) {
  // Any 2.xx to an operation without a payload in its answer says that it was done.
  if (coap >= 200 && coap < 300 && row != Row::kRead) return SuccessOf(row);
  if (coap == 403) return onem2m::v1::RESPONSE_STATUS_CODE_RECEIVER_HAS_NO_PRIVILEGE;
  if (coap == 429 || (coap >= 500 && coap < 600)) return onem2m::v1::RESPONSE_STATUS_CODE_REMOTE_ENTITY_NOT_REACHABLE;
  return onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR;
}

std::string Paths(const std::vector<lwm2m::v1::Path>& paths) {
  std::string text;
  for (const lwm2m::v1::Path& path : paths) {
    absl::StrAppend(&text, text.empty() ? "" : " ", lwm2m::PathToString(path));
  }
  return text;
}

}  // namespace

Row RowOf(const Operation& operation) {
  switch (operation.kind_case()) {
    case Operation::kCreate:
      return Row::kCreate;
    case Operation::kDelete:
      return Row::kDelete;
    case Operation::kExecute:
      return Row::kExecute;
    case Operation::kWrite:
    case Operation::kWriteComposite:
    case Operation::kWriteAttributes:
      return Row::kWrite;
    default:
      return Row::kRead;
  }
}

uint32_t StatusCodeFor(Row row, const lwm2m::v1::OperationResult& result) {
  switch (result.outcome()) {
    case lwm2m::v1::OUTCOME_ANSWERED:
      for (const CodeEntry& entry : kCodes) {
        if (entry.row == row && entry.coap == result.coap_code()) return entry.rsc;
      }
      return UnlistedCode(row, result.coap_code());
    case lwm2m::v1::OUTCOME_UNDECODABLE:
    case lwm2m::v1::OUTCOME_UNSUPPORTED:
      return onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR;
    default:
      return onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE;
  }
}

std::string DescribeOperation(const Operation& operation) {
  switch (operation.kind_case()) {
    case Operation::kRead:
      return absl::StrCat("Read ", lwm2m::PathToString(operation.read().path()));
    case Operation::kWrite:
      return absl::StrCat("Write ", lwm2m::PathToString(operation.write().path()));
    case Operation::kExecute:
      return absl::StrCat("Execute ", lwm2m::PathToString(operation.execute().path()));
    case Operation::kCreate:
      return absl::StrCat("Create ", lwm2m::PathToString(operation.create().path()));
    case Operation::kDelete:
      return absl::StrCat("Delete ", lwm2m::PathToString(operation.delete_().path()));
    case Operation::kDiscover:
      return absl::StrCat("Discover ", lwm2m::PathToString(operation.discover().path()));
    case Operation::kWriteAttributes:
      return absl::StrCat("Write-Attributes ", lwm2m::PathToString(operation.write_attributes().path()));
    case Operation::kReadComposite:
      return absl::StrCat("Read-Composite ", Paths({operation.read_composite().paths().begin(),
                                                    operation.read_composite().paths().end()}));
    case Operation::kWriteComposite: {
      std::vector<lwm2m::v1::Path> paths;
      for (const lwm2m::v1::Node& node : operation.write_composite().nodes()) paths.push_back(node.path());
      return absl::StrCat("Write-Composite ", Paths(paths));
    }
    case Operation::kObserve:
      return absl::StrCat("Observe ", lwm2m::PathToString(operation.observe().path()));
    case Operation::kCancelObservation:
      return absl::StrCat("Cancel Observation ", lwm2m::PathToString(operation.cancel_observation().path()));
    case Operation::KIND_NOT_SET:
      break;
  }
  return "no operation";
}

std::string DescribeCoapCode(uint32_t code) {
  std::string text = absl::StrFormat("%d.%02d", code / 100, code % 100);
  for (const CodeName& name : kNames) {
    if (name.code == code) absl::StrAppend(&text, " ", name.name);
  }
  return text;
}

std::string DescribeFailure(const Operation& operation, const lwm2m::v1::OperationResult& result) {
  const std::string what = DescribeOperation(operation);
  std::string text;
  switch (result.outcome()) {
    case lwm2m::v1::OUTCOME_ANSWERED:
      text = absl::StrCat("device answered ", DescribeCoapCode(result.coap_code()), " to ", what);
      break;
    case lwm2m::v1::OUTCOME_TIMEOUT:
      text = absl::StrCat("device did not answer ", what, " in time; it may still perform it");
      break;
    case lwm2m::v1::OUTCOME_RESET:
      text = absl::StrCat("device reset ", what);
      break;
    case lwm2m::v1::OUTCOME_NOT_REGISTERED:
      text = absl::StrCat("device is not registered: ", what, " was not sent");
      break;
    case lwm2m::v1::OUTCOME_UNDECODABLE:
      text = absl::StrCat("the answer of the device to ", what, " cannot be decoded");
      break;
    case lwm2m::v1::OUTCOME_UNSUPPORTED:
      text = absl::StrCat("the LwM2M Server cannot send ", what);
      break;
    case lwm2m::v1::OUTCOME_EXPIRED_UNSENT:
      text = absl::StrCat("the time ran out before ", what, " could be sent");
      break;
    default:
      text = absl::StrCat("no outcome of ", what);
      break;
  }
  if (!result.diagnostic().empty()) absl::StrAppend(&text, ": ", result.diagnostic());
  return text;
}

}  // namespace isthmus::translation
