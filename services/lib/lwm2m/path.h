// Paths of the LwM2M object model: text <-> isthmus.lwm2m.v1.Path, comparison and containment.
//
//   ASSIGN_OR_RETURN(const lwm2m::v1::Path path, lwm2m::ParsePath("/3/0/9"));
//   lwm2m::PathToString(path) == "/3/0/9"
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_PATH_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_PATH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m {

// "/", "/3", "/3/0", "/3/0/9" or "/3/0/11/1"; each number 0..65535 without leading zeros. INVALID_ARGUMENT else.
absl::StatusOr<v1::Path> ParsePath(absl::string_view text);

// The inverse of ParsePath.
std::string PathToString(const v1::Path& path);

// The levels that are set, from the left: 0 to 4 numbers.
std::vector<uint32_t> Levels(const v1::Path& path);
v1::Path MakePath(const std::vector<uint32_t>& levels);
v1::Path MakePath(uint32_t object);
v1::Path MakePath(uint32_t object, uint32_t instance);
v1::Path MakePath(uint32_t object, uint32_t instance, uint32_t resource);
v1::Path MakePath(uint32_t object, uint32_t instance, uint32_t resource, uint32_t resource_instance);

// `path` is `prefix` or lies below it.
bool Contains(const v1::Path& prefix, const v1::Path& path);

bool Equal(const v1::Path& a, const v1::Path& b);
// Order by levels, a prefix before what lies below it.
bool Less(const v1::Path& a, const v1::Path& b);

}  // namespace isthmus::lwm2m

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_PATH_H_
