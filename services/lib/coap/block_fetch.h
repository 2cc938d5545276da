// Fetches the rest of a body of which the first block came (Block2, RFC 7959 2.4), each block with a token of its own
// and without Observe.
//
//   const FetchId id = fetches.Start(peer, what, std::move(first_block), [](FetchResult result, Message whole) { ...
//   }); fetches.Drop(id);   // no call any more
//
// Another ETag in the middle means another representation: it starts over. Wrong answers and new starts are counted;
// after a few the fetch fails. Bounded in size by max_body_size and in time by EXCHANGE_LIFETIME. Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_COAP_BLOCK_FETCH_H_
#define ISTHMUS_SERVICES_LIB_COAP_BLOCK_FETCH_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "services/lib/coap/block_option.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"
#include "services/lib/coap/message_layer.h"
#include "services/lib/coap/steps.h"

namespace isthmus::coap {

enum class FetchResult {
  kWhole,    // the message has the options of the first block and the whole payload
  kRefused,  // the message is the error that the peer answered
  kFailed,
};
using FetchDone = std::function<void(FetchResult, Message)>;
// 0 names no fetch.
using FetchId = uint64_t;

class BlockFetches {
 public:
  // Both must outlive it.
  BlockFetches(MessageLayer* layer, Steps* steps) : layer_(layer), steps_(steps) {}

  // True when the message is a block that others follow.
  static bool IsPart(const Message& message);
  // `done` may be called before this returns.
  FetchId Start(const PeerRef& peer, OutgoingRequest what, Message first, FetchDone done);
  // Asks for it from its first block on.
  FetchId StartAnew(const PeerRef& peer, OutgoingRequest what, FetchDone done);
  void Drop(FetchId id);
  size_t size() const { return fetches_.size(); }

 private:
  struct Fetch {
    PeerRef peer;
    OutgoingRequest what;
    Message first;  // of the representation that is being fetched; its payload is the body so far
    bool begun = false;
    std::string etag;
    uint8_t size_exponent = 6;
    size_t counted = 0;  // octets of `first` in octets_
    int tries = 0;
    std::string token;
    TimerId deadline = 0;
    FetchDone done;
  };
  FetchId Add(const PeerRef& peer, OutgoingRequest what, FetchDone done);
  void Ask(FetchId id);
  void OnStep(FetchId id, StepEvent event, Message* response);
  void Take(FetchId id, Message message);
  // There was no answer, or something was wrong with it: ask again, or give up.
  void TryAgain(FetchId id, bool from_first_block);
  void End(FetchId id, FetchResult result, Message message);
  // Counts what the fetch has, and ends the oldest ones when all of them have too much. False when this one ended, too.
  bool MakeRoom(FetchId id);

  MessageLayer* const layer_;
  Steps* const steps_;
  absl::flat_hash_map<FetchId, Fetch> fetches_;
  FetchId last_id_ = 0;
  std::set<FetchId> holding_;  // those that have something: ids grow, so the oldest is the first
  size_t octets_ = 0;          // of all
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_BLOCK_FETCH_H_
