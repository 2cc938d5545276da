#include "services/connector/core/composite_codec.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/connector/core/lwm2m_version.h"
#include "services/connector/core/result_size.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::connector {
namespace {

namespace codec = lwm2m::codec;
using lwm2m::v1::Node;
using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;
using lwm2m::v1::Path;
using lwm2m::v1::PathResult;

std::vector<Path> PathsOf(const Operation& operation) {
  if (operation.has_read_composite()) {
    return {operation.read_composite().paths().begin(), operation.read_composite().paths().end()};
  }
  std::vector<Path> paths;
  for (const Node& node : operation.write_composite().nodes()) paths.push_back(node.path());
  return paths;
}

bool IsAnswered(const OperationResult& result) { return result.outcome() == lwm2m::v1::OUTCOME_ANSWERED; }
bool IsSuccess(const OperationResult& result) {
  return IsAnswered(result) && coap::IsSuccess(static_cast<coap::Code>(result.coap_code()));
}

PathResult ResultAt(const Path& path, const OperationResult& result) {
  PathResult at;
  *at.mutable_path() = path;
  at.set_outcome(result.outcome());
  at.set_coap_code(result.coap_code());
  at.set_diagnostic(result.diagnostic());
  return at;
}

// A path and all that it lies in: "/3/0/9" is "/3", "/3/0", "/3/0/9".
std::vector<std::string> Lineage(const Path& path) {
  std::vector<std::string> texts(1);
  for (const uint32_t level : lwm2m::Levels(path)) {
    if (!texts.back().empty()) texts.push_back(texts.back());
    absl::StrAppend(&texts.back(), "/", level);
  }
  return texts;
}

}  // namespace

bool IsComposite(const Operation& operation) {
  return operation.has_read_composite() || operation.has_write_composite();
}

absl::Status CheckComposite(const Operation& operation) {
  const std::vector<Path> paths = PathsOf(operation);
  if (paths.empty()) return absl::InvalidArgumentError("a composite operation needs at least one path");
  std::set<std::string> written;
  for (const Path& path : paths) {
    if (!path.has_object_id()) return absl::InvalidArgumentError("a path of a composite operation needs an object");
    if (operation.has_read_composite()) continue;
    const std::string text = lwm2m::PathToString(path);
    if (!path.has_resource_id()) {
      return absl::InvalidArgumentError(absl::StrCat("a Write-Composite writes resources, and ", text, " is none"));
    }
    if (!written.insert(text).second) {
      return absl::InvalidArgumentError(absl::StrCat("a Write-Composite writes ", text, " twice"));
    }
  }
  return absl::OkStatus();
}

bool MaySpeakComposite(const Device& device) {
  const std::vector<uint32_t>& offered = device.content_formats;
  const bool senml = offered.empty() || std::any_of(offered.begin(), offered.end(), [](uint32_t format) {
                       return format == codec::kSenMlJson || format == codec::kSenMlCbor;
                     });
  return senml && IsAtLeast(device.registration.lwm2m_version(), 1, 1);
}

absl::StatusOr<coap::OutgoingRequest> CompositeRequest(const Operation& operation, uint32_t format,
                                                       absl::string_view root_path) {
  RETURN_IF_ERROR(CheckComposite(operation));
  coap::OutgoingRequest request;
  request.content_format = format;
  if (operation.has_read_composite()) {
    request.method = coap::kFetch;
    request.accept = format;
    ASSIGN_OR_RETURN(request.payload, codec::EncodePaths(format, PathsOf(operation), root_path));
    return request;
  }
  request.method = coap::kIPatch;
  const auto& nodes = operation.write_composite().nodes();
  ASSIGN_OR_RETURN(request.payload, codec::Encode(format, {nodes.begin(), nodes.end()}, Path(), root_path));
  return request;
}

absl::StatusOr<std::vector<Node>> DecodeComposite(const lwm2m::v1::ReadComposite& asked, const coap::Message& response,
                                                  absl::string_view root_path, absl::Time now) {
  if (response.payload.empty()) return std::vector<Node>();
  const auto format = response.UintOption(coap::kContentFormat);
  if (!format) return absl::InvalidArgumentError("the answer to a Read-Composite has no Content-Format");
  if (*format != codec::kSenMlJson && *format != codec::kSenMlCbor && *format != codec::kLwm2mCbor) {
    return absl::UnimplementedError(absl::StrCat("an answer to a Read-Composite in Content-Format ", *format));
  }
  ASSIGN_OR_RETURN(std::vector<Node> nodes,
                   codec::Decode(static_cast<uint32_t>(*format), response.payload, Path(), now, root_path));
  absl::flat_hash_set<std::string> wanted;
  for (const Path& path : asked.paths()) wanted.insert(lwm2m::PathToString(path));
  const auto is_foreign = [&wanted](const Node& node) {
    const std::vector<std::string> lineage = Lineage(node.path());
    return std::none_of(lineage.begin(), lineage.end(),
                        [&wanted](const std::string& text) { return wanted.contains(text); });
  };
  nodes.erase(std::remove_if(nodes.begin(), nodes.end(), is_foreign), nodes.end());
  RETURN_IF_ERROR(CheckFits(nodes));
  return nodes;
}

