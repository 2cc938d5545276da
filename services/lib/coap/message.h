// CoAP messages (RFC 7252) as values. The wire format itself is libcoap's work (message.cc); everything that decides
// something - retransmission, duplicates, tokens, blocks - is in endpoint.h.
#ifndef ISTHMUS_SERVICES_LIB_COAP_MESSAGE_H_
#define ISTHMUS_SERVICES_LIB_COAP_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace isthmus::coap {

enum class Type : uint8_t { kConfirmable = 0, kNonConfirmable = 1, kAcknowledgement = 2, kReset = 3 };

// A code as class * 100 + detail: 1 is GET (0.01), 205 is 2.05 Content, 0 is Empty.
using Code = int;
inline constexpr Code kEmpty = 0, kGet = 1, kPost = 2, kPut = 3, kDelete = 4, kFetch = 5, kPatch = 6, kIPatch = 7;
inline constexpr Code kCreated = 201, kDeleted = 202, kValid = 203, kChanged = 204, kContent = 205, kContinue = 231;
inline constexpr Code kBadRequest = 400, kUnauthorized = 401, kBadOption = 402, kForbidden = 403, kNotFound = 404,
                      kMethodNotAllowed = 405, kNotAcceptable = 406, kIncomplete = 408, kPreconditionFailed = 412,
                      kTooLarge = 413, kUnsupportedContentFormat = 415;
inline constexpr Code kInternalServerError = 500, kNotImplemented = 501, kServiceUnavailable = 503;

inline bool IsRequest(Code code) { return code >= 1 && code < 100; }
inline bool IsSuccess(Code code) { return code >= 200 && code < 300; }

// "2.05 Content", "4.04 Not Found", "0.01 GET"; unknown ones without a name.
std::string CodeToString(Code code);

// Option numbers.
enum OptionNumber : uint16_t {
  kObserve = 6,
  kLocationPath = 8,
  kUriPath = 11,
  kContentFormat = 12,
  kUriQuery = 15,
  kAccept = 17,
  kBlock2 = 23,
  kBlock1 = 27,
  kSize2 = 28,
  kSize1 = 60,
  kETag = 4,
};

struct Option {
  uint16_t number = 0;
  std::string value;  // raw octets
};

struct Message {
  Type type = Type::kConfirmable;
  Code code = kEmpty;
  uint16_t message_id = 0;
  std::string token;            // 0..8 octets
  std::vector<Option> options;  // any order; sorted when encoded, order of equal numbers kept
  std::string payload;

  // First value of an option read as an unsigned integer; nullopt when it is not there (or longer than 8 octets).
  std::optional<uint64_t> UintOption(uint16_t number) const;
  // All values of an option, for example the segments of Uri-Path.
  std::vector<std::string> TextOptions(uint16_t number) const;
  void AddOption(uint16_t number, absl::string_view value);
  void AddUintOption(uint16_t number, uint64_t value);  // shortest form
  void RemoveOption(uint16_t number);
};

// INVALID_ARGUMENT for anything that RFC 7252 calls a message format error.
absl::StatusOr<Message> Decode(absl::string_view datagram);
std::string Encode(const Message& message);

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_MESSAGE_H_
