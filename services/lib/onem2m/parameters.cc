#include "services/lib/onem2m/parameters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::onem2m {
namespace {

constexpr int64_t kMaxUnsigned32 = std::numeric_limits<uint32_t>::max();

// Parameters that TS-0004 (up to release 5) knows and that change nothing here.
constexpr std::array<absl::string_view, 20> kOtherParameters = {"ec",   "rp",    "da",  "gid",  "grtm", "rids", "tkns",
                                                                "tids", "ltids", "tqi", "asri", "asi",  "aus",  "sqi",
                                                                "auri", "vsi",   "ma",  "rtu",  "pri",  "rset"};

bool IsOtherParameter(absl::string_view name) {
  return std::find(kOtherParameters.begin(), kOtherParameters.end(), name) != kOtherParameters.end();
}

absl::Status Expected(absl::string_view name, absl::string_view expected, const v1::Value& got) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": expected ", expected, ", got ", Describe(got, 60)));
}

// Text of a text or a number; nothing for the rest.
std::optional<std::string> AsText(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kText:
      return value.text();
    case v1::Value::kInteger:
      return absl::StrCat(value.integer());
    case v1::Value::kNumber:
      return absl::StrCat(value.number());
    default:
      return std::nullopt;
  }
}

absl::StatusOr<std::string> ReadText(absl::string_view name, v1::Value& value) {
  if (value.kind_case() != v1::Value::kText) return Expected(name, "a text", value);
  return std::move(*value.mutable_text());
}

absl::StatusOr<int64_t> ReadInteger(absl::string_view name, const v1::Value& value, int64_t lowest, int64_t highest) {
  int64_t number = 0;
  bool readable = false;
  if (value.kind_case() == v1::Value::kInteger) {
    number = value.integer();
    readable = true;
  } else if (value.kind_case() == v1::Value::kText) {
    readable = absl::SimpleAtoi(value.text(), &number);
  }
  if (!readable || number < lowest || number > highest) {
    return Expected(name, absl::StrCat("an integer from ", lowest, " to ", highest), value);
  }
  return number;
}

absl::StatusOr<uint32_t> ReadUnsigned(absl::string_view name, const v1::Value& value,
                                      int64_t highest = kMaxUnsigned32) {
  ASSIGN_OR_RETURN(const int64_t number, ReadInteger(name, value, 0, highest));
  return static_cast<uint32_t>(number);
}

absl::StatusOr<absl::Time> ReadTime(absl::string_view name, const v1::Value& value, absl::Time now) {
  const std::optional<std::string> text = AsText(value);
  if (!text || value.kind_case() == v1::Value::kNumber) {
    return Expected(name, "a timestamp or a number of milliseconds", value);
  }
  const absl::StatusOr<absl::Time> time = ParseAbsRelTimestamp(*text, now);
  if (!time.ok()) return absl::InvalidArgumentError(absl::StrCat(name, ": ", time.status().message()));
  // What google.protobuf.Timestamp and a four-digit year can hold.
  static const absl::Time first = absl::FromCivil(absl::CivilSecond(1, 1, 1), absl::UTCTimeZone());
  static const absl::Time last = absl::FromCivil(absl::CivilSecond(9999, 12, 31, 23, 59, 59), absl::UTCTimeZone());
  if (*time < first || *time > last) return Expected(name, "a time within the years 1 to 9999", value);
  return *time;
}

// A fraction is kept: rounded down, an expiration would come too early.
v1::Value TimeText(absl::Time time) {
  const int64_t nanos = absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(absl::ToUnixSeconds(time)));
  std::string text = FormatTimestamp(time);
  if (nanos > 0) {
    std::string fraction = absl::StrCat(nanos);
    fraction.insert(0, 9 - fraction.size(), '0');
    if (nanos % 1000 == 0) fraction.resize(6);
    absl::StrAppend(&text, ",", fraction);
  }
  return Text(text);
}

v1::Value TimeText(const google::protobuf::Timestamp& timestamp) { return TimeText(ToTime(timestamp)); }

