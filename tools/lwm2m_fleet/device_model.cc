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
constexpr uint32_t kSoftware = 9, kCapability = 15, kEventLog = 20, kPolicy = 2048;
constexpr uint32_t kSoftwareUri = 3;                                                        // of kSoftware
constexpr uint32_t kEnabled = 4, kEnable = 5, kDisable = 6;                                 // of kCapability
constexpr uint32_t kLogStart = 4011, kLogStop = 4012, kLogStatus = 4013, kLogData = 4014;   // of kEventLog
constexpr uint32_t kLowest = 5601, kHighest = 5602, kResetMinMax = 5605, kMeasured = 5700;  // of kTemperature

}  // namespace

bool DeviceModel::Key::operator<(const Key& other) const {
  return std::tie(object, resource, resource_instance) <
         std::tie(other.object, other.resource, other.resource_instance);
}

DeviceModel::DeviceModel(DeviceOptions options)
    : options_(std::move(options)), software_(options_.download_time, options_.install_time) {
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
  if (options_.more_objects) {
    ShowSoftware();
    PutCapabilityAndLog();
    PutPolicies();
  }
  changes_.clear();
}

void DeviceModel::ShowSoftware() {
  PutText(kSoftware, 0, software_.name());
  PutText(kSoftware, 1, software_.version());
  PutInteger(kSoftware, 7, software_.state());
  PutInteger(kSoftware, 9, software_.result());
  PutBoolean(kSoftware, 12, software_.active());
}

void DeviceModel::PutCapabilityAndLog() {
  PutText(kCapability, 0, "camera");
  PutInteger(kCapability, 1, 0);
  PutText(kCapability, 2, "a camera that sees nothing");
  PutBoolean(kCapability, 3, true);
  PutBoolean(kCapability, kEnabled, true);
  PutBoolean(kCapability, 7, false);
  PutInteger(kEventLog, 4010, 1);
  PutLog(/*running=*/false, /*valid=*/false, "");
  PutInteger(kEventLog, 4015, 0);
}

// LogStatus: bit 0 stopped, bit 1 LogData is valid.
void DeviceModel::PutLog(bool running, bool valid, absl::string_view data) {
  PutInteger(kEventLog, kLogStatus, (running ? 0 : 1) + (valid ? 2 : 0));
  v1::Value octets;
  octets.set_opaque(data.data(), data.size());
  Put(kEventLog, kLogData, std::move(octets));
}

// One CMDH policy with one of each of its rules.
void DeviceModel::PutPolicies() {
  PutText(kPolicy, 0, "usual");
  PutLink(kPolicy, 1, 2050);
  PutLink(kPolicy, 2, 2053);
  PutLink(kPolicy, 3, 2054);
  PutLink(kPolicy, 4, 2056);
  PutLink(2049, 0, kPolicy);
  PutLink(2050, 0, 2051);
  PutLink(2050, 1, 2052);
  PutInteger(2051, 0, 1);
  PutText(2051, 1, "2");
  PutText(2051, 2, "Cany");
  PutBoolean(2051, 4, false);
  PutInteger(2052, 0, 0);
  for (uint32_t resource = 1; resource <= 4; ++resource) PutInteger(2052, resource, 1000 * resource);
  PutInteger(2052, 5, 0);
  PutInteger(2053, 0, 1);
  PutText(2053, 1, "Cany");
  PutInteger(2053, 5, 2);
  for (uint32_t resource = 6; resource <= 9; ++resource) {
    PutInteger(2053, resource, 0, 0);
    PutInteger(2053, resource, -1, 1);
  }
  PutText(2053, 10, "0 1");
  PutInteger(2054, 0, 2);
  PutLink(2054, 1, 2055);
  PutText(2055, 0, "lte");
  PutInteger(2055, 1, 100);
  PutInteger(2055, 2, 1024);
  PutLink(2055, 3, 2057);
  PutText(2055, 4, "");
  PutText(2055, 5, "* * * * *");
  PutInteger(2056, 0, 2);
  PutInteger(2056, 1, 65536);
  PutInteger(2056, 2, 5);
  PutInteger(2057, 0, 1);
  for (uint32_t resource = 1; resource <= 3; ++resource) PutInteger(2057, resource, 1000 * resource);
}

bool DeviceModel::Has(const v1::Path& path) const {
  const ObjectDefinition* object = path.has_object_id() ? FindObject(path.object_id()) : nullptr;
  if (object == nullptr || (object->more && !options_.more_objects)) return false;
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
  if (replace && !typed.empty() && path.has_resource_id() && !path.has_resource_instance_id() &&
      FindResource(path.object_id(), path.resource_id())->multiple) {
    Clear(path.object_id(), path.resource_id());  // instances that are not written are gone
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
    if (object == kSoftware && resource == kSoftwareUri) {
      const coap::Code code = software_.WriteUri(node.value().text(), monotonic);
      ShowSoftware();
      if (code != coap::kChanged) return code;
    } else if (object == kFirmware && resource == kPackageUri) {
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
  } else if (object == kSoftware) {
    const coap::Code code = software_.Execute(resource, monotonic);
    ShowSoftware();
    return code;
  } else if (object == kCapability && (resource == kEnable || resource == kDisable)) {
    PutBoolean(kCapability, kEnabled, resource == kEnable);
  } else if (object == kEventLog && resource == kLogStart) {
    PutLog(/*running=*/true, /*valid=*/true, "started");
  } else if (object == kEventLog && resource == kLogStop) {
    PutLog(/*running=*/false, /*valid=*/true, "started, stopped");
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
  if (monotonic >= software_.next_due()) {
    software_.Tick(monotonic);
    ShowSoftware();
  }
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
  software_.Restart();
  if (options_.more_objects) ShowSoftware();
  actions_.clear();
  changes_.clear();  // nobody observes a device that has just started
}

absl::Status DeviceModel::Set(const v1::Path& path, absl::string_view text) {
  const ResourceDefinition* definition =
      path.has_resource_id() ? FindResource(path.object_id(), path.resource_id()) : nullptr;
  if (definition == nullptr || !Has(MakePath(path.object_id(), path.object_instance_id()))) {
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
void DeviceModel::PutBoolean(uint32_t object, uint32_t resource, bool boolean) {
  v1::Value value;
  value.set_boolean(boolean);
  Put(object, resource, std::move(value));
}
void DeviceModel::PutLink(uint32_t object, uint32_t resource, uint32_t linked_object) {
  v1::Value value;
  value.mutable_object_link()->set_object_id(linked_object);
  value.mutable_object_link()->set_object_instance_id(0);
  Put(object, resource, std::move(value));
}
void DeviceModel::Clear(uint32_t object, uint32_t resource) {
  values_.erase(values_.lower_bound({object, resource, 0}), values_.lower_bound({object, resource + 1, 0}));
  Changed(object, resource);
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
