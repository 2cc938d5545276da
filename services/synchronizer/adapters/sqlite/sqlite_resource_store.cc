#include "services/synchronizer/adapters/sqlite/sqlite_resource_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::synchronizer {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr int kLayout = 1;

constexpr char kSchema[] =
    "CREATE TABLE resource (seq INTEGER PRIMARY KEY AUTOINCREMENT, ri BLOB NOT NULL UNIQUE, "
    "pi BLOB NOT NULL, ty INTEGER NOT NULL, rn BLOB NOT NULL, attributes BLOB NOT NULL, internal BLOB NOT NULL);"
    "CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

absl::StatusOr<StoredResource> ResourceFrom(const sqlite::Row& row) {
  StoredResource resource;
  resource.resource_id = row.Octets(0);
  resource.parent_id = row.Octets(1);
  resource.type = static_cast<uint32_t>(row.Number(2));
  resource.name = row.Octets(3);
  if (!resource.attributes.ParseFromString(row.Octets(4))) {
    return absl::DataLossError(absl::StrCat("stored resource ", resource.resource_id, ": its attributes are damaged"));
  }
  RETURN_IF_ERROR(DecodeInternal(row.Octets(5), &resource));
  return resource;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteResourceStore>> SqliteResourceStore::Open(const std::string& path) {
  absl::StatusOr<std::unique_ptr<sqlite::Database>> database = sqlite::Database::Open(path, kPatience);
  absl::Status status = database.status();
  std::unique_ptr<SqliteResourceStore> store;
  if (status.ok()) {
    store.reset(new SqliteResourceStore(*std::move(database)));
    status = store->Initialize();
  }
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat("store.path ", status.message()));
  return store;
}

absl::Status SqliteResourceStore::Initialize() {
  RETURN_IF_ERROR(database_->SetUp(kLayout, kSchema));
  ASSIGN_OR_RETURN(load_, database_->Prepare("SELECT ri, pi, ty, rn, attributes, internal FROM resource ORDER BY seq"));
  ASSIGN_OR_RETURN(put_, database_->Prepare("INSERT INTO resource (ri, pi, ty, rn, attributes, internal) "
                                            "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (ri) DO UPDATE SET pi=?2, "
                                            "ty=?3, rn=?4, attributes=?5, internal=?6"));
  ASSIGN_OR_RETURN(remove_, database_->Prepare("DELETE FROM resource WHERE ri=?1"));
  ASSIGN_OR_RETURN(put_state_, database_->Prepare("INSERT INTO state (key, value) VALUES (?1, ?2) "
                                                  "ON CONFLICT (key) DO UPDATE SET value=?2"));
  ASSIGN_OR_RETURN(remove_state_, database_->Prepare("DELETE FROM state WHERE key=?1"));
  ASSIGN_OR_RETURN(get_state_, database_->Prepare("SELECT value FROM state WHERE key=?1"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StoredResource>> SqliteResourceStore::Load() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<StoredResource> resources;
  absl::Status damage;
  RETURN_IF_ERROR(load_.Run({}, [&](const sqlite::Row& row) {
    if (!damage.ok()) return;
    absl::StatusOr<StoredResource> resource = ResourceFrom(row);
    if (resource.ok()) {
      resources.push_back(*std::move(resource));
    } else {
      damage = resource.status();
    }
  }));
  RETURN_IF_ERROR(damage);
  return resources;
}

absl::Status SqliteResourceStore::Commit(const StoreTransaction& transaction) {
  std::lock_guard<std::mutex> lock(mutex_);
  return database_->InTransaction([&]() -> absl::Status {
    for (const std::string& resource_id : transaction.removals) RETURN_IF_ERROR(remove_.Run({resource_id}));
    for (const StoredResource* resource : transaction.puts) {
      RETURN_IF_ERROR(put_.Run({resource->resource_id, resource->parent_id, uint64_t{resource->type}, resource->name,
                                resource->attributes.SerializeAsString(), EncodeInternal(*resource)}));
    }
    return absl::OkStatus();
  });
}

absl::Status SqliteResourceStore::PutState(const std::string& key, const std::string& value) {
  std::lock_guard<std::mutex> lock(mutex_);
  return value.empty() ? remove_state_.Run({key}) : put_state_.Run({key, value});
}

absl::StatusOr<std::string> SqliteResourceStore::GetState(const std::string& key) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::string value;
  RETURN_IF_ERROR(get_state_.Run({key}, [&value](const sqlite::Row& row) { value = row.Octets(0); }));
  return value;
}

}  // namespace isthmus::synchronizer
