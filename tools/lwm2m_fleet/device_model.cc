#include "tools/lwm2m_fleet/device_model.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::fleet {
namespace {

using lwm2m::MakePath;

constexpr uint32_t kSecurity = 0, kServer = 1, kDevice = 3, kConnectivity = 4, kFirmware = 5, kTemperature = 3303;
constexpr uint32_t kLifetime = 1, kUpdateTrigger = 8;                                         // of kServer
constexpr uint32_t kFirmwareVersion = 3, kRebootNow = 4, kFactoryResetNow = 5, kBattery = 9;  // of kDevice
constexpr uint32_t kErrorCode = 11, kResetErrorCode = 12, kCurrentTime = 13;
constexpr uint32_t kPackage = 0, kPackageUri = 1, kUpdate = 2, kState = 3, kResult = 5;  // of kFirmware
constexpr uint32_t kPackageName = 6, kPackageVersion = 7, kCancel = 10;
constexpr uint32_t kLowest = 5601, kHighest = 5602, kResetMinMax = 5605, kMeasured = 5700;  // of kTemperature

// "http://x/pump-1.4.2.bin" is "pump" "1.4.2"; a name without a version is 1.0.1.
void SplitPackageName(absl::string_view uri, std::string* name, std::string* version) {
  absl::string_view file = uri.substr(uri.find_last_of('/') + 1);
  file = file.substr(0, file.find_first_of("?#"));
  const size_t suffix = file.find_last_of('.');
  if (suffix != absl::string_view::npos && suffix + 1 < file.size() &&
      (file[suffix + 1] < '0' || file[suffix + 1] > '9')) {
    file = file.substr(0, suffix);
  }
  const size_t dash = file.find_last_of('-');
  const bool has_version =
      dash != absl::string_view::npos && dash + 1 < file.size() && file[dash + 1] >= '0' && file[dash + 1] <= '9';
  *name = std::string(has_version ? file.substr(0, dash) : file);
  *version = has_version ? std::string(file.substr(dash + 1)) : "1.0.1";
}

bool IsKnownScheme(absl::string_view uri) {
  for (const absl::string_view scheme : {"coap://", "coaps://", "http://", "https://"}) {
    if (absl::StartsWithIgnoreCase(uri, scheme)) return true;
  }
  return false;
}

}  // namespace

bool DeviceModel::Key::operator<(const Key& other) const {
  return std::tie(object, resource, resource_instance) <
         std::tie(other.object, other.resource, other.resource_instance);
}

DeviceModel::DeviceModel(DeviceOptions options) : options_(std::move(options)) {
  PutInteger(kServer, 0, 1);
  PutInteger(kServer, kLifetime, options_.lifetime_seconds);
  v1::Value storing;
  storing.set_boolean(true);
  Put(kServer, 6, storing);
  PutText(kServer, 7, options_.binding);

  PutText(kDevice, 0, options_.manufacturer);
  PutText(kDevice, 1, options_.model);
  PutText(kDevice, 2, options_.serial);
  PutText(kDevice, kFirmwareVersion, options_.firmware_version);
  PutInteger(kDevice, 6, 1, 0);  // internal battery
  PutInteger(kDevice, 6, 5, 1);  // USB
  PutInteger(kDevice, 7, 3800, 0);
  PutInteger(kDevice, 7, 5000, 1);
  PutInteger(kDevice, 8, 125, 0);
  PutInteger(kDevice, 8, 900, 1);
  PutInteger(kDevice, kBattery, options_.battery_level);
  PutInteger(kDevice, 10, 15);
  PutInteger(kDevice, kErrorCode, 0, 0);
  PutText(kDevice, 14, "+00:00");
  PutText(kDevice, 15, "Etc/UTC");
  PutText(kDevice, 16, options_.binding);
  PutText(kDevice, 17, "simulated");
  PutText(kDevice, 18, "1");
  PutText(kDevice, 19, "1.0");
  PutInteger(kDevice, 20, 0);
  PutInteger(kDevice, 21, 64);

  PutInteger(kConnectivity, 0, 41);  // Ethernet
  PutInteger(kConnectivity, 1, 41, 0);
  PutInteger(kConnectivity, 2, -64);
  PutInteger(kConnectivity, 3, 95);
  PutText(kConnectivity, 4, "192.0.2.10", 0);
  PutText(kConnectivity, 5, "192.0.2.1", 0);
  PutText(kConnectivity, 7, "internet", 0);
  PutInteger(kConnectivity, 8, 1);

  PutText(kFirmware, kPackageUri, "");
  PutInteger(kFirmware, kState, kIdle);
  PutInteger(kFirmware, kResult, kInitial);
  PutText(kFirmware, kPackageName, "");
  PutText(kFirmware, kPackageVersion, "");
  for (uint32_t protocol = 0; protocol < 4; ++protocol) PutInteger(kFirmware, 8, protocol, protocol);
  PutInteger(kFirmware, 9, 2);  // pull and push

  constexpr double kStart = 21.5;
  PutFloat(kTemperature, kLowest, kStart);
  PutFloat(kTemperature, kHighest, kStart);
  PutFloat(kTemperature, 5603, -40);
  PutFloat(kTemperature, 5604, 85);
  PutFloat(kTemperature, kMeasured, kStart);
  PutText(kTemperature, 5701, "Cel");
  PutText(kTemperature, 5750, "");
  changes_.clear();
}

