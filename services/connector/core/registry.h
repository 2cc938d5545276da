// The registrations of a LwM2M Server: Register, Update, De-register and lifetimes (LwM2M Core 6.2).
//
//   Registry registry(RegistryOptions(), &clock, random.get(), &store);
//   registry.Load();                                            // what the store kept over a restart
//   auto outcome = registry.Register(request);                  // a Refusal, or the device (and the one it replaced)
//   for (const DevicePtr& device : registry.Expire()) ...       // lifetimes that ran out; again in UntilNextExpiry()
//
// Lifetimes are measured on the monotonic clock, so that setting the host's clock expires nobody, and end `grace` after
// their nominal end, the same for every caller: a device that one view shows is found by all of them.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRY_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRY_H_

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "services/connector/core/device.h"
#include "services/connector/core/registration_parameters.h"
#include "services/connector/core/registration_store.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"

namespace isthmus::connector {

struct RegistryOptions {
  // How much later than its lifetime a registration ends: an Update on its way is not too late.
  absl::Duration grace = absl::Seconds(5);
  // A lifetime above it counts as this one.
  uint64_t longest_lifetime_seconds = kLongestLifetimeSeconds;
  // After a restart a registration lives at least this long (or its lifetime, if that is shorter): its device may have
  // tried in vain to update while nobody listened.
  absl::Duration restart_floor = absl::Minutes(10);
  // Anybody can register any number of names, from addresses that are not his: so many devices and, of all together, so
  // many links to objects and instances. Beyond, what is new is refused with 5.03; what is there stays.
  size_t most_devices = 200000;
  size_t most_links = 5000000;
};

// Thread-safe.
class Registry {
 public:
  // `clock`, `random` and `store` must outlive the registry.
  Registry(RegistryOptions options, const Clock* clock, coap::Random* random, RegistrationStore* store);

  // Takes over what the store kept. Once, before anything else.
  void Load();

  struct Registered {
    DevicePtr device;
    DevicePtr replaced;                  // earlier registration of the same endpoint; null = none
    std::vector<std::string> displaced;  // other endpoints whose address now belongs to this device
  };
  std::variant<Registered, Refusal> Register(const coap::IncomingRequest& request);

  struct Updated {
    DevicePtr device;
    DevicePtr before;
    bool links_changed = false;
    bool address_changed = false;
    bool visible = false;  // others can see the change (objects, address, lifetime, binding)
    std::vector<std::string> displaced;
  };
  std::variant<Updated, Refusal> Update(const std::string& location, const coap::IncomingRequest& request);

  std::variant<DevicePtr, Refusal> Deregister(const std::string& location);

  // Removes and returns those whose time is over.
  std::vector<DevicePtr> Expire();
  // Infinite when there is none.
  absl::Duration UntilNextExpiry() const;

  // Null when it is not registered.
  DevicePtr FindByEndpoint(const std::string& endpoint) const;
  DevicePtr FindByLocation(const std::string& location) const;
  // The newest registration that used the address.
  DevicePtr FindByAddress(const std::string& address) const;
  // In the order of endpoint names, those after `after` ("" = from the start), at most `limit`.
  std::vector<DevicePtr> List(const std::string& after, size_t limit) const;
  size_t size() const;

 private:
  struct Entry {
    DevicePtr device;
    absl::Duration expires_at;  // monotonic, grace included
  };
  const Entry* FindLocked(const std::string& endpoint) const;
  std::string FreshLocation();
  absl::Duration ExpiryOf(const Device& device) const;
  // There is room for `device` in place of an earlier registration of the same endpoint.
  bool HasRoomLocked(const Device& device) const;
  void InsertLocked(DevicePtr device, absl::Duration expires_at);
  DevicePtr RemoveLocked(const std::string& endpoint);
  std::vector<std::string> TakeAddressLocked(const std::string& address, const std::string& endpoint);

  const RegistryOptions options_;
  const Clock* const clock_;
  coap::Random* const random_;
  RegistrationStore* const store_;

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by endpoint
  size_t links_ = 0;                      // of all entries
  std::unordered_map<std::string, std::string> endpoint_by_location_;
  std::unordered_map<std::string, std::string> endpoint_by_address_;
  std::set<std::pair<absl::Duration, std::string>> expiries_;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRY_H_
