#include "services/connector/core/registration_store.h"

#include <string>
#include <vector>

#include "services/lib/clock/proto_time.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {

void InMemoryRegistrationStore::PutRegistration(const Device& device) {
  std::lock_guard<std::mutex> lock(mutex_);
  registrations_[device.endpoint()] = device;
}

void InMemoryRegistrationStore::TouchRegistration(const std::string& endpoint, absl::Time updated_at) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = registrations_.find(endpoint);
  if (it != registrations_.end()) *it->second.registration.mutable_updated_at() = ToTimestamp(updated_at);
}

void InMemoryRegistrationStore::RemoveRegistration(const std::string& endpoint) {
  std::lock_guard<std::mutex> lock(mutex_);
  registrations_.erase(endpoint);
  observations_.erase(endpoint);
}

std::vector<Device> InMemoryRegistrationStore::LoadRegistrations() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Device> devices;
  devices.reserve(registrations_.size());
  for (const auto& [endpoint, device] : registrations_) devices.push_back(device);
  return devices;
}

void InMemoryRegistrationStore::PutObservation(const StoredObservation& observation) {
  std::lock_guard<std::mutex> lock(mutex_);
  observations_[observation.endpoint][lwm2m::PathToString(observation.path)] = observation;
}

void InMemoryRegistrationStore::RemoveObservation(const std::string& endpoint, const lwm2m::v1::Path& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = observations_.find(endpoint);
  if (it == observations_.end()) return;
  it->second.erase(lwm2m::PathToString(path));
  if (it->second.empty()) observations_.erase(it);
}

void InMemoryRegistrationStore::RemoveObservations(const std::string& endpoint) {
  std::lock_guard<std::mutex> lock(mutex_);
  observations_.erase(endpoint);
}

std::vector<StoredObservation> InMemoryRegistrationStore::LoadObservations() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<StoredObservation> all;
  for (const auto& [endpoint, by_path] : observations_) {
    for (const auto& [path, observation] : by_path) all.push_back(observation);
  }
  return all;
}

std::vector<StoredObservation> InMemoryRegistrationStore::ObservationsOf(const std::string& endpoint) const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<StoredObservation> found;
  const auto it = observations_.find(endpoint);
  if (it == observations_.end()) return found;
  for (const auto& [path, observation] : it->second) found.push_back(observation);
  return found;
}

}  // namespace isthmus::connector
