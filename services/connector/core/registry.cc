#include "services/connector/core/registry.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/lib/clock/proto_time.h"

namespace isthmus::connector {
namespace {

bool SameLinks(const lwm2m::v1::Registration& a, const lwm2m::v1::Registration& b) {
  return a.root_path() == b.root_path() &&
         std::equal(a.links().begin(), a.links().end(), b.links().begin(), b.links().end(),
                    [](const auto& x, const auto& y) { return x.SerializeAsString() == y.SerializeAsString(); });
}

constexpr char kNoRoom[] = "there are too many devices here";

bool HasQueueLetter(const std::string& binding) { return absl::StrContains(binding, 'Q'); }

void SetLinks(const lwm2m::codec::Links& links, Device& device) {
  device.registration.clear_links();
  for (const auto& link : links.links) *device.registration.add_links() = link;
  device.registration.set_root_path(links.root_path);
  // Leshan's client names its formats in Register and leaves them out of Updates: not said is not lost.
  if (!links.content_formats.empty()) device.content_formats = links.content_formats;
}

}  // namespace

Registry::Registry(RegistryOptions options, const Clock* clock, coap::Random* random, RegistrationStore* store)
    : options_(options), clock_(clock), random_(random), store_(store) {}

void Registry::Load() {
  std::vector<Device> devices = store_->LoadRegistrations();
  // The newest use of an address decides whose it is.
  std::sort(devices.begin(), devices.end(), [](const Device& a, const Device& b) {
    return ToTime(a.registration.updated_at()) < ToTime(b.registration.updated_at());
  });
  std::lock_guard<std::mutex> lock(mutex_);
  const absl::Time now = clock_->Now();
  for (Device& device : devices) {
    const absl::Duration lifetime = absl::Seconds(device.registration.lifetime_seconds());
    // Monotonic time does not survive a process; wall time decides, but no jump of it takes away the floor.
    const absl::Duration passed = now - ToTime(device.registration.updated_at());
    const absl::Duration floor = std::min(lifetime, options_.restart_floor);
    const absl::Duration left = std::min(std::max(lifetime - passed, floor), lifetime);
    InsertLocked(std::make_shared<const Device>(std::move(device)), clock_->Monotonic() + left + options_.grace);
  }
}

const Registry::Entry* Registry::FindLocked(const std::string& endpoint) const {
  const auto it = entries_.find(endpoint);
  if (it == entries_.end() || it->second.expires_at <= clock_->Monotonic()) return nullptr;
  return &it->second;
}

std::string Registry::FreshLocation() {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  while (true) {
    std::string location = "rd/";
    uint64_t bits = random_->Next();
    for (int i = 0; i < 10; ++i, bits /= 62) location += kAlphabet[bits % 62];
    if (endpoint_by_location_.count(location) == 0) return location;
  }
}

absl::Duration Registry::ExpiryOf(const Device& device) const {
  return clock_->Monotonic() + absl::Seconds(device.registration.lifetime_seconds()) + options_.grace;
}

std::vector<std::string> Registry::TakeAddressLocked(const std::string& address, const std::string& endpoint) {
  std::vector<std::string> displaced;
  std::string& owner = endpoint_by_address_[address];
  if (!owner.empty() && owner != endpoint) displaced.push_back(owner);
  owner = endpoint;
  return displaced;
}

bool Registry::HasRoomLocked(const Device& device) const {
  const auto it = entries_.find(device.endpoint());
  if (it == entries_.end() && entries_.size() >= options_.most_devices) return false;
  const auto links = static_cast<size_t>(device.registration.links_size());
  const size_t before = it == entries_.end() ? 0 : static_cast<size_t>(it->second.device->registration.links_size());
  return links <= before || links_ - before + links <= options_.most_links;
}

void Registry::InsertLocked(DevicePtr device, absl::Duration expires_at) {
  endpoint_by_location_[device->registration.registration_id()] = device->endpoint();
  TakeAddressLocked(device->address(), device->endpoint());
  expiries_.emplace(expires_at, device->endpoint());
  links_ += static_cast<size_t>(device->registration.links_size());
  const std::string endpoint = device->endpoint();
  entries_[endpoint] = Entry{std::move(device), expires_at};
}

DevicePtr Registry::RemoveLocked(const std::string& endpoint) {
  const auto it = entries_.find(endpoint);
  if (it == entries_.end()) return nullptr;
  DevicePtr device = it->second.device;
  expiries_.erase({it->second.expires_at, endpoint});
  links_ -= static_cast<size_t>(device->registration.links_size());
  endpoint_by_location_.erase(device->registration.registration_id());
  const auto address = endpoint_by_address_.find(device->address());
  if (address != endpoint_by_address_.end() && address->second == endpoint) endpoint_by_address_.erase(address);
  entries_.erase(it);
  return device;
}

std::variant<Registry::Registered, Refusal> Registry::Register(const coap::IncomingRequest& request) {
  auto parsed = ParseRegistrationParameters(request.message, "");
  if (auto* refusal = std::get_if<Refusal>(&parsed)) return std::move(*refusal);
  const auto& parameters = std::get<RegistrationParameters>(parsed);
  if (!parameters.endpoint) return Refusal{coap::kBadRequest, "ep is missing"};
  if (!parameters.links) return Refusal{coap::kBadRequest, "the list of objects is missing"};

  auto device = std::make_shared<Device>();
  lwm2m::v1::Registration& registration = device->registration;
  registration.set_endpoint(*parameters.endpoint);
  registration.set_lwm2m_version(parameters.version.value_or("1.0"));
  registration.set_lifetime_seconds(
      std::min(parameters.lifetime_seconds.value_or(kDefaultLifetimeSeconds), options_.longest_lifetime_seconds));
  registration.set_binding(parameters.binding.value_or("U"));
  registration.set_queue_mode(parameters.queue_mode || HasQueueLetter(registration.binding()));
  registration.set_address(request.peer);
  SetLinks(*parameters.links, *device);
  *registration.mutable_registered_at() = ToTimestamp(clock_->Now());
  *registration.mutable_updated_at() = registration.registered_at();

  Registered registered;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!HasRoomLocked(*device)) return Refusal{coap::kServiceUnavailable, kNoRoom};
    registration.set_registration_id(FreshLocation());
    registered.replaced = RemoveLocked(*parameters.endpoint);
    registered.displaced = TakeAddressLocked(request.peer, *parameters.endpoint);
    registered.device = device;
    InsertLocked(device, ExpiryOf(*device));
  }
  store_->PutRegistration(*device);
  return registered;
}

