#include "services/synchronizer/core/device/device_sync.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/log/log.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/device/operation_text.h"

namespace isthmus::synchronizer {
namespace {

using lwm2m::v1::Registration;
using session::v1::Event;

// Replicas of translation are replaced one by one: the version may go to and fro for a while, and each change would
// describe every device anew.
constexpr absl::Duration kRedescribePause = absl::Seconds(2);

std::string ClientAddress(const Registration& registration) {
  return registration.address().empty() ? "" : absl::StrCat("coap://", registration.address());
}

std::vector<std::string> Labels(const std::string& endpoint, DeviceState state) {
  return {"Iwked-Technology:LWM2M", absl::StrCat("Iwked-Entity-ID:", endpoint), "Iwked-Entity-Type:Client",
          absl::StrCat("Isthmus-State:", DeviceStateName(state))};
}

bool SameObjects(const Registration& a, const Registration& b) {
  if (a.root_path() != b.root_path() || a.links_size() != b.links_size()) return false;
  for (int i = 0; i < a.links_size(); ++i) {
    if (a.links(i).SerializeAsString() != b.links(i).SerializeAsString()) return false;
  }
  return true;
}

std::vector<lwm2m::v1::Read> ReadsOf(const translation::v1::DescribeDeviceResponse& description) {
  std::set<std::string> seen;
  std::vector<lwm2m::v1::Read> reads;
  for (const auto& object : description.management_objects()) {
    for (const auto& path : object.read_paths()) {
      if (!seen.insert(lwm2m::PathToString(path)).second) continue;
      lwm2m::v1::Read& read = reads.emplace_back();
      *read.mutable_path() = path;
      read.set_self_describing(object.self_describing());
    }
  }
  return reads;
}

// A value at `path` can be part of the resource: they lie on one line of the object tree.
bool Touches(const onem2m::v1::Resource& resource, const lwm2m::v1::Path& path) {
  for (const std::string& text : resource.object_paths()) {
    const absl::StatusOr<lwm2m::v1::Path> object = lwm2m::ParsePath(text);
    if (!object.ok() || lwm2m::Contains(*object, path) || lwm2m::Contains(path, *object)) return true;
  }
  return false;
}

bool HasStatus(const onem2m::v1::Resource& resource) {
  return std::any_of(resource.attributes().members().begin(), resource.attributes().members().end(),
                     [](const onem2m::v1::Attribute& attribute) {
                       return onem2m::Find(attribute.value().object(), "sus") != nullptr;
                     });
}

}  // namespace

struct DeviceSync::Item {
  enum class Kind { kRegistered, kUpdated, kGone, kValues, kObservationFailed, kRedescribe };
  Kind kind = Kind::kValues;
  std::string endpoint;
  absl::Time time;
  std::optional<EventPositions::Ticket> ticket;  // nothing for what is no event
  Registration registration;                     // kRegistered, kUpdated
  DeviceState gone = DeviceState::kLost;         // kGone
  lwm2m::v1::Path path;                          // kValues, kObservationFailed
  google::protobuf::RepeatedPtrField<lwm2m::v1::Node> nodes;
  lwm2m::v1::OperationResult result;  // kObservationFailed
  bool reread = false;                // kRegistered from a snapshot: values may have been missed
};

DeviceSync::DeviceSync(DeviceSyncOptions options, Neighbours neighbours)
    : options_(options),
      to_(std::move(neighbours)),
      first_values_(
          options.first_values, to_.session, to_.clock,
          [this](const std::string& endpoint, const lwm2m::v1::Path& path, const lwm2m::v1::OperationResult& result) {
            OnFirstValue(endpoint, path, result);
          },
          [this](const std::string& endpoint) { OnFirstValuesEnd(endpoint); }) {}

void DeviceSync::Resume() {
  for (const std::string& endpoint : to_.directory->Registered()) {
    const std::optional<DeviceRecord> record = to_.directory->Find(endpoint);
    if (record.has_value() && record->values_pending) first_values_.Read(endpoint, ReadsOf(record->description));
  }
}

void DeviceSync::OnEvent(const Event& event) {
  auto item = std::make_shared<Item>();
  item->endpoint = event.endpoint();
  item->time = event.has_time() ? ToTime(event.time()) : to_.clock->Now();
  item->ticket = to_.positions->Begin(event.position());
  switch (event.kind_case()) {
    case Event::kRegistered:
      item->kind = Item::Kind::kRegistered;
      item->registration = event.registered().registration();
      break;
    case Event::kUpdated:
      item->kind = Item::Kind::kUpdated;
      item->registration = event.updated().registration();
      break;
    case Event::kDeregistered:
      item->kind = Item::Kind::kGone;
      item->gone = event.deregistered().reason() == session::v1::DEREGISTRATION_REASON_EXPIRED
                       ? DeviceState::kLost
                       : DeviceState::kDeregistered;
      break;
    case Event::kNotification:
      item->kind = Item::Kind::kValues;
      item->path = event.notification().path();
      item->nodes = event.notification().nodes();
      break;
    case Event::kObservationFailed:
      item->kind = Item::Kind::kObservationFailed;
      item->path = event.observation_failed().path();
      item->result = event.observation_failed().result();
      break;
    case Event::KIND_NOT_SET:
      log::Warning("event of an unknown kind is passed over", {{"endpoint", event.endpoint()}});
      to_.positions->End(*item->ticket);
      return;
  }
  if (item->endpoint.empty()) {
    log::Warning("event without an endpoint is passed over", {{"sequence", event.position().sequence()}});
    to_.positions->End(*item->ticket);
    return;
  }
  Enqueue(std::move(item));
}

void DeviceSync::OnSnapshot(const session::v1::Snapshot& snapshot) {
  std::vector<ItemPtr> items;
  std::set<std::string> present;
  for (const Registration& registration : snapshot.registrations()) {
    if (registration.endpoint().empty() || !present.insert(registration.endpoint()).second) continue;
    auto item = std::make_shared<Item>();
    item->kind = Item::Kind::kRegistered;
    item->endpoint = registration.endpoint();
    item->registration = registration;
    item->reread = true;
    item->time = registration.has_registered_at() ? ToTime(registration.registered_at()) : to_.clock->Now();
    items.push_back(std::move(item));
  }
  // Also devices that are only registered in events that still wait: their queue takes this item after those.
  std::set<std::string> known;
  for (const std::string& endpoint : to_.directory->Registered()) known.insert(endpoint);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [endpoint, queue] : queues_) known.insert(endpoint);
  }
  for (const std::string& endpoint : known) {
    if (present.count(endpoint) != 0) continue;
    auto item = std::make_shared<Item>();
    item->kind = Item::Kind::kGone;
    item->endpoint = endpoint;
    item->gone = DeviceState::kLost;
    item->time = to_.clock->Now();
    items.push_back(std::move(item));
  }
  log::Info("snapshot", {{"devices", present.size()}, {"lost", items.size() - present.size()}});
  const EventPositions::Ticket ticket = to_.positions->Begin(snapshot.position(), items.size());
  for (ItemPtr& item : items) {
    item->ticket = ticket;
    Enqueue(std::move(item));
  }
}

