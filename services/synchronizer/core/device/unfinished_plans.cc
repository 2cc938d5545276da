#include "services/synchronizer/core/device/unfinished_plans.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/lib/log/log.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/status_code.h"
#include "services/synchronizer/core/device/operation_text.h"

namespace isthmus::synchronizer {
namespace {

using lwm2m::v1::OperationResult;
using translation::v1::PlanStep;

constexpr uint32_t kIndexShards = 64;

// FNV-1a: the shard of a resource must be the same in every build.
uint32_t ShardOf(const std::string& resource_id) {
  uint32_t hash = 2166136261u;
  for (const char c : resource_id) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash % kIndexShards;
}

std::string IndexKey(uint32_t shard) { return absl::StrCat("plans/", shard); }

std::string KeyOf(const std::string& resource_id) { return absl::StrCat("plan/", resource_id); }
std::string HolderOf(const std::string& resource_id) { return absl::StrCat("plan/", resource_id); }

}  // namespace

UnfinishedPlans::UnfinishedPlans(UnfinishedPlanOptions options, TranslationPort* translation, SessionPort* session,
                                 ResourcePort* resources, DeviceDirectory* directory, InterestBook* interests,
                                 ResourceLanes* lanes, const Clock* clock)
    : options_(options),
      translation_(translation),
      session_(session),
      resources_(resources),
      directory_(directory),
      interests_(interests),
      lanes_(lanes),
      clock_(clock) {}

void UnfinishedPlans::Load() {
  std::vector<UnfinishedPlan> plans;
  for (uint32_t shard = 0; shard < kIndexShards; ++shard) {
    const std::string index = resources_->GetState(IndexKey(shard));
    for (const absl::string_view id : absl::StrSplit(index, '\n', absl::SkipEmpty())) {
      const std::string resource_id(id);
      absl::StatusOr<UnfinishedPlan> plan = ParseUnfinishedPlan(resource_id, resources_->GetState(KeyOf(resource_id)));
      if (!plan.ok()) {
        log::Error("unfinished plan is unreadable", {{"resource", resource_id}, {"error", plan.status().ToString()}});
        continue;
      }
      plans.push_back(*std::move(plan));
    }
  }
  for (const UnfinishedPlan& plan : plans) {
    Entry entry;
    entry.plan = plan;
    entry.next_check = clock_->Monotonic();  // what happened meanwhile was not all told
    // Events from before the restart come again: a value of theirs is no reason to give up.
    entry.grace_until = clock_->Monotonic() + options_.grace;
    const absl::Duration age = std::max(clock_->Now() - plan.since, absl::ZeroDuration());
    entry.expires = clock_->Monotonic() + std::max(options_.max_age - age, absl::ZeroDuration());
    {
      std::lock_guard<std::mutex> lock(mutex_);
      InsertLocked(std::move(entry));
    }
    ObserveFor(plan);
    log::Info("unfinished plan taken up again",
              {{"resource", plan.resource_id}, {"endpoint", plan.endpoint}, {"trace", plan.trace_id}});
  }
}

const PlanStep& UnfinishedPlans::WaitingStep(const UnfinishedPlan& plan) {
  return plan.work.plan().steps(plan.work.results_size());
}

std::atomic<uint64_t>& UnfinishedPlans::Counter(const std::string& endpoint) const {
  return counters_[std::hash<std::string>()(endpoint) % counters_.size()];
}

uint64_t UnfinishedPlans::ValuesSeen(const std::string& endpoint) const { return Counter(endpoint).load(); }

void UnfinishedPlans::ObserveFor(const UnfinishedPlan& plan) {
  const lwm2m::v1::Path& condition = WaitingStep(plan).precondition().path();
  std::vector<lwm2m::v1::Path> paths = directory_->ObservePaths(plan.endpoint, plan.work.resource());
  const bool covered =
      std::any_of(paths.begin(), paths.end(), [&](const auto& path) { return lwm2m::Contains(path, condition); });
  if (!covered) paths.push_back(condition);
  interests_->Set(HolderOf(plan.resource_id), plan.endpoint, paths);
}

absl::Status UnfinishedPlans::Keep(UnfinishedPlan plan, uint64_t values_seen) {
  if (plan.work.results_size() >= plan.work.plan().steps_size() || !WaitingStep(plan).has_precondition()) {
    return absl::InvalidArgumentError(absl::StrCat("plan of ", plan.resource_id, ": no step of it waits"));
  }
  uint64_t generation = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Entry entry;
    entry.plan = plan;
    entry.expires = clock_->Monotonic() + options_.max_age;
    if (plan.work.results_size() > 0) {
      entry.grace_until = clock_->Monotonic() + options_.grace;
      entry.next_check = entry.grace_until;
    }
    generation = InsertLocked(std::move(entry));
  }
  if (absl::Status kept = Persist(plan); !kept.ok()) {
    Remove(plan.resource_id, generation);
    return kept;
  }
  ObserveFor(plan);
  if (ValuesSeen(plan.endpoint) != values_seen) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = entries_.find(plan.resource_id);
    if (found != entries_.end()) found->second.next_check = clock_->Monotonic();
  }
  log::Info("plan is kept until its condition holds", {{"resource", plan.resource_id},
                                                       {"endpoint", plan.endpoint},
                                                       {"condition", WaitingStep(plan).precondition().description()},
                                                       {"trace", plan.trace_id}});
  return absl::OkStatus();
}