std::variant<Registry::Updated, Refusal> Registry::Update(const std::string& location,
                                                          const coap::IncomingRequest& request) {
  const DevicePtr before = FindByLocation(location);
  if (before == nullptr) return Refusal{coap::kNotFound, "no such registration"};
  auto parsed = ParseRegistrationParameters(request.message, before->registration.root_path());
  if (auto* refusal = std::get_if<Refusal>(&parsed)) return std::move(*refusal);
  const auto& parameters = std::get<RegistrationParameters>(parsed);
  if (parameters.endpoint && *parameters.endpoint != before->endpoint()) {
    return Refusal{coap::kBadRequest, "ep differs from the registered one"};
  }

  auto device = std::make_shared<Device>(*before);
  lwm2m::v1::Registration& registration = device->registration;
  if (parameters.lifetime_seconds) {
    registration.set_lifetime_seconds(std::min(*parameters.lifetime_seconds, options_.longest_lifetime_seconds));
  }
  if (parameters.binding) {
    registration.set_binding(*parameters.binding);
    // LwM2M 1.0 has the queue mode in `b` alone; later versions set it with Q at Register.
    const bool letter = HasQueueLetter(*parameters.binding);
    registration.set_queue_mode(registration.lwm2m_version() == "1.0" ? letter : letter || registration.queue_mode());
  }
  if (parameters.queue_mode) registration.set_queue_mode(true);
  if (parameters.links) SetLinks(*parameters.links, *device);
  registration.set_address(request.peer);
  *registration.mutable_updated_at() = ToTimestamp(clock_->Now());

  Updated updated;
  updated.before = before;
  updated.device = device;
  updated.links_changed = !SameLinks(registration, before->registration);
  updated.address_changed = registration.address() != before->address();
  updated.visible = updated.links_changed || updated.address_changed ||
                    registration.lifetime_seconds() != before->registration.lifetime_seconds() ||
                    registration.binding() != before->registration.binding() ||
                    registration.queue_mode() != before->registration.queue_mode();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!HasRoomLocked(*device)) return Refusal{coap::kServiceUnavailable, kNoRoom};
    if (RemoveLocked(before->endpoint()) == nullptr) return Refusal{coap::kNotFound, "no such registration"};
    updated.displaced = TakeAddressLocked(request.peer, before->endpoint());
    InsertLocked(device, ExpiryOf(*device));
  }
  if (updated.visible || device->content_formats != before->content_formats) {
    store_->PutRegistration(*device);
  } else {
    store_->TouchRegistration(device->endpoint(), clock_->Now());
  }
  return updated;
}

std::variant<DevicePtr, Refusal> Registry::Deregister(const std::string& location) {
  const DevicePtr device = FindByLocation(location);
  if (device == nullptr) return Refusal{coap::kNotFound, "no such registration"};
  {
    std::lock_guard<std::mutex> lock(mutex_);
    RemoveLocked(device->endpoint());
  }
  store_->RemoveRegistration(device->endpoint());
  return device;
}

std::vector<DevicePtr> Registry::Expire() {
  std::vector<DevicePtr> expired;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const absl::Duration now = clock_->Monotonic();
    while (!expiries_.empty() && expiries_.begin()->first <= now) {
      const std::string endpoint = expiries_.begin()->second;
      expired.push_back(RemoveLocked(endpoint));
    }
  }
  for (const DevicePtr& device : expired) store_->RemoveRegistration(device->endpoint());
  return expired;
}

absl::Duration Registry::UntilNextExpiry() const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (expiries_.empty()) return absl::InfiniteDuration();
  return std::max(expiries_.begin()->first - clock_->Monotonic(), absl::ZeroDuration());
}

DevicePtr Registry::FindByEndpoint(const std::string& endpoint) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const Entry* entry = FindLocked(endpoint);
  return entry == nullptr ? nullptr : entry->device;
}

DevicePtr Registry::FindByLocation(const std::string& location) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = endpoint_by_location_.find(location);
  if (it == endpoint_by_location_.end()) return nullptr;
  const Entry* entry = FindLocked(it->second);
  return entry == nullptr ? nullptr : entry->device;
}

DevicePtr Registry::FindByAddress(const std::string& address) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = endpoint_by_address_.find(address);
  if (it == endpoint_by_address_.end()) return nullptr;
  const Entry* entry = FindLocked(it->second);
  return entry == nullptr ? nullptr : entry->device;
}

std::vector<DevicePtr> Registry::List(const std::string& after, size_t limit) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const absl::Duration now = clock_->Monotonic();
  std::vector<DevicePtr> devices;
  for (auto it = after.empty() ? entries_.begin() : entries_.upper_bound(after);
       it != entries_.end() && devices.size() < limit; ++it) {
    if (it->second.expires_at > now) devices.push_back(it->second.device);
  }
  return devices;
}

size_t Registry::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_.size();
}

}  // namespace isthmus::connector
