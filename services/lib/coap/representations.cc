#include "services/lib/coap/representations.h"

#include <algorithm>
#include <utility>

namespace isthmus::coap {
namespace {

constexpr size_t kOverhead = 256;

// FNV-1a: the same in each process, so that a body that has not changed has the same ETag after a restart.
std::string ETagFor(const std::string& payload) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char octet : payload) hash = (hash ^ static_cast<uint8_t>(octet)) * 0x100000001b3;
  std::string tag(8, '\0');
  for (int i = 0; i < 8; ++i) tag[i] = static_cast<char>(hash >> (8 * i));
  return tag;
}

}  // namespace

Message CutBlock(const OutgoingResponse& response, const Block& wanted, bool* last) {
  Message message;
  *last = true;
  if (wanted.number != 0 && wanted.offset() >= response.payload.size()) {
    message.code = kBadRequest;
    return message;
  }
  Block block = wanted;
  block.more = wanted.offset() + wanted.size() < response.payload.size();
  *last = !block.more;
  message.code = response.code;
  message.options = response.options;
  message.payload = response.payload.substr(wanted.offset(), wanted.size());
  const bool tagged = std::any_of(message.options.begin(), message.options.end(),
                                  [](const Option& option) { return option.number == kETag; });
  if (!tagged && response.payload.size() > wanted.size()) message.AddOption(kETag, ETagFor(response.payload));
  SetBlock(message, kBlock2, block);
  if (block.number == 0 && block.more) message.AddUintOption(kSize2, response.payload.size());
  return message;
}

void Representations::Keep(const std::string& key, OutgoingResponse response, absl::Duration now) {
  Expire(now);
  Drop(key);
  Kept& kept = kept_[key];
  octets_ += response.payload.size() + kOverhead;
  kept.response = std::make_shared<const OutgoingResponse>(std::move(response));
  kept.expires = now + lifetime_;
  kept.serial = ++last_serial_;
  by_age_.push_back(Age{key, kept.serial, kept.expires});
  while (octets_ > max_octets_ && by_age_.size() > 1) DropOldest();
  if (by_age_.size() > 2 * kept_.size() + 1024) {
    by_age_.erase(std::remove_if(by_age_.begin(), by_age_.end(), [&](const Age& age) { return IsOutdated(age); }),
                  by_age_.end());
  }
}

bool Representations::IsOutdated(const Age& age) const {
  const auto it = kept_.find(age.key);
  return it == kept_.end() || it->second.serial != age.serial;
}

std::shared_ptr<const OutgoingResponse> Representations::Find(const std::string& key, absl::Duration now) const {
  const auto it = kept_.find(key);
  return it == kept_.end() || it->second.expires <= now ? nullptr : it->second.response;
}

void Representations::Drop(const std::string& key) {
  const auto it = kept_.find(key);
  if (it == kept_.end()) return;
  octets_ -= it->second.response->payload.size() + kOverhead;
  kept_.erase(it);
}

void Representations::DropOldest() {
  const Age oldest = std::move(by_age_.front());
  by_age_.pop_front();
  if (!IsOutdated(oldest)) Drop(oldest.key);
}

void Representations::Expire(absl::Duration now) {
  while (!by_age_.empty() && (by_age_.front().expires <= now || IsOutdated(by_age_.front()))) DropOldest();
}

}  // namespace isthmus::coap