std::optional<UnfinishedPlan> UnfinishedPlans::Find(const std::string& resource_id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = entries_.find(resource_id);
  if (found == entries_.end()) return std::nullopt;
  return found->second.plan;
}

void UnfinishedPlans::Abandon(const std::string& resource_id, const std::string& why) {
  std::string trace_id;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = entries_.find(resource_id);
    if (found == entries_.end()) return;
    trace_id = found->second.plan.trace_id;
    EraseLocked(found);
  }
  log::Info("unfinished plan abandoned", {{"resource", resource_id}, {"reason", why}, {"trace", trace_id}});
  Erase(resource_id);
}

void UnfinishedPlans::OnValues(const std::string& endpoint,
                               const google::protobuf::RepeatedPtrField<lwm2m::v1::Node>& nodes) {
  ++Counter(endpoint);
  struct Touched {
    std::string resource_id;
    uint64_t generation;
    int64_t value;
  };
  std::vector<Touched> touched;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const std::string& resource_id : OfEndpointLocked(endpoint)) {
      const Entry& entry = entries_.at(resource_id);
      const std::optional<int64_t> value = IntegerAt(nodes, WaitingStep(entry.plan).precondition().path());
      if (value.has_value()) touched.push_back({resource_id, entry.generation, *value});
    }
  }
  for (const Touched& one : touched) Evaluate(one.resource_id, one.generation, one.value);
}

void UnfinishedPlans::OnRegistered(const std::string& endpoint) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& resource_id : OfEndpointLocked(endpoint)) {
    entries_.at(resource_id).next_check = clock_->Monotonic();
  }
}

void UnfinishedPlans::OnObservationFailed(const std::string& endpoint, const lwm2m::v1::Path& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& resource_id : OfEndpointLocked(endpoint)) {
    Entry& entry = entries_.at(resource_id);
    if (!lwm2m::Contains(path, WaitingStep(entry.plan).precondition().path())) continue;
    entry.polled = true;
    entry.next_check = std::min(entry.next_check, clock_->Monotonic() + options_.recheck);
  }
}

void UnfinishedPlans::OnDescribed(const std::string& endpoint) {
  std::vector<UnfinishedPlan> plans;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const std::string& resource_id : OfEndpointLocked(endpoint)) plans.push_back(entries_.at(resource_id).plan);
  }
  for (const UnfinishedPlan& plan : plans) ObserveFor(plan);
}

