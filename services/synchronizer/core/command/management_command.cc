#include "services/synchronizer/core/command/management_command.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;

constexpr uint32_t kBadRequest = onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST;
constexpr uint32_t kInvalidCommandType = onem2m::v1::RESPONSE_STATUS_CODE_INVALID_CMDTYPE;
constexpr uint32_t kInvalidArguments = onem2m::v1::RESPONSE_STATUS_CODE_INVALID_ARGUMENTS;
constexpr uint32_t kInsufficientArguments = onem2m::v1::RESPONSE_STATUS_CODE_INSUFFICIENT_ARGUMENTS;
constexpr uint32_t kConversionError = onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR;

enum class ArgumentType { kText, kPositive, kTimestamp, kAnyArguments };

struct Argument {
  const char* short_name;
  const char* long_name;
  ArgumentType type = ArgumentType::kText;
  bool mandatory = false;
};

// One row of m2m:execReqArgsListType (TS-0004 6.3.5.16-23).
struct Arguments {
  CommandType type;
  const char* command;
  const char* short_name;
  const char* long_name;
  std::vector<Argument> arguments;
};

// The XSD has every argument once; what a command cannot do without is mandatory here, the rest may be left out.
const std::vector<Arguments>& AllArguments() {
  static const Argument any = {"any", "anyArg", ArgumentType::kAnyArguments};
  static const Argument file_type = {"ftyp", "fileType", ArgumentType::kText, true};
  static const Argument url = {"url", "URL", ArgumentType::kText, true};
  static const Argument username = {"unm", "username"};
  static const Argument password = {"pwd", "password"};
  static const Argument uuid = {"uuid", "UUID"};
  static const Argument version = {"vr", "version"};
  static const Argument environment = {"eer", "executionEnvRef"};
  static const auto* const all = new std::vector<Arguments>{
      {kReset, "RESET", "rst", "reset", {any}},
      {kReboot, "REBOOT", "rbo", "reboot", {any}},
      {kUpload, "UPLOAD", "uld", "upload", {file_type, url, username, password, any}},
      {kDownload,
       "DOWNLOAD",
       "dld",
       "download",
       {file_type,
        url,
        username,
        password,
        {"fsi", "filesize", ArgumentType::kPositive},
        {"tgf", "targetFile"},
        {"dss", "delaySeconds", ArgumentType::kPositive},
        {"surl", "successURL"},
        {"stt", "startTime", ArgumentType::kTimestamp},
        {"cpt", "completeTime", ArgumentType::kTimestamp},
        any}},
      {kSoftwareInstall,
       "SOFTWAREINSTALL",
       "swin",
       "softwareInstall",
       {url, uuid, username, password, environment, any}},
      {kSoftwareUninstall, "SOFTWAREUNINSTALL", "swun", "softwareUninstall", {uuid, version, environment, any}},
      {kSoftwareUpdate,
       "SOFTWAREUPDATE",
       "swup",
       "softwareUpdate",
       {uuid, version, url, username, password, environment, any}},
  };
  return *all;
}

