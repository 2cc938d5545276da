#include "services/synchronizer/core/device/device_management.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/log/log.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/device/operation_text.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::OperationType;
using translation::v1::Plan;
using translation::v1::PlanStep;

enum class Limit { kDevice, kRequestExpiration, kOperationExecution };

uint32_t SuccessCode(OperationType operation) {
  switch (operation) {
    case onem2m::v1::OPERATION_TYPE_UPDATE:
      return onem2m::v1::RESPONSE_STATUS_CODE_UPDATED;
    case onem2m::v1::OPERATION_TYPE_DELETE:
      return onem2m::v1::RESPONSE_STATUS_CODE_DELETED;
    case onem2m::v1::OPERATION_TYPE_CREATE:
      return onem2m::v1::RESPONSE_STATUS_CODE_CREATED;
    default:
      return onem2m::v1::RESPONSE_STATUS_CODE_OK;
  }
}

ManagementResult Failure(uint32_t code, std::string reason) {
  ManagementResult result;
  result.response_status_code = code;
  result.reason = std::move(reason);
  return result;
}

// The first `count` steps of a plan.
Plan Beginning(const Plan& plan, int count) {
  Plan beginning = plan;
  beginning.mutable_steps()->DeleteSubrange(count, plan.steps_size() - count);
  return beginning;
}

// The last one of a name counts.
void Put(const onem2m::v1::Attribute& attribute, std::vector<onem2m::v1::Attribute>* attributes) {
  auto same = absl::c_find_if(*attributes, [&](const auto& other) { return other.name() == attribute.name(); });
  if (same != attributes->end()) {
    *same = attribute;
  } else {
    attributes->push_back(attribute);
  }
}

bool SameOperation(const PlanStep& a, const PlanStep& b) {
  return a.operation().SerializeAsString() == b.operation().SerializeAsString();
}

bool HasStep(const Plan& plan, int from, const PlanStep& step) {
  for (int i = from; i < plan.steps_size(); ++i) {
    if (SameOperation(plan.steps(i), step)) return true;
  }
  return false;
}

}  // namespace

struct DeviceManagement::Call {
  ManagementRequest request;
  std::function<void(ManagementResult)> done;
  absl::Time started;
  absl::Time deadline;
  Limit limit = Limit::kDevice;
  ResourceLanes::Leave leave;  // of the lane, when it is in one

  // The work as it goes on. One callback at a time touches it.
  translation::v1::TranslateResponseRequest work;
  uint64_t values_seen = 0;
  ManagementResult result;  // steps and local attributes so far
  std::optional<UnfinishedPlan> displaced;

  bool answered = false;  // guarded by mutex_
};

DeviceManagement::DeviceManagement(DeviceManagementOptions options, Neighbours neighbours)
    : options_(options), to_(neighbours) {}

void DeviceManagement::SubscribersChanged(const std::string& resource_id, const std::string& node_id,
                                          const onem2m::v1::Resource& resource, int subscribers) {
  if (resource.object_paths_size() == 0) return;  // a <node>, or an object that lives here alone
  to_.subscribed->SubscribersChanged(resource_id, node_id, resource, subscribers);
}

void DeviceManagement::Perform(ManagementRequest request, std::function<void(ManagementResult)> done) {
  auto call = std::make_shared<Call>();
  call->started = to_.clock->Now();
  call->deadline = std::min(request.deadline, call->started + options_.device_timeout);
  if (request.primitive.has_request_expiration()) {
    const absl::Time expiration = ToTime(request.primitive.request_expiration());
    if (expiration <= call->deadline) {
      call->deadline = expiration;
      call->limit = Limit::kRequestExpiration;
    }
  }
  if (request.primitive.has_operation_execution_time()) {
    const absl::Time execution = ToTime(request.primitive.operation_execution_time());
    // One that has passed says "now" (TS-0004 7.3.2.1).
    if (execution > call->started && execution < call->deadline) {
      call->deadline = execution;
      call->limit = Limit::kOperationExecution;
    }
  }
  call->request = std::move(request);
  call->done = std::move(done);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    unanswered_.emplace(call->deadline, call);
  }

  if (call->request.primitive.operation() != onem2m::v1::OPERATION_TYPE_RETRIEVE) {
    to_.lanes->Enter(call->request.resource_id, [this, call](const ResourceLanes::Leave& leave) {
      call->leave = leave;
      bool answered = false;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        answered = call->answered;
      }
      // Its time ran out in the queue: the device never sees it.
      if (answered) return leave();
      Translate(call);
    });
    return;
  }
  const std::optional<absl::Duration> age = to_.freshness->Age(call->request.resource_id, call->request.wanted);
  if (age.has_value()) {
    ManagementResult kept;
    kept.response_status_code = onem2m::v1::RESPONSE_STATUS_CODE_OK;
    onem2m::v1::TraceStep step;
    step.set_operation("Kept value");
    step.set_outcome(
        absl::StrCat("told by the device ", absl::FormatDuration(absl::Trunc(*age, absl::Milliseconds(1))), " ago"));
    kept.steps.push_back(std::move(step));
    return End(call, std::move(kept));
  }
  Translate(call);
}