void FillPaths(const Operation& operation, OperationResult& result) {
  result.clear_paths();
  const bool read = operation.has_read_composite() && IsSuccess(result);
  absl::flat_hash_set<std::string> there;
  for (const Node& node : result.nodes()) {
    for (std::string& text : Lineage(node.path())) there.insert(std::move(text));
  }
  for (const Path& path : PathsOf(operation)) {
    PathResult& at = *result.add_paths();
    at = ResultAt(path, result);
    if (!read || there.contains(lwm2m::PathToString(path))) continue;
    at.set_coap_code(coap::kNotFound);
    at.set_diagnostic("the device left it out of its answer");
  }
}

std::vector<Operation> SingleOperations(const Operation& operation) {
  std::vector<Operation> singles;
  if (operation.has_read_composite()) {
    std::set<std::string> seen;
    for (const Path& path : operation.read_composite().paths()) {
      if (!seen.insert(lwm2m::PathToString(path)).second) continue;
      *singles.emplace_back().mutable_read()->mutable_path() = path;
    }
    return singles;
  }
  for (const Node& node : operation.write_composite().nodes()) {
    const Path instance = lwm2m::MakePath(node.path().object_id(), node.path().object_instance_id());
    if (singles.empty() || !lwm2m::Equal(singles.back().write().path(), instance)) {
      lwm2m::v1::Write* write = singles.emplace_back().mutable_write();
      *write->mutable_path() = instance;
      write->set_partial(true);
    }
    *singles.back().mutable_write()->add_nodes() = node;
  }
  for (Operation& single : singles) {
    lwm2m::v1::Write& write = *single.mutable_write();
    const Path& only = write.nodes(0).path();
    // One resource alone is written by itself: any format can carry it.
    if (write.nodes_size() == 1 && !only.has_resource_instance_id()) {
      *write.mutable_path() = only;
      write.set_partial(false);
    }
  }
  return singles;
}

OperationResult Combine(const Operation& operation, const std::vector<Operation>& singles,
                        const std::vector<OperationResult>& results, absl::string_view why) {
  OperationResult not_sent;
  not_sent.set_outcome(lwm2m::v1::OUTCOME_EXPIRED_UNSENT);
  not_sent.set_diagnostic(std::string(why));

  OperationResult whole;
  absl::flat_hash_map<std::string, size_t> single_of;  // path that was asked for -> index in singles
  for (size_t i = 0; i < singles.size(); ++i) {
    if (singles[i].has_read()) single_of.emplace(lwm2m::PathToString(singles[i].read().path()), i);
    for (const Node& node : singles[i].write().nodes()) single_of.emplace(lwm2m::PathToString(node.path()), i);
  }
  for (const Path& path : PathsOf(operation)) {
    const size_t number = single_of.at(lwm2m::PathToString(path));
    *whole.add_paths() = ResultAt(path, number < results.size() ? results[number] : not_sent);
  }

  absl::flat_hash_map<std::string, int> at;  // path -> index in whole.nodes
  uint64_t duration_us = 0;
  std::optional<size_t> success, failure, unanswered;  // the first of each
  for (size_t i = 0; i < results.size(); ++i) {
    const OperationResult& result = results[i];
    duration_us += result.duration_us();
    for (const Node& node : result.nodes()) {
      const auto [found, is_new] = at.emplace(lwm2m::PathToString(node.path()), whole.nodes_size());
      *(is_new ? whole.add_nodes() : whole.mutable_nodes(found->second)) = node;
    }
    std::optional<size_t>& first = IsSuccess(result) ? success : IsAnswered(result) ? failure : unanswered;
    if (!first) first = i;
  }
  const bool reads = operation.has_read_composite();
  const std::optional<size_t> failed = unanswered ? unanswered : reads && success ? std::nullopt : failure;
  const OperationResult& decides = failed                                        ? results[*failed]
                                   : success && results.size() == singles.size() ? results[*success]
                                                                                 : not_sent;
  whole.set_outcome(decides.outcome());
  whole.set_coap_code(decides.coap_code());
  whole.set_diagnostic(decides.diagnostic());
  if (failed) {
    const Operation& single = singles[*failed];
    const std::string what = lwm2m::PathToString(reads ? single.read().path() : single.write().path());
    const absl::string_view text = decides.diagnostic().empty() ? "failed" : absl::string_view(decides.diagnostic());
    whole.set_diagnostic(absl::StrCat(reads ? "read of " : "write of ", what, ": ", text));
  }
  whole.set_duration_us(duration_us);
  // Each fits, and all of them may not.
  if (const absl::Status fits = CheckFits({whole.nodes().begin(), whole.nodes().end()}); !fits.ok()) {
    whole.clear_nodes();
    whole.set_outcome(lwm2m::v1::OUTCOME_UNDECODABLE);
    whole.set_diagnostic(std::string(fits.message()));
  }
  return whole;
}

}  // namespace isthmus::connector
