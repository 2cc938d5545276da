#include "services/lib/coap/message.h"

#include <coap3/coap.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace isthmus::coap {
namespace {

constexpr size_t kHeaderSize = 4;
constexpr size_t kMaxTokenSize = 8;
constexpr uint8_t kPayloadMarker = 0xFF;
// Longest value that an option length can express: 269 and 16 bits.
constexpr size_t kMaxOptionSize = 269 + 65535;

// coap_opt_parse logs each broken option; what is wrong is told by our status instead.
void SilenceLibcoap() {
  static const bool done = [] {
    coap_set_log_level(LOG_EMERG);
    coap_set_log_handler([](coap_log_t, const char*) {});
    return true;
  }();
  (void)done;
}

absl::string_view CodeName(Code code) {
  switch (code) {
    case 0:
      return "Empty";
    case 1:
      return "GET";
    case 2:
      return "POST";
    case 3:
      return "PUT";
    case 4:
      return "DELETE";
    case 5:
      return "FETCH";
    case 6:
      return "PATCH";
    case 7:
      return "iPATCH";
    case 201:
      return "Created";
    case 202:
      return "Deleted";
    case 203:
      return "Valid";
    case 204:
      return "Changed";
    case 205:
      return "Content";
    case 231:
      return "Continue";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Bad Option";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Entity Incomplete";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Content-Format";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "Proxying Not Supported";
    default:
      return "";
  }
}

absl::Status FormatError(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("CoAP message format error: ", what));
}

absl::string_view ViewOf(const uint8_t* data, size_t size) {
  return absl::string_view(reinterpret_cast<const char*>(data), size);
}

}  // namespace

std::string CodeToString(Code code) {
  const absl::string_view name = CodeName(code);
  const std::string number = absl::StrFormat("%d.%02d", code / 100, code % 100);
  return name.empty() ? number : absl::StrCat(number, " ", name);
}

std::optional<uint64_t> Message::UintOption(uint16_t number) const {
  for (const Option& option : options) {
    if (option.number != number) continue;
    if (option.value.size() > sizeof(uint64_t)) return std::nullopt;
    uint64_t value = 0;
    for (const char octet : option.value) value = value << 8 | static_cast<uint8_t>(octet);
    return value;
  }
  return std::nullopt;
}

std::vector<std::string> Message::TextOptions(uint16_t number) const {
  std::vector<std::string> values;
  for (const Option& option : options) {
    if (option.number == number) values.push_back(option.value);
  }
  return values;
}

void Message::AddOption(uint16_t number, absl::string_view value) {
  options.push_back(Option{number, std::string(value)});
}

void Message::AddUintOption(uint16_t number, uint64_t value) {
  std::string octets;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const uint8_t octet = static_cast<uint8_t>(value >> shift);
    if (octet != 0 || !octets.empty()) octets.push_back(static_cast<char>(octet));
  }
  options.push_back(Option{number, std::move(octets)});
}

void Message::RemoveOption(uint16_t number) {
  options.erase(
      std::remove_if(options.begin(), options.end(), [&](const Option& option) { return option.number == number; }),
      options.end());
}