void DeviceSync::OnMappingVersion(const std::string& mapping_version) {
  log::Info("mappings have changed", {{"version", mapping_version}});
  std::lock_guard<std::mutex> lock(mutex_);
  redescribe_at_ = to_.clock->Monotonic() + kRedescribePause;
}

void DeviceSync::RedescribeLater() {
  const std::string version = to_.plans->mapping_version();
  for (const std::string& endpoint : to_.directory->Registered()) {
    const std::optional<DeviceRecord> record = to_.directory->Find(endpoint);
    if (!record.has_value() || record->description.mapping_version() == version) continue;
    auto item = std::make_shared<Item>();
    item->kind = Item::Kind::kRedescribe;
    item->endpoint = endpoint;
    item->time = to_.clock->Now();
    Enqueue(std::move(item));
  }
}

void DeviceSync::Tick() {
  bool redescribe = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const absl::Duration now = to_.clock->Monotonic();
    for (size_t left = waiting_.size(); left > 0; --left) {
      std::string endpoint = std::move(waiting_.front());
      waiting_.pop_front();
      const Queue& queue = queues_[endpoint];
      (queue.not_before <= now ? ready_ : waiting_).push_back(std::move(endpoint));
    }
    if (redescribe_at_.has_value() && *redescribe_at_ <= now) {
      redescribe = true;
      redescribe_at_.reset();
    }
  }
  if (redescribe) to_.run([this] { RedescribeLater(); });
  to_.run([this] { Pump(); });
  to_.positions->Flush();
  first_values_.Tick();
}

