// <subscription>: creation, its targets, and the verification of these (TS-0004 7.4.8.2.1, 7.5.1.2.3).
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/cse/cse_core.h"
#include "services/synchronizer/core/subscription/notification_content.h"
#include "services/synchronizer/core/subscription/notification_target.h"
#include "services/synchronizer/core/subscription/subscription_rules.h"

namespace isthmus::synchronizer {

Checked CseCore::ResolveTargets(const onem2m::v1::Object& attributes, const std::string& originator,
                                std::vector<std::string>* targets, std::set<std::string>* to_verify) const {
  std::set<std::string> known;
  for (const onem2m::v1::Value& uri : onem2m::Find(attributes, "nu")->list().values()) {
    std::string target;
    RETURN_IF_REFUSED(ResolveTarget(uri.text(), originator, context_.tree, context_.space, &target));
    const std::string reachable = ReachableTarget(target, context_.tree);
    // Who asks for it himself need not be asked, and a URL cannot answer.
    if (reachable != originator && !IsUrl(reachable)) to_verify->insert(reachable);
    if (known.insert(reachable).second) targets->push_back(std::move(target));
  }
  return std::nullopt;
}

CseCore::Outcome CseCore::CreateSubscription(const Call& call, Entry* parent, StoredResource record) {
  if (Checked checked = CheckSubscription(context_.TableOf(parent->record), record.attributes)) {
    return Refused(call, *checked);
  }
  std::set<std::string> to_verify;
  if (Checked checked = ResolveTargets(record.attributes, call.originator, &record.targets, &to_verify)) {
    return Refused(call, *checked);
  }
  if (const std::string subscriber = onem2m::FindText(record.attributes, "su"); !subscriber.empty()) {
    std::string target;
    if (Checked checked = ResolveTarget(subscriber, call.originator, context_.tree, context_.space, &target)) {
      return Refused(call, Refusal{checked->code, absl::StrCat("su: ", checked->reason)});
    }
  }
  const onem2m::v1::Object& given = call.primitive.primitive_content().value().object();
  const bool only_originator =
      record.targets.size() == 1 && ReachableTarget(record.targets.front(), context_.tree) == call.originator;
  if (!only_originator || onem2m::Find(given, "cr") != nullptr) {
    onem2m::Set(record.attributes, "cr", onem2m::Text(call.originator));
  }
  if (!to_verify.empty() && !call.verified) {
    // A name that is taken is no reason to ask anybody.
    const std::string path = absl::StrCat(parent->path, "/", record.name);
    if (context_.tree.FindByPath(path) == nullptr) return Verify(call, record.resource_id, to_verify);
  }
  Change change(&context_);
  return FinishCreate(call, parent, std::move(record), &change);
}

// Asks all targets at once; when all have agreed the request is served from its start again, since everything may have
// changed meanwhile.
CseCore::Outcome CseCore::Verify(const Call& call, const std::string& subscription_id,
                                 const std::set<std::string>& targets) {
  if (context_.notifications == nullptr) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_SUBSCRIPTION_VERIFICATION_INITIATION_FAILED,
                   "notifications cannot be sent");
  }
  struct Ballot {
    std::atomic<size_t> left;
    std::atomic<bool> answered{false};
    std::shared_ptr<const Later> later;
    Done done;
  };
  auto later = std::make_shared<Later>(*KeepForLater(call));
  later->reserved_id = subscription_id;
  std::vector<OutgoingNotification> requests;
  for (const std::string& target : targets) {
    requests.push_back({target, subscription_id,
                        MakeNotification(context_, target,
                                         VerificationContent(context_.ReferenceOf(subscription_id), call.originator)),
                        SerializationOf(target, context_.tree)});
  }
  Outcome outcome;
  outcome.later = [this, later = std::move(later), requests = std::move(requests)](Done done) mutable {
    auto ballot = std::make_shared<Ballot>();
    ballot->left = requests.size();
    ballot->later = std::move(later);
    ballot->done = std::move(done);
    for (OutgoingNotification& request : requests) {
      const std::string target = request.target;
      context_.notifications->Send(
          std::move(request), [this, ballot, target](const absl::StatusOr<onem2m::v1::ResponsePrimitive>& answer) {
            const bool agreed = answer.ok() && answer->response_status_code() == onem2m::v1::RESPONSE_STATUS_CODE_OK;
            if (!agreed) {
              if (ballot->answered.exchange(true)) return;
              const std::string why = answer.ok() ? absl::StrCat("answered ", answer->response_status_code())
                                                  : std::string(answer.status().message());
              ballot->done(Refuse(ballot->later->primitive,
                                  Refusal{onem2m::v1::RESPONSE_STATUS_CODE_SUBSCRIPTION_VERIFICATION_INITIATION_FAILED,
                                          absl::StrCat("the notification target ", target, " did not agree: ", why)}));
              return;
            }
            if (--ballot->left > 0 || ballot->answered.exchange(true)) return;
            Outcome verified;
            {
              std::lock_guard<std::mutex> lock(mutex_);
              Call again = CallOf(*ballot->later);
              again.verified = true;
              verified = Dispatch(again);
            }
            context_.effects.Run();
            // A verified request asks nobody again, so that this is the answer.
            ballot->done(std::move(verified.response));
          });
    }
  };
  return outcome;
}

}  // namespace isthmus::synchronizer
