#include "tools/lwm2m_fleet/fleet.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::fleet {
namespace {

// A device hears little; thousands of sockets with large buffers would be a lot of memory.
constexpr size_t kReceiveBuffer = 128 << 10;
// Descriptors that are watched are numbered from here on in epoll's data; devices from 0.
constexpr uint64_t kFirstWatched = uint64_t{1} << 32;

void RaiseDescriptorLimit(size_t devices) {
  constexpr size_t kOthers = 64;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= devices + kOthers) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, devices + kOthers);
  setrlimit(RLIMIT_NOFILE, &limit);  // when it is not enough, opening a socket says so
}

}  // namespace

absl::StatusOr<std::unique_ptr<Fleet>> Fleet::Open(FleetOptions options, const Clock* clock) {
  const auto pattern = absl::ParsedFormat<'d'>::New(options.name_pattern);
  if (pattern == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("name pattern '", options.name_pattern, "': expected exactly one %d, like fleet-%05d"));
  }
  RaiseDescriptorLimit(options.count);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return absl::InternalError(absl::StrCat("epoll: ", strerror(errno)));
  std::unique_ptr<Fleet> fleet(new Fleet(std::move(options), clock, epoll));
  const FleetOptions& own = fleet->options_;
  fleet->devices_.reserve(own.count);
  for (size_t i = 0; i < own.count; ++i) {
    const bool named = own.count == 1 && !own.name.empty();
    RETURN_IF_ERROR(
        fleet->AddDevice(named ? own.name : absl::StrFormat(*pattern, own.first + static_cast<int64_t>(i)), i));
  }
  // Only when all are there: opening thousands takes a while in which no answer would be heard.
  for (size_t i = 0; i < own.count; ++i) {
    fleet->devices_[i].client->Start();
    fleet->TickDevice(i);
  }
  return fleet;
}

Fleet::Fleet(FleetOptions options, const Clock* clock, int epoll)
    : options_(std::move(options)), clock_(clock), epoll_(epoll), random_(coap::SystemRandom()) {}

Fleet::~Fleet() { close(epoll_); }

absl::Status Fleet::AddDevice(std::string name, size_t index) {
  ASSIGN_OR_RETURN(std::unique_ptr<coap::UdpSocket> socket, coap::UdpSocket::Open(options_.bind, 0, kReceiveBuffer));
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = index;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket->descriptor(), &event) != 0) {
    return absl::InternalError(absl::StrCat("epoll: ", strerror(errno)));
  }
  ClientOptions client = options_.client;
  client.device.serial = name;
  client.endpoint_name = std::move(name);
  client.register_after +=
      absl::Seconds(1) * (static_cast<double>(index) / static_cast<double>(options_.register_rate));
  if (client.change_every < absl::InfiniteDuration()) {
    client.first_change_after = client.change_every * (static_cast<double>(random_->Next() % 1000) / 1000);
  }
  Device& device = devices_.emplace_back();
  device.socket = std::move(socket);
  device.client = std::make_unique<Client>(std::move(client), clock_, random_.get(), device.socket.get(), &counters_);
  return absl::OkStatus();
}

void Fleet::Step(absl::Duration at_most) {
  while (!due_.empty() && devices_[due_.top().second].due != due_.top().first) due_.pop();
  absl::Duration wait = at_most;
  if (!due_.empty()) wait = std::min(wait, std::max(due_.top().first - clock_->Monotonic(), absl::ZeroDuration()));
  // Up to the next millisecond: an earlier return would find nothing due.
  const int64_t milliseconds = absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1)));

  std::array<epoll_event, 512> events;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(milliseconds));
  for (int i = 0; i < count; ++i) {
    const uint64_t data = events[i].data.u64;
    if (data < kFirstWatched) {
      Receive(data);
      continue;
    }
    for (const auto& [descriptor, on_readable] : std::vector(watched_)) {
      if (kFirstWatched + static_cast<uint64_t>(descriptor) == data) on_readable();
    }
  }
  const absl::Duration now = clock_->Monotonic();
  while (!due_.empty() && due_.top().first <= now) {
    const auto [time, index] = due_.top();
    due_.pop();
    if (devices_[index].due == time) TickDevice(index);
  }
}

void Fleet::Receive(size_t index) {
  Device& device = devices_[index];
  device.socket->ReceiveBatch(
      [&device](const coap::Peer& peer, absl::string_view datagram) { device.client->Receive(peer, datagram); });
  TickDevice(index);
}

void Fleet::TickDevice(size_t index) {
  Device& device = devices_[index];
  const absl::Duration next = device.client->Tick();
  device.socket->Flush();
  if (device.client->registered() != device.registered) {
    device.registered = !device.registered;
    device.registered ? ++registered_ : --registered_;
  }
  const absl::Duration due = next == absl::InfiniteDuration() ? next : clock_->Monotonic() + next;
  if (due == device.due) return;
  device.due = due;
  if (due < absl::InfiniteDuration()) due_.emplace(due, index);
}

bool Fleet::Watch(int descriptor, std::function<void()> on_readable) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kFirstWatched + static_cast<uint64_t>(descriptor);
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return false;
  watched_.emplace_back(descriptor, std::move(on_readable));
  return true;
}

void Fleet::Unwatch(int descriptor) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  watched_.erase(std::remove_if(watched_.begin(), watched_.end(),
                                [descriptor](const auto& watched) { return watched.first == descriptor; }),
                 watched_.end());
}

Client* Fleet::Find(int64_t number) {
  const int64_t index = number - options_.first;
  if (index < 0 || index >= static_cast<int64_t>(devices_.size())) return nullptr;
  return devices_[static_cast<size_t>(index)].client.get();
}

void Fleet::Touch(int64_t number) {
  if (Find(number) != nullptr) TickDevice(static_cast<size_t>(number - options_.first));
}

void Fleet::DeregisterAll() {
  for (size_t i = 0; i < devices_.size(); ++i) {
    devices_[i].client->Deregister(nullptr);
    TickDevice(i);
  }
}

bool Fleet::AllOff() const {
  return std::all_of(devices_.begin(), devices_.end(),
                     [](const Device& device) { return device.client->state() == Client::State::kOff; });
}

std::string Fleet::Report() const {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  size_t observations = 0;
  const std::string* failure = nullptr;
  for (const Device& device : devices_) {
    observations += device.client->observations();
    if (failure == nullptr && !device.client->last_failure().empty()) failure = &device.client->last_failure();
  }
  const std::pair<const char*, uint64_t> numbers[] = {{"devices", devices_.size()},
                                                      {"registered", registered_},
                                                      {"observations", observations},
                                                      {"registrations", counters_.registrations},
                                                      {"updates", counters_.updates},
                                                      {"deregistrations", counters_.deregistrations},
                                                      {"failures", counters_.failures},
                                                      {"requests", counters_.requests},
                                                      {"notifications", counters_.notifications},
                                                      {"notifications_failed", counters_.notifications_failed},
                                                      {"datagrams_in", counters_.datagrams_in},
                                                      {"datagrams_out", counters_.datagrams_out},
                                                      {"datagrams_lost", counters_.datagrams_lost}};
  writer.StartObject();
  for (const auto& [name, number] : numbers) {
    writer.Key(name);
    writer.Uint64(number);
  }
  if (failure != nullptr) {
    writer.Key("a_failure");
    writer.String(failure->data(), static_cast<rapidjson::SizeType>(failure->size()));
  }
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace isthmus::fleet
