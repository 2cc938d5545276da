#include "services/lib/coap/block_option.h"

namespace isthmus::coap {

uint8_t SizeExponentFor(size_t size) {
  uint8_t exponent = 0;
  while (exponent < 6 && (size_t{32} << exponent) <= size) ++exponent;
  return exponent;
}

BlockOptionState ReadBlock(const Message& message, uint16_t option, Block* block) {
  const Option* found = nullptr;
  for (const Option& candidate : message.options) {
    if (candidate.number != option) continue;
    if (found != nullptr) return BlockOptionState::kInvalid;
    found = &candidate;
  }
  if (found == nullptr) return BlockOptionState::kAbsent;
  if (found->value.size() > 3) return BlockOptionState::kInvalid;
  uint32_t value = 0;
  for (const char octet : found->value) value = value << 8 | static_cast<uint8_t>(octet);
  if ((value & 7) == 7) return BlockOptionState::kInvalid;
  block->number = value >> 4;
  block->more = (value & 8) != 0;
  block->size_exponent = value & 7;
  return BlockOptionState::kPresent;
}

void SetBlock(Message& message, uint16_t option, const Block& block) {
  message.RemoveOption(option);
  message.AddUintOption(option, uint64_t{block.number} << 4 | (block.more ? 8 : 0) | block.size_exponent);
}

}  // namespace isthmus::coap