bool DeviceModel::Has(const v1::Path& path) const {
  if (!path.has_object_id() || FindObject(path.object_id()) == nullptr) return false;
  if (path.has_object_instance_id() && path.object_instance_id() != 0) return false;
  if (!path.has_resource_id()) return true;
  const ResourceDefinition* definition = FindResource(path.object_id(), path.resource_id());
  if (definition == nullptr) return false;
  if (path.has_resource_instance_id()) {
    return definition->multiple && Find(path.object_id(), path.resource_id(), path.resource_instance_id()) != nullptr;
  }
  const bool is_time = path.object_id() == kDevice && path.resource_id() == kCurrentTime;
  return definition->multiple || !definition->readable || is_time ||
         Find(path.object_id(), path.resource_id()) != nullptr;
}

coap::Code DeviceModel::Read(const v1::Path& path, absl::Time now, std::vector<v1::Node>* nodes) const {
  if (!path.has_object_id()) return coap::kBadRequest;
  if (path.object_id() == kSecurity) return coap::kUnauthorized;
  if (!Has(path)) return coap::kNotFound;
  if (path.has_resource_id() && !FindResource(path.object_id(), path.resource_id())->readable) {
    return coap::kMethodNotAllowed;
  }
  const auto add = [nodes](const ResourceDefinition& definition, uint32_t resource_instance, const v1::Value& value) {
    v1::Node& node = nodes->emplace_back();
    *node.mutable_path() = definition.multiple ? MakePath(definition.object, 0, definition.resource, resource_instance)
                                               : MakePath(definition.object, 0, definition.resource);
    *node.mutable_value() = value;
  };
  for (const ResourceDefinition& definition : Resources()) {
    if (definition.object != path.object_id() || !definition.readable) continue;
    if (path.has_resource_id() && definition.resource != path.resource_id()) continue;
    if (definition.object == kDevice && definition.resource == kCurrentTime) {
      v1::Value time;
      time.set_time(absl::ToUnixSeconds(now + time_offset_));
      add(definition, 0, time);
      continue;
    }
    for (auto at = values_.lower_bound({definition.object, definition.resource, 0});
         at != values_.end() && at->first.object == definition.object && at->first.resource == definition.resource;
         ++at) {
      if (path.has_resource_instance_id() && at->first.resource_instance != path.resource_instance_id()) continue;
      add(definition, at->first.resource_instance, at->second);
    }
  }
  return coap::kContent;
}