CallContext DeviceManagement::Context(const Call& call) const {
  return {std::min(call.deadline, to_.clock->Now() + options_.translation_timeout), call.request.trace_id};
}

void DeviceManagement::Translate(const CallPtr& call) {
  translation::v1::TranslateRequestRequest request;
  *request.mutable_primitive() = call->request.primitive;
  *request.mutable_resource() = call->request.resource;
  for (const std::string& attribute : call->request.wanted) request.add_wanted_attributes(attribute);
  *call->work.mutable_primitive() = call->request.primitive;
  *call->work.mutable_resource() = call->request.resource;
  if (const auto kept = to_.plans->Find(request); kept.has_value()) return Translated(call, *kept);
  to_.translation->TranslateRequest(
      request, Context(*call),
      [this, call, request](const absl::StatusOr<translation::v1::TranslateRequestResponse>& response) {
        if (!response.ok()) {
          return End(call, Failure(onem2m::v1::RESPONSE_STATUS_CODE_INTERNAL_SERVER_ERROR,
                                   absl::StrCat("the request cannot be translated: ", response.status().message())));
        }
        to_.plans->Keep(request, *response);
        Translated(call, *response);
      });
}

void DeviceManagement::Translated(const CallPtr& call, const translation::v1::TranslateRequestResponse& response) {
  if (response.refusal_status_code() != 0) {
    return End(call, Failure(response.refusal_status_code(), response.refusal_reason()));
  }
  *call->work.mutable_plan() = response.plan();
  call->result.local_attributes.assign(response.plan().local_attributes().begin(),
                                       response.plan().local_attributes().end());
  const OperationType operation = call->request.primitive.operation();
  if (response.plan().steps().empty()) {
    if (operation == onem2m::v1::OPERATION_TYPE_DELETE) {
      to_.unfinished->Abandon(call->request.resource_id, "the resource is deleted");
    }
    call->result.response_status_code = SuccessCode(operation);
    return End(call, std::move(call->result));
  }
  if (operation != onem2m::v1::OPERATION_TYPE_RETRIEVE) {
    if (AlreadyUnderWay(call, response.plan())) return;
  }
  Execute(call);
}

// A request whose steps are all part of the unfinished plan of its resource, one that waits among them, asks for what
// is under way: it starts nothing. Any other request takes its place.
bool DeviceManagement::AlreadyUnderWay(const CallPtr& call, const Plan& plan) {
  const std::optional<UnfinishedPlan> unfinished = to_.unfinished->Find(call->request.resource_id);
  if (!unfinished.has_value()) return false;
  const Plan& old_plan = unfinished->work.plan();
  const int waiting = unfinished->work.results_size();
  const bool contained =
      call->request.primitive.operation() == unfinished->work.primitive().operation() &&
      absl::c_all_of(plan.steps(), [&](const PlanStep& step) { return HasStep(old_plan, 0, step); }) &&
      absl::c_any_of(plan.steps(), [&](const PlanStep& step) { return HasStep(old_plan, waiting, step); });
  if (!contained) {
    call->displaced = unfinished;
    to_.unfinished->Abandon(call->request.resource_id, "a newer request takes its place");
    return false;
  }
  onem2m::v1::TraceStep step;
  step.set_operation(OperationText(old_plan.steps(waiting).operation()));
  step.set_outcome(absl::StrCat("under way since ", onem2m::FormatTimestamp(unfinished->since), ", waits for \"",
                                old_plan.steps(waiting).precondition().description(), "\""));
  call->result.steps.push_back(std::move(step));
  call->result.response_status_code = SuccessCode(call->request.primitive.operation());
  End(call, std::move(call->result));
  return true;
}

