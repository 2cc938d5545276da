#include "services/mqtt_binding/core/originator.h"

#include "gtest/gtest.h"

namespace isthmus::mqtt_binding {
namespace {

uint32_t Check(absl::string_view segment, absl::string_view from) {
  return CheckOriginator(segment, from, "id-in").response_status_code;
}

TEST(Originator, OwnAesInEverySpelling) {
  EXPECT_EQ(Check("Cme", "Cme"), 0u);
  EXPECT_EQ(Check("id-in:Cme", "Cme"), 0u);
  EXPECT_EQ(Check("Cme", "/id-in/Cme"), 0u);
  EXPECT_EQ(Check("id-in:Cme", "/id-in/Cme"), 0u);
  EXPECT_EQ(Check("Sme", "Sme"), 0u);
  EXPECT_EQ(Check("Sme", "/Sme"), 0u);
  EXPECT_EQ(Check("Cme", "//sp.example/id-in/Cme"), 0u);
}

TEST(Originator, CsesAndWhatTheyForward) {
  EXPECT_EQ(Check("id-mn", "/id-mn"), 0u);
  EXPECT_EQ(Check("id-mn", "/id-mn/Cx"), 0u);
  EXPECT_EQ(Check("id-mn", "/id-far/Cx"), 0u);
  EXPECT_EQ(Check(":sp.example:id-mn", "//sp.example/id-mn"), 0u);
}

TEST(Originator, MismatchIs4106) {
  EXPECT_EQ(Check("Cme", "Cyou"), 4106u);
  EXPECT_EQ(Check("Cme", "CAdmin"), 4106u);
  EXPECT_EQ(Check("Cme", "/id-in/CAdmin"), 4106u);
  EXPECT_EQ(Check("Cme", "/id-in"), 4106u);
  EXPECT_EQ(Check("Cme", "/id-mn/Cx"), 4106u);
  EXPECT_EQ(Check("id-mn", "CAdmin"), 4106u);
  EXPECT_EQ(Check("id-mn", "/id-in/CAdmin"), 4106u);
  EXPECT_EQ(Check("id-mn", "/id-other"), 4106u);
  EXPECT_EQ(Check("id-mn:Cme", "Cme"), 4106u);
  EXPECT_EQ(Check("Cme", "//sp.example"), 4106u);
}

TEST(Originator, NobodyIsThisCse) {
  EXPECT_EQ(Check("id-in", "/id-in"), 4107u);
  EXPECT_EQ(Check("id-in", "Cme"), 4107u);
}

TEST(Originator, WhatIsNoIdIs4000) {
  EXPECT_EQ(Check("Cshape", "999"), 4000u);
  EXPECT_EQ(Check("Cshape", ""), 4000u);
}

}  // namespace
}  // namespace isthmus::mqtt_binding
