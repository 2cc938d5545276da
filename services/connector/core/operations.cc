#include "services/connector/core/operations.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "services/connector/core/composite_codec.h"
#include "services/connector/core/self_describing.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;

Operations::Performed Unsent(lwm2m::v1::Outcome outcome, absl::string_view why) {
  Operations::Performed performed;
  performed.result.set_outcome(outcome);
  performed.result.set_diagnostic(std::string(why));
  return performed;
}

}  // namespace

struct Operations::Run {
  DevicePtr device;
  Operation operation;
  Options options;
  Done done;
  std::vector<Format> formats;
  size_t self_describing = 0;  // so many of them, the first, because they tell types
  size_t next_format = 0;
  Format tried;
  absl::Duration elapsed;
  Performed last;  // of the format before
};

absl::StatusOr<coap::OutgoingRequest> Operations::Request(const Run& run, const Device& device) {
  return ToRequest(run.operation, run.tried, device.registration.root_path(), run.options.attributes_before);
}

Operations::Operations(const Clock* clock, DeviceLines* lines) : clock_(clock), lines_(lines) {}

void Operations::Perform(const DevicePtr& device, const Operation& operation, Options options, Done done) {
  if (device == nullptr) {
    done(Unsent(lwm2m::v1::OUTCOME_NOT_REGISTERED, "the device is not registered"));
    return;
  }
  if (auto refused = RefuseLocally(operation)) {
    Performed performed;
    performed.result = *std::move(refused);
    done(std::move(performed));
    return;
  }
  auto run = std::make_shared<Run>();
  run->device = device;
  run->operation = operation;
  run->options = std::move(options);
  run->done = std::move(done);
  const auto found = formats_.find(device->endpoint());
  const FormatMemory memory = found == formats_.end() ? FormatMemory() : found->second;
  run->formats = SelfDescribingFormats(operation, memory, *device);
  run->self_describing = run->formats.size();
  for (const Format format : FormatsToTry(operation, memory, device->content_formats)) {
    if (absl::c_linear_search(run->formats, format)) continue;
    run->formats.push_back(format);
  }
  Try(run);
}

void Operations::Try(const std::shared_ptr<Run>& run) {
  const bool first = run->next_format == 0;
  absl::StatusOr<coap::OutgoingRequest> request;
  // A format that cannot carry the values is passed over.
  do {
    run->tried = run->formats[run->next_format++];
    request = Request(*run, *run->device);
  } while (!request.ok() && run->next_format < run->formats.size());
  if (!request.ok()) {
    if (first) {
      run->done(Unsent(lwm2m::v1::OUTCOME_UNSUPPORTED, request.status().message()));
    } else {
      run->done(std::move(run->last));
    }
    return;
  }
  DeviceLines::Job job;
  job.build = [request = *std::move(request), run](const Device& device) {
    coap::OutgoingRequest built = request;
    if (device.registration.root_path() != run->device->registration.root_path()) {
      if (auto below_new_root = Request(*run, device); below_new_root.ok()) built = *std::move(below_new_root);
    }
    PrependRoot(device.registration.root_path(), built);
    if (run->options.token) built.token = run->options.token();
    return built;
  };
  job.deadline = run->options.deadline;
  job.repeatable = IsRepeatable(run->operation);
  job.background = run->options.background;
  job.front = run->options.front || !first;
  job.patience = run->options.patience;
  job.done = [this, run](DeviceLines::Result result) { OnResult(run, std::move(result)); };
  lines_->Add(run->device->endpoint(), std::move(job));
}