size_t DeviceSync::backlog() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return backlog_;
}

// ---- queues ---------------------------------------------------------------------------------------------------------

void DeviceSync::Enqueue(ItemPtr item) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++backlog_;
    const std::string& endpoint = item->endpoint;
    Queue& queue = queues_[endpoint];
    if (!queue.busy && !queue.ready) {
      queue.ready = true;
      ready_.push_back(endpoint);
    }
    queue.items.push_back(std::move(item));
  }
  to_.run([this] { Pump(); });
}

// One thread at a time, in a loop: neighbours that answer on the spot must not make a recursion.
void DeviceSync::Pump() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (pumping_) {
    pump_again_ = true;
    return;
  }
  pumping_ = true;
  do {
    pump_again_ = false;
    while (active_ < options_.parallel && !ready_.empty()) {
      const std::string endpoint = std::move(ready_.front());
      ready_.pop_front();
      Queue& queue = queues_[endpoint];
      queue.ready = false;
      queue.busy = true;
      ++active_;
      const ItemPtr item = queue.items.front();
      lock.unlock();
      Apply(item);
      lock.lock();
    }
  } while (pump_again_);
  pumping_ = false;
}

void DeviceSync::Applied(const ItemPtr& item, Verdict verdict) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    --active_;
    auto found = queues_.find(item->endpoint);
    Queue& queue = found->second;
    queue.busy = false;
    if (verdict == Verdict::kApplied) {
      queue.items.pop_front();
      --backlog_;
      if (queue.items.empty()) {
        queues_.erase(found);
      } else {
        queue.ready = true;
        ready_.push_back(item->endpoint);
      }
    } else {
      queue.ready = true;
      queue.not_before = to_.clock->Monotonic() + options_.retry;
      waiting_.push_back(item->endpoint);
    }
  }
  if (verdict == Verdict::kApplied && item->ticket.has_value()) to_.positions->End(*item->ticket);
  to_.run([this] { Pump(); });
}

// What cannot succeed later is logged and passed over; it must not hold up the device for ever.
DeviceSync::Verdict DeviceSync::VerdictOf(const Item& item, const absl::Status& status, const char* what) {
  if (status.ok()) return Verdict::kApplied;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      log::Error(absl::StrCat("event is passed over: ", what),
                 {{"endpoint", item.endpoint}, {"error", status.ToString()}});
      return Verdict::kApplied;
    default:
      log::Warning(absl::StrCat("event is tried again: ", what),
                   {{"endpoint", item.endpoint}, {"error", status.ToString()}});
      return Verdict::kRetry;
  }
}

void DeviceSync::Apply(const ItemPtr& item) {
  switch (item->kind) {
    case Item::Kind::kRegistered:
    case Item::Kind::kUpdated:
    case Item::Kind::kRedescribe:
      return ApplyRegistration(item);
    case Item::Kind::kGone:
      return Applied(item, ApplyGone(*item));
    case Item::Kind::kValues:
      return ApplyValues(item);
    case Item::Kind::kObservationFailed:
      log::Warning("observation failed", {{"endpoint", item->endpoint},
                                          {"path", lwm2m::PathToString(item->path)},
                                          {"result", ResultText(item->result)}});
      to_.unfinished->OnObservationFailed(item->endpoint, item->path);
      return Applied(item, Verdict::kApplied);
  }
}

// ---- registrations --------------------------------------------------------------------------------------------------

