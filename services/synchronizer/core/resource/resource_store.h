// Where the resources live over a restart.
//
//   InMemoryResourceStore store;                       // or adapters/sqlite
//   StoreTransaction transaction;
//   transaction.puts.push_back(&battery);
//   transaction.removals.push_back("r7");
//   RETURN_IF_ERROR(store.Commit(transaction));
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_STORE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"

namespace isthmus::synchronizer {

// How far an <execInstance> is.
struct Execution {
  enum class Phase {
    kNone,        // no <execInstance>, or one that has ended
    kScheduled,   // a run begins at `next`
    kAsked,       // the device has been asked, and has not answered
    kFollowed,    // the device has begun; the status of `performer` tells the end
    kCancelling,  // the device has been asked to take it back
  };
  Phase phase = Phase::kNone;
  std::string performer;  // ri of the <mgmtObj> that carries it out, from the first run on
  int64_t begun = 0;      // runs
  absl::Time next = absl::InfiniteFuture();
  // kAsked, kCancelling: m2m:execResultType of the run, which has ended before the device's answer came.
  std::optional<int64_t> ended;

  bool operator==(const Execution& other) const {
    return phase == other.phase && performer == other.performer && begun == other.begun && next == other.next &&
           ended == other.ended;
  }
};

struct StoredResource {
  std::string resource_id;
  std::string parent_id;  // empty for the CSEBase
  uint32_t type = 0;
  std::string name;
  onem2m::v1::Object attributes;  // as an originator sees them, universal ones included

  // What no originator sees.
  std::string root;                  // "m2m:bat"
  std::string creator;               // originator that created it, in normal form; empty = this CSE
  bool provisioned = false;          // the device side made it
  std::vector<std::string> targets;  // <subscription>: where notifications go, resolved
  Execution execution;
};

struct StoreTransaction {
  std::vector<const StoredResource*> puts;  // new or changed
  std::vector<std::string> removals;        // resource IDs
};

// Thread-safe. What Commit and PutState did is there after the death of the process.
class ResourceStore {
 public:
  virtual ~ResourceStore() = default;
  // In the order of their creation: a parent comes before its children.
  virtual absl::StatusOr<std::vector<StoredResource>> Load() = 0;
  // All or nothing.
  virtual absl::Status Commit(const StoreTransaction& transaction) = 0;
  // Small values by name. An empty value erases.
  virtual absl::Status PutState(const std::string& key, const std::string& value) = 0;
  virtual absl::StatusOr<std::string> GetState(const std::string& key) = 0;
};

// What no originator sees, as octets, for stores.
std::string EncodeInternal(const StoredResource& resource);
absl::Status DecodeInternal(absl::string_view octets, StoredResource* resource);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_STORE_H_
