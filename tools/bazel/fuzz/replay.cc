// main of the tests that fuzz_target makes: each file named on the command line is one test case. It is fed to the
// target as it is, cut short at every length (of long files, at some), and with single octets changed, so that a
// decoder that reads past an end or trusts a length is seen by the sanitizers without a long search.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// A copy of exactly this size on the heap: the address sanitizer sees the first octet that is read behind it.
void Feed(const std::string& input) {
  const std::unique_ptr<uint8_t[]> exact(new uint8_t[input.size()]);
  for (size_t i = 0; i < input.size(); ++i) exact[i] = static_cast<uint8_t>(input[i]);
  LLVMFuzzerTestOneInput(exact.get(), input.size());
}

class Replay : public ::testing::Test {
 public:
  explicit Replay(std::string file) : file_(std::move(file)) {}

  void TestBody() override {
    std::ifstream stream(file_, std::ios::binary);
    ASSERT_TRUE(stream) << "cannot read " << file_;
    const std::string input{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    Feed(input);
    constexpr size_t kVariations = 256;
    const size_t stride = input.size() / kVariations + 1;
    for (size_t length = 0; length < input.size(); length += stride) Feed(input.substr(0, length));
    for (size_t i = 0; i < input.size(); i += stride) {
      for (const unsigned change : {0x01u, 0x80u, 0xFFu}) {
        std::string damaged = input;
        damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ change);
        Feed(damaged);
      }
    }
  }

 private:
  const std::string file_;
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 2) {
    std::cerr << "replay: expected the files of the corpus as arguments\n";
    return EXIT_FAILURE;
  }
  for (int i = 1; i < argc; ++i) {
    const std::string file = argv[i];
    ::testing::RegisterTest("Replay", file.substr(file.rfind('/') + 1).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [file]() -> ::testing::Test* { return new Replay(file); });
  }
  return RUN_ALL_TESTS();
}
