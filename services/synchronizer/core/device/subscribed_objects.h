// Which <mgmtObj> resources somebody subscribed to, and the interests that follow: their observe_paths, as the
// description of the device names them.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_SUBSCRIBED_OBJECTS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_SUBSCRIBED_OBJECTS_H_

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/device/device_directory.h"
#include "services/synchronizer/core/device/interest_book.h"

namespace isthmus::synchronizer {

// Thread-safe.
class SubscribedObjects {
 public:
  SubscribedObjects(const DeviceDirectory* directory, InterestBook* interests)
      : directory_(directory), interests_(interests) {}

  void SubscribersChanged(const std::string& resource_id, const std::string& endpoint,
                          const onem2m::v1::Resource& resource, int subscribers) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (subscribers > 0) {
        Object& object = objects_[resource_id];
        object.endpoint = endpoint;
        object.resource = resource;
        object.resource.clear_attributes();
        by_endpoint_[endpoint].insert(resource_id);
      } else {
        objects_.erase(resource_id);
        auto found = by_endpoint_.find(endpoint);
        if (found != by_endpoint_.end()) {
          found->second.erase(resource_id);
          if (found->second.empty()) by_endpoint_.erase(found);
        }
      }
    }
    Tell(resource_id);
  }

  // The device was described (anew).
  void OnDescribed(const std::string& endpoint) {
    std::vector<std::string> resource_ids;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      auto found = by_endpoint_.find(endpoint);
      if (found == by_endpoint_.end()) return;
      resource_ids.assign(found->second.begin(), found->second.end());
    }
    for (const std::string& resource_id : resource_ids) Tell(resource_id);
  }

  // After the directory was loaded: what was announced before is looked up now.
  void Refresh() {
    std::vector<std::string> resource_ids;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (const auto& [resource_id, object] : objects_) resource_ids.push_back(resource_id);
    }
    for (const std::string& resource_id : resource_ids) Tell(resource_id);
  }

 private:
  struct Object {
    std::string endpoint;
    onem2m::v1::Resource resource;
  };

  void Tell(const std::string& resource_id) {
    // Looked up and told under one lock, so that the last word about a resource is the newest. The book tells the
    // session outside its own lock, but inside this one; the session does not call back into this class.
    std::lock_guard<std::mutex> telling(telling_mutex_);
    Object object;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      auto found = objects_.find(resource_id);
      if (found != objects_.end()) object = found->second;
    }
    const std::string holder = absl::StrCat("subscribed/", resource_id);
    if (object.endpoint.empty()) return interests_->Clear(holder);
    interests_->Set(holder, object.endpoint, directory_->ObservePaths(object.endpoint, object.resource),
                    directory_->IsSelfDescribing(object.endpoint, object.resource));
  }

  const DeviceDirectory* const directory_;
  InterestBook* const interests_;
  std::mutex telling_mutex_;
  std::mutex mutex_;
  std::map<std::string, Object> objects_;
  std::map<std::string, std::set<std::string>> by_endpoint_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_SUBSCRIBED_OBJECTS_H_