const Arguments* ArgumentsOf(int64_t type) {
  for (const Arguments& row : AllArguments()) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

int64_t IntegerOf(const Object& attributes, const char* name, int64_t fallback) {
  const Value* value = onem2m::Find(attributes, name);
  return value == nullptr ? fallback : value->integer();
}

// The arguments of the command, whether they stand alone or in a list of one; null when there are none.
const Object* ArgumentObject(const Object& attributes, const Arguments& row) {
  const Value* list = onem2m::Find(attributes, "exra");
  const Value* value = list == nullptr ? nullptr : onem2m::Find(list->object(), row.short_name);
  if (value != nullptr && value->kind_case() == Value::kList && value->list().values_size() == 1) {
    value = &value->list().values(0);
  }
  return value == nullptr ? nullptr : &value->object();
}

Refusal Invalid(std::string what) {
  return Refusal{kInvalidArguments, absl::StrCat("attribute exra (execReqArgs): ", std::move(what))};
}

Checked CheckAnyArguments(const std::string& path, const Value& value) {
  if (value.kind_case() != Value::kList) return Invalid(absl::StrCat(path, ": expected a list of {nm, val}"));
  for (const Value& entry : value.list().values()) {
    if (entry.kind_case() != Value::kObject || onem2m::FindText(entry.object(), "nm").empty() ||
        onem2m::Find(entry.object(), "val") == nullptr || entry.object().members_size() != 2) {
      return Invalid(absl::StrCat(path, ": expected {nm, val} with a name, got ", onem2m::Describe(entry, 80)));
    }
  }
  return std::nullopt;
}

Checked CheckArgument(const std::string& path, const Argument& argument, const Value& value) {
  switch (argument.type) {
    case ArgumentType::kText:
      if (value.kind_case() == Value::kText) return std::nullopt;
      return Invalid(absl::StrCat(path, " (", argument.long_name, "): expected a text, got ", onem2m::Describe(value)));
    case ArgumentType::kPositive:
      if (value.kind_case() == Value::kInteger && value.integer() > 0) return std::nullopt;
      return Invalid(absl::StrCat(path, " (", argument.long_name, "): expected a positive integer, got ",
                                  onem2m::Describe(value)));
    case ArgumentType::kTimestamp:
      if (value.kind_case() == Value::kText && onem2m::ParseTimestamp(value.text()).ok()) return std::nullopt;
      return Invalid(absl::StrCat(path, " (", argument.long_name, "): expected a timestamp YYYYMMDDThhmmss, got ",
                                  onem2m::Describe(value)));
    case ArgumentType::kAnyArguments:
      return CheckAnyArguments(path, value);
  }
  return std::nullopt;
}

Checked CheckArguments(const Arguments& row, const Value* given) {
  const Object* arguments = nullptr;
  if (given != nullptr) {
    if (given->kind_case() != Value::kObject) {
      return Invalid(
          absl::StrCat("expected an object with the member ", row.short_name, ", got ", onem2m::Describe(*given, 80)));
    }
    for (const auto& member : given->object().members()) {
      if (member.name() == row.short_name) continue;
      return Invalid(absl::StrCat("cmdType ", row.command, " goes with ", row.short_name, " (", row.long_name,
                                  "), got '", member.name(), "'"));
    }
    if (const Value* value = onem2m::Find(given->object(), row.short_name)) {
      if (value->kind_case() == Value::kList && value->list().values_size() == 1) value = &value->list().values(0);
      // In XML an object without members is null.
      if (value->kind_case() != Value::kObject && value->kind_case() != Value::kNull) {
        return Invalid(
            absl::StrCat(row.short_name, ": expected one object of arguments, got ", onem2m::Describe(*value, 80)));
      }
      arguments = &value->object();
    }
  }
  if (arguments != nullptr) {
    for (const auto& member : arguments->members()) {
      const auto known = std::find_if(row.arguments.begin(), row.arguments.end(),
                                      [&](const Argument& argument) { return argument.short_name == member.name(); });
      if (known == row.arguments.end()) {
        return Invalid(absl::StrCat(row.short_name, " has no argument '", member.name(), "'; expected ",
                                    absl::StrJoin(row.arguments, ", ", [](std::string* out, const Argument& argument) {
                                      out->append(argument.short_name);
                                    })));
      }
      RETURN_IF_REFUSED(CheckArgument(absl::StrCat(row.short_name, ".", member.name()), *known, member.value()));
    }
  }
  for (const Argument& argument : row.arguments) {
    if (!argument.mandatory) continue;
    if (arguments != nullptr && !onem2m::FindText(*arguments, argument.short_name).empty()) continue;
    return Refusal{kInsufficientArguments,
                   absl::StrCat("attribute exra (execReqArgs): cmdType ", row.command, " needs ", row.short_name, ".",
                                argument.short_name, " (", argument.long_name, ")")};
  }
  return std::nullopt;
}

bool Repeats(int64_t mode) { return mode == 2 || mode == 4; }
bool Delays(int64_t mode) { return mode == 3 || mode == 4; }

Checked CheckDuration(const Object& attributes, const char* name, const char* long_name) {
  const Value* value = onem2m::Find(attributes, name);
  if (value == nullptr || onem2m::ParseDuration(value->text()).ok()) return std::nullopt;
  return Refusal{kBadRequest, absl::StrCat("attribute ", name, " (", long_name,
                                           "): expected a duration of days, hours, minutes and "
                                           "seconds such as PT30S or P1DT2H, got ",
                                           onem2m::Describe(*value, 80))};
}

Refusal NothingFor(std::string what) { return Refusal{kConversionError, std::move(what)}; }

// What is said to the device beside the standard arguments.
Checked TakeAnyArguments(const Arguments& row, const Object& arguments, ManagementCommand* command) {
  const Value* any = onem2m::Find(arguments, "any");
  if (any == nullptr) return std::nullopt;
  const bool software = command->root == "m2m:swr";
  for (const Value& entry : any->list().values()) {
    const std::string name = onem2m::FindText(entry.object(), "nm");
    const Value& value = *onem2m::Find(entry.object(), "val");
    if (!software || name != "objectPath" || value.kind_case() != Value::kText) {
      return NothingFor(absl::StrCat("attribute exra (execReqArgs): ", row.command, " of a LwM2M device takes ",
                                     software ? "objectPath with a text such as /9/0" : "nothing", " as anyArg, got ",
                                     onem2m::Describe(entry, 80)));
    }
    command->object_path = value.text();
  }
  return std::nullopt;
}

// "firmware", and what TR-069 calls it, "1 Firmware Upgrade Image".
bool IsFirmware(const std::string& file_type) {
  return absl::StrContains(absl::AsciiStrToLower(file_type), "firmware");
}

}  // namespace

