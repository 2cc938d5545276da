// LwM2M payload formats behind one encoder and one decoder.
//
//   ASSIGN_OR_RETURN(std::vector<v1::Node> nodes, codec::Decode(11542, payload, path));
//
// Decoded nodes are flat: one per resource or resource instance, whatever the format. A format that does not tell the
// type (TLV, text) gives raw values; a number of SenML or JSON is `integer` when it is integral and `floating` else;
// NaN and infinities are refused. Encoders take typed values. Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_CODEC_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_CODEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

// CoAP Content-Formats (LwM2M Core table 7.4-1).
inline constexpr uint32_t kText = 0, kLinkFormat = 40, kOpaque = 42, kCbor = 60, kSenMlJson = 110, kSenMlCbor = 112,
                          kTlv = 11542, kLwm2mJson = 11543, kLwm2mCbor = 11544;

// "TLV", "SenML JSON", "text" ...; the number when unknown.
std::string FormatName(uint32_t content_format);
bool CanDecode(uint32_t content_format);
bool CanEncode(uint32_t content_format);

// Decodes the answer to a read of `path` (or a notification of it). Values outside `path` make it fail. `now` is the
// base of relative times (RFC 8428 4.5.3); of several records for one path the latest is returned. Names of SenML may
// begin with the alternate `root_path` of the device (without a trailing slash; "" = none).
//   INVALID_ARGUMENT  the payload is malformed; the message says where.
//   UNIMPLEMENTED     the format is not one of ours.
absl::StatusOr<std::vector<v1::Node>> Decode(uint32_t content_format, absl::string_view payload, const v1::Path& path,
                                             absl::Time now, absl::string_view root_path = "");

// Encodes values for a write to (or a read of, or a creation below) `path`. All nodes lie at or below `path`. Names of
// SenML begin with `root_path` (LwM2M Transport 1.2 6.4.1, which 1.1 leaves open).
//   INVALID_ARGUMENT  a node lies elsewhere, or has a value that the format cannot carry (raw; several for text).
absl::StatusOr<std::string> Encode(uint32_t content_format, const std::vector<v1::Node>& nodes, const v1::Path& path,
                                   absl::string_view root_path = "");

// What a Read-Composite asks for: records with names and no values, in SenML JSON or SenML CBOR. Errors as above; paths
// may be of any level, and a value that comes with a name is passed over.
absl::StatusOr<std::string> EncodePaths(uint32_t content_format, const std::vector<v1::Path>& paths,
                                        absl::string_view root_path = "");
absl::StatusOr<std::vector<v1::Path>> DecodePaths(uint32_t content_format, absl::string_view payload,
                                                  absl::string_view root_path = "");

// Link format (RFC 6690) as registrations and Discover use it.
struct Links {
  std::vector<v1::ObjectLink> links;      // each object and instance once, in order; versions belong to objects
  std::string root_path;                  // alternate root without trailing '/', "" = none
  std::vector<uint32_t> content_formats;  // `ct` of the root link; empty = not said
  std::vector<std::string> warnings;      // what was tolerated
};
// Registration payload: objects and instances only; deeper links count for their instance.
absl::StatusOr<Links> ParseRegistrationLinks(absl::string_view payload);
// Discover answer: every level, with `dim`.
absl::StatusOr<Links> ParseDiscoverLinks(absl::string_view payload, absl::string_view root_path = "");

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_CODEC_H_