// Calls `read` for each member of a list, or for a single value that stands for a list of one.
template <typename Read>
absl::Status ForEach(v1::Value& value, Read read) {
  if (value.kind_case() != v1::Value::kList) return read(value);
  for (v1::Value& member : *value.mutable_list()->mutable_values()) RETURN_IF_ERROR(read(member));
  return absl::OkStatus();
}

absl::Status ReadAttributeCondition(v1::Value& condition, v1::FilterCriteria* criteria) {
  constexpr absl::string_view kShape = "an object {nm, val} or a list of them";
  if (condition.kind_case() != v1::Value::kObject) return Expected("fc.atr", kShape, condition);
  v1::Value* name = FindMutable(*condition.mutable_object(), "nm");
  v1::Value* wanted = FindMutable(*condition.mutable_object(), "val");
  if (condition.object().members_size() != 2 || name == nullptr || name->kind_case() != v1::Value::kText ||
      name->text().empty() || wanted == nullptr) {
    return Expected("fc.atr", kShape, condition);
  }
  v1::Attribute* attribute = criteria->add_conditions();
  attribute->set_name(std::move(*name->mutable_text()));
  *attribute->mutable_value() = std::move(*wanted);
  return absl::OkStatus();
}

absl::Status ReadFilterCriterion(absl::string_view name, v1::Value& value, v1::FilterCriteria* criteria) {
  if (name == "fu") {
    ASSIGN_OR_RETURN(const int64_t usage, ReadInteger("fc.fu", value, 1, 3));
    criteria->set_filter_usage(static_cast<uint32_t>(usage));
  } else if (name == "fo") {
    ASSIGN_OR_RETURN(const int64_t operation, ReadInteger("fc.fo", value, 1, 3));
    criteria->set_filter_operation(static_cast<uint32_t>(operation));
  } else if (name == "ty") {
    return ForEach(value, [criteria](const v1::Value& member) -> absl::Status {
      ASSIGN_OR_RETURN(const uint32_t type, ReadUnsigned("fc.ty", member));
      criteria->add_resource_types(type);
      return absl::OkStatus();
    });
  } else if (name == "lbl") {
    return ForEach(value, [criteria](v1::Value& member) -> absl::Status {
      ASSIGN_OR_RETURN(*criteria->add_labels(), ReadText("fc.lbl", member));
      return absl::OkStatus();
    });
  } else if (name == "lim") {
    ASSIGN_OR_RETURN(const uint32_t limit, ReadUnsigned("fc.lim", value));
    criteria->set_limit(limit);
  } else if (name == "lvl") {
    ASSIGN_OR_RETURN(const uint32_t level, ReadUnsigned("fc.lvl", value));
    criteria->set_level(level);
  } else if (name == "ofst") {
    ASSIGN_OR_RETURN(const uint32_t offset, ReadUnsigned("fc.ofst", value));
    criteria->set_offset(offset);
  } else if (name == "arp") {
    ASSIGN_OR_RETURN(*criteria->mutable_applied_relative_path(), ReadText("fc.arp", value));
  } else if (name == "atr") {
    return ForEach(value, [criteria](v1::Value& member) { return ReadAttributeCondition(member, criteria); });
  } else if (name == "sts" || name == "stb" || name == "sza" || name == "szb") {
    ASSIGN_OR_RETURN(const int64_t number, ReadInteger(absl::StrCat("fc.", name), value, 0, INT64_MAX));
    v1::Attribute* condition = criteria->add_conditions();
    condition->set_name(name.data(), name.size());
    condition->mutable_value()->set_integer(number);
  } else {
    v1::Attribute* condition = criteria->add_conditions();
    condition->set_name(name.data(), name.size());
    *condition->mutable_value() = std::move(value);
  }
  return absl::OkStatus();
}

