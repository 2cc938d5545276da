#include "services/mqtt_binding/adapters/paho/no_delay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace isthmus::mqtt_binding {
namespace {

bool NoDelay(int descriptor) {
  int on = 0;
  socklen_t size = sizeof(on);
  EXPECT_EQ(getsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
  return on != 0;
}

TEST(NoDelay, IsSetOnTheSocketsTowardsThePortAndOnNoOther) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  const int other = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_FALSE(NoDelay(client));

  EXPECT_EQ(SetNoDelayTowards(ntohs(address.sin_port)), 1);
  EXPECT_TRUE(NoDelay(client));
  EXPECT_FALSE(NoDelay(other));
  for (const int descriptor : {listener, client, other}) close(descriptor);
  EXPECT_EQ(SetNoDelayTowards(ntohs(address.sin_port)), 0);
}

}  // namespace
}  // namespace isthmus::mqtt_binding
