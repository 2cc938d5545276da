#include "services/connector/core/result_size.h"

#include "absl/strings/str_cat.h"

namespace isthmus::connector {

absl::Status CheckFits(const std::vector<lwm2m::v1::Node>& nodes) {
  constexpr size_t kFrame = 8;  // around each
  size_t octets = 0;
  for (const lwm2m::v1::Node& node : nodes) octets += node.ByteSizeLong() + kFrame;
  if (octets <= kMostValueOctets) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(nodes.size(), " values are more than can be passed on at once"));
}

}  // namespace isthmus::connector
