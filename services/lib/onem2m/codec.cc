#include "services/lib/onem2m/codec.h"

#include <utility>

namespace isthmus::onem2m {

CodecRegistry::CodecRegistry(std::vector<std::unique_ptr<const PrimitiveCodec>> codecs) : codecs_(std::move(codecs)) {}

const PrimitiveCodec* CodecRegistry::Find(absl::string_view name) const {
  for (const auto& codec : codecs_) {
    if (codec->name() == name) return codec.get();
  }
  return nullptr;
}

}  // namespace isthmus::onem2m
