#include "services/lib/coap/duplicates.h"

namespace isthmus::coap {

const std::string* Duplicates::Find(uint64_t key, uint64_t fingerprint, absl::Duration now) const {
  const auto it = heard_.find(key);
  if (it == heard_.end() || it->second.fingerprint != fingerprint || it->second.expires <= now) return nullptr;
  return &it->second.reply;
}

void Duplicates::Remember(uint64_t key, uint64_t fingerprint, absl::Duration now) {
  if (max_messages_ == 0) return;
  Expire(now, 2);
  Heard& heard = heard_[key];
  octets_ -= heard.reply.size();
  heard.reply.clear();
  heard.fingerprint = fingerprint;
  heard.serial = ++last_serial_;
  heard.expires = now + lifetime_;
  by_age_.push_back(Age{key, heard.serial, heard.expires});
  while (by_age_.size() > max_messages_) ForgetOldest();
}

void Duplicates::SetReply(uint64_t key, uint64_t fingerprint, const std::string& reply) {
  const auto it = heard_.find(key);
  if (it == heard_.end() || it->second.fingerprint != fingerprint) return;
  octets_ += reply.size();
  octets_ -= it->second.reply.size();
  it->second.reply = reply;
  while (octets_ > max_octets_ && !by_age_.empty()) ForgetOldest();
}

void Duplicates::ForgetOldest() {
  const Age oldest = by_age_.front();
  by_age_.pop_front();
  const auto it = heard_.find(oldest.key);
  if (it == heard_.end() || it->second.serial != oldest.serial) return;
  octets_ -= it->second.reply.size();
  heard_.erase(it);
}

void Duplicates::Expire(absl::Duration now, size_t limit) {
  while (limit-- > 0 && !by_age_.empty() && by_age_.front().expires <= now) ForgetOldest();
}

}  // namespace isthmus::coap