std::string CommandName(int64_t type) {
  const Arguments* row = ArgumentsOf(type);
  return row == nullptr ? "" : row->command;
}

Checked CheckCommand(const Object& attributes) {
  const int64_t type = IntegerOf(attributes, "cmt", 0);
  const Arguments* row = ArgumentsOf(type);
  if (row == nullptr) {
    return Refusal{kInvalidCommandType, absl::StrCat("attribute cmt (cmdType): expected 1 (RESET) to 7 "
                                                     "(SOFTWAREUPDATE), got ",
                                                     type)};
  }
  RETURN_IF_REFUSED(CheckArguments(*row, onem2m::Find(attributes, "exra")));
  RETURN_IF_REFUSED(CheckDuration(attributes, "exf", "execFrequency"));
  RETURN_IF_REFUSED(CheckDuration(attributes, "exy", "execDelay"));
  const CommandSchedule schedule = ScheduleOf(attributes);
  if (schedule.runs > 1 && schedule.interval <= absl::ZeroDuration()) {
    return Refusal{kBadRequest,
                   "attribute exf (execFrequency) is missing or zero: a command that is repeated needs a duration "
                   "such as PT30S"};
  }
  return std::nullopt;
}

CommandSchedule ScheduleOf(const Object& attributes) {
  const auto duration = [&](const char* name) {
    const Value* value = onem2m::Find(attributes, name);
    return value == nullptr ? absl::ZeroDuration()
                            : onem2m::ParseDuration(value->text()).value_or(absl::ZeroDuration());
  };
  CommandSchedule schedule;
  const int64_t mode = IntegerOf(attributes, "exm", 1);
  if (Delays(mode)) schedule.delay = duration("exy");
  if (Repeats(mode)) {
    schedule.interval = duration("exf");
    schedule.runs = IntegerOf(attributes, "exn", 1);
  }
  const Arguments* row = ArgumentsOf(IntegerOf(attributes, "cmt", 0));
  const Object* arguments = row == nullptr ? nullptr : ArgumentObject(attributes, *row);
  if (arguments != nullptr) schedule.delay += absl::Seconds(IntegerOf(*arguments, "dss", 0));
  return schedule;
}

