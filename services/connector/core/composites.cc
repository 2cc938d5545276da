#include "services/connector/core/composites.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "services/connector/core/composite_codec.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/log/log.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;

// Supported Binding and Modes, which every device has and every server may read.
constexpr uint32_t kDeviceObject = 3, kBindings = 16;

bool Answered(const OperationResult& result) { return result.outcome() == lwm2m::v1::OUTCOME_ANSWERED; }
bool Succeeded(const OperationResult& result) {
  return Answered(result) && coap::IsSuccess(static_cast<coap::Code>(result.coap_code()));
}
// Nothing went out, and nothing will.
bool Unsent(const OperationResult& result) {
  return result.outcome() == lwm2m::v1::OUTCOME_NOT_REGISTERED ||
         result.outcome() == lwm2m::v1::OUTCOME_EXPIRED_UNSENT || result.outcome() == lwm2m::v1::OUTCOME_UNSUPPORTED;
}
// What a device says to a method or a payload that it does not know.
bool RefusesMethod(const OperationResult& result) {
  if (result.outcome() == lwm2m::v1::OUTCOME_RESET) return true;
  const auto code = static_cast<coap::Code>(result.coap_code());
  return Answered(result) && (code == coap::kMethodNotAllowed || code == coap::kNotImplemented ||
                              code == coap::kBadOption || code == coap::kUnsupportedContentFormat);
}

}  // namespace

struct Composites::Run {
  DevicePtr device;
  Operation operation;
  Operations::Options options;
  Done done;
  Memory known;  // as far as this run knows
  std::vector<Operation> singles;
  std::vector<OperationResult> results;  // of the singles, in their order
  bool attempted = false;                // as a composite, or by a probe
  OperationResult attempt;               // how that ended
  bool in_call = false, returned = false;
};

Composites::Composites(CompositeOptions options, const Clock* clock, Operations* operations)
    : options_(options), clock_(clock), operations_(operations) {}

void Composites::Learn(Run& run, Support Memory::*what, Support support) {
  run.known.*what = support;
  const auto it = memories_.find(run.device->endpoint());
  if (it != memories_.end() && it->second.version == run.known.version) it->second.*what = support;
}

absl::Duration Composites::PatienceFor(const Run& run) const {
  return std::min(options_.patience, (run.options.deadline - clock_->Monotonic()) / 3);
}

void Composites::Perform(const DevicePtr& device, const Operation& operation, Operations::Options options, Done done) {
  OperationResult refused;
  if (device == nullptr) {
    refused.set_outcome(lwm2m::v1::OUTCOME_NOT_REGISTERED);
    refused.set_diagnostic("the device is not registered");
    return done(std::move(refused));
  }
  if (const absl::Status status = CheckComposite(operation); !status.ok()) {
    refused.set_outcome(lwm2m::v1::OUTCOME_UNSUPPORTED);
    refused.set_diagnostic(std::string(status.message()));
    return done(std::move(refused));
  }
  const auto run = std::make_shared<Run>();
  run->device = device;
  run->operation = operation;
  run->options = std::move(options);
  run->done = std::move(done);
  run->singles = SingleOperations(operation);
  // What a single operation says as well is said by that: every device knows it.
  if (run->singles.size() == 1 || !MaySpeakComposite(*device)) return Split(run);
  Memory& memory = memories_[device->endpoint()];
  if (memory.version != device->registration.lwm2m_version()) {
    memory = Memory();
    memory.version = device->registration.lwm2m_version();
  }
  run->known = memory;
  if (memory.read == Support::kNo) return Split(run);
  if (operation.has_read_composite()) return Read(run);
  if (memory.write == Support::kNo) return Split(run);
  if (memory.read == Support::kUnknown && memory.write == Support::kUnknown) return Probe(run);
  Write(run);
}

void Composites::Read(const RunPtr& run) {
  const bool known = run->known.read == Support::kYes;
  Operations::Options options = run->options;
  if (!known) options.patience = PatienceFor(*run);
  operations_->Perform(run->device, run->operation, std::move(options),
                       [this, run, known](Operations::Performed performed) {
                         OperationResult& result = performed.result;
                         if (Unsent(result)) return run->done(std::move(result));
                         if (Succeeded(result)) Learn(*run, &Memory::read, Support::kYes);
                         const bool silent = result.outcome() == lwm2m::v1::OUTCOME_TIMEOUT;
                         if (Succeeded(result) || (known && silent)) {
                           FillPaths(run->operation, result);
                           return run->done(std::move(result));
                         }
                         run->attempted = true;
                         run->attempt = std::move(result);
                         Split(run);
                       });
}