void DeviceSync::ApplyRegistration(const ItemPtr& item) {
  const std::optional<DeviceRecord> before = to_.directory->Find(item->endpoint);
  if (item->kind == Item::Kind::kRedescribe) {
    if (!before.has_value() || before->state != DeviceState::kRegistered) return Applied(item, Verdict::kApplied);
    item->registration = before->registration;
  }
  const std::string version = to_.plans->mapping_version();
  const bool described = before.has_value() && before->state == DeviceState::kRegistered &&
                         SameObjects(before->registration, item->registration) &&
                         (version.empty() || before->description.mapping_version() == version);
  const bool same_registration =
      described && before->registration.registration_id() == item->registration.registration_id();
  if (item->kind == Item::Kind::kUpdated && described) return Applied(item, PutPresence(*item, *before));
  if (item->reread && same_registration) {
    const Verdict verdict = PutPresence(*item, *before);
    // Notifications may have been lost before the snapshot.
    if (verdict == Verdict::kApplied && to_.interests->HasInterest(item->endpoint)) {
      ReadFirstValues(item->endpoint, ReadsOf(before->description));
      to_.unfinished->OnRegistered(item->endpoint);
    }
    return Applied(item, verdict);
  }
  translation::v1::DescribeDeviceRequest request;
  request.set_endpoint(item->endpoint);
  *request.mutable_links() = item->registration.links();
  request.set_root_path(item->registration.root_path());
  to_.translation->DescribeDevice(
      request, {to_.clock->Now() + options_.translation_timeout, ""},
      [this, item](const absl::StatusOr<translation::v1::DescribeDeviceResponse>& response) {
        if (!response.ok()) return Applied(item, VerdictOf(*item, response.status(), "the device is not described"));
        to_.run([this, item, description = *response] {
          to_.plans->ObserveVersion(description.mapping_version());
          Applied(item, PutDevice(*item, description));
        });
      });
}

// Objects and mappings are as before: only where the device is reached may be new.
DeviceSync::Verdict DeviceSync::PutPresence(const Item& item, const DeviceRecord& before) {
  if (before.registration.SerializeAsString() == item.registration.SerializeAsString()) return Verdict::kApplied;
  if (ClientAddress(before.registration) != ClientAddress(item.registration)) {
    const absl::Status put =
        to_.resources
            ->PutNode(item.endpoint, ClientAddress(item.registration), Labels(item.endpoint, DeviceState::kRegistered))
            .status();
    if (!put.ok()) return VerdictOf(item, put, "the node is not put");
  }
  DeviceRecord record = before;
  record.registration = item.registration;
  return VerdictOf(item, to_.directory->Put(std::move(record)), "the device is not stored");
}

DeviceSync::Verdict DeviceSync::PutDevice(const Item& item,
                                          const translation::v1::DescribeDeviceResponse& description) {
  const absl::Status node =
      to_.resources
          ->PutNode(item.endpoint, ClientAddress(item.registration), Labels(item.endpoint, DeviceState::kRegistered))
          .status();
  if (!node.ok()) return VerdictOf(item, node, "the node is not put");
  std::vector<ProvisionedObject> objects;
  for (const auto& object : description.management_objects()) {
    objects.push_back({object.resource_name(), object.resource()});
  }
  const absl::Status put = to_.resources->PutManagementObjects(item.endpoint, objects).status();
  if (!put.ok()) return VerdictOf(item, put, "the management objects are not put");

  const std::optional<DeviceRecord> before = to_.directory->Find(item.endpoint);
  std::vector<lwm2m::v1::Read> reads = ReadsOf(description);
  if (item.kind == Item::Kind::kUpdated && before.has_value() && !before->values_pending &&
      before->state == DeviceState::kRegistered &&
      before->description.mapping_version() == description.mapping_version()) {
    // Only what is new; the rest has its values.
    std::set<std::string> known;
    for (const auto& read : ReadsOf(before->description)) known.insert(lwm2m::PathToString(read.path()));
    reads.erase(std::remove_if(reads.begin(), reads.end(),
                               [&](const auto& read) { return known.count(lwm2m::PathToString(read.path())) != 0; }),
                reads.end());
  }
  DeviceRecord record;
  record.endpoint = item.endpoint;
  record.state = DeviceState::kRegistered;
  const bool continued =
      item.kind != Item::Kind::kRegistered && before.has_value() && before->state == DeviceState::kRegistered;
  record.since = continued ? before->since : item.time;
  record.registration = item.registration;
  record.description = description;
  record.values_pending = !reads.empty();
  const absl::Status stored = to_.directory->Put(std::move(record));
  if (!stored.ok()) return VerdictOf(item, stored, "the device is not stored");
  to_.subscribed->OnDescribed(item.endpoint);
  to_.unfinished->OnDescribed(item.endpoint);
  if (item.kind == Item::Kind::kRegistered) {
    log::Info("device registered", {{"endpoint", item.endpoint},
                                    {"address", item.registration.address()},
                                    {"objects", description.management_objects_size()}});
    to_.unfinished->OnRegistered(item.endpoint);
  }
  ReadFirstValues(item.endpoint, reads);
  return Verdict::kApplied;
}