coap::Code DeviceModel::Write(const v1::Path& path, const std::vector<v1::Node>& nodes, bool replace, absl::Time now,
                              absl::Duration monotonic) {
  if (path.has_object_id() && path.object_id() == kSecurity) return coap::kUnauthorized;
  if (!path.has_object_instance_id()) return coap::kMethodNotAllowed;
  const bool resource_known = path.has_resource_id() && FindResource(path.object_id(), path.resource_id()) != nullptr;
  if (!Has(MakePath(path.object_id(), path.object_instance_id())) || (path.has_resource_id() && !resource_known)) {
    return coap::kNotFound;
  }
  std::vector<v1::Node> typed = nodes;
  if (const coap::Code code = Type(&typed); code != coap::kChanged) return code;
  if (typed.empty() && path.has_resource_id()) {
    if (!FindResource(path.object_id(), path.resource_id())->writable) return coap::kMethodNotAllowed;
    if (!replace) return coap::kBadRequest;
  }
  return PutAll(std::move(typed), now, monotonic);
}

coap::Code DeviceModel::WriteAnywhere(const std::vector<v1::Node>& nodes, absl::Time now, absl::Duration monotonic) {
  for (const v1::Node& node : nodes) {
    if (node.path().object_id() == kSecurity) return coap::kUnauthorized;
    if (!Has(MakePath(node.path().object_id(), node.path().object_instance_id()))) return coap::kNotFound;
  }
  std::vector<v1::Node> typed = nodes;
  if (const coap::Code code = Type(&typed); code != coap::kChanged) return code;
  return PutAll(std::move(typed), now, monotonic);
}

coap::Code DeviceModel::Type(std::vector<v1::Node>* nodes) {
  for (v1::Node& node : *nodes) {
    const ResourceDefinition* definition = FindResource(node.path().object_id(), node.path().resource_id());
    if (definition == nullptr) return coap::kNotFound;
    if (!definition->writable) return coap::kMethodNotAllowed;
    if (definition->multiple != node.path().has_resource_instance_id()) return coap::kBadRequest;
    absl::StatusOr<v1::Value> value = lwm2m::TypeValue(node.value(), definition->type);
    if (!value.ok()) return coap::kBadRequest;
    if (definition->object == kServer && definition->resource == kLifetime && value->integer() < 1) {
      return coap::kBadRequest;
    }
    *node.mutable_value() = *std::move(value);
  }
  return coap::kChanged;
}

coap::Code DeviceModel::PutAll(std::vector<v1::Node> typed, absl::Time now, absl::Duration monotonic) {
  for (v1::Node& node : typed) {
    const uint32_t object = node.path().object_id(), resource = node.path().resource_id();
    if (object == kFirmware && resource == kPackageUri) {
      const coap::Code code = WritePackageUri(node.value().text(), monotonic);
      if (code != coap::kChanged) return code;
    } else if (object == kFirmware && resource == kPackage) {
      const coap::Code code = WritePackage(node.value().opaque());
      if (code != coap::kChanged) return code;
    } else if (object == kDevice && resource == kCurrentTime) {
      time_offset_ = absl::FromUnixSeconds(node.value().time()) - now;
      Changed(object, resource);
    } else {
      Put(object, resource, std::move(*node.mutable_value()), node.path().resource_instance_id());
      if (object == kServer && resource == kLifetime) actions_.push_back(Action::kUpdateRegistration);
    }
  }
  return coap::kChanged;
}

coap::Code DeviceModel::Execute(const v1::Path& path, absl::Duration monotonic) {
  if (path.has_object_id() && path.object_id() == kSecurity) return coap::kUnauthorized;
  if (!Has(path)) return coap::kNotFound;
  if (!path.has_resource_id() || path.has_resource_instance_id()) return coap::kMethodNotAllowed;
  const uint32_t object = path.object_id(), resource = path.resource_id();
  if (!FindResource(object, resource)->executable()) return coap::kMethodNotAllowed;
  const int64_t state = IntegerAt(kFirmware, kState);
  if (object == kServer && resource == kUpdateTrigger) {
    actions_.push_back(Action::kUpdateRegistration);
  } else if (object == kDevice && resource == kRebootNow) {
    actions_.push_back(Action::kReboot);
  } else if (object == kDevice && resource == kFactoryResetNow) {
    actions_.push_back(Action::kFactoryReset);
  } else if (object == kDevice && resource == kResetErrorCode) {
    PutInteger(kDevice, kErrorCode, 0, 0);
  } else if (object == kFirmware && resource == kUpdate) {
    if (state != kDownloaded) return coap::kMethodNotAllowed;
    SetFirmware(kUpdating, kInitial);
    firmware_due_ = monotonic + options_.install_time;
  } else if (object == kFirmware && resource == kCancel) {
    if (state != kDownloading && state != kDownloaded) return coap::kMethodNotAllowed;
    firmware_due_ = absl::InfiniteDuration();
    SetFirmware(kIdle, kCancelledByServer);
  } else if (object == kTemperature && resource == kResetMinMax) {
    PutFloat(kTemperature, kLowest, FloatAt(kTemperature, kMeasured));
    PutFloat(kTemperature, kHighest, FloatAt(kTemperature, kMeasured));
  }
  return coap::kChanged;
}

