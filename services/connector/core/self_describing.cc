#include "services/connector/core/self_describing.h"

#include <algorithm>
#include <optional>

#include "services/connector/core/lwm2m_version.h"
#include "services/lib/coap/message.h"
#include "services/lib/lwm2m/codec/codec.h"

namespace isthmus::connector {
namespace {

namespace codec = lwm2m::codec;

constexpr uint32_t kTellTypes[] = {codec::kSenMlCbor, codec::kSenMlJson, codec::kLwm2mCbor, codec::kLwm2mJson};

bool TellsTypes(Format format) {
  return format.has_value() && std::find(std::begin(kTellTypes), std::end(kTellTypes), *format) != std::end(kTellTypes);
}

}  // namespace

bool IsSelfDescribing(const lwm2m::v1::Operation& operation) {
  return operation.read().self_describing() || operation.observe().self_describing();
}

std::vector<Format> SelfDescribingFormats(const lwm2m::v1::Operation& operation, const FormatMemory& memory,
                                          const Device& device) {
  std::vector<Format> formats;
  if (operation.write().self_describing() || operation.create().self_describing()) {
    if (memory.self_describing.has_value() && TellsTypes(*memory.self_describing)) {
      formats.push_back(*memory.self_describing);
    }
    return formats;
  }
  if (!IsSelfDescribing(operation) || memory.self_describing_silent) return formats;
  if (memory.self_describing.has_value()) {
    if (TellsTypes(*memory.self_describing)) formats.push_back(*memory.self_describing);
    return formats;
  }
  const auto add = [&formats](Format format) {
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
  };
  // Other exchanges have shown that the device has it.
  if (memory.read.has_value() && TellsTypes(*memory.read)) add(*memory.read);
  if (memory.composite.has_value()) add(*memory.composite);
  if (!device.content_formats.empty()) {
    for (const uint32_t format : kTellTypes) {
      const auto& offered = device.content_formats;
      if (std::find(offered.begin(), offered.end(), format) != offered.end()) add(format);
    }
  } else if (IsAtLeast(device.registration.lwm2m_version(), 1, 1)) {
    add(codec::kSenMlCbor);
    add(codec::kSenMlJson);
  } else {
    add(codec::kLwm2mJson);
  }
  return formats;
}

bool MayBeTheFormat(const lwm2m::v1::Operation& operation, const lwm2m::v1::OperationResult& result) {
  const bool harmless = IsSelfDescribing(operation);
  switch (result.outcome()) {
    case lwm2m::v1::OUTCOME_RESET:
    case lwm2m::v1::OUTCOME_UNDECODABLE:
      return harmless;
    case lwm2m::v1::OUTCOME_ANSWERED:
      break;
    default:
      return false;
  }
  switch (static_cast<coap::Code>(result.coap_code())) {
    case coap::kBadRequest:
    case coap::kBadOption:
    case coap::kNotAcceptable:
    case coap::kUnsupportedContentFormat:
    case coap::kNotImplemented:
      return true;
    case coap::kInternalServerError:
      return harmless;
    default:
      return false;
  }
}

}  // namespace isthmus::connector
