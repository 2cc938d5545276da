#include "tools/lwm2m_fleet/console.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::fleet {
namespace {

constexpr size_t kLongestLine = 64 << 10;

}  // namespace

void Console::Receive(absl::string_view octets) {
  absl::StrAppend(&pending_, octets);
  size_t start = 0;
  for (size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', start)) {
    const std::string line(absl::StripAsciiWhitespace(absl::string_view(pending_).substr(start, end - start)));
    start = end + 1;
    if (line.empty()) continue;
    const absl::Status status = Run(line);
    print_(status.ok() ? absl::StrCat("ok: ", line) : absl::StrCat("error: ", line, ": ", status.message()));
  }
  pending_.erase(0, start);
  if (pending_.size() > kLongestLine) {
    pending_.clear();
    print_("error: the line is too long");
  }
}

absl::Status Console::Run(absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
  const absl::string_view command = words[0];
  if (command == "quit" && words.size() == 1) {
    quit_ = true;
    return absl::OkStatus();
  }
  if (command == "stats" && words.size() == 1) {
    print_(fleet_->Report());
    return absl::OkStatus();
  }
  const size_t expected = command == "set" ? 4 : command == "silence" || command == "composites" ? 3 : 2;
  if (command != "set" && command != "silence" && command != "composites" && command != "reboot" &&
      command != "deregister") {
    return absl::InvalidArgumentError("expected set, reboot, silence, composites, deregister, stats or quit");
  }
  if (words.size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", expected - 1, " words after ", command));
  }
  int64_t number = 0;
  Client* client = absl::SimpleAtoi(words[1], &number) ? fleet_->Find(number) : nullptr;
  if (client == nullptr) return absl::NotFoundError(absl::StrCat("there is no device ", words[1]));
  if (command == "set") {
    ASSIGN_OR_RETURN(const v1::Path path, lwm2m::ParsePath(words[2]));
    RETURN_IF_ERROR(client->Set(path, words[3]));
  } else if (command == "silence") {
    if (words[2] != "on" && words[2] != "off") return absl::InvalidArgumentError("expected on or off");
    client->SetSilent(words[2] == "on");
  } else if (command == "composites") {
    ASSIGN_OR_RETURN(const Composites composites, ParseComposites(words[2]));
    client->SetComposites(composites);
  } else if (command == "reboot") {
    client->Reboot();
  } else {
    client->Deregister(nullptr);
  }
  fleet_->Touch(number);
  return absl::OkStatus();
}

}  // namespace isthmus::fleet
