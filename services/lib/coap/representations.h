// Large bodies that we answered with, kept until their peers have fetched the last block (Block2, RFC 7959 2.4).
//
// Bounded in size and time; whoever comes too late makes the request handler answer again. Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_COAP_REPRESENTATIONS_H_
#define ISTHMUS_SERVICES_LIB_COAP_REPRESENTATIONS_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/lib/coap/block_option.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"

namespace isthmus::coap {

// A message with block `wanted` of the body. Its number names the block, its size is an upper bound. `*last` is whether
// no block follows. A number behind the end gives 4.00.
Message CutBlock(const OutgoingResponse& response, const Block& wanted, bool* last);

class Representations {
 public:
  Representations(size_t max_octets, absl::Duration lifetime) : max_octets_(max_octets), lifetime_(lifetime) {}

  void Keep(const std::string& key, OutgoingResponse response, absl::Duration now);
  // nullptr when there is none.
  std::shared_ptr<const OutgoingResponse> Find(const std::string& key, absl::Duration now) const;
  void Drop(const std::string& key);
  void Expire(absl::Duration now);
  size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    std::shared_ptr<const OutgoingResponse> response;
    absl::Duration expires;
    uint64_t serial = 0;
  };
  struct Age {
    std::string key;
    uint64_t serial;
    absl::Duration expires;
  };
  bool IsOutdated(const Age& age) const;
  void DropOldest();

  const size_t max_octets_;
  const absl::Duration lifetime_;
  absl::flat_hash_map<std::string, Kept> kept_;
  std::deque<Age> by_age_;  // what was dropped or replaced is skipped
  size_t octets_ = 0;
  uint64_t last_serial_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_REPRESENTATIONS_H_
