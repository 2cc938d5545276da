#include "services/lib/clock/proto_time.h"

#include "gtest/gtest.h"

namespace isthmus {
namespace {

TEST(ProtoTimeTest, ThereAndBack) {
  for (const absl::Time time : {absl::UnixEpoch(), absl::FromUnixNanos(1701172800123456789), absl::FromUnixNanos(-1),
                                absl::FromUnixSeconds(-62135596800), absl::FromUnixSeconds(253402300799)}) {
    EXPECT_EQ(ToTime(ToTimestamp(time)), time) << time;
  }
}

TEST(ProtoTimeTest, NanosecondsAreNeverNegative) {
  const google::protobuf::Timestamp timestamp = ToTimestamp(absl::FromUnixNanos(-1));
  EXPECT_EQ(timestamp.seconds(), -1);
  EXPECT_EQ(timestamp.nanos(), 999999999);
}

TEST(ProtoTimeTest, WhatATimestampCannotHoldBecomesItsEnd) {
  EXPECT_EQ(ToTimestamp(absl::InfiniteFuture()).seconds(), 253402300799);
  EXPECT_EQ(ToTimestamp(absl::InfiniteFuture()).nanos(), 999999999);
  EXPECT_EQ(ToTimestamp(absl::InfinitePast()).seconds(), -62135596800);
  EXPECT_EQ(ToTimestamp(absl::InfinitePast()).nanos(), 0);
}

TEST(ProtoTimeTest, Durations) {
  google::protobuf::Duration duration;
  duration.set_seconds(-1);
  duration.set_nanos(-500000000);
  EXPECT_EQ(ToDuration(duration), absl::Milliseconds(-1500));
}

}  // namespace
}  // namespace isthmus