void UnfinishedPlans::Tick() {
  const absl::Duration now = clock_->Monotonic();
  const bool up = session_->state() == SessionPort::State::kUp;
  std::vector<std::string> expired;
  std::vector<std::pair<std::string, uint64_t>> due;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [resource_id, entry] : entries_) {
      if (entry.running || entry.checking) continue;
      if (now >= entry.expires) {
        expired.push_back(resource_id);
        continue;
      }
      if (!up || now < entry.next_check) continue;
      const std::optional<DevicePresence> presence = directory_->Presence(entry.plan.endpoint);
      if (presence.has_value() && presence->state != DeviceState::kRegistered) continue;
      entry.checking = true;
      entry.next_check = entry.polled ? now + options_.recheck : absl::InfiniteDuration();
      due.emplace_back(resource_id, entry.generation);
    }
  }
  for (const std::string& resource_id : expired) {
    const std::string why =
        absl::StrCat("its condition did not come true within ", absl::FormatDuration(options_.max_age));
    Abandon(resource_id, why);
    resources_->UnfinishedUpdateFailed(resource_id, 0, why);
  }
  for (const auto& [resource_id, generation] : due) Check(resource_id, generation);
}

void UnfinishedPlans::Check(const std::string& resource_id, uint64_t generation) {
  const std::optional<UnfinishedPlan> plan = Find(resource_id);
  if (!plan.has_value()) return;
  const lwm2m::v1::Path path = WaitingStep(*plan).precondition().path();
  const absl::Time now = clock_->Now();
  session_->Perform(plan->endpoint, ReadOperation(path), now + options_.device_timeout, now + options_.session_timeout,
                    plan->trace_id, [this, resource_id, generation, path](const OperationResult& result) {
                      {
                        std::lock_guard<std::mutex> lock(mutex_);
                        auto found = entries_.find(resource_id);
                        if (found == entries_.end() || found->second.generation != generation) return;
                        found->second.checking = false;
                        if (!Succeeded(result)) {
                          found->second.next_check =
                              std::min(found->second.next_check, clock_->Monotonic() + options_.recheck);
                          return;
                        }
                      }
                      Evaluate(resource_id, generation, IntegerAt(result.nodes(), path));
                    });
}

void UnfinishedPlans::Evaluate(const std::string& resource_id, uint64_t generation, std::optional<int64_t> value) {
  std::string why;
  bool impossible = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = entries_.find(resource_id);
    if (found == entries_.end() || found->second.generation != generation || found->second.running) return;
    Entry& entry = found->second;
    const translation::v1::Precondition& condition = WaitingStep(entry.plan).precondition();
    const std::optional<bool> holds = Holds(condition, value);
    if (holds == true) {
      entry.running = true;
    } else if (holds == false && clock_->Monotonic() < entry.grace_until) {
      entry.next_check = std::min(entry.next_check, entry.grace_until);
      return;
    } else if (holds == false) {
      impossible = true;
      why = absl::StrCat("\"", condition.description(),
                         "\" can no longer come true: ", lwm2m::PathToString(condition.path()), " is ",
                         value.value_or(0));
    } else if (entry.plan.step_sent) {
      why = "the step was sent before, and the device has moved on since";
    } else {
      return;
    }
  }
  if (!why.empty()) {
    if (Remove(resource_id, generation)) {
      log::Info("unfinished plan abandoned", {{"resource", resource_id}, {"reason", why}});
      if (impossible) resources_->UnfinishedUpdateFailed(resource_id, 0, why);
    }
    return;
  }
  Continue(resource_id, generation);
}

void UnfinishedPlans::Continue(const std::string& resource_id, uint64_t generation) {
  lanes_->Enter(resource_id, [this, resource_id, generation](const ResourceLanes::Leave& leave) {
    UnfinishedPlan plan;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      auto found = entries_.find(resource_id);
      if (found == entries_.end() || found->second.generation != generation) return leave();
      found->second.plan.step_sent = true;
      plan = found->second.plan;
    }
    if (absl::Status kept = Persist(plan); !kept.ok()) {
      log::Error("unfinished plan is not performed: it cannot be marked in the store",
                 {{"resource", resource_id}, {"error", kept.ToString()}});
      TryAgainLater(resource_id, generation, /*step_sent=*/false, options_.recheck);
      return leave();
    }
    Perform(plan, generation, leave);
  });
}