DeviceSync::Verdict DeviceSync::ApplyGone(const Item& item) {
  std::optional<DeviceRecord> record = to_.directory->Find(item.endpoint);
  if (!record.has_value() || record->state != DeviceState::kRegistered) return Verdict::kApplied;
  const absl::Status node = to_.resources->PutNode(item.endpoint, "", Labels(item.endpoint, item.gone)).status();
  if (!node.ok()) return VerdictOf(item, node, "the node is not put");
  record->state = item.gone;
  record->since = item.time;
  const absl::Status stored = to_.directory->Put(*std::move(record));
  if (!stored.ok()) return VerdictOf(item, stored, "the device is not stored");
  first_values_.Forget(item.endpoint);
  log::Info("device gone", {{"endpoint", item.endpoint}, {"state", DeviceStateName(item.gone)}});
  return Verdict::kApplied;
}

// ---- values ---------------------------------------------------------------------------------------------------------

// A status (m2m:actionStatus) is a step from the one before: an UPDATE that is under way on its resource ends first,
// and what it says of the status is what these values are a step from. Other values wait for nobody.
void DeviceSync::ApplyValues(const ItemPtr& item) {
  std::vector<std::string> with_status;
  for (const auto& [resource_id, resource] : to_.resources->ManagementObjects(item->endpoint)) {
    if (Touches(resource, item->path) && HasStatus(resource)) with_status.push_back(resource_id);
  }
  // In one order for all, so that two who need the same lanes never wait for each other.
  std::sort(with_status.begin(), with_status.end(), std::greater<>());
  EnterLanes(item, std::move(with_status), {});
}

void DeviceSync::EnterLanes(const ItemPtr& item, std::vector<std::string> resource_ids,
                            std::vector<ResourceLanes::Leave> entered) {
  if (resource_ids.empty()) return TranslateValues(item, entered);
  const std::string next = std::move(resource_ids.back());
  resource_ids.pop_back();
  to_.lanes->Enter(next, [this, item, resource_ids = std::move(resource_ids),
                          entered = std::move(entered)](const ResourceLanes::Leave& leave) mutable {
    entered.push_back(leave);
    EnterLanes(item, std::move(resource_ids), std::move(entered));
  });
}

void DeviceSync::TranslateValues(const ItemPtr& item, const std::vector<ResourceLanes::Leave>& entered) {
  const auto end = [this, item, entered](Verdict verdict) {
    for (const ResourceLanes::Leave& leave : entered) leave();
    Applied(item, verdict);
  };
  auto translated = std::make_shared<translation::v1::TranslateNotificationRequest>();
  translation::v1::TranslateNotificationRequest& request = *translated;
  for (auto& [resource_id, resource] : to_.resources->ManagementObjects(item->endpoint)) {
    if (!Touches(resource, item->path)) continue;
    translation::v1::NotifiedResource& notified = *request.add_resources();
    notified.set_id(resource_id);
    *notified.mutable_resource() = std::move(resource);
  }
  if (request.resources().empty()) {
    to_.unfinished->OnValues(item->endpoint, item->nodes);
    return end(Verdict::kApplied);
  }
  *request.mutable_observed_path() = item->path;
  *request.mutable_nodes() = item->nodes;
  to_.translation->TranslateNotification(
      request, {to_.clock->Now() + options_.translation_timeout, ""},
      [this, item, translated, entered,
       end](const absl::StatusOr<translation::v1::TranslateNotificationResponse>& response) {
        if (!response.ok()) {
          const Verdict verdict = VerdictOf(*item, response.status(), "its values are not translated");
          if (verdict == Verdict::kApplied) to_.unfinished->OnValues(item->endpoint, item->nodes);
          return end(verdict);
        }
        to_.run([this, item, translated, entered, end, answer = *response] {
          to_.plans->ObserveVersion(answer.mapping_version());
          if (StepsFromAnOldStatus(*item, *translated, answer)) return TranslateValues(item, entered);
          end(StoreChanges(*item, answer));
        });
      });
}