// libcoap reads each option in place (coap_opt_parse). Its coap_pdu_parse is not used: it copies the datagram, lets the
// reserved code classes 1, 6 and 7 pass, and refuses whole messages for an elective option of an odd length, which
// RFC 7252 5.4.3 wants ignored.
absl::StatusOr<Message> Decode(absl::string_view datagram) {
  SilenceLibcoap();
  const auto* data = reinterpret_cast<const uint8_t*>(datagram.data());
  size_t left = datagram.size();
  if (left < kHeaderSize) return FormatError("shorter than the header of 4 octets");
  if (data[0] >> 6 != 1) return FormatError("version is not 1");
  const size_t token_size = data[0] & 0x0F;
  if (token_size > kMaxTokenSize) return FormatError("token length 9 to 15 is reserved");
  const int code_class = data[1] >> 5;
  if (code_class == 1 || code_class > 5) return FormatError("code class 1, 6 and 7 are reserved");

  absl::StatusOr<Message> result{Message()};  // in place: no move of a big value at the end
  Message& message = *result;
  message.type = static_cast<Type>(data[0] >> 4 & 3);
  message.code = code_class * 100 + (data[1] & 0x1F);
  message.message_id = static_cast<uint16_t>(data[2] << 8 | data[3]);
  if (message.code == kEmpty && left != kHeaderSize) return FormatError("octets behind an Empty message");
  data += kHeaderSize;
  left -= kHeaderSize;
  if (left < token_size) return FormatError("token is cut off");
  message.token.assign(reinterpret_cast<const char*>(data), token_size);
  data += token_size;
  left -= token_size;

  if (left > 0 && *data != kPayloadMarker) message.options.reserve(8);
  uint32_t number = 0;
  while (left > 0 && *data != kPayloadMarker) {
    coap_option_t option;
    const size_t used = coap_opt_parse(data, left, &option);
    if (used == 0 || used > left) return FormatError("an option is cut off or uses a reserved length or delta");
    number += option.delta;
    if (number > 0xFFFF) return FormatError("option number above 65535");
    message.options.emplace_back();
    message.options.back().number = static_cast<uint16_t>(number);
    message.options.back().value.assign(reinterpret_cast<const char*>(option.value), option.length);
    data += used;
    left -= used;
  }
  if (left > 0) {
    if (left == 1) return FormatError("payload marker without a payload");
    const absl::string_view payload = ViewOf(data + 1, left - 1);
    message.payload.assign(payload.data(), payload.size());
  }
  return result;
}

std::string Encode(const Message& message) {
  const bool empty = message.code == kEmpty;
  const size_t token_size = empty ? 0 : std::min(message.token.size(), kMaxTokenSize);
  std::string datagram;
  size_t size = kHeaderSize + token_size + 1 + message.payload.size();
  for (const Option& option : message.options) size += 5 + option.value.size();
  datagram.resize(size);
  auto* const begin = reinterpret_cast<uint8_t*>(&datagram[0]);
  uint8_t* out = begin;
  *out++ = static_cast<uint8_t>(1 << 6 | static_cast<uint8_t>(message.type) << 4 | token_size);
  *out++ = static_cast<uint8_t>((message.code / 100) << 5 | (message.code % 100 & 0x1F));
  *out++ = static_cast<uint8_t>(message.message_id >> 8);
  *out++ = static_cast<uint8_t>(message.message_id);
  if (empty) {
    datagram.resize(kHeaderSize);
    return datagram;
  }
  out = std::copy_n(message.token.begin(), token_size, out);

  const auto by_number = [](const Option& a, const Option& b) { return a.number < b.number; };
  uint16_t previous = 0;
  const auto put = [&](const Option& option) {
    // Longer than any datagram: there is no way to write it.
    if (option.value.size() > kMaxOptionSize) return;
    out += coap_opt_encode(out, size - (out - begin), option.number - previous,
                           reinterpret_cast<const uint8_t*>(option.value.data()), option.value.size());
    previous = option.number;
  };
  if (std::is_sorted(message.options.begin(), message.options.end(), by_number)) {
    for (const Option& option : message.options) put(option);
  } else {
    std::vector<const Option*> sorted;
    sorted.reserve(message.options.size());
    for (const Option& option : message.options) sorted.push_back(&option);
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Option* a, const Option* b) { return by_number(*a, *b); });
    for (const Option* option : sorted) put(*option);
  }
  if (!message.payload.empty()) {
    *out++ = kPayloadMarker;
    out = std::copy(message.payload.begin(), message.payload.end(), out);
  }
  datagram.resize(out - begin);
  return datagram;
}

}  // namespace isthmus::coap
