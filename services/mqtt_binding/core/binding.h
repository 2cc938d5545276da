// The oneM2M MQTT binding itself (TS-0010): what happens to a message that arrives. Requests are checked, decoded, kept
// from being executed twice, handed to the CSE and answered on the mirrored topic; answers go to the notifier.
//
//   Binding binding(options, &scheme, &codecs, &clock, &cse, &mqtt, &notifier);
//   // the MQTT client calls, from its own thread:
//   binding.OnMessage({topic, payload, retained, duplicate});
//
// What is answered and what is not: a well-formed topic with a serialisation that we speak always gets an answer, even
// if it is only "4000, this is not JSON". Everything else is dropped and counted: an answer would go to a guessed
// topic.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_BINDING_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_BINDING_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.pb.h"
#include "services/lib/clock/clock.h"
#include "services/lib/onem2m/codec.h"
#include "services/mqtt_binding/core/cse_port.h"
#include "services/mqtt_binding/core/duplicate_memory.h"
#include "services/mqtt_binding/core/log_limiter.h"
#include "services/mqtt_binding/core/mqtt_client.h"
#include "services/mqtt_binding/core/notifier.h"
#include "services/mqtt_binding/core/topic.h"

namespace isthmus::mqtt_binding {

struct BindingOptions {
  std::string cse_id = "/id-in";
  // How long the CSE may take when the request does not say (rqet).
  absl::Duration request_timeout = absl::Seconds(60);
  // Larger payloads are not even parsed.
  size_t payload_limit = 256 << 10;
  // Requests under way at once; more are refused.
  size_t in_flight_limit = 10'000;
  DuplicateMemory::Limits duplicates;
};

// How many messages went which way since the start.
struct BindingCounters {
  uint64_t requests = 0;    // handed to the CSE
  uint64_t refused = 0;     // answered without asking the CSE
  uint64_t duplicates = 0;  // not executed, because they were or are being executed
  uint64_t retained = 0;    // not executed, because they were flagged as retained
  uint64_t stray = 0;       // dropped: no topic of the binding, or an answer that nobody waits for
};

// Thread-safe. Borrows what it is given; all must outlive the last callback of the CsePort (see WaitUntilIdle).
class Binding {
 public:
  Binding(BindingOptions options, const TopicScheme* scheme, const onem2m::CodecRegistry* codecs, const Clock* clock,
          CsePort* cse, MqttClient* mqtt, Notifier* notifier);

  void OnMessage(const IncomingMessage& message);

  size_t in_flight() const;
  // True once nothing is in flight; false when `timeout` passed before that.
  bool WaitUntilIdle(absl::Duration timeout);
  BindingCounters counters() const;

 private:
  struct Flight;  // a request under way

  void OnRequest(const Topic& topic, const IncomingMessage& message);
  std::string TooLong(size_t octets) const;
  // 0 when the request may go to the CSE; else the code, and why.
  uint32_t Check(const Topic& topic, const onem2m::v1::RequestPrimitive& request, std::string* reason) const;
  void Execute(const Topic& topic, const std::string& answer_topic, const onem2m::PrimitiveCodec* codec,
               onem2m::v1::RequestPrimitive request);
  void OnOutcome(const Flight& flight, absl::StatusOr<onem2m::v1::HandleResponse> outcome);
  void Refuse(const std::string& answer_topic, const onem2m::PrimitiveCodec* codec,
              const onem2m::v1::RequestPrimitive& request, uint32_t code, absl::string_view reason);
  std::string EncodeAnswer(const onem2m::PrimitiveCodec* codec, const std::string& originator,
                           onem2m::v1::ResponsePrimitive response) const;
  void Stray(const IncomingMessage& message, absl::string_view reason);

  const BindingOptions options_;
  const TopicScheme* const scheme_;
  const onem2m::CodecRegistry* const codecs_;
  const Clock* const clock_;
  CsePort* const cse_;
  MqttClient* const mqtt_;
  Notifier* const notifier_;

  DuplicateMemory duplicates_;
  LogLimiter stray_lines_, refused_lines_, retained_lines_, failed_lines_;

  struct AtomicCounters {
    std::atomic<uint64_t> requests{0}, refused{0}, duplicates{0}, retained{0}, stray{0};
  };
  AtomicCounters counters_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  size_t in_flight_ = 0;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_BINDING_H_