void DeviceManagement::SettleDisplaced(const CallPtr& call, bool untouched) {
  if (!call->displaced.has_value()) return;
  const UnfinishedPlan plan = *std::exchange(call->displaced, std::nullopt);
  std::string why = "a newer request took its place, and nobody knows how far that came";
  if (untouched) {
    const absl::Status kept = to_.unfinished->Keep(plan, call->values_seen);
    if (kept.ok()) return;
    why = absl::StrCat("it cannot be kept: ", kept.message());
  }
  to_.resources->UnfinishedUpdateFailed(plan.resource_id,
                                        onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE, why);
}

void DeviceManagement::Execute(const CallPtr& call) {
  const std::string& endpoint = call->request.node_id;
  const std::optional<DevicePresence> presence = to_.directory->Presence(endpoint);
  if (presence.has_value() && presence->state != DeviceState::kRegistered) {
    SettleDisplaced(call, /*untouched=*/true);
    return End(call, Failure(onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE,
                             absl::StrCat("device ", endpoint, " is not registered since ",
                                          onem2m::FormatTimestamp(presence->since))));
  }
  call->values_seen = to_.unfinished->ValuesSeen(endpoint);
  const absl::Time now = to_.clock->Now();
  PlanStart start;
  start.endpoint = endpoint;
  start.plan = call->work.plan();
  // A little is left for translating the answer, so that a result in the last moment is not lost.
  start.deadline = call->deadline - std::min(absl::Milliseconds(100), (call->deadline - now) / 10);
  // Before the deadline, so that a session that is missing is told as such.
  start.session_deadline = std::min(start.deadline - absl::Milliseconds(10), now + options_.session_timeout);
  start.trace_id = call->request.trace_id;
  ExecutePlan(to_.session, std::move(start), [this, call](PlanEnd end) { Executed(call, std::move(end)); });
}

void DeviceManagement::Executed(const CallPtr& call, PlanEnd end) {
  for (onem2m::v1::TraceStep& step : end.trace) call->result.steps.push_back(std::move(step));
  for (const lwm2m::v1::OperationResult& result : end.results) *call->work.add_results() = result;
  switch (end.kind) {
    case PlanEnd::Kind::kCompleted:
      if (call->request.primitive.operation() == onem2m::v1::OPERATION_TYPE_DELETE) {
        to_.unfinished->Abandon(call->request.resource_id, "the resource is deleted");
      }
      return TranslateResults(call, [this, call] { End(call, std::move(call->result)); });
    case PlanEnd::Kind::kStepFailed:
      SettleDisplaced(call, /*untouched=*/end.results.size() == 1);
      return TranslateResults(call, [this, call] { End(call, std::move(call->result)); });
    case PlanEnd::Kind::kWaiting:
      return Waits(call, end);
    case PlanEnd::Kind::kImpossible:
    case PlanEnd::Kind::kNoAnswer:
    case PlanEnd::Kind::kNotRegistered:
    case PlanEnd::Kind::kNoSession: {
      SettleDisplaced(call, end.results.empty() && !end.step_sent);
      ManagementResult result = Unreachable(*call, end);
      Answer(call, std::move(result));
      return KeepWhatWasDone(call);
    }
  }
}

void DeviceManagement::Waits(const CallPtr& call, const PlanEnd& end) {
  UnfinishedPlan rest;
  rest.resource_id = call->request.resource_id;
  rest.endpoint = call->request.node_id;
  rest.trace_id = call->request.trace_id;
  rest.since = to_.clock->Now();
  rest.work = call->work;
  if (const absl::Status kept = to_.unfinished->Keep(std::move(rest), call->values_seen); !kept.ok()) {
    SettleDisplaced(call, /*untouched=*/false);
    return End(call,
               Failure(onem2m::v1::RESPONSE_STATUS_CODE_INTERNAL_SERVER_ERROR,
                       absl::StrCat(end.reason, ", and the rest of the request cannot be kept: ", kept.message())));
  }
  *call->work.mutable_plan() = Beginning(call->work.plan(), call->work.results_size());
  const lwm2m::v1::OperationResult condition = end.precondition_read;
  if (call->work.results_size() == 0) {
    call->result.response_status_code = SuccessCode(call->request.primitive.operation());
    return TellCondition(call, condition);
  }
  TranslateResults(call, [this, call, condition] { TellCondition(call, condition); });
}