absl::Status ReadFilterCriteria(v1::Value& value, v1::FilterCriteria* criteria) {
  if (value.kind_case() != v1::Value::kObject) return Expected("fc", "an object", value);
  for (v1::Attribute& member : *value.mutable_object()->mutable_members()) {
    RETURN_IF_ERROR(ReadFilterCriterion(member.name(), *member.mutable_value(), criteria));
  }
  return absl::OkStatus();
}

absl::Status ReadResponseType(v1::Value& value, v1::ResponseType* type) {
  if (value.kind_case() != v1::Value::kObject) {
    ASSIGN_OR_RETURN(const int64_t number, ReadInteger("rt", value, 1, 5));
    type->set_value(static_cast<uint32_t>(number));
    return absl::OkStatus();
  }
  for (v1::Attribute& member : *value.mutable_object()->mutable_members()) {
    if (member.name() == "rtv") {
      ASSIGN_OR_RETURN(const int64_t number, ReadInteger("rt.rtv", member.value(), 1, 5));
      type->set_value(static_cast<uint32_t>(number));
    } else if (member.name() == "nu") {
      RETURN_IF_ERROR(ForEach(*member.mutable_value(), [type](v1::Value& uri) -> absl::Status {
        ASSIGN_OR_RETURN(*type->add_notification_uris(), ReadText("rt.nu", uri));
        return absl::OkStatus();
      }));
    } else {
      return absl::InvalidArgumentError(absl::StrCat("rt: unknown member '", member.name(), "'; expected rtv and nu"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadContent(v1::Value& value, v1::Attribute* content) {
  if (value.kind_case() != v1::Value::kObject) {
    return Expected("pc", "an object with one member, the root element", value);
  }
  if (value.object().members_size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("pc: expected exactly one member, got ", value.object().members_size()));
  }
  *content = std::move(*value.mutable_object()->mutable_members(0));
  return absl::OkStatus();
}

absl::Status ReadOperation(const v1::Value& value, v1::RequestPrimitive* request) {
  // -2 is how ACME forwards a discovery.
  const absl::StatusOr<int64_t> number = ReadInteger("op", value, -2, 5);
  if (!number.ok() || *number == 0 || *number == -1) return Expected("op", "an integer from 1 to 5", value);
  if (*number == -2) {
    request->set_operation(v1::OPERATION_TYPE_RETRIEVE);
    // Whatever fc said, and in whichever order the two came: discovery is filter usage 1.
    request->mutable_filter_criteria()->set_filter_usage(1);
  } else {
    request->set_operation(static_cast<v1::OperationType>(*number));
  }
  return absl::OkStatus();
}

absl::Status ReadRequestParameter(absl::string_view name, v1::Value& value, absl::Time now,
                                  v1::RequestPrimitive* request) {
  if (name == "op") return ReadOperation(value, request);
  if (name == "to") {
    // Not moved: a failure further on still wants to tell it. The same for fr, rqi and rvi.
    if (value.kind_case() != v1::Value::kText) return Expected(name, "a text", value);
    request->set_to(value.text());
  } else if (name == "fr") {
    if (value.kind_case() != v1::Value::kText) return Expected(name, "a text", value);
    request->set_from(value.text());
  } else if (name == "rqi") {
    if (value.kind_case() != v1::Value::kText || value.text().empty()) {
      return Expected(name, "a text that is not empty", value);
    }
    request->set_request_identifier(value.text());
  } else if (name == "rvi") {
    const std::optional<std::string> release = AsText(value);
    if (!release || value.kind_case() == v1::Value::kNumber) return Expected(name, "a text such as \"3\"", value);
    request->set_release_version_indicator(*release);
  } else if (name == "ty") {
    ASSIGN_OR_RETURN(const int64_t type, ReadInteger(name, value, 1, kMaxUnsigned32));
    request->set_resource_type(static_cast<uint32_t>(type));
  } else if (name == "pc") {
    return ReadContent(value, request->mutable_primitive_content());
  } else if (name == "rcn") {
    ASSIGN_OR_RETURN(const uint32_t result_content, ReadUnsigned(name, value));
    request->set_result_content(result_content);
  } else if (name == "fc") {
    const bool discovery = request->has_filter_criteria();
    RETURN_IF_ERROR(ReadFilterCriteria(value, request->mutable_filter_criteria()));
    if (discovery) request->mutable_filter_criteria()->set_filter_usage(1);
  } else if (name == "rt") {
    return ReadResponseType(value, request->mutable_response_type());
  } else if (name == "rqet") {
    ASSIGN_OR_RETURN(const absl::Time time, ReadTime(name, value, now));
    *request->mutable_request_expiration() = ToTimestamp(time);
  } else if (name == "oet") {
    ASSIGN_OR_RETURN(const absl::Time time, ReadTime(name, value, now));
    *request->mutable_operation_execution_time() = ToTimestamp(time);
  } else if (name == "ot") {
    ASSIGN_OR_RETURN(*request->mutable_originating_timestamp(), ReadText(name, value));
  } else if (name == "drt") {
    ASSIGN_OR_RETURN(const int64_t type, ReadInteger(name, value, 1, 2));
    request->set_desired_identifier_result_type(static_cast<uint32_t>(type));
  } else if (IsOtherParameter(name)) {
    v1::Attribute* other = request->add_other_parameters();
    other->set_name(name.data(), name.size());
    if (name == "rset") {
      ASSIGN_OR_RETURN(const absl::Time time, ReadTime(name, value, now));
      *other->mutable_value() = TimeText(time);
    } else {
      *other->mutable_value() = std::move(value);
    }
  } else if (name == "m2m:rqp" || name == "m2m:rsp") {
    return absl::InvalidArgumentError(
        absl::StrCat("the primitive is wrapped in '", name, "'; expected its parameters at the top level"));
  } else {
    return absl::InvalidArgumentError(absl::StrCat("unknown parameter '", absl::string_view(name).substr(0, 60), "'"));
  }
  return absl::OkStatus();
}

absl::Status ReadRequest(v1::Object& parameters, absl::Time now, v1::RequestPrimitive* request) {
  for (v1::Attribute& parameter : *parameters.mutable_members()) {
    RETURN_IF_ERROR(ReadRequestParameter(parameter.name(), *parameter.mutable_value(), now, request));
  }
  if (request->operation() == v1::OPERATION_TYPE_UNSPECIFIED) return absl::InvalidArgumentError("op is missing");
  if (request->request_identifier().empty()) return absl::InvalidArgumentError("rqi is missing");
  if (request->to().empty()) return absl::InvalidArgumentError("to is missing");
  return absl::OkStatus();
}

absl::Status ReadResponse(v1::Object& parameters, v1::ResponsePrimitive* response) {
  for (v1::Attribute& parameter : *parameters.mutable_members()) {
    const std::string& name = parameter.name();
    v1::Value& value = *parameter.mutable_value();
    if (name == "rsc") {
      ASSIGN_OR_RETURN(const int64_t code, ReadInteger(name, value, 1000, 9999));
      response->set_response_status_code(static_cast<uint32_t>(code));
    } else if (name == "rqi") {
      response->set_request_identifier(AsText(value).value_or(""));
    } else if (name == "rvi") {
      response->set_release_version_indicator(AsText(value).value_or(""));
    } else if (name == "pc") {
      const bool empty = value.kind_case() == v1::Value::kNull ||
                         (value.kind_case() == v1::Value::kObject && value.object().members().empty());
      if (!empty) RETURN_IF_ERROR(ReadContent(value, response->mutable_primitive_content()));
    } else if (name == "fr") {
      response->set_from(AsText(value).value_or(""));
    } else if (name == "to") {
      response->set_to(AsText(value).value_or(""));
    } else if (name == "ot") {
      response->set_originating_timestamp(AsText(value).value_or(""));
    } else if (name == "cnst") {
      ASSIGN_OR_RETURN(const uint32_t status, ReadUnsigned(name, value));
      response->set_content_status(status);
    } else if (name == "cnot") {
      ASSIGN_OR_RETURN(const uint32_t offset, ReadUnsigned(name, value));
      response->set_content_offset(offset);
    }
  }
  if (response->response_status_code() == 0) return absl::InvalidArgumentError("rsc is missing");
  if (response->request_identifier().empty()) return absl::InvalidArgumentError("rqi is missing");
  return absl::OkStatus();
}

// Whether a condition can stand among the criteria by its name: not twice, and not where the name is a criterion with
// a type of its own.
bool StandsByItsName(const v1::Attribute& condition, const v1::Object& criteria) {
  constexpr std::array<absl::string_view, 9> kCriteria = {"fu", "fo", "ty", "lbl", "lim", "lvl", "ofst", "arp", "atr"};
  constexpr std::array<absl::string_view, 4> kNumbers = {"sts", "stb", "sza", "szb"};
  const auto among = [&condition](const auto& names) {
    return std::find(names.begin(), names.end(), condition.name()) != names.end();
  };
  if (among(kCriteria) || Find(criteria, condition.name()) != nullptr) return false;
  return !among(kNumbers) || (condition.value().kind_case() == v1::Value::kInteger && condition.value().integer() >= 0);
}

v1::Value FilterCriteriaValue(const v1::FilterCriteria& criteria) {
  v1::Object members;
  if (criteria.filter_usage() != 0) Set(members, "fu", Integer(criteria.filter_usage()));
  if (criteria.resource_types_size() > 0) {
    v1::Value types;
    for (const uint32_t type : criteria.resource_types()) types.mutable_list()->add_values()->set_integer(type);
    Set(members, "ty", std::move(types));
  }
  if (criteria.labels_size() > 0) Set(members, "lbl", TextList({criteria.labels().begin(), criteria.labels().end()}));
  if (criteria.has_limit()) Set(members, "lim", Integer(criteria.limit()));
  if (criteria.has_level()) Set(members, "lvl", Integer(criteria.level()));
  if (criteria.has_offset()) Set(members, "ofst", Integer(criteria.offset()));
  if (criteria.filter_operation() != 0) Set(members, "fo", Integer(criteria.filter_operation()));
  std::vector<v1::Value> others;
  for (const v1::Attribute& condition : criteria.conditions()) {
    if (StandsByItsName(condition, members)) {
      Set(members, condition.name(), condition.value());
      continue;
    }
    v1::Object other;
    Set(other, "nm", Text(condition.name()));
    Set(other, "val", condition.value());
    others.push_back(Complex(std::move(other)));
  }
  if (!others.empty()) Set(members, "atr", List(std::move(others)));
  if (!criteria.applied_relative_path().empty()) Set(members, "arp", Text(criteria.applied_relative_path()));
  return Complex(std::move(members));
}

v1::Value ResponseTypeValue(const v1::ResponseType& type) {
  v1::Object members;
  if (type.value() != 0) Set(members, "rtv", Integer(type.value()));
  if (type.notification_uris_size() > 0) {
    Set(members, "nu", TextList({type.notification_uris().begin(), type.notification_uris().end()}));
  }
  return Complex(std::move(members));
}

// Fills rqi, rvi, fr and to from what `parameters` has of them, wrapped in m2m:rqp or m2m:rsp or not.
void RecoverIdentity(const v1::Object& parameters, DecodeError* error) {
  for (const absl::string_view wrapper : {"m2m:rqp", "m2m:rsp"}) {
    const v1::Value* inner = Find(parameters, wrapper);
    if (inner != nullptr && inner->kind_case() == v1::Value::kObject) {
      return RecoverIdentity(inner->object(), error);
    }
  }
  const auto recover = [&parameters](absl::string_view name, std::string* out) {
    const v1::Value* value = Find(parameters, name);
    if (value == nullptr || !out->empty()) return;
    if (std::optional<std::string> text = AsText(*value)) *out = *std::move(text);
  };
  recover("rqi", &error->request_identifier);
  recover("rvi", &error->release_version_indicator);
  recover("fr", &error->from);
  recover("to", &error->to);
}

}  // namespace

DecodeError NotAPrimitive(std::string reason, const v1::Object& read,
                          const std::function<std::string(absl::string_view parameter)>& scan) {
  DecodeError error;
  error.reason = std::move(reason);
  RecoverIdentity(read, &error);
  if (error.request_identifier.empty()) error.request_identifier = scan("rqi");
  if (error.release_version_indicator.empty()) error.release_version_indicator = scan("rvi");
  if (error.from.empty()) error.from = scan("fr");
  return error;
}

Decoded<v1::RequestPrimitive> RequestFromParameters(v1::Object& parameters, absl::Time now) {
  v1::RequestPrimitive request;
  const absl::Status status = ReadRequest(parameters, now, &request);
  if (status.ok()) return request;
  DecodeError error;
  error.reason = std::string(status.message());
  RecoverIdentity(parameters, &error);
  return error;
}

Decoded<v1::ResponsePrimitive> ResponseFromParameters(v1::Object& parameters) {
  v1::ResponsePrimitive response;
  const absl::Status status = ReadResponse(parameters, &response);
  if (status.ok()) return response;
  DecodeError error;
  error.reason = std::string(status.message());
  RecoverIdentity(parameters, &error);
  return error;
}

void VisitParameters(const v1::RequestPrimitive& request, ParameterSink* sink) {
  if (request.operation() != v1::OPERATION_TYPE_UNSPECIFIED) sink->Parameter("op", Integer(request.operation()));
  if (!request.to().empty()) sink->Parameter("to", Text(request.to()));
  if (!request.from().empty()) sink->Parameter("fr", Text(request.from()));
  if (!request.request_identifier().empty()) sink->Parameter("rqi", Text(request.request_identifier()));
  if (!request.release_version_indicator().empty()) sink->Parameter("rvi", Text(request.release_version_indicator()));
  if (request.resource_type() != 0) sink->Parameter("ty", Integer(request.resource_type()));
  if (request.has_primitive_content()) sink->Content(request.primitive_content());
  if (request.has_result_content()) sink->Parameter("rcn", Integer(request.result_content()));
  if (request.has_filter_criteria()) sink->Parameter("fc", FilterCriteriaValue(request.filter_criteria()));
  if (request.has_response_type()) sink->Parameter("rt", ResponseTypeValue(request.response_type()));
  if (request.has_request_expiration()) sink->Parameter("rqet", TimeText(request.request_expiration()));
  if (request.has_operation_execution_time()) sink->Parameter("oet", TimeText(request.operation_execution_time()));
  if (!request.originating_timestamp().empty()) sink->Parameter("ot", Text(request.originating_timestamp()));
  if (request.desired_identifier_result_type() != 0) {
    sink->Parameter("drt", Integer(request.desired_identifier_result_type()));
  }
  for (const v1::Attribute& other : request.other_parameters()) sink->Parameter(other.name(), other.value());
}

void VisitParameters(const v1::ResponsePrimitive& response, ParameterSink* sink) {
  sink->Parameter("rsc", Integer(response.response_status_code()));
  if (!response.request_identifier().empty()) sink->Parameter("rqi", Text(response.request_identifier()));
  if (!response.release_version_indicator().empty()) {
    sink->Parameter("rvi", Text(response.release_version_indicator()));
  }
  if (!response.from().empty()) sink->Parameter("fr", Text(response.from()));
  if (!response.to().empty()) sink->Parameter("to", Text(response.to()));
  if (!response.originating_timestamp().empty()) sink->Parameter("ot", Text(response.originating_timestamp()));
  if (response.has_primitive_content()) sink->Content(response.primitive_content());
  if (response.content_status() != 0) sink->Parameter("cnst", Integer(response.content_status()));
  if (response.has_content_offset()) sink->Parameter("cnot", Integer(response.content_offset()));
}

}  // namespace isthmus::onem2m
