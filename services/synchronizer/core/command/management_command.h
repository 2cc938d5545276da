// What a <mgmtCmd> asks for (TS-0004 7.4.16, 6.3.5.15-23), and what that is for a device: an UPDATE of one <mgmtObj> of
// the target <node>, whose status attribute, if it has one, tells the end (docs/0002-commands-are-updates.md).
//
//   RETURN_IF_REFUSED(CheckCommand(attributes));          // CREATE, UPDATE: 6022, 6023, 6024, 4000
//   ManagementCommand command;
//   RETURN_IF_REFUSED(ConvertCommand(attributes, &command));  // execution: 6025
//   command.root;    // "m2m:fwr"
//   command.update;  // {"url": "coap://...", "ud": true}
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_COMMAND_MANAGEMENT_COMMAND_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_COMMAND_MANAGEMENT_COMMAND_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/refusal.h"

namespace isthmus::synchronizer {

// m2m:cmdType (TS-0004 6.3.4.2.13).
enum CommandType : int64_t {
  kReset = 1,
  kReboot = 2,
  kUpload = 3,
  kDownload = 4,
  kSoftwareInstall = 5,
  kSoftwareUninstall = 6,
  kSoftwareUpdate = 7,
};

// "DOWNLOAD"; "" for a number that is no command.
std::string CommandName(int64_t type);

// When and how often (TS-0004 7.4.16.1, execMode).
struct CommandSchedule {
  absl::Duration delay;     // before the first run
  absl::Duration interval;  // from the end of one run to the beginning of the next
  int64_t runs = 1;
};

struct ManagementCommand {
  CommandType type = kReset;
  // The <mgmtObj> that carries it out.
  std::string root;
  // Which of several: its place on the device, else the software in it. Empty = not said.
  std::string object_path, software, version;
  // Where software is to be put, an object without any is meant.
  bool wants_empty = false;
  onem2m::v1::Object update;
  // The attribute that tells the end (m2m:actionStatus); empty = the answer to the UPDATE is the end.
  std::string status;
  // What takes it back while it is under way; without members it cannot be taken back.
  onem2m::v1::Object cancel;
  // startTime of a download; and completeTime, after which it counts as failed.
  absl::Time not_before = absl::InfinitePast();
  absl::Time complete_by = absl::InfiniteFuture();
};

// cmdType, execReqArgs, execMode and what belongs to it, of a <mgmtCmd> as it is to be.
Checked CheckCommand(const onem2m::v1::Object& attributes);

// What CheckCommand has passed, for a LwM2M device. 6025 when LwM2M has nothing for it.
Checked ConvertCommand(const onem2m::v1::Object& attributes, ManagementCommand* command);

// Of what CheckCommand has passed; delaySeconds of the arguments is in it.
CommandSchedule ScheduleOf(const onem2m::v1::Object& attributes);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_COMMAND_MANAGEMENT_COMMAND_H_
