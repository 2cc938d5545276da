#include "tools/lwm2m_fleet/software.h"

#include "absl/strings/match.h"

namespace isthmus::fleet {

void SplitPackageName(absl::string_view uri, std::string* name, std::string* version) {
  absl::string_view file = uri.substr(uri.find_last_of('/') + 1);
  file = file.substr(0, file.find_first_of("?#"));
  const size_t suffix = file.find_last_of('.');
  if (suffix != absl::string_view::npos && suffix + 1 < file.size() &&
      (file[suffix + 1] < '0' || file[suffix + 1] > '9')) {
    file = file.substr(0, suffix);
  }
  const size_t dash = file.find_last_of('-');
  const bool has_version =
      dash != absl::string_view::npos && dash + 1 < file.size() && file[dash + 1] >= '0' && file[dash + 1] <= '9';
  *name = std::string(has_version ? file.substr(0, dash) : file);
  *version = has_version ? std::string(file.substr(dash + 1)) : "1.0.1";
}

bool IsKnownScheme(absl::string_view uri) {
  for (const absl::string_view scheme : {"coap://", "coaps://", "http://", "https://"}) {
    if (absl::StartsWithIgnoreCase(uri, scheme)) return true;
  }
  return false;
}

coap::Code Software::WriteUri(const std::string& uri, absl::Duration monotonic) {
  const bool installing = state_ == kDelivered && due_ != absl::InfiniteDuration();
  if (state_ == kInstalled || installing) return coap::kMethodNotAllowed;
  uri_.clear();
  name_.clear();
  version_.clear();
  if (!uri.empty() && !IsKnownScheme(uri)) {
    Become(kInitial, kInvalidUri);
    return coap::kBadRequest;
  }
  if (uri.empty()) {
    Become(kInitial, kNone);
    return coap::kChanged;
  }
  uri_ = uri;
  Become(kDownloading, kDownloadStarted);
  due_ = monotonic + download_time_;
  return coap::kChanged;
}

coap::Code Software::Execute(uint32_t command, absl::Duration monotonic) {
  switch (command) {
    case kInstall:
      if (state_ != kDelivered || due_ != absl::InfiniteDuration()) return coap::kMethodNotAllowed;
      due_ = monotonic + install_time_;
      return coap::kChanged;
    case kUninstall:
      if (state_ != kInstalled && state_ != kDelivered) return coap::kMethodNotAllowed;
      if (state_ == kInstalled && name_ == "sticky") {
        Become(kInstalled, kUninstallFailed);
        return coap::kChanged;
      }
      name_.clear();
      version_.clear();
      active_ = false;
      Become(kInitial, kNone);
      return coap::kChanged;
    case kActivate:
    case kDeactivate:
      if (state_ != kInstalled) return coap::kMethodNotAllowed;
      active_ = command == kActivate;
      return coap::kChanged;
    default:
      return coap::kMethodNotAllowed;
  }
}

void Software::Tick(absl::Duration monotonic) {
  if (monotonic < due_) return;
  if (state_ == kDownloading) {
    SplitPackageName(uri_, &name_, &version_);
    if (name_ == "lost" || name_ == "corrupt") {
      const Result failure = name_ == "lost" ? kConnectionLost : kCorrupt;
      name_.clear();
      version_.clear();
      return Become(kInitial, failure);
    }
    return Become(kDelivered, kVerified);
  }
  if (name_ == "broken") return Become(kDelivered, kInstallFailed);
  Become(kInstalled, kSuccess);
}

void Software::Restart() {
  if (state_ == kDownloading) return Become(kInitial, kNone);
  due_ = absl::InfiniteDuration();
}

void Software::Become(State state, Result result) {
  state_ = state;
  result_ = result;
  due_ = absl::InfiniteDuration();
}

}  // namespace isthmus::fleet