coap::Code DeviceModel::WritePackageUri(const std::string& uri, absl::Duration monotonic) {
  if (IntegerAt(kFirmware, kState) == kUpdating) return coap::kMethodNotAllowed;
  if (!uri.empty() && !IsKnownScheme(uri)) {
    firmware_due_ = absl::InfiniteDuration();
    SetFirmware(kIdle, kUnsupportedProtocol);
    return coap::kBadRequest;
  }
  PutText(kFirmware, kPackageUri, uri);
  if (uri.empty()) {
    firmware_due_ = absl::InfiniteDuration();
    SetFirmware(kIdle, kInitial);
    return coap::kChanged;
  }
  SetFirmware(kDownloading, kInitial);
  firmware_due_ = monotonic + options_.download_time;
  return coap::kChanged;
}

coap::Code DeviceModel::WritePackage(const std::string& package) {
  if (IntegerAt(kFirmware, kState) == kUpdating) return coap::kMethodNotAllowed;
  firmware_due_ = absl::InfiniteDuration();
  if (package.empty() || package == std::string(1, '\0')) {
    SetFirmware(kIdle, kInitial);
    return coap::kChanged;
  }
  PutText(kFirmware, kPackageName, "package");
  PutText(kFirmware, kPackageVersion, "1.0.1");
  SetFirmware(kDownloaded, kInitial);
  return coap::kChanged;
}

void DeviceModel::SetFirmware(FirmwareState state, FirmwareResult result) {
  PutInteger(kFirmware, kState, state);
  PutInteger(kFirmware, kResult, result);
}

void DeviceModel::Tick(absl::Duration monotonic) {
  if (monotonic < firmware_due_) return;
  firmware_due_ = absl::InfiniteDuration();
  if (IntegerAt(kFirmware, kState) == kDownloading) {
    std::string name, version;
    SplitPackageName(Find(kFirmware, kPackageUri)->text(), &name, &version);
    PutText(kFirmware, kPackageName, name);
    PutText(kFirmware, kPackageVersion, version);
    SetFirmware(kDownloaded, kInitial);
  } else if (IntegerAt(kFirmware, kState) == kUpdating) {
    actions_.push_back(Action::kInstalled);
  }
}

void DeviceModel::Restart() {
  firmware_due_ = absl::InfiniteDuration();
  const int64_t state = IntegerAt(kFirmware, kState);
  if (state == kUpdating) {
    PutText(kDevice, kFirmwareVersion, Find(kFirmware, kPackageVersion)->text());
    PutText(kFirmware, kPackageUri, "");
    SetFirmware(kIdle, kSuccess);
  } else if (state == kDownloading) {
    SetFirmware(kIdle, kInitial);
  }
  actions_.clear();
  changes_.clear();  // nobody observes a device that has just started
}

