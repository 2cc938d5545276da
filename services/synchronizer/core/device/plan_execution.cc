#include "services/synchronizer/core/device/plan_execution.h"

#include <memory>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/lwm2m/path.h"
#include "services/synchronizer/core/device/operation_text.h"

namespace isthmus::synchronizer {
namespace {

using lwm2m::v1::OperationResult;
using translation::v1::PlanStep;
using translation::v1::Precondition;

std::string ValueText(std::optional<int64_t> value) { return value.has_value() ? absl::StrCat(*value) : "not there"; }

// One execution; kept alive by the callbacks that it waits for, so only one of them touches it at a time.
class Execution : public std::enable_shared_from_this<Execution> {
 public:
  Execution(SessionPort* session, PlanStart start, std::function<void(PlanEnd)> done)
      : session_(session), start_(std::move(start)), done_(std::move(done)) {
    end_.step = start_.first_step;
  }

  void Next() {
    if (end_.step >= static_cast<size_t>(start_.plan.steps_size())) return Finish(PlanEnd::Kind::kCompleted, "");
    end_.step_sent = false;
    const PlanStep& step = start_.plan.steps(static_cast<int>(end_.step));
    const bool known_to_hold = start_.first_holds && end_.step == start_.first_step;
    if (step.has_precondition() && !known_to_hold) return ReadPrecondition(step.precondition());
    PerformStep(step);
  }

 private:
  void ReadPrecondition(const Precondition& precondition) {
    const lwm2m::v1::Operation read = ReadOperation(precondition.path());
    session_->Perform(
        start_.endpoint, read, start_.deadline, start_.session_deadline, start_.trace_id,
        [self = shared_from_this(), read](OperationResult result) { self->PreconditionRead(read, std::move(result)); });
  }

  void PreconditionRead(const lwm2m::v1::Operation& read, OperationResult result) {
    end_.trace.push_back(MakeTraceStep(read, result));
    if (FinishIfUnanswered(result)) return;
    if (!Succeeded(result)) {
      end_.results.push_back(result);
      return Finish(PlanEnd::Kind::kStepFailed, absl::StrCat(OperationText(read), ": ", ResultText(result)));
    }
    const PlanStep& step = start_.plan.steps(static_cast<int>(end_.step));
    end_.precondition_value = IntegerAt(result.nodes(), step.precondition().path());
    end_.precondition_read = std::move(result);
    const std::optional<bool> holds = Holds(step.precondition(), end_.precondition_value);
    if (holds == true) return PerformStep(step);
    const std::string found =
        absl::StrCat(lwm2m::PathToString(step.precondition().path()), " is ", ValueText(end_.precondition_value));
    onem2m::v1::TraceStep wait;
    wait.set_operation(absl::StrCat(OperationText(step.operation()), " after: ", step.precondition().description()));
    // Right after steps of this plan the device may not have begun with what they ask for: what will be impossible
    // later is only "not yet" now.
    if (holds == false && end_.step == start_.first_step) {
      wait.set_outcome(absl::StrCat("cannot be: ", found));
      end_.trace.push_back(std::move(wait));
      return Finish(PlanEnd::Kind::kImpossible,
                    absl::StrCat(OperationText(step.operation()), " needs \"", step.precondition().description(),
                                 "\", which cannot come true: ", found));
    }
    wait.set_outcome(absl::StrCat("waits: ", found, ", wanted ", absl::StrJoin(step.precondition().values(), " or ")));
    end_.trace.push_back(std::move(wait));
    Finish(PlanEnd::Kind::kWaiting, absl::StrCat("waits for \"", step.precondition().description(), "\": ", found));
  }

  void PerformStep(const PlanStep& step) {
    end_.step_sent = true;
    session_->Perform(start_.endpoint, step.operation(), start_.deadline, start_.session_deadline, start_.trace_id,
                      [self = shared_from_this()](OperationResult result) { self->StepPerformed(std::move(result)); });
  }

  void StepPerformed(OperationResult result) {
    const PlanStep& step = start_.plan.steps(static_cast<int>(end_.step));
    end_.trace.push_back(MakeTraceStep(step.operation(), result));
    if (FinishIfUnanswered(result)) return;
    const bool succeeded = Succeeded(result);
    end_.results.push_back(std::move(result));
    if (!succeeded) {
      return Finish(PlanEnd::Kind::kStepFailed,
                    absl::StrCat(OperationText(step.operation()), ": ", ResultText(end_.results.back())));
    }
    ++end_.step;
    Next();
  }

  // Outcomes that say nothing about the operation itself.
  bool FinishIfUnanswered(const OperationResult& result) {
    switch (result.outcome()) {
      case lwm2m::v1::OUTCOME_UNSPECIFIED:
        end_.step_sent = false;
        Finish(PlanEnd::Kind::kNoSession, ResultText(result));
        return true;
      case lwm2m::v1::OUTCOME_NOT_REGISTERED:
        end_.step_sent = false;
        Finish(PlanEnd::Kind::kNotRegistered, ResultText(result));
        return true;
      case lwm2m::v1::OUTCOME_EXPIRED_UNSENT:
        end_.step_sent = false;
        Finish(PlanEnd::Kind::kNoAnswer, ResultText(result));
        return true;
      case lwm2m::v1::OUTCOME_TIMEOUT:
        Finish(PlanEnd::Kind::kNoAnswer, ResultText(result));
        return true;
      default:
        return false;
    }
  }

  void Finish(PlanEnd::Kind kind, std::string reason) {
    end_.kind = kind;
    end_.reason = std::move(reason);
    std::function<void(PlanEnd)> done = std::move(done_);
    done(std::move(end_));
  }

  SessionPort* const session_;
  const PlanStart start_;
  std::function<void(PlanEnd)> done_;
  PlanEnd end_;
};

}  // namespace

std::optional<bool> Holds(const Precondition& precondition, std::optional<int64_t> value) {
  if (!value.has_value()) return std::nullopt;
  if (absl::c_linear_search(precondition.values(), *value)) return true;
  if (absl::c_linear_search(precondition.failure_values(), *value)) return false;
  return std::nullopt;
}

void ExecutePlan(SessionPort* session, PlanStart start, std::function<void(PlanEnd)> done) {
  std::make_shared<Execution>(session, std::move(start), std::move(done))->Next();
}

}  // namespace isthmus::synchronizer
