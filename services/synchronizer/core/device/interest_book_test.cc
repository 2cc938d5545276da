#include "services/synchronizer/core/device/interest_book.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/path.h"
#include "services/synchronizer/core/device/fake_session.h"

namespace isthmus::synchronizer {
namespace {

using lwm2m::MakePath;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(InterestBook, APathIsAnInterestWhileSomebodyHoldsIt) {
  FakeSession session;
  InterestBook book(&session);
  book.Set("a", "dev", {MakePath(3, 0, 9), MakePath(3, 0, 20)});
  EXPECT_THAT(session.interests(), ElementsAre("dev /3/0/20", "dev /3/0/9"));
  book.Set("b", "dev", {MakePath(3, 0, 9)});
  book.Set("a", "dev", {MakePath(3, 0, 10)});
  EXPECT_THAT(session.interests(), ElementsAre("dev /3/0/10", "dev /3/0/9"));
  book.Clear("b");
  EXPECT_THAT(session.interests(), ElementsAre("dev /3/0/10"));
  EXPECT_TRUE(book.HasInterest("dev"));
  EXPECT_FALSE(book.HasInterest("de"));
  EXPECT_FALSE(book.HasInterest("dev2"));
  book.Clear("a");
  book.Clear("never there");
  EXPECT_THAT(session.interests(), IsEmpty());
  EXPECT_EQ(book.size(), 0u);
}

TEST(InterestBook, TheSamePathTwiceFromOneHolderIsOne) {
  FakeSession session;
  InterestBook book(&session);
  book.Set("a", "dev", {MakePath(3), MakePath(3)});
  book.Set("a", "dev", {MakePath(3)});
  book.Clear("a");
  EXPECT_THAT(session.interests(), IsEmpty());
}

// A session that calls back while it is told something must find the book usable.
class CallingBack final : public SessionPort {
 public:
  State state() const override { return State::kUp; }
  std::string problem() const override { return ""; }
  void Perform(const std::string&, const lwm2m::v1::Operation&, absl::Time, absl::Time, const std::string&,
               ResultCallback callback) override {}
  void AddInterest(const session::v1::Interest& interest) override {
    told.push_back("+" + lwm2m::PathToString(interest.path()) + (interest.self_describing() ? " typed" : ""));
    if (told.size() == 1 && book != nullptr) book->Set("b", "dev", {MakePath(4)});
  }
  void RemoveInterest(const std::string&, const lwm2m::v1::Path& path) override {
    told.push_back("-" + lwm2m::PathToString(path));
  }
  InterestBook* book = nullptr;
  std::vector<std::string> told;
};

TEST(InterestBook, OneHolderWhoWantsTypesIsEnough) {
  CallingBack session;
  InterestBook book(&session);
  book.Set("a", "dev", {MakePath(7, 0)});
  book.Set("b", "dev", {MakePath(7, 0)}, /*self_describing=*/true);
  book.Set("c", "dev", {MakePath(7, 0)}, /*self_describing=*/true);
  book.Clear("b");
  EXPECT_THAT(session.told, ElementsAre("+/7/0", "+/7/0 typed"));
  book.Set("c", "dev", {MakePath(7, 0)});  // somebody has mounted a definition
  EXPECT_THAT(session.told, ElementsAre("+/7/0", "+/7/0 typed", "+/7/0"));
  book.Clear("a");
  book.Clear("c");
  EXPECT_EQ(session.told.back(), "-/7/0");
  EXPECT_EQ(book.size(), 0u);
}

TEST(InterestBook, MayBeCalledFromTheSession) {
  CallingBack session;
  InterestBook book(&session);
  session.book = &book;
  book.Set("a", "dev", {MakePath(3)});
  EXPECT_THAT(session.told, ElementsAre("+/3", "+/4"));
}

}  // namespace
}  // namespace isthmus::synchronizer