void Composites::Probe(const RunPtr& run) {
  Operation probe;
  *probe.mutable_read_composite()->add_paths() = lwm2m::MakePath(kDeviceObject, 0, kBindings);
  Operations::Options options = run->options;
  options.patience = PatienceFor(*run);
  operations_->Perform(run->device, probe, std::move(options), [this, run](Operations::Performed performed) {
    if (Unsent(performed.result)) return run->done(std::move(performed.result));
    if (Succeeded(performed.result)) {
      Learn(*run, &Memory::read, Support::kYes);
      run->options.front = true;
      return Write(run);
    }
    run->attempted = true;
    run->attempt = std::move(performed.result);
    Split(run);
  });
}

void Composites::Write(const RunPtr& run) {
  operations_->Perform(run->device, run->operation, run->options, [this, run](Operations::Performed performed) {
    OperationResult& result = performed.result;
    if (Unsent(result)) return run->done(std::move(result));
    if (Succeeded(result)) Learn(*run, &Memory::write, Support::kYes);
    if (run->known.write != Support::kYes && RefusesMethod(result)) {
      run->attempted = true;
      run->attempt = std::move(result);
      return Split(run);
    }
    const bool silent = result.outcome() == lwm2m::v1::OUTCOME_TIMEOUT;
    if (silent && performed.acknowledged && run->known.write == Support::kUnknown) {
      Learn(*run, &Memory::write, Support::kNo);
    }
    FillPaths(run->operation, result);
    run->done(std::move(result));
  });
}

void Composites::Split(const RunPtr& run) {
  if (run->attempted) run->options.front = true;
  NextSingle(run);
}

void Composites::NextSingle(const RunPtr& run) {
  const bool reads = run->operation.has_read_composite();
  // In a loop, not by recursion: operations may call back at once.
  while (run->results.size() < run->singles.size()) {
    const auto over = [reads](const OperationResult& result) {
      const bool silent = result.outcome() == lwm2m::v1::OUTCOME_TIMEOUT;
      return reads ? silent || Unsent(result) : !Succeeded(result);
    };
    if (!run->results.empty() && over(run->results.back())) break;
    run->in_call = true;
    run->returned = false;
    operations_->Perform(run->device, run->singles[run->results.size()], run->options,
                         [this, run](Operations::Performed performed) {
                           run->results.push_back(std::move(performed.result));
                           run->options.front = true;
                           run->returned = true;
                           if (!run->in_call) NextSingle(run);
                         });
    run->in_call = false;
    if (!run->returned) return;
  }
  FinishSingles(run);
}

void Composites::FinishSingles(const RunPtr& run) {
  const bool reads = run->operation.has_read_composite();
  OperationResult whole =
      Combine(run->operation, run->singles, run->results,
              reads ? "not read: the read before it had no answer" : "not written: the write before it failed");
  if (run->attempted) {
    whole.set_duration_us(whole.duration_us() + run->attempt.duration_us());
    const bool silent = run->attempt.outcome() == lwm2m::v1::OUTCOME_TIMEOUT;
    const bool heard = std::any_of(run->results.begin(), run->results.end(), Answered);
    const bool all =
        run->results.size() == run->singles.size() && std::all_of(run->results.begin(), run->results.end(), Succeeded);
    const bool probed = run->known.read == Support::kUnknown;
    Support Memory::*const support = !reads && !probed ? &Memory::write : &Memory::read;
    // A device that answers reads but no composite has none. One that refused it may mean what was in it, unless
    // nothing is wrong with that.
    const bool lacks = silent ? heard : RefusesMethod(run->attempt) ? all || (!reads && probed && heard) : all;
    if (lacks && run->known.*support == Support::kUnknown) {
      Learn(*run, support, Support::kNo);
      log::Info("device without composite operations", {{"endpoint", run->device->endpoint()},
                                                        {"operation", reads ? "read" : "write"},
                                                        {"silent", silent},
                                                        {"code", run->attempt.coap_code()}});
    }
  }
  run->done(std::move(whole));
}

}  // namespace isthmus::connector
