// The data of one simulated device and what changes in it: values, the firmware state machine, a temperature that
// walks. It knows neither CoAP messages nor sockets nor clocks.
//
//   DeviceModel model({.serial = "fleet-00001"});
//   std::vector<lwm2m::v1::Node> nodes;
//   const coap::Code code = model.Read(lwm2m::MakePath(3, 0, 9), clock.Now(), &nodes);   // 205
//   model.Write(lwm2m::MakePath(5, 0, 1), {uri}, true, clock.Now(), clock.Monotonic());  // starts a "download"
//   model.Tick(clock.Monotonic());          // when next_due() has come
//   for (Action action : model.TakeActions()) ...
//   for (const v1::Path& path : model.TakeChanges()) ...
//
// Not thread-safe.
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_DEVICE_MODEL_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_DEVICE_MODEL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/lib/coap/endpoint.h"
#include "tools/lwm2m_fleet/object_definitions.h"

namespace isthmus::fleet {

namespace v1 = ::isthmus::lwm2m::v1;

struct DeviceOptions {
  std::string serial = "fleet";
  std::string manufacturer = "Isthmus";
  std::string model = "fleet device";
  std::string firmware_version = "1.0.0";
  int64_t battery_level = 80;
  int64_t lifetime_seconds = 300;
  std::string binding = "U";
  absl::Duration download_time = absl::Seconds(2);  // from Package URI to Downloaded
  absl::Duration install_time = absl::Seconds(2);   // from Update to the restart
};

// What the device has to do because of an operation.
enum class Action {
  kReboot,              // without de-registering, like a reset
  kFactoryReset,        // de-register, restart
  kInstalled,           // de-register, restart with the new firmware
  kUpdateRegistration,  // the lifetime changed, or the server asked for it
};

// Firmware Update State (/5/0/3) and Update Result (/5/0/5).
enum FirmwareState : int64_t { kIdle = 0, kDownloading = 1, kDownloaded = 2, kUpdating = 3 };
enum FirmwareResult : int64_t { kInitial = 0, kSuccess = 1, kUnsupportedProtocol = 9, kCancelledByServer = 10 };

class DeviceModel {
 public:
  explicit DeviceModel(DeviceOptions options);

  // 205, or why not: 401 for Security, 404, 405. Typed values in the order of their paths.
  coap::Code Read(const v1::Path& path, absl::Time now, std::vector<v1::Node>* nodes) const;
  // 204, or 400 for a value of the wrong type, 404, 405: then nothing is changed (but for the Update Result, when the
  // scheme of a Package URI is not known).
  coap::Code Write(const v1::Path& path, const std::vector<v1::Node>& nodes, bool replace, absl::Time now,
                   absl::Duration monotonic);
  // The same of resources anywhere: all or none.
  coap::Code WriteAnywhere(const std::vector<v1::Node>& nodes, absl::Time now, absl::Duration monotonic);
  // 204, 404 or 405.
  coap::Code Execute(const v1::Path& path, absl::Duration monotonic);
  // The path is an object, an instance, or a resource that the device has.
  bool Has(const v1::Path& path) const;

  // Sets what the server may not write, too: for tests. The value is text as in Content-Format 0.
  absl::Status Set(const v1::Path& path, absl::string_view text);
  // A step of the temperature, and one percent of the battery.
  void Walk(coap::Random* random);
  // The device starts: a download that was under way is lost, installed firmware runs.
  void Restart();

  void Tick(absl::Duration monotonic);
  // When Tick has something to do; InfiniteDuration when never.
  absl::Duration next_due() const { return firmware_due_; }

  std::vector<Action> TakeActions();
  // Resources that have changed, each once.
  std::vector<v1::Path> TakeChanges();

  int64_t IntegerAt(uint32_t object, uint32_t resource) const;
  // Instances of a multiple resource.
  size_t DimensionOf(uint32_t object, uint32_t resource) const;

 private:
  // Object, resource, resource instance (0 for a single one); the object instance is always 0.
  struct Key {
    uint32_t object, resource, resource_instance;
    bool operator<(const Key& other) const;
  };
  const v1::Value* Find(uint32_t object, uint32_t resource, uint32_t resource_instance = 0) const;
  void Put(uint32_t object, uint32_t resource, v1::Value value, uint32_t resource_instance = 0);
  void PutInteger(uint32_t object, uint32_t resource, int64_t integer, uint32_t resource_instance = 0);
  void PutText(uint32_t object, uint32_t resource, absl::string_view text, uint32_t resource_instance = 0);
  void PutFloat(uint32_t object, uint32_t resource, double number);
  double FloatAt(uint32_t object, uint32_t resource) const;
  void Changed(uint32_t object, uint32_t resource);
  void MeasureTemperature(double celsius);

  // 204, or why the nodes cannot be written; gives them the types of their resources.
  static coap::Code Type(std::vector<v1::Node>* nodes);
  coap::Code PutAll(std::vector<v1::Node> typed, absl::Time now, absl::Duration monotonic);
  coap::Code WritePackageUri(const std::string& uri, absl::Duration monotonic);
  coap::Code WritePackage(const std::string& package);
  void SetFirmware(FirmwareState state, FirmwareResult result);

  const DeviceOptions options_;
  std::map<Key, v1::Value> values_;
  std::vector<Action> actions_;
  std::vector<v1::Path> changes_;
  absl::Duration time_offset_;  // what the server said the time is, against ours
  absl::Duration firmware_due_ = absl::InfiniteDuration();
};

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_DEVICE_MODEL_H_
