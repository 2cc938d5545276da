#include "services/lib/lwm2m/codec/link_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

absl::string_view Trim(absl::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

absl::StatusOr<bool> LinkScanner::Next(RawLink* link) {
  SkipBlanks();
  // Between two links stands one comma; more of them enclose links that are empty.
  size_t commas = 0;
  while (!AtEnd() && Here() == ',') {
    ++commas;
    ++at_;
    SkipBlanks();
  }
  const bool last = AtEnd();
  const size_t expected = links_ > 0 && !last ? 1 : 0;
  if (commas > expected) empty_links_ += commas - expected;
  if (last) return false;
  if (Here() != '<') return Malformed(at_, "expected '<'");
  if (commas < expected) return Malformed(at_, "expected ',' before the next link");

  link->attributes.clear();
  link->offset = at_;
  const size_t close = payload_.find_first_of("<>", at_ + 1);
  if (close == absl::string_view::npos || payload_[close] == '<') return Malformed(at_, "'<' without '>'");
  link->target = Trim(payload_.substr(at_ + 1, close - at_ - 1));
  at_ = close + 1;
  SkipBlanks();
  while (!AtEnd() && Here() == ';') {
    ++at_;
    SkipBlanks();
    if (AtEnd() || Here() == ';' || Here() == ',') continue;  // an empty attribute says nothing
    RETURN_IF_ERROR(ReadAttribute(&link->attributes.emplace_back()));
    SkipBlanks();
  }
  if (!AtEnd() && Here() != ',' && Here() != '<') return Malformed(at_, "expected ';' or ','");
  ++links_;
  return true;
}

void LinkScanner::SkipBlanks() {
  while (!AtEnd() && IsBlank(Here())) ++at_;
}

absl::Status LinkScanner::ReadAttribute(LinkAttribute* attribute) {
  const size_t start = at_;
  while (!AtEnd() && absl::string_view("=;,<>\"").find(Here()) == absl::string_view::npos) ++at_;
  attribute->name = Trim(payload_.substr(start, at_ - start));
  if (attribute->name.empty()) return Malformed(start, "an attribute without a name");
  if (AtEnd() || Here() != '=') return absl::OkStatus();
  ++at_;
  SkipBlanks();
  if (AtEnd() || Here() != '"') {
    const size_t value = at_;
    while (!AtEnd() && absl::string_view(";,<\"").find(Here()) == absl::string_view::npos) ++at_;
    attribute->value = std::string(Trim(payload_.substr(value, at_ - value)));
    return absl::OkStatus();
  }
  const size_t quote = at_++;
  while (!AtEnd() && Here() != '"') {
    if (Here() == '\\' && at_ + 1 < payload_.size()) ++at_;
    attribute->value.push_back(Here());
    ++at_;
  }
  if (AtEnd()) return Malformed(quote, "'\"' without its end");
  ++at_;
  return absl::OkStatus();
}

absl::Status LinkScanner::Malformed(size_t offset, absl::string_view why) const {
  return absl::InvalidArgumentError(absl::StrCat("link format, octet ", offset, ": ", why));
}

}  // namespace isthmus::lwm2m::codec
