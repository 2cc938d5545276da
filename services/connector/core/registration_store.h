// What a connector must remember over a restart: who is registered, and under which tokens devices are observed.
//
//   InMemoryRegistrationStore store;                     // or adapters/sqlite_store.h
//   store.PutRegistration(device);
//   store.TouchRegistration("urn:x", clock.Now());       // an Update that only refreshes the lifetime
//   for (const Device& device : store.LoadRegistrations()) ...
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRATION_STORE_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRATION_STORE_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/connector/core/device.h"

namespace isthmus::connector {

// An observation that a device agreed to.
struct StoredObservation {
  std::string endpoint;
  lwm2m::v1::Path path;
  std::string token;
  std::string peer;                              // the address that notifications come from
  std::optional<uint32_t> accept;                // the format that was asked for
  lwm2m::v1::NotificationAttributes attributes;  // as they were written to the device
};

// Thread-safe. A store that cannot write says so in the log and goes on: the memory of the running process is right.
class RegistrationStore {
 public:
  virtual ~RegistrationStore() = default;

  // Adds it, or replaces the one with the same endpoint name.
  virtual void PutRegistration(const Device& device) = 0;
  // Only `updated_at` has changed. Cheap: it may reach the disk a little later.
  virtual void TouchRegistration(const std::string& endpoint, absl::Time updated_at) = 0;
  // Removes it and its observations.
  virtual void RemoveRegistration(const std::string& endpoint) = 0;
  // In the order of the endpoint names.
  virtual std::vector<Device> LoadRegistrations() const = 0;

  // Adds it, or replaces the one of the same endpoint and path.
  virtual void PutObservation(const StoredObservation& observation) = 0;
  virtual void RemoveObservation(const std::string& endpoint, const lwm2m::v1::Path& path) = 0;
  virtual void RemoveObservations(const std::string& endpoint) = 0;
  virtual std::vector<StoredObservation> LoadObservations() const = 0;
  virtual std::vector<StoredObservation> ObservationsOf(const std::string& endpoint) const = 0;
};

class InMemoryRegistrationStore final : public RegistrationStore {
 public:
  void PutRegistration(const Device& device) override;
  void TouchRegistration(const std::string& endpoint, absl::Time updated_at) override;
  void RemoveRegistration(const std::string& endpoint) override;
  std::vector<Device> LoadRegistrations() const override;
  void PutObservation(const StoredObservation& observation) override;
  void RemoveObservation(const std::string& endpoint, const lwm2m::v1::Path& path) override;
  void RemoveObservations(const std::string& endpoint) override;
  std::vector<StoredObservation> LoadObservations() const override;
  std::vector<StoredObservation> ObservationsOf(const std::string& endpoint) const override;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Device> registrations_;
  std::map<std::string, std::map<std::string, StoredObservation>> observations_;  // by endpoint, by path
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRATION_STORE_H_
