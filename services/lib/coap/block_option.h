// The value of a Block1 or Block2 option (RFC 7959 2.2): which block, whether more follow, how large they are.
#ifndef ISTHMUS_SERVICES_LIB_COAP_BLOCK_OPTION_H_
#define ISTHMUS_SERVICES_LIB_COAP_BLOCK_OPTION_H_

#include <cstdint>
#include <optional>

#include "services/lib/coap/message.h"

namespace isthmus::coap {

struct Block {
  uint32_t number = 0;
  bool more = false;
  uint8_t size_exponent = 6;  // blocks of 2^(exponent + 4) octets; 0..6

  size_t size() const { return size_t{16} << size_exponent; }
  size_t offset() const { return size_t{number} << (size_exponent + 4); }
};

inline constexpr uint32_t kMaxBlockNumber = (1u << 20) - 1;

// The exponent of the largest block that is not larger than `size`; 0 when there is none.
uint8_t SizeExponentFor(size_t size);

enum class BlockOptionState { kAbsent, kPresent, kInvalid };
// `option` is kBlock1 or kBlock2. Invalid: too long, twice, or with the reserved size.
BlockOptionState ReadBlock(const Message& message, uint16_t option, Block* block);
void SetBlock(Message& message, uint16_t option, const Block& block);

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_BLOCK_OPTION_H_
