// Resolves SenML records (RFC 8428 4.6) to nodes, whatever encoding they came in. Internal to the codec.
//
//   SenMlResolver resolver(now);
//   RETURN_IF_ERROR(resolver.Add(record));   // for each record, in order
//   return resolver.Take();
//
// Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_RECORDS_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_RECORDS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

struct SenMlRecord {
  std::optional<std::string> base_name, name;
  std::optional<absl::Duration> base_time, time;  // as they came: seconds since 1970, or before and after now
  std::optional<v1::Value> value;
};

// Times below 2^28 s are relative to now (RFC 8428 4.5.3).
inline constexpr absl::Duration kFirstAbsoluteTime = absl::Seconds(1 << 28);

// A decimal number of seconds, to the nanosecond. INVALID_ARGUMENT when it is none or nobody's time.
absl::StatusOr<absl::Duration> ParseSenMlTime(absl::string_view number);

// Formats tell times as numbers of seconds, and small ones are relative: INVALID_ARGUMENT when `node` has a time that
// would be taken for one.
absl::Status CheckTimeIsAbsolute(const v1::Node& node, absl::string_view format_name);
// The node's time as a decimal number of seconds, to the nanosecond.
std::string FormatSenMlTime(const v1::Node& node);

// Base names joined to names are longer than any path soon: INVALID_ARGUMENT then. `root_path` as of a SenMlResolver.
absl::StatusOr<std::string> JoinSenMlNames(absl::string_view base_name, absl::string_view name,
                                           absl::string_view root_path);
// `name` without the root that it may begin with, as a path. nullopt when it is none; `of_value`: when it is none of a
// resource or resource instance.
std::optional<v1::Path> PathOfSenMlName(absl::string_view name, absl::string_view root_path, bool of_value);

class SenMlResolver {
 public:
  // Names may begin with `root_path`, the alternate root of the device, or not.
  explicit SenMlResolver(absl::Time now, absl::string_view root_path = "") : now_(now), root_path_(root_path) {}

  // INVALID_ARGUMENT when the record's full name is no path of a resource or resource instance, or it has no value.
  absl::Status Add(SenMlRecord record);
  // One node for each path, the latest, in the order in which the paths came.
  std::vector<v1::Node> Take() { return std::move(nodes_); }

 private:
  const absl::Time now_;
  const std::string root_path_;
  std::string base_name_;
  absl::Duration base_time_;
  std::vector<v1::Node> nodes_;
  std::vector<absl::Time> times_;  // of nodes_
  absl::flat_hash_map<std::string, size_t> by_name_;
};

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_RECORDS_H_