Checked ConvertCommand(const Object& attributes, ManagementCommand* command) {
  const Arguments* row = ArgumentsOf(IntegerOf(attributes, "cmt", 0));
  if (row == nullptr) return Refusal{kInvalidCommandType, "attribute cmt (cmdType): no command has this number"};
  static const Object none;
  const Object* given = ArgumentObject(attributes, *row);
  const Object& arguments = given == nullptr ? none : *given;
  *command = ManagementCommand();
  command->type = row->type;
  const std::string url = onem2m::FindText(arguments, "url");
  switch (row->type) {
    case kReset:
      command->root = "m2m:rbo";
      onem2m::Set(command->update, "far", onem2m::Boolean(true));
      break;
    case kReboot:
      command->root = "m2m:rbo";
      onem2m::Set(command->update, "rbo", onem2m::Boolean(true));
      break;
    case kUpload:
      return NothingFor("cmdType UPLOAD: LwM2M has no way to make a device send a file");
    case kDownload: {
      const std::string file_type = onem2m::FindText(arguments, "ftyp");
      if (!IsFirmware(file_type)) {
        return NothingFor(
            absl::StrCat("attribute exra (execReqArgs): dld.ftyp (fileType): LwM2M downloads firmware "
                         "(\"firmware\", \"1 Firmware Upgrade Image\"), got '",
                         file_type.substr(0, 80), "'"));
      }
      command->root = "m2m:fwr";
      onem2m::Set(command->update, "url", onem2m::Text(url));
      onem2m::Set(command->update, "ud", onem2m::Boolean(true));
      command->status = "uds";
      // An empty Package URI ends a download and drops the image (LwM2M Core E.6), in every version of the object.
      onem2m::Set(command->cancel, "url", onem2m::Text(""));
      if (const Value* start = onem2m::Find(arguments, "stt")) {
        command->not_before = onem2m::ParseTimestamp(start->text()).value_or(absl::InfinitePast());
      }
      if (const Value* end = onem2m::Find(arguments, "cpt")) {
        command->complete_by = onem2m::ParseTimestamp(end->text()).value_or(absl::InfiniteFuture());
      }
      break;
    }
    case kSoftwareInstall:
      command->root = "m2m:swr";
      onem2m::Set(command->update, "url", onem2m::Text(url));
      onem2m::Set(command->update, "in", onem2m::Boolean(true));
      command->status = "ins";
      command->wants_empty = true;
      break;
    case kSoftwareUpdate:
      command->root = "m2m:swr";
      onem2m::Set(command->update, "url", onem2m::Text(url));
      onem2m::Set(command->update, "in", onem2m::Boolean(true));
      command->status = "ins";
      break;
    case kSoftwareUninstall:
      command->root = "m2m:swr";
      onem2m::Set(command->update, "un", onem2m::Boolean(true));
      command->status = "ins";
      break;
  }
  if (row->type == kSoftwareUpdate || row->type == kSoftwareUninstall) {
    command->software = onem2m::FindText(arguments, "uuid");
    if (row->type == kSoftwareUninstall) command->version = onem2m::FindText(arguments, "vr");
  }
  for (const char* credential : {"unm", "pwd"}) {
    if (onem2m::FindText(arguments, credential).empty()) continue;
    return NothingFor(absl::StrCat("attribute exra (execReqArgs): ", row->short_name, ".", credential,
                                   ": LwM2M carries no credentials beside the URL"));
  }
  if (!onem2m::FindText(arguments, "eer").empty()) {
    return NothingFor(absl::StrCat("attribute exra (execReqArgs): ", row->short_name,
                                   ".eer (executionEnvRef): LwM2M names no execution environments"));
  }
  return TakeAnyArguments(*row, arguments, command);
}

}  // namespace isthmus::synchronizer
