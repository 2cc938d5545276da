// A CoAP client that sends nothing: tests look at what would have gone out and answer it by hand.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_FAKE_COAP_CLIENT_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_FAKE_COAP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/connector/core/coap_client.h"

namespace isthmus::connector {

// Not thread-safe.
class FakeCoapClient final : public CoapClient {
 public:
  struct Sent {
    coap::RequestId id = 0;
    coap::Peer peer;
    coap::OutgoingRequest request;
    std::string path() const { return absl::StrCat("/", absl::StrJoin(request.path, "/")); }
  };

  coap::RequestId Send(const coap::Peer& peer, coap::OutgoingRequest request, coap::ExchangeCallback callback,
                       std::function<void()> on_line_free) override {
    const coap::RequestId id = ++last_id_;
    open_[id] = {std::move(callback), std::move(on_line_free), request.token, false};
    sent.push_back({id, peer, std::move(request)});
    return id;
  }
  void Cancel(coap::RequestId id) override {
    cancelled.push_back(id);
    End(id, coap::Exchange::Outcome::kCancelled, {});
  }
  void Expect(const coap::Peer& peer, const std::string& token, coap::OutgoingRequest request) override {
    expected[token] = peer;
  }
  void Forget(const coap::Peer& peer, const std::string& token) override { forgotten.push_back(token); }

  // The device acknowledged it and will answer later, or never.
  void Acknowledge(coap::RequestId id) {
    open_.at(id).acknowledged = true;
    const auto free = std::exchange(open_.at(id).on_line_free, nullptr);
    if (free) free();
  }
  void Respond(coap::RequestId id, coap::Message response) {
    End(id, coap::Exchange::Outcome::kAnswered, std::move(response));
  }
  void Respond(coap::RequestId id, coap::Code code) {
    coap::Message response;
    response.code = code;
    Respond(id, std::move(response));
  }
  // To the last request.
  void Respond(coap::Code code, std::optional<uint32_t> content_format, std::string payload) {
    coap::Message response;
    response.code = code;
    if (content_format.has_value()) response.AddUintOption(coap::kContentFormat, *content_format);
    response.payload = std::move(payload);
    Respond(last().id, std::move(response));
  }
  void Fail(coap::RequestId id, coap::Exchange::Outcome outcome) { End(id, outcome, {}); }
  bool IsOpen(coap::RequestId id) const { return open_.count(id) != 0; }
  const Sent& last() const { return sent.back(); }

  std::vector<Sent> sent;
  std::vector<coap::RequestId> cancelled;
  std::map<std::string, coap::Peer> expected;
  std::vector<std::string> forgotten;

 private:
  struct Open {
    coap::ExchangeCallback callback;
    std::function<void()> on_line_free;
    std::string token;
    bool acknowledged = false;
  };
  void End(coap::RequestId id, coap::Exchange::Outcome outcome, coap::Message response) {
    const auto it = open_.find(id);
    if (it == open_.end()) return;
    Open open = std::move(it->second);
    open_.erase(it);
    coap::Exchange exchange;
    exchange.outcome = outcome;
    exchange.message = std::move(response);
    exchange.token = open.token;
    exchange.acknowledged = open.acknowledged || outcome == coap::Exchange::Outcome::kAnswered;
    exchange.elapsed = absl::Milliseconds(3);
    if (open.on_line_free) open.on_line_free();
    open.callback(std::move(exchange));
  }

  std::map<coap::RequestId, Open> open_;
  coap::RequestId last_id_ = 0;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_FAKE_COAP_CLIENT_H_
