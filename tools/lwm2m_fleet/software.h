// The state machine of one software package, LwM2M object 9 (OMA Software Management): pulled by its URI, installed,
// removed, activated and deactivated. It knows no resources, messages or clocks.
//
//   Software software(absl::Seconds(2), absl::Seconds(2));
//   software.WriteUri("http://x/app-1.2.bin", monotonic);    // Download started
//   software.Tick(monotonic + absl::Seconds(2));             // Delivered; Execute(kInstall) is allowed
//
// What goes wrong is said by the name of the package: `lost` ends the download with Result 52, `corrupt` with 53,
// `broken` fails to install (58), `sticky` to be removed (59). Not thread-safe.
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_SOFTWARE_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_SOFTWARE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/coap/endpoint.h"

namespace isthmus::fleet {

// "http://x/pump-1.4.2.bin" is "pump" "1.4.2"; a name without a version is 1.0.1.
void SplitPackageName(absl::string_view uri, std::string* name, std::string* version);
// coap, coaps, http or https.
bool IsKnownScheme(absl::string_view uri);

class Software {
 public:
  // Update State and Update Result.
  enum State : int64_t { kInitial = 0, kDownloading = 1, kDelivered = 3, kInstalled = 4 };
  enum Result : int64_t {
    kNone = 0,
    kDownloadStarted = 1,
    kSuccess = 2,
    kVerified = 3,
    kConnectionLost = 52,
    kCorrupt = 53,
    kInvalidUri = 56,
    kInstallFailed = 58,
    kUninstallFailed = 59
  };
  // Resources that are executed.
  enum Command : uint32_t { kInstall = 4, kUninstall = 6, kActivate = 10, kDeactivate = 11 };

  Software(absl::Duration download_time, absl::Duration install_time)
      : download_time_(download_time), install_time_(install_time) {}

  // 204; 400 for a scheme that it does not know; 405 where the state does not allow it. The empty URI drops the
  // package.
  coap::Code WriteUri(const std::string& uri, absl::Duration monotonic);
  coap::Code Execute(uint32_t command, absl::Duration monotonic);
  void Tick(absl::Duration monotonic);
  absl::Duration next_due() const { return due_; }
  // A download that was under way is lost; an installation begins anew with the next Install.
  void Restart();

  State state() const { return state_; }
  Result result() const { return result_; }
  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  bool active() const { return active_; }

 private:
  void Become(State state, Result result);

  const absl::Duration download_time_, install_time_;
  State state_ = kInitial;
  Result result_ = kNone;
  std::string uri_, name_, version_;
  bool active_ = false;
  absl::Duration due_ = absl::InfiniteDuration();
};

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_SOFTWARE_H_
