#include "services/lib/coap/block_fetch.h"

#include <algorithm>
#include <utility>

namespace isthmus::coap {
namespace {

// Wrong answers and new starts of one fetch.
constexpr int kMaxTries = 4;

std::string ETagOf(const Message& message) {
  for (const Option& option : message.options) {
    if (option.number == kETag) return option.value;
  }
  return "";
}

}  // namespace

bool BlockFetches::IsPart(const Message& message) {
  Block block;
  switch (ReadBlock(message, kBlock2, &block)) {
    case BlockOptionState::kAbsent:
      return false;
    case BlockOptionState::kInvalid:
      return true;
    case BlockOptionState::kPresent:
      break;
  }
  return block.more || block.number != 0;
}

FetchId BlockFetches::Add(const PeerRef& peer, OutgoingRequest what, FetchDone done) {
  const FetchId id = ++last_id_;
  Fetch& fetch = fetches_[id];
  fetch.peer = peer;
  fetch.what = std::move(what);
  fetch.what.observe = std::nullopt;
  // A FETCH asks with its payload, so each block's request repeats it if it can. All others have said theirs already.
  if (fetch.what.method != kFetch || fetch.what.payload.size() > layer_->options().block_size) {
    fetch.what.payload.clear();
    fetch.what.content_format = std::nullopt;
  }
  fetch.size_exponent = SizeExponentFor(layer_->options().block_size);
  fetch.done = std::move(done);
  fetch.deadline = layer_->timers().At(layer_->Now() + layer_->options().exchange_lifetime,
                                       [this, id] { End(id, FetchResult::kFailed, Message()); });
  return id;
}

FetchId BlockFetches::Start(const PeerRef& peer, OutgoingRequest what, Message first, FetchDone done) {
  const FetchId id = Add(peer, std::move(what), std::move(done));
  Take(id, std::move(first));
  return id;
}

FetchId BlockFetches::StartAnew(const PeerRef& peer, OutgoingRequest what, FetchDone done) {
  const FetchId id = Add(peer, std::move(what), std::move(done));
  Ask(id);
  return id;
}

void BlockFetches::Drop(FetchId id) {
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  layer_->timers().Cancel(it->second.deadline);
  if (!it->second.token.empty()) steps_->Drop(*it->second.peer, it->second.token);
  octets_ -= it->second.counted;
  holding_.erase(id);
  fetches_.erase(it);
}

void BlockFetches::End(FetchId id, FetchResult result, Message message) {
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  const FetchDone done = std::move(it->second.done);
  Drop(id);
  done(result, std::move(message));
}

bool BlockFetches::MakeRoom(FetchId id) {
  Fetch& fetch = fetches_.at(id);
  octets_ += fetch.first.payload.size() - fetch.counted;
  fetch.counted = fetch.first.payload.size();
  if (fetch.counted > 0) holding_.insert(id);
  while (octets_ > layer_->options().max_fetched_octets) End(*holding_.begin(), FetchResult::kFailed, Message());
  return fetches_.contains(id);
}

void BlockFetches::Ask(FetchId id) {
  Fetch& fetch = fetches_.at(id);
  const size_t offset = fetch.begun ? fetch.first.payload.size() : 0;
  Block block;
  block.size_exponent = fetch.size_exponent;
  block.number = static_cast<uint32_t>(offset >> (fetch.size_exponent + 4));
  Message message = MessageOf(fetch.what);
  message.payload = fetch.what.payload;
  SetBlock(message, kBlock2, block);
  fetch.token = steps_->NewToken(*fetch.peer);
  const bool sent = block.number <= kMaxBlockNumber &&
                    steps_->Start(fetch.peer, fetch.token, std::move(message), /*confirmable=*/true,
                                  [this, id](StepEvent event, Message* response) { OnStep(id, event, response); });
  if (!sent) End(id, FetchResult::kFailed, Message());
}

void BlockFetches::OnStep(FetchId id, StepEvent event, Message* response) {
  if (event == StepEvent::kAcknowledged) return;
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  it->second.token.clear();
  if (event == StepEvent::kGaveUp) return TryAgain(id, /*from_first_block=*/false);
  if (event == StepEvent::kReset) return End(id, FetchResult::kFailed, Message());
  if (!IsSuccess(response->code)) return End(id, FetchResult::kRefused, std::move(*response));
  Take(id, std::move(*response));
}

void BlockFetches::TryAgain(FetchId id, bool from_first_block) {
  Fetch& fetch = fetches_.at(id);
  if (++fetch.tries >= kMaxTries) return End(id, FetchResult::kFailed, Message());
  if (from_first_block) fetch.begun = false;
  Ask(id);
}

void BlockFetches::Take(FetchId id, Message message) {
  Fetch& fetch = fetches_.at(id);
  Block block;
  const BlockOptionState state = ReadBlock(message, kBlock2, &block);
  if (state == BlockOptionState::kInvalid) return TryAgain(id, /*from_first_block=*/true);
  if (state == BlockOptionState::kAbsent) {
    // It has become small meanwhile; but as the answer to a later block it may be anything.
    if (fetch.begun) return TryAgain(id, /*from_first_block=*/true);
    return End(id, FetchResult::kWhole, std::move(message));
  }
  const size_t limit = layer_->options().max_body_size;
  if (message.UintOption(kSize2).value_or(0) > limit) return End(id, FetchResult::kFailed, Message());
  if (message.payload.size() > block.size() || (block.more && message.payload.size() != block.size())) {
    return TryAgain(id, /*from_first_block=*/true);
  }
  const std::string etag = ETagOf(message);
  if (!fetch.begun || (block.number == 0 && etag != fetch.etag)) {
    if (block.number != 0) return TryAgain(id, /*from_first_block=*/true);
    if (fetch.begun && ++fetch.tries >= kMaxTries) return End(id, FetchResult::kFailed, Message());
    fetch.begun = true;
    fetch.etag = etag;
    fetch.first = std::move(message);
  } else {
    if (etag != fetch.etag) return TryAgain(id, /*from_first_block=*/true);
    if (block.offset() != fetch.first.payload.size()) return TryAgain(id, /*from_first_block=*/false);
    fetch.first.payload += message.payload;
  }
  // A peer may make its blocks smaller on the way, not larger.
  fetch.size_exponent = std::min(fetch.size_exponent, block.size_exponent);
  if (fetch.first.payload.size() > limit) return End(id, FetchResult::kFailed, Message());
  if (block.more) {
    if (MakeRoom(id)) Ask(id);
    return;
  }
  Message whole = std::move(fetch.first);
  whole.RemoveOption(kBlock2);
  whole.RemoveOption(kSize2);
  End(id, FetchResult::kWhole, std::move(whole));
}

}  // namespace isthmus::coap
