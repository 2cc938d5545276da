// The floor of the benchmark: our MQTT adapter, codec and binding, with a CSE that answers at once. What a request
// costs here it costs without anything of the IN-CSE.
//
//   echo_floor --mqtt.broker=127.0.0.1:1883 --cse.id=/id-floor
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/lib/config/config.h"
#include "services/lib/onem2m/codec.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/service/service.h"
#include "services/lib/status/status_macros.h"
#include "services/mqtt_binding/adapters/paho/paho_client.h"
#include "services/mqtt_binding/broker_address.h"
#include "services/mqtt_binding/core/binding.h"

namespace isthmus::mqtt_binding {
namespace {

class EchoCse final : public CsePort {
 public:
  EchoCse() {
    answer_.mutable_primitive()->set_response_status_code(onem2m::v1::RESPONSE_STATUS_CODE_OK);
    onem2m::v1::Object battery;
    onem2m::Set(battery, "ri", onem2m::Text("bat0123456789"));
    onem2m::Set(battery, "mgd", onem2m::Integer(1006));
    onem2m::Set(battery, "obis", onem2m::TextList({"urn:oma:lwm2m:oma:3"}));
    onem2m::Set(battery, "obps", onem2m::TextList({"/3/0"}));
    onem2m::Set(battery, "ct", onem2m::Text("20231128T120000"));
    onem2m::Set(battery, "lt", onem2m::Text("20231128T120000"));
    onem2m::Set(battery, "et", onem2m::Text("20331128T120000"));
    onem2m::Set(battery, "btl", onem2m::Integer(77));
    onem2m::Set(battery, "bts", onem2m::Integer(1));
    onem2m::v1::Attribute* content = answer_.mutable_primitive()->mutable_primitive_content();
    content->set_name("m2m:bat");
    *content->mutable_value() = onem2m::Complex(std::move(battery));
  }
  void Handle(onem2m::v1::HandleRequest request, absl::Time deadline, Done done) override { done(answer_); }

 private:
  onem2m::v1::HandleResponse answer_;
};

absl::Status Run(service::Runtime& runtime) {
  const config::Config& config = runtime.config();
  ASSIGN_OR_RETURN(const BrokerAddress broker, ParseBrokerAddress("mqtt.broker", config.GetText("mqtt.broker")));
  const SystemClock clock;
  std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> json;
  json.push_back(std::make_unique<onem2m::JsonCodec>());
  const onem2m::CodecRegistry codecs(std::move(json));
  const TopicScheme scheme(config.GetText("cse.id"), "");
  PahoClient::Options mqtt_options;
  mqtt_options.host = broker.host;
  mqtt_options.port = broker.port;
  mqtt_options.client_id = absl::StrCat("C::", scheme.cse_segment());
  mqtt_options.filters = scheme.Filters();
  PahoClient mqtt(mqtt_options, &clock);
  EchoCse cse;
  Notifier notifier(&scheme, &codecs, &mqtt, &clock, {});
  BindingOptions options;
  options.cse_id = config.GetText("cse.id");
  Binding binding(options, &scheme, &codecs, &clock, &cse, &mqtt, &notifier);
  runtime.SetServing(false);
  mqtt.Start({[&binding](const IncomingMessage& message) { binding.OnMessage(message); },
              [&runtime](PahoClient::Link link) { runtime.SetServing(link == PahoClient::Link::kOnline); }});
  runtime.OnDrain([&mqtt](absl::Duration left) { mqtt.Stop(left); });
  const absl::Status status = runtime.Serve();
  mqtt.Stop(absl::ZeroDuration());
  return status;
}

}  // namespace
}  // namespace isthmus::mqtt_binding

int main(int argc, char** argv) {
  isthmus::config::Schema schema("echo_floor", "The floor of the benchmark: our MQTT side without a CSE.");
  isthmus::service::AddCommonKeys(schema, "127.0.0.1:0");
  schema.Text("mqtt.broker", "127.0.0.1:1883", "Host and port of the broker.")
      .Text("cse.id", "/id-floor", "SP-relative CSE-ID to answer for.");
  return isthmus::service::Main(argc, argv, schema, isthmus::mqtt_binding::Run);
}
