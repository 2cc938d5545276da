// The little of a coap::Endpoint that the core needs to ask devices something; a fake of it answers in tests.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_COAP_CLIENT_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_COAP_CLIENT_H_

#include <functional>
#include <string>
#include <utility>

#include "services/lib/coap/endpoint.h"

namespace isthmus::connector {

// Not thread-safe; calls and callbacks as of coap::Endpoint.
class CoapClient {
 public:
  virtual ~CoapClient() = default;
  virtual coap::RequestId Send(const coap::Peer& peer, coap::OutgoingRequest request, coap::ExchangeCallback callback,
                               std::function<void()> on_line_free) = 0;
  virtual void Cancel(coap::RequestId id) = 0;
  virtual void Expect(const coap::Peer& peer, const std::string& token, coap::OutgoingRequest request) = 0;
  virtual void Forget(const coap::Peer& peer, const std::string& token) = 0;
};

class EndpointClient final : public CoapClient {
 public:
  // `endpoint` must outlive the client.
  explicit EndpointClient(coap::Endpoint* endpoint) : endpoint_(endpoint) {}
  coap::RequestId Send(const coap::Peer& peer, coap::OutgoingRequest request, coap::ExchangeCallback callback,
                       std::function<void()> on_line_free) override {
    return endpoint_->Send(peer, std::move(request), std::move(callback), std::move(on_line_free));
  }
  void Cancel(coap::RequestId id) override { endpoint_->Cancel(id); }
  void Expect(const coap::Peer& peer, const std::string& token, coap::OutgoingRequest request) override {
    endpoint_->Expect(peer, token, std::move(request));
  }
  void Forget(const coap::Peer& peer, const std::string& token) override { endpoint_->Forget(peer, token); }

 private:
  coap::Endpoint* const endpoint_;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_COAP_CLIENT_H_
