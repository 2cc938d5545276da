#include "services/lib/coap/block_collect.h"

#include <algorithm>
#include <utility>

namespace isthmus::coap {
namespace {

// What a body costs beside its octets, so that many small ones count, too.
constexpr size_t kOverhead = 256;

}  // namespace

Collected BlockCollect::Add(const std::string& key, const Block& block, std::string* payload, uint64_t announced,
                            absl::Duration now) {
  Expire(now);
  if (payload->size() > block.size() || (block.more && payload->size() != block.size())) {
    Drop(key);
    return Collected::kHole;
  }
  if (announced > max_body_ || block.offset() + payload->size() > max_body_) {
    Drop(key);
    return Collected::kTooLarge;
  }
  // Block 0 begins anew, whatever there was.
  if (block.number == 0) Drop(key);
  if (block.number == 0 && !block.more) return Collected::kWhole;
  if (block.number == 0) octets_ += kOverhead;
  const auto it = block.number == 0 ? bodies_.try_emplace(key).first : bodies_.find(key);
  if (it == bodies_.end()) return Collected::kHole;
  Body& body = it->second;
  const size_t offset = block.offset();
  if (offset != body.octets.size()) {
    // The last block once more in a message of its own, because the peer did not hear our 2.31.
    const bool repeated = block.more && offset == body.last_offset && offset + payload->size() == body.octets.size() &&
                          body.octets.compare(offset, std::string::npos, *payload) == 0;
    if (repeated) return Collected::kMore;
    Drop(key);
    return Collected::kHole;
  }
  body.last_offset = offset;
  body.octets += *payload;
  octets_ += payload->size();
  if (!block.more) {
    *payload = std::move(body.octets);
    octets_ -= payload->size() + kOverhead;
    bodies_.erase(it);
    return Collected::kWhole;
  }
  body.serial = ++last_serial_;
  body.expires = now + lifetime_;
  by_age_.push_back(Age{key, body.serial, body.expires});
  while (octets_ > max_octets_ && by_age_.size() > 1) DropOldest();
  if (by_age_.size() > 2 * bodies_.size() + 1024) {
    by_age_.erase(std::remove_if(by_age_.begin(), by_age_.end(), [&](const Age& age) { return IsOutdated(age); }),
                  by_age_.end());
  }
  return Collected::kMore;
}

bool BlockCollect::IsOutdated(const Age& age) const {
  const auto it = bodies_.find(age.key);
  return it == bodies_.end() || it->second.serial != age.serial;
}

void BlockCollect::Drop(const std::string& key) {
  const auto it = bodies_.find(key);
  if (it == bodies_.end()) return;
  octets_ -= it->second.octets.size() + kOverhead;
  bodies_.erase(it);
}

void BlockCollect::DropOldest() {
  const Age oldest = std::move(by_age_.front());
  by_age_.pop_front();
  if (!IsOutdated(oldest)) Drop(oldest.key);
}

void BlockCollect::Expire(absl::Duration now) {
  while (!by_age_.empty() && (by_age_.front().expires <= now || IsOutdated(by_age_.front()))) DropOldest();
}

}  // namespace isthmus::coap
