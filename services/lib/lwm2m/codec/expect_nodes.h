// What tests of decoders expect: nodes as text (node_text.h), or a refusal with a reason.
//
//   EXPECT_NODES(DecodeHex(kCbor, "1850", "/3/0/9"), "/3/0/9=80");
//   EXPECT_REFUSED(DecodeHex(kCbor, "8101", "/3/0/9"), "a list");
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_EXPECT_NODES_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_EXPECT_NODES_H_

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/node_text.h"
#include "services/lib/status/status_matchers.h"

#define EXPECT_NODES(decoded, ...)                                       \
  do {                                                                   \
    const auto nodes = decoded;                                          \
    ASSERT_THAT(nodes, ::isthmus::status::IsOk());                       \
    EXPECT_THAT(NodeTexts(*nodes), ::testing::ElementsAre(__VA_ARGS__)); \
  } while (false)
#define EXPECT_REFUSED(decoded, why) \
  EXPECT_THAT(decoded, ::isthmus::status::StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr(why)))

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_EXPECT_NODES_H_
