// Puts the blocks of a request together that a peer sends us (Block1, RFC 7959 2.5).
//
//   switch (collect.Add(key, block, &payload, size1, now)) { ... }
//
// Bounded in number, size and time. Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_COAP_BLOCK_COLLECT_H_
#define ISTHMUS_SERVICES_LIB_COAP_BLOCK_COLLECT_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/lib/coap/block_option.h"

namespace isthmus::coap {

enum class Collected {
  kMore,      // 2.31
  kWhole,     // the payload has become the whole body
  kHole,      // 4.08: a block before this one is missing, or it is not as long as it says
  kTooLarge,  // 4.13
};

class BlockCollect {
 public:
  BlockCollect(size_t max_body, size_t max_octets, absl::Duration lifetime)
      : max_body_(max_body), max_octets_(max_octets), lifetime_(lifetime) {}

  // `key` names what the blocks belong to; `announced` is Size1, 0 when there is none.
  Collected Add(const std::string& key, const Block& block, std::string* payload, uint64_t announced,
                absl::Duration now);
  void Expire(absl::Duration now);
  size_t size() const { return bodies_.size(); }

 private:
  struct Body {
    std::string octets;
    size_t last_offset = 0;
    absl::Duration expires;
    uint64_t serial = 0;
  };
  struct Age {
    std::string key;
    uint64_t serial;
    absl::Duration expires;
  };
  void Drop(const std::string& key);
  bool IsOutdated(const Age& age) const;
  void DropOldest();

  const size_t max_body_;
  const size_t max_octets_;
  const absl::Duration lifetime_;
  absl::flat_hash_map<std::string, Body> bodies_;
  std::deque<Age> by_age_;  // an entry for each block; outdated ones are skipped
  size_t octets_ = 0;
  uint64_t last_serial_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_BLOCK_COLLECT_H_