void Operations::Learn(const Run& run, const Performed& performed) {
  const OperationResult& result = performed.result;
  // Only of a device that is still there.
  if (!lines_->IsRegistered(run.device->endpoint())) return;
  const bool typed = run.next_format <= run.self_describing;  // the attempt was one in a format that tells types
  if (result.outcome() == lwm2m::v1::OUTCOME_TIMEOUT) {
    if (!IsSelfDescribing(run.operation) || performed.acknowledged) return;
    // Silence may be the answer to a format that the device does not know, or it is away. The next read asks without:
    // when that is answered it was the format, and when it is not it was not.
    FormatMemory& memory = formats_[run.device->endpoint()];
    memory.self_describing_silent = typed && memory.self_describing != run.tried;
    return;
  }
  const bool worked =
      result.outcome() == lwm2m::v1::OUTCOME_ANSWERED && coap::IsSuccess(static_cast<coap::Code>(result.coap_code()));
  if (!worked) return;
  if (IsSelfDescribing(run.operation)) {
    FormatMemory& memory = formats_[run.device->endpoint()];
    memory.self_describing = run.tried;
    memory.self_describing_silent = false;
  }
  // Only what had to be found out is worth remembering.
  if (typed || run.next_format <= run.self_describing + 1) return;
  FormatMemory& memory = formats_[run.device->endpoint()];
  if (run.operation.has_read() || run.operation.has_observe()) memory.read = run.tried;
  if ((run.operation.has_write() || run.operation.has_create()) && run.tried) memory.write = run.tried;
  if (IsComposite(run.operation)) memory.composite = run.tried;
}

void Operations::OnResult(const std::shared_ptr<Run>& run, DeviceLines::Result result) {
  Performed performed;
  bool try_other_format = false;
  switch (result.kind) {
    case DeviceLines::Result::Kind::kNotRegistered:
      performed = Unsent(lwm2m::v1::OUTCOME_NOT_REGISTERED, result.note);
      break;
    case DeviceLines::Result::Kind::kExpiredUnsent:
    case DeviceLines::Result::Kind::kQueueFull:
      performed = Unsent(lwm2m::v1::OUTCOME_EXPIRED_UNSENT, result.note);
      break;
    case DeviceLines::Result::Kind::kExchange: {
      run->elapsed += result.exchange.elapsed;
      performed.acknowledged = result.exchange.acknowledged;
      switch (result.exchange.outcome) {
        case coap::Exchange::Outcome::kAnswered: {
          Interpretation seen =
              Interpret(run->operation, result.exchange.message, run->tried, run->device->content_formats,
                        run->device->registration.root_path(), clock_->Now());
          performed.result = std::move(seen.result);
          performed.observing = seen.observing;
          performed.token = result.exchange.token;
          performed.peer = result.peer;
          performed.format = run->tried;
          try_other_format = seen.try_other_format;
          break;
        }
        case coap::Exchange::Outcome::kReset:
          performed.result.set_outcome(lwm2m::v1::OUTCOME_RESET);
          performed.result.set_diagnostic("the device rejected the message");
          break;
        case coap::Exchange::Outcome::kTransferFailed:
          performed.result.set_outcome(lwm2m::v1::OUTCOME_UNDECODABLE);
          performed.result.set_coap_code(static_cast<uint32_t>(result.exchange.message.code));
          performed.result.set_diagnostic("the blocks of the answer could not be put together");
          break;
        case coap::Exchange::Outcome::kTimeout:
        case coap::Exchange::Outcome::kCancelled:
          performed.result.set_outcome(lwm2m::v1::OUTCOME_TIMEOUT);
          performed.result.set_diagnostic(result.note.empty() ? "no answer in time" : result.note);
          break;
      }
      performed.result.set_duration_us(absl::ToInt64Microseconds(run->elapsed));
      if (run->next_format <= run->self_describing && MayBeTheFormat(run->operation, performed.result)) {
        try_other_format = true;
      }
      if (try_other_format && run->next_format < run->formats.size() && run->options.deadline > clock_->Monotonic()) {
        run->last = std::move(performed);
        Try(run);
        return;
      }
      Learn(*run, performed);
      break;
    }
  }
  run->done(std::move(performed));
}

}  // namespace isthmus::connector
