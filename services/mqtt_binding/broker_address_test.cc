#include "services/mqtt_binding/broker_address.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::mqtt_binding {
namespace {

using status::IsOk;
using status::StatusIs;

TEST(BrokerAddress, HostAndPort) {
  for (const auto& [text, host, port] :
       std::initializer_list<std::tuple<const char*, const char*, int>>{{"127.0.0.1:1884", "127.0.0.1", 1884},
                                                                        {"broker", "broker", 1883},
                                                                        {"[::1]:1883", "[::1]", 1883},
                                                                        {"[::1]", "[::1]", 1883}}) {
    const auto address = ParseBrokerAddress("mqtt.broker", text);
    ASSERT_THAT(address, IsOk()) << text;
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
  }
}

TEST(BrokerAddress, AnythingElseNamesTheKey) {
  for (const char* text :
       {"", ":1883", "broker:", "broker:0", "broker:65536", "broker:x", "mqtt://broker:1883", "::1"}) {
    EXPECT_THAT(ParseBrokerAddress("mqtt.broker", text),
                StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("mqtt.broker")))
        << text;
  }
}

}  // namespace
}  // namespace isthmus::mqtt_binding
