// Reads CoRE link format (RFC 6690) the way devices write it. Internal to the codec; see codec.h for what is made of
// it.
//
//   LinkScanner scanner(payload);
//   RawLink link;
//   while (true) { ASSIGN_OR_RETURN(const bool found, scanner.Next(&link)); if (!found) break; ... }
//
// Takes blanks anywhere between the parts and unquoted values with blanks in them. Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LINK_FORMAT_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LINK_FORMAT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace isthmus::lwm2m::codec {

struct LinkAttribute {
  absl::string_view name;
  std::string value;  // without quotes; empty when there is none
};

struct RawLink {
  absl::string_view target;  // between '<' and '>'; lives in the payload
  std::vector<LinkAttribute> attributes;
  size_t offset = 0;  // of '<'
};

class LinkScanner {
 public:
  explicit LinkScanner(absl::string_view payload) : payload_(payload) {}

  // False at the end. INVALID_ARGUMENT names the octet that is wrong.
  absl::StatusOr<bool> Next(RawLink* link);
  // Commas without a link so far.
  size_t empty_links() const { return empty_links_; }

 private:
  bool AtEnd() const { return at_ == payload_.size(); }
  char Here() const { return payload_[at_]; }
  void SkipBlanks();
  absl::Status ReadAttribute(LinkAttribute* attribute);
  absl::Status Malformed(size_t offset, absl::string_view why) const;

  const absl::string_view payload_;
  size_t at_ = 0;
  size_t links_ = 0;
  size_t empty_links_ = 0;
};

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LINK_FORMAT_H_