// When a RETRIEVE has moved a status while these values were translated, the step would undo that.
bool DeviceSync::StepsFromAnOldStatus(const Item& item, const translation::v1::TranslateNotificationRequest& request,
                                      const translation::v1::TranslateNotificationResponse& response) const {
  std::optional<std::map<std::string, onem2m::v1::Resource>> now;
  for (const translation::v1::ResourceChange& change : response.changes()) {
    for (const onem2m::v1::Attribute& attribute : change.attributes()) {
      if (onem2m::Find(attribute.value().object(), "sus") == nullptr) continue;
      if (!now.has_value()) {
        const auto objects = to_.resources->ManagementObjects(item.endpoint);
        now.emplace(objects.begin(), objects.end());
      }
      const auto current = now->find(change.id());
      if (current == now->end()) continue;
      const onem2m::v1::Value* is = onem2m::Find(current->second.attributes(), attribute.name());
      for (const translation::v1::NotifiedResource& notified : request.resources()) {
        if (notified.id() != change.id()) continue;
        const onem2m::v1::Value* was = onem2m::Find(notified.resource().attributes(), attribute.name());
        if ((is == nullptr) != (was == nullptr) || (is != nullptr && !onem2m::Equal(*is, *was))) return true;
      }
    }
  }
  return false;
}

DeviceSync::Verdict DeviceSync::StoreChanges(const Item& item,
                                             const translation::v1::TranslateNotificationResponse& response) {
  for (const std::string& problem : response.problems()) {
    log::Warning("value of a device is passed over",
                 {{"endpoint", item.endpoint}, {"path", lwm2m::PathToString(item.path)}, {"problem", problem}});
  }
  for (const translation::v1::ResourceChange& change : response.changes()) {
    const absl::Status updated = to_.resources->UpdateAttributes(
        change.id(), {change.attributes().begin(), change.attributes().end()}, /*removed=*/{});
    // One that was deleted meanwhile needs no values; the others do.
    if (!updated.ok() && VerdictOf(item, updated, "attributes are not stored") == Verdict::kRetry) {
      return Verdict::kRetry;
    }
    std::vector<std::string> names;
    for (const auto& attribute : change.attributes()) names.push_back(attribute.name());
    to_.freshness->Notified(change.id(), names);
  }
  to_.unfinished->OnValues(item.endpoint, item.nodes);
  return Verdict::kApplied;
}

void DeviceSync::ReadFirstValues(const std::string& endpoint, const std::vector<lwm2m::v1::Read>& reads) {
  if (!reads.empty()) first_values_.Read(endpoint, reads);
}

void DeviceSync::OnFirstValue(const std::string& endpoint, const lwm2m::v1::Path& path,
                              const lwm2m::v1::OperationResult& result) {
  if (!Succeeded(result)) {
    log::Info("first value is not there",
              {{"endpoint", endpoint}, {"path", lwm2m::PathToString(path)}, {"result", ResultText(result)}});
    return;
  }
  // Into the device's queue: its values are applied in the order in which they came.
  auto item = std::make_shared<Item>();
  item->kind = Item::Kind::kValues;
  item->endpoint = endpoint;
  item->time = to_.clock->Now();
  item->path = path;
  item->nodes = result.nodes();
  Enqueue(std::move(item));
}

void DeviceSync::OnFirstValuesEnd(const std::string& endpoint) {
  to_.run([this, endpoint] {
    const absl::Status stored = to_.directory->SetValuesPending(endpoint, false);
    if (!stored.ok()) log::Warning("device is not stored", {{"endpoint", endpoint}, {"error", stored.ToString()}});
  });
}

}  // namespace isthmus::synchronizer