void UnfinishedPlans::Perform(const UnfinishedPlan& plan, uint64_t generation, const ResourceLanes::Leave& leave) {
  PlanStart start;
  start.endpoint = plan.endpoint;
  start.plan = plan.work.plan();
  start.first_step = plan.work.results_size();
  start.first_holds = true;
  start.deadline = clock_->Now() + options_.device_timeout;
  start.session_deadline = clock_->Now() + options_.session_timeout;
  start.trace_id = plan.trace_id;
  ExecutePlan(session_, std::move(start),
              [this, plan, generation, leave](PlanEnd end) { Ended(plan, generation, std::move(end), leave); });
}

void UnfinishedPlans::Ended(const UnfinishedPlan& plan, uint64_t generation, PlanEnd end,
                            const ResourceLanes::Leave& leave) {
  for (const onem2m::v1::TraceStep& step : end.trace) {
    log::Info("unfinished plan", {{"resource", plan.resource_id},
                                  {"operation", step.operation()},
                                  {"outcome", step.outcome()},
                                  {"trace", plan.trace_id}});
  }
  switch (end.kind) {
    case PlanEnd::Kind::kCompleted:
    case PlanEnd::Kind::kStepFailed:
      return Conclude(plan, generation, end, leave);
    case PlanEnd::Kind::kImpossible:
      Abandon(plan.resource_id, end.reason);
      resources_->UnfinishedUpdateFailed(plan.resource_id, 0, end.reason);
      return leave();
    case PlanEnd::Kind::kWaiting: {
      UnfinishedPlan rest = plan;
      for (const OperationResult& result : end.results) *rest.work.add_results() = result;
      rest.step_sent = false;
      if (absl::Status kept = Keep(rest, ValuesSeen(rest.endpoint)); !kept.ok()) {
        log::Error("the rest of a plan cannot be kept", {{"resource", plan.resource_id}, {"error", kept.ToString()}});
      }
      return leave();
    }
    case PlanEnd::Kind::kNoAnswer:
      TryAgainLater(plan.resource_id, generation, end.step_sent, options_.recheck);
      return leave();
    case PlanEnd::Kind::kNotRegistered:
    case PlanEnd::Kind::kNoSession:
      TryAgainLater(plan.resource_id, generation, /*step_sent=*/false, options_.session_timeout);
      return leave();
  }
}

void UnfinishedPlans::Conclude(UnfinishedPlan plan, uint64_t generation, const PlanEnd& end,
                               const ResourceLanes::Leave& leave) {
  for (const OperationResult& result : end.results) *plan.work.add_results() = result;
  Remove(plan.resource_id, generation);
  const CallContext context{clock_->Now() + options_.translation_timeout, plan.trace_id};
  translation_->TranslateResponse(
      plan.work, context,
      [this, plan, leave](const absl::StatusOr<translation::v1::TranslateResponseResponse>& response) {
        if (!response.ok()) {
          log::Warning("the end of an unfinished plan cannot be translated; notifications will tell its values",
                       {{"resource", plan.resource_id}, {"error", response.status().ToString()}});
          return leave();
        }
        log::Info("unfinished plan ended", {{"resource", plan.resource_id},
                                            {"rsc", response->response_status_code()},
                                            {"reason", response->reason()},
                                            {"trace", plan.trace_id}});
        const absl::Status updated = resources_->UpdateAttributes(
            plan.resource_id, {response->attributes().begin(), response->attributes().end()},
            {response->absent_attributes().begin(), response->absent_attributes().end()});
        if (!updated.ok()) {
          log::Warning("attributes after an unfinished plan cannot be stored",
                       {{"resource", plan.resource_id}, {"error", updated.ToString()}});
        }
        if (const uint32_t code = response->response_status_code(); !onem2m::IsSuccess(code)) {
          resources_->UnfinishedUpdateFailed(plan.resource_id, code, response->reason());
        }
        leave();
      });
}