// What the condition's resource was read as is news about the resource too (for firmware: its status), later news than
// the results before it. So it is translated against the resource as those left it, and its attributes take the place
// of theirs.
void DeviceManagement::TellCondition(const CallPtr& call, const lwm2m::v1::OperationResult& condition) {
  translation::v1::TranslateNotificationRequest request;
  translation::v1::NotifiedResource& resource = *request.add_resources();
  resource.set_id(call->request.resource_id);
  *resource.mutable_resource() = call->request.resource;
  for (const auto& attribute : call->result.attributes) {
    onem2m::Set(*resource.mutable_resource()->mutable_attributes(), attribute.name(), attribute.value());
  }
  if (condition.nodes_size() > 0) *request.mutable_observed_path() = condition.nodes(0).path();
  *request.mutable_nodes() = condition.nodes();
  to_.translation->TranslateNotification(
      request, Context(*call),
      [this, call](const absl::StatusOr<translation::v1::TranslateNotificationResponse>& response) {
        if (response.ok()) {
          to_.plans->ObserveVersion(response->mapping_version());
          for (const translation::v1::ResourceChange& change : response->changes()) {
            if (change.id() != call->request.resource_id) continue;
            for (const auto& attribute : change.attributes()) Put(attribute, &call->result.attributes);
          }
        }
        End(call, std::move(call->result));
      });
}

// `then` comes after a translated answer, whatever it is; without one the call ends here.
void DeviceManagement::TranslateResults(const CallPtr& call, std::function<void()> then) {
  to_.translation->TranslateResponse(
      call->work, Context(*call),
      [this, call, then = std::move(then)](const absl::StatusOr<translation::v1::TranslateResponseResponse>& response) {
        const OperationType operation = call->request.primitive.operation();
        if (operation != onem2m::v1::OPERATION_TYPE_RETRIEVE) to_.freshness->Forget(call->request.resource_id);
        ManagementResult& result = call->result;
        if (!response.ok()) {
          result.response_status_code = onem2m::v1::RESPONSE_STATUS_CODE_INTERNAL_SERVER_ERROR;
          result.reason = absl::StrCat("the device has answered, but its answer cannot be translated: ",
                                       response.status().message());
          return End(call, std::move(result));
        }
        to_.plans->ObserveVersion(response->mapping_version());
        result.response_status_code = response->response_status_code();
        result.reason = response->reason();
        for (const auto& attribute : response->attributes()) Put(attribute, &result.attributes);
        if (response->has_created_path()) {
          const std::optional<DeviceRecord> device = to_.directory->Find(call->request.node_id);
          result.created_path = absl::StrCat(device.has_value() ? device->registration.root_path() : "",
                                             lwm2m::PathToString(response->created_path()));
        }
        result.absent_attributes.assign(response->absent_attributes().begin(), response->absent_attributes().end());
        if (operation == onem2m::v1::OPERATION_TYPE_RETRIEVE &&
            result.response_status_code == onem2m::v1::RESPONSE_STATUS_CODE_OK) {
          to_.freshness->Read(call->request.resource_id, call->request.wanted);
        }
        then();
      });
}

// Steps that succeeded before the one that did not have changed the device: our copy follows, though the answer is out.
void DeviceManagement::KeepWhatWasDone(const CallPtr& call) {
  const ResourceLanes::Leave leave = std::move(call->leave);
  call->leave = nullptr;
  if (call->request.primitive.operation() != onem2m::v1::OPERATION_TYPE_RETRIEVE) {
    to_.freshness->Forget(call->request.resource_id);
  }
  if (call->request.primitive.operation() != onem2m::v1::OPERATION_TYPE_UPDATE || call->work.results_size() == 0) {
    if (leave) leave();
    return;
  }
  *call->work.mutable_plan() = Beginning(call->work.plan(), call->work.results_size());
  const CallContext context{to_.clock->Now() + options_.translation_timeout, call->request.trace_id};
  to_.translation->TranslateResponse(
      call->work, context,
      [this, call, leave](const absl::StatusOr<translation::v1::TranslateResponseResponse>& response) {
        absl::Status status = response.status();
        if (response.ok()) {
          status = to_.resources->UpdateAttributes(
              call->request.resource_id, {response->attributes().begin(), response->attributes().end()},
              {response->absent_attributes().begin(), response->absent_attributes().end()});
        }
        if (!status.ok()) {
          log::Warning("what an UPDATE did before it failed is not known here",
                       {{"resource", call->request.resource_id}, {"error", status.ToString()}});
        }
        if (leave) leave();
      });
}

