// What the tests of an endpoint need: a clock, a random source that repeats itself, a wire that keeps what was sent,
// and messages in few words.
#ifndef ISTHMUS_SERVICES_LIB_COAP_ENDPOINT_TESTING_H_
#define ISTHMUS_SERVICES_LIB_COAP_ENDPOINT_TESTING_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/coap/block_option.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"

namespace isthmus::coap {

inline constexpr char kDevice[] = "192.0.2.1:5683";
inline constexpr char kOtherDevice[] = "192.0.2.2:5683";

// The same numbers for the same seed, everywhere.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() override {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  // True in `percent` of all cases.
  bool Chance(unsigned percent) { return Next() % 100 < percent; }

 private:
  uint64_t state_;
};

class RecordingTransport final : public Transport {
 public:
  void Send(const Peer& peer, const std::string& datagram) override { sent.emplace_back(peer, datagram); }
  std::vector<std::pair<Peer, std::string>> sent;
};

inline std::string Octets(std::initializer_list<int> octets) {
  std::string text;
  for (const int octet : octets) text.push_back(static_cast<char>(octet));
  return text;
}

// A body in which each place is different from those around it.
inline std::string Body(size_t size, char seed = 'a') {
  std::string body(size, '\0');
  for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>(seed + i % 23 + i / 1021 % 7);
  return body;
}

inline Message MakeMessage(Type type, Code code, uint16_t id, std::string token = "", std::string payload = "") {
  Message message;
  message.type = type;
  message.code = code;
  message.message_id = id;
  message.token = std::move(token);
  message.payload = std::move(payload);
  return message;
}

inline Message With(Message message, uint16_t option, uint64_t value) {
  message.AddUintOption(option, value);
  return message;
}

inline Message WithBlock(Message message, uint16_t option, uint32_t number, bool more, uint8_t exponent = 6) {
  SetBlock(message, option, Block{number, more, exponent});
  return message;
}

inline Block BlockOf(const Message& message, uint16_t option) {
  Block block;
  EXPECT_EQ(ReadBlock(message, option, &block), BlockOptionState::kPresent) << "no block option " << option;
  return block;
}

inline OutgoingRequest Get(std::vector<std::string> path) {
  OutgoingRequest request;
  request.path = std::move(path);
  return request;
}

class EndpointTest : public ::testing::Test {
 protected:
  explicit EndpointTest(EndpointOptions options = {})
      : options_(options), endpoint_(options, &clock_, &random_, &wire_) {}

  void Deliver(const Message& message, const Peer& from = kDevice) { endpoint_.Receive(from, Encode(message)); }
  // What was sent since the last call.
  std::vector<Message> Sent() {
    std::vector<Message> messages;
    for (const auto& [peer, datagram] : std::exchange(wire_.sent, {})) {
      auto message = Decode(datagram);
      EXPECT_TRUE(message.ok()) << message.status();
      if (message.ok()) messages.push_back(*std::move(message));
    }
    return messages;
  }
  // The one message that was sent since the last call.
  Message OneSent() {
    std::vector<Message> messages = Sent();
    EXPECT_EQ(messages.size(), 1u);
    return messages.empty() ? Message() : messages.back();
  }
  // Time passes, and the endpoint is called whenever it wants to be.
  void Pass(absl::Duration time) {
    const absl::Duration end = clock_.Monotonic() + time;
    for (;;) {
      const absl::Duration next = endpoint_.Tick();
      const absl::Duration left = end - clock_.Monotonic();
      if (left <= absl::ZeroDuration()) return;
      clock_.Advance(std::min(std::max(next, absl::Nanoseconds(1)), left));
    }
  }
  // Sends a request, and keeps what its callbacks hear.
  RequestId Ask(OutgoingRequest request, const Peer& peer = kDevice) {
    return endpoint_.Send(
        peer, std::move(request), [this](Exchange exchange) { exchanges_.push_back(std::move(exchange)); },
        [this] { ++lines_freed_; });
  }
  // The exchange that ended since the last call.
  Exchange OneExchange() {
    EXPECT_EQ(exchanges_.size(), 1u);
    std::vector<Exchange> exchanges = std::exchange(exchanges_, {});
    return exchanges.empty() ? Exchange() : exchanges.back();
  }
  // Observes, and lets the device agree; returns the token.
  std::string Observe(OutgoingRequest request, uint32_t sequence = 1, const Peer& peer = kDevice) {
    request.observe = 0;
    Ask(std::move(request), peer);
    const Message asked = OneSent();
    Deliver(With(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token, "80"), coap::kObserve,
                 sequence),
            peer);
    EXPECT_EQ(OneExchange().outcome, Exchange::Outcome::kAnswered);
    return asked.token;
  }
  void KeepNotifications() {
    endpoint_.SetNotificationHandler([this](const Notified& notified) {
      notifications_.push_back(notified);
      return wanted_;
    });
  }

  const EndpointOptions options_;
  FakeClock clock_;
  SeededRandom random_{1};
  RecordingTransport wire_;
  Endpoint endpoint_;
  std::vector<Exchange> exchanges_;
  int lines_freed_ = 0;
  std::vector<Notified> notifications_;
  bool wanted_ = true;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_ENDPOINT_TESTING_H_