void UnfinishedPlans::TryAgainLater(const std::string& resource_id, uint64_t generation, bool step_sent,
                                    absl::Duration after) {
  UnfinishedPlan plan;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = entries_.find(resource_id);
    if (found == entries_.end() || found->second.generation != generation) return;
    Entry& entry = found->second;
    entry.running = false;
    entry.next_check = clock_->Monotonic() + after;
    entry.plan.step_sent = step_sent;
    plan = entry.plan;
  }
  if (absl::Status kept = Persist(plan); !kept.ok()) {
    log::Error("unfinished plan cannot be stored", {{"resource", resource_id}, {"error", kept.ToString()}});
  }
}

uint64_t UnfinishedPlans::InsertLocked(Entry entry) {
  entry.generation = next_generation_++;
  const uint64_t generation = entry.generation;
  const std::string resource_id = entry.plan.resource_id;
  if (auto found = entries_.find(resource_id); found != entries_.end()) EraseLocked(found);
  by_endpoint_[entry.plan.endpoint].insert(resource_id);
  entries_.emplace(resource_id, std::move(entry));
  return generation;
}

void UnfinishedPlans::EraseLocked(std::map<std::string, Entry>::iterator entry) {
  auto endpoint = by_endpoint_.find(entry->second.plan.endpoint);
  endpoint->second.erase(entry->first);
  if (endpoint->second.empty()) by_endpoint_.erase(endpoint);
  entries_.erase(entry);
}

std::vector<std::string> UnfinishedPlans::OfEndpointLocked(const std::string& endpoint) const {
  auto found = by_endpoint_.find(endpoint);
  if (found == by_endpoint_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

bool UnfinishedPlans::Remove(const std::string& resource_id, uint64_t generation) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = entries_.find(resource_id);
    if (found == entries_.end() || found->second.generation != generation) return false;
    EraseLocked(found);
  }
  Erase(resource_id);
  return true;
}

absl::Status UnfinishedPlans::Persist(const UnfinishedPlan& plan) {
  std::lock_guard<std::mutex> writer_lock(writer_mutex_);
  {
    // A plan that was abandoned meanwhile must not come back with the next restart.
    std::lock_guard<std::mutex> lock(mutex_);
    if (entries_.count(plan.resource_id) == 0) return absl::OkStatus();
  }
  if (absl::Status kept = resources_->KeepState(KeyOf(plan.resource_id), SerializeUnfinishedPlan(plan)); !kept.ok()) {
    return kept;
  }
  return PersistIndex(plan.resource_id);
}

void UnfinishedPlans::Erase(const std::string& resource_id) {
  std::lock_guard<std::mutex> writer_lock(writer_mutex_);
  {
    // A newer plan of the resource may be there already: interest and store are its own then.
    std::lock_guard<std::mutex> lock(mutex_);
    if (entries_.count(resource_id) != 0) return;
  }
  interests_->Clear(HolderOf(resource_id));
  absl::Status erased = PersistIndex(resource_id);
  if (erased.ok()) erased = resources_->KeepState(KeyOf(resource_id), "");
  if (!erased.ok()) {
    log::Error("an ended plan cannot be taken out of the store",
               {{"resource", resource_id}, {"error", erased.ToString()}});
  }
}

// The store has no listing of keys, so the lists of plans are values of their own; in parts, so that a campaign over
// many devices does not write the whole list for each.
absl::Status UnfinishedPlans::PersistIndex(const std::string& resource_id) {
  const uint32_t shard = ShardOf(resource_id);
  std::vector<std::string> ids;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, entry] : entries_) {
      if (ShardOf(id) == shard) ids.push_back(id);
    }
  }
  const std::string index = absl::StrJoin(ids, "\n");
  if (index == resources_->GetState(IndexKey(shard))) return absl::OkStatus();
  return resources_->KeepState(IndexKey(shard), index);
}

size_t UnfinishedPlans::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_.size();
}

}  // namespace isthmus::synchronizer