absl::Status DeviceModel::Set(const v1::Path& path, absl::string_view text) {
  const ResourceDefinition* definition =
      path.has_resource_id() ? FindResource(path.object_id(), path.resource_id()) : nullptr;
  if (definition == nullptr || path.object_instance_id() != 0) {
    return absl::NotFoundError(absl::StrCat("the device has no resource ", lwm2m::PathToString(path)));
  }
  if (definition->multiple != path.has_resource_instance_id()) {
    return absl::InvalidArgumentError(absl::StrCat(
        lwm2m::PathToString(path), definition->multiple ? ": expected a resource instance" : ": expected a resource"));
  }
  v1::Value raw;
  raw.mutable_raw()->set_octets(text.data(), text.size());
  ASSIGN_OR_RETURN(v1::Value value, lwm2m::TypeValue(raw, definition->type));
  if (definition->object == kTemperature && definition->resource == kMeasured) {
    MeasureTemperature(value.floating());
  } else {
    Put(definition->object, definition->resource, std::move(value), path.resource_instance_id());
  }
  return absl::OkStatus();
}

void DeviceModel::Walk(coap::Random* random) {
  constexpr double kLeast = 15, kMost = 35;
  const double step = (static_cast<double>(random->Next() % 11) - 5) / 10;
  double celsius = std::round((FloatAt(kTemperature, kMeasured) + (step == 0 ? 0.1 : step)) * 10) / 10;
  if (celsius < kLeast || celsius > kMost) celsius = (kLeast + kMost) / 2;
  MeasureTemperature(celsius);
  const int64_t battery = IntegerAt(kDevice, kBattery);
  PutInteger(kDevice, kBattery, battery > 0 ? battery - 1 : 100);  // an empty one is changed for a full one
}

void DeviceModel::MeasureTemperature(double celsius) {
  PutFloat(kTemperature, kMeasured, celsius);
  if (celsius < FloatAt(kTemperature, kLowest)) PutFloat(kTemperature, kLowest, celsius);
  if (celsius > FloatAt(kTemperature, kHighest)) PutFloat(kTemperature, kHighest, celsius);
}

std::vector<Action> DeviceModel::TakeActions() { return std::exchange(actions_, {}); }
std::vector<v1::Path> DeviceModel::TakeChanges() { return std::exchange(changes_, {}); }

int64_t DeviceModel::IntegerAt(uint32_t object, uint32_t resource) const {
  const v1::Value* value = Find(object, resource);
  return value != nullptr ? value->integer() : 0;
}
double DeviceModel::FloatAt(uint32_t object, uint32_t resource) const {
  const v1::Value* value = Find(object, resource);
  return value != nullptr ? value->floating() : 0;
}

size_t DeviceModel::DimensionOf(uint32_t object, uint32_t resource) const {
  return static_cast<size_t>(
      std::distance(values_.lower_bound({object, resource, 0}), values_.lower_bound({object, resource + 1, 0})));
}

const v1::Value* DeviceModel::Find(uint32_t object, uint32_t resource, uint32_t resource_instance) const {
  const auto at = values_.find({object, resource, resource_instance});
  return at != values_.end() ? &at->second : nullptr;
}

void DeviceModel::Put(uint32_t object, uint32_t resource, v1::Value value, uint32_t resource_instance) {
  v1::Value& place = values_[{object, resource, resource_instance}];
  if (place.SerializeAsString() == value.SerializeAsString()) return;
  place = std::move(value);
  Changed(object, resource);
}

void DeviceModel::PutInteger(uint32_t object, uint32_t resource, int64_t integer, uint32_t resource_instance) {
  v1::Value value;
  value.set_integer(integer);
  Put(object, resource, std::move(value), resource_instance);
}
void DeviceModel::PutText(uint32_t object, uint32_t resource, absl::string_view text, uint32_t resource_instance) {
  v1::Value value;
  value.set_text(text.data(), text.size());
  Put(object, resource, std::move(value), resource_instance);
}
void DeviceModel::PutFloat(uint32_t object, uint32_t resource, double number) {
  v1::Value value;
  value.set_floating(number);
  Put(object, resource, std::move(value));
}

void DeviceModel::Changed(uint32_t object, uint32_t resource) {
  const v1::Path path = MakePath(object, 0, resource);
  if (!absl::c_any_of(changes_, [&path](const v1::Path& known) { return lwm2m::Equal(known, path); })) {
    changes_.push_back(path);
  }
}

}  // namespace isthmus::fleet