ManagementResult DeviceManagement::NoAnswer(const Call& call, absl::string_view cause) const {
  const std::string because = cause.empty() ? "" : absl::StrCat(" (", cause, ")");
  // A server that gives up before the limit has its own reason, not ours.
  const bool at_limit = to_.clock->Now() >= call.deadline - absl::Milliseconds(200);
  if (at_limit && call.limit == Limit::kRequestExpiration) {
    return Failure(onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE_BEFORE_RQET_TIMEOUT,
                   absl::StrCat("device ", call.request.node_id,
                                " did not answer before the Request Expiration Timestamp", because));
  }
  if (at_limit && call.limit == Limit::kOperationExecution) {
    return Failure(
        onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE_BEFORE_OET_TIMEOUT,
        absl::StrCat("device ", call.request.node_id, " did not answer before the Operation Execution Time", because));
  }
  const absl::Duration waited = absl::Trunc(to_.clock->Now() - call.started, absl::Milliseconds(1));
  return Failure(
      onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE,
      absl::StrCat("device ", call.request.node_id, " did not answer within ", absl::FormatDuration(waited), because));
}

ManagementResult DeviceManagement::Unreachable(const Call& call, const PlanEnd& end) const {
  ManagementResult result;
  switch (end.kind) {
    case PlanEnd::Kind::kImpossible:
      result = Failure(onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED, end.reason);
      break;
    case PlanEnd::Kind::kNotRegistered:
      result = Failure(onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE,
                       absl::StrCat("device ", call.request.node_id, " is not registered"));
      break;
    case PlanEnd::Kind::kNoSession:
      if (to_.session->state() == SessionPort::State::kNone) {
        result = Failure(onem2m::v1::RESPONSE_STATUS_CODE_MGMT_SESSION_CANNOT_BE_ESTABLISHED,
                         absl::StrCat("no session with the LwM2M Server: ", to_.session->problem()));
      } else {
        result = Failure(onem2m::v1::RESPONSE_STATUS_CODE_MGMT_SESSION_ESTABLISHMENT_TIMEOUT,
                         absl::StrCat("no session with the LwM2M Server came up within ",
                                      absl::FormatDuration(options_.session_timeout)));
      }
      break;
    default:
      result = NoAnswer(call, end.reason);
  }
  result.steps = call.result.steps;
  return result;
}

void DeviceManagement::Answer(const CallPtr& call, ManagementResult result) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (call->answered) return;
    call->answered = true;
    for (auto [it, end] = unanswered_.equal_range(call->deadline); it != end; ++it) {
      if (it->second != call) continue;
      unanswered_.erase(it);
      break;
    }
  }
  const std::function<void(ManagementResult)> done = std::move(call->done);
  call->done = nullptr;
  done(std::move(result));
}

// The answer comes first, so that whoever waits in the lane finds the resource as this request left it.
void DeviceManagement::End(const CallPtr& call, ManagementResult result) {
  if (result.steps.empty()) result.steps = std::move(call->result.steps);
  Answer(call, std::move(result));
  const ResourceLanes::Leave leave = std::move(call->leave);
  call->leave = nullptr;
  if (leave) leave();
}

void DeviceManagement::Tick() {
  const absl::Time now = to_.clock->Now();
  std::vector<CallPtr> late;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = unanswered_.begin(); it != unanswered_.end() && it->first <= now; ++it) late.push_back(it->second);
  }
  for (const CallPtr& call : late) Answer(call, NoAnswer(*call, ""));
}

size_t DeviceManagement::in_flight() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return unanswered_.size();
}

}  // namespace isthmus::synchronizer
