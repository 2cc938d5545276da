// Which messages of late were heard already, and what was replied to them (RFC 7252 4.5).
//
//   if (const std::string* reply = duplicates.Find(key, fingerprint)) { send *reply again if it is not empty }
//   duplicates.Remember(key, fingerprint, now);
//   duplicates.SetReply(key, fingerprint, datagram);
//
// The key is peer and message id. The fingerprint tells a repeated message (the same octets) from another one that uses
// the id again too early: a device that lost its memory in a restart, or a peer that sends more than 65 536 messages in
// an EXCHANGE_LIFETIME. Bounded in number, in octets and in time; the oldest go first. Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_COAP_DUPLICATES_H_
#define ISTHMUS_SERVICES_LIB_COAP_DUPLICATES_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace isthmus::coap {

class Duplicates {
 public:
  Duplicates(size_t max_messages, size_t max_octets, absl::Duration lifetime)
      : max_messages_(max_messages), max_octets_(max_octets), lifetime_(lifetime) {}

  // The reply (maybe empty: none yet, or none due) when this message was heard before; nullptr when it is new. Valid
  // until the next call.
  const std::string* Find(uint64_t key, uint64_t fingerprint, absl::Duration now) const;
  void Remember(uint64_t key, uint64_t fingerprint, absl::Duration now);
  // Ignored when the message has been forgotten meanwhile.
  void SetReply(uint64_t key, uint64_t fingerprint, const std::string& reply);
  // Forgets what is older than the lifetime, at most `limit` of them.
  void Expire(absl::Duration now, size_t limit);
  size_t size() const { return heard_.size(); }

 private:
  struct Heard {
    uint64_t fingerprint = 0;
    uint64_t serial = 0;
    absl::Duration expires;
    std::string reply;
  };
  struct Age {
    uint64_t key;
    uint64_t serial;  // an entry that was replaced has another one
    absl::Duration expires;
  };
  void ForgetOldest();

  const size_t max_messages_;
  const size_t max_octets_;
  const absl::Duration lifetime_;
  absl::flat_hash_map<uint64_t, Heard> heard_;
  std::deque<Age> by_age_;
  uint64_t last_serial_ = 0;
  size_t octets_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_DUPLICATES_H_
