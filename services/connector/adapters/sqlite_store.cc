#include "services/connector/adapters/sqlite_store.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/log/log.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::connector {
namespace {

constexpr int kLayout = 1;
constexpr absl::Duration kTouchDelay = absl::Seconds(1);

constexpr const char* kSchema = R"sql(
CREATE TABLE meta (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE registrations (
  endpoint BLOB PRIMARY KEY, registration BLOB NOT NULL, content_formats BLOB NOT NULL, updated_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE observations (
  endpoint BLOB, path BLOB, token BLOB NOT NULL, peer BLOB NOT NULL, accept INTEGER NOT NULL,
  attributes BLOB NOT NULL,
  PRIMARY KEY (endpoint, path)
) WITHOUT ROWID;
CREATE TABLE peers (peer BLOB PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE interests (
  peer BLOB, endpoint BLOB, path BLOB, interest BLOB NOT NULL, PRIMARY KEY (peer, endpoint, path)
) WITHOUT ROWID;
CREATE TABLE events (
  peer BLOB, sequence INTEGER, event BLOB NOT NULL, PRIMARY KEY (peer, sequence)
) WITHOUT ROWID;
)sql";

StoredObservation ObservationFrom(const sqlite::Row& row) {
  StoredObservation observation;
  observation.endpoint = row.Octets(0);
  const auto path = lwm2m::ParsePath(row.Octets(1));
  if (path.ok()) observation.path = *path;
  observation.token = row.Octets(2);
  observation.peer = row.Octets(3);
  if (row.Number(4) >= 0) observation.accept = static_cast<uint32_t>(row.Number(4));
  observation.attributes.ParseFromString(row.Octets(5));
  return observation;
}

}  // namespace

struct SqliteStore::Statements {
  sqlite::Statement put_meta, get_meta;
  sqlite::Statement put_registration, touch_registration, remove_registration, load_registrations;
  sqlite::Statement put_observation, remove_observation, remove_observations, load_observations, observations_of;
  sqlite::Statement put_last, put_peer, load_peers;
  sqlite::Statement put_interest, remove_interest, remove_interests, load_interests;
  sqlite::Statement append, read, drop_up_to, first_event;
};

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, size_t capacity,
                                                               coap::Random* random, absl::Duration patience) {
  absl::StatusOr<std::unique_ptr<sqlite::Database>> database = sqlite::Database::Open(path, patience);
  absl::Status status = database.status();
  std::unique_ptr<SqliteStore> store;
  if (status.ok()) {
    store.reset(new SqliteStore(*std::move(database), capacity));
    status = store->Initialize(random);
  }
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat("store.path ", status.message()));
  return store;
}

SqliteStore::SqliteStore(std::unique_ptr<sqlite::Database> database, size_t capacity)
    : database_(std::move(database)), capacity_(std::max<size_t>(capacity, 1)) {}

SqliteStore::~SqliteStore() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (statements_ != nullptr) FlushTouched();
}

absl::Status SqliteStore::Initialize(coap::Random* random) {
  RETURN_IF_ERROR(database_->SetUp(kLayout, kSchema));
  statements_ = std::make_unique<Statements>();
  const std::vector<std::pair<sqlite::Statement*, const char*>> statements = {
      {&statements_->put_meta, "INSERT INTO meta VALUES (?1, ?2)"},
      {&statements_->get_meta, "SELECT value FROM meta WHERE key = ?1"},
      {&statements_->put_registration, "INSERT OR REPLACE INTO registrations VALUES (?1, ?2, ?3, ?4)"},
      {&statements_->touch_registration, "UPDATE registrations SET updated_us = ?2 WHERE endpoint = ?1"},
      {&statements_->remove_registration, "DELETE FROM registrations WHERE endpoint = ?1"},
      {&statements_->load_registrations,
       "SELECT registration, content_formats, updated_us FROM registrations ORDER BY endpoint"},
      {&statements_->put_observation, "INSERT OR REPLACE INTO observations VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
      {&statements_->remove_observation, "DELETE FROM observations WHERE endpoint = ?1 AND path = ?2"},
      {&statements_->remove_observations, "DELETE FROM observations WHERE endpoint = ?1"},
      {&statements_->load_observations, "SELECT endpoint, path, token, peer, accept, attributes FROM observations"},
      {&statements_->observations_of,
       "SELECT endpoint, path, token, peer, accept, attributes FROM observations WHERE endpoint = ?1"},
      {&statements_->put_last,
       "INSERT INTO peers VALUES (?1, ?2) ON CONFLICT (peer) DO UPDATE SET last = excluded.last"},
      {&statements_->put_peer, "INSERT OR IGNORE INTO peers VALUES (?1, 0)"},
      {&statements_->put_interest, "INSERT OR REPLACE INTO interests VALUES (?1, ?2, ?3, ?4)"},
      {&statements_->remove_interest, "DELETE FROM interests WHERE peer = ?1 AND endpoint = ?2 AND path = ?3"},
      {&statements_->remove_interests, "DELETE FROM interests WHERE peer = ?1"},
      {&statements_->load_interests, "SELECT interest FROM interests WHERE peer = ?1"},
      {&statements_->load_peers, "SELECT peer, last FROM peers"},
      {&statements_->append, "INSERT INTO events VALUES (?1, ?2, ?3)"},
      {&statements_->read,
       "SELECT sequence, event FROM events WHERE peer = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3"},
      {&statements_->drop_up_to, "DELETE FROM events WHERE peer = ?1 AND sequence <= ?2"},
      {&statements_->first_event, "SELECT sequence FROM events WHERE peer = ?1 ORDER BY sequence LIMIT 1"},
  };
  for (const auto& [statement, sql] : statements) {
    ASSIGN_OR_RETURN(*statement, database_->Prepare(sql));
  }

  RETURN_IF_ERROR(statements_->get_meta.Run({"epoch"}, [&](const sqlite::Row& row) { epoch_ = row.Octets(0); }));
  if (epoch_.empty()) {
    epoch_ = absl::StrCat(absl::Hex(random->Next(), absl::kZeroPad16));
    RETURN_IF_ERROR(statements_->put_meta.Run({"epoch", epoch_}));
  }

  RETURN_IF_ERROR(statements_->load_peers.Run({}, [&](const sqlite::Row& row) {
    const auto last = static_cast<uint64_t>(row.Number(1));
    peers_[row.Octets(0)] = Peer{last + 1, last};
  }));
  for (auto& [name, peer] : peers_) {
    Peer& known = peer;
    RETURN_IF_ERROR(statements_->first_event.Run(
        {name}, [&](const sqlite::Row& row) { known.first = static_cast<uint64_t>(row.Number(0)); }));
  }
  last_flush_ = absl::Now();
  return absl::OkStatus();
}

void SqliteStore::Check(const absl::Status& status, absl::string_view doing) {
  if (!status.ok()) log::Error("store failed", {{"doing", doing}, {"error", status.message()}});
}

void SqliteStore::FlushTouched() {
  last_flush_ = absl::Now();
  if (touched_.empty()) return;
  const absl::Status status = database_->InTransaction([&]() -> absl::Status {
    for (const auto& [endpoint, updated_at] : touched_) {
      RETURN_IF_ERROR(statements_->touch_registration.Run({endpoint, absl::ToUnixMicros(updated_at)}));
    }
    return absl::OkStatus();
  });
  Check(status, "refresh lifetimes");
  touched_.clear();
}

// ---- RegistrationStore ----------------------------------------------------------------------------------------------

void SqliteStore::PutRegistration(const Device& device) {
  std::lock_guard<std::mutex> lock(mutex_);
  touched_.erase(device.endpoint());
  Check(statements_->put_registration.Run({device.endpoint(), device.registration.SerializeAsString(),
                                           absl::StrJoin(device.content_formats, " "),
                                           absl::ToUnixMicros(ToTime(device.registration.updated_at()))}),
        "keep a registration");
}

void SqliteStore::TouchRegistration(const std::string& endpoint, absl::Time updated_at) {
  std::lock_guard<std::mutex> lock(mutex_);
  touched_[endpoint] = updated_at;
  const absl::Duration since = absl::Now() - last_flush_;
  if (since >= kTouchDelay || since < absl::ZeroDuration()) FlushTouched();
}

void SqliteStore::RemoveRegistration(const std::string& endpoint) {
  std::lock_guard<std::mutex> lock(mutex_);
  touched_.erase(endpoint);
  Check(statements_->remove_registration.Run({endpoint}), "remove a registration");
  Check(statements_->remove_observations.Run({endpoint}), "remove observations");
}

std::vector<Device> SqliteStore::LoadRegistrations() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Device> devices;
  Check(statements_->load_registrations.Run({},
                                            [&](const sqlite::Row& row) {
                                              Device device;
                                              if (!device.registration.ParseFromString(row.Octets(0))) return;
                                              for (const auto& text :
                                                   absl::StrSplit(row.Octets(1), ' ', absl::SkipEmpty())) {
                                                uint32_t format = 0;
                                                if (absl::SimpleAtoi(text, &format)) {
                                                  device.content_formats.push_back(format);
                                                }
                                              }
                                              absl::Time updated_at = absl::FromUnixMicros(row.Number(2));
                                              const auto touched = touched_.find(device.endpoint());
                                              if (touched != touched_.end()) updated_at = touched->second;
                                              *device.registration.mutable_updated_at() = ToTimestamp(updated_at);
                                              devices.push_back(std::move(device));
                                            }),
        "read registrations");
  return devices;
}

void SqliteStore::PutObservation(const StoredObservation& observation) {
  std::lock_guard<std::mutex> lock(mutex_);
  Check(statements_->put_observation.Run({observation.endpoint, lwm2m::PathToString(observation.path),
                                          observation.token, observation.peer,
                                          observation.accept ? static_cast<int64_t>(*observation.accept) : int64_t{-1},
                                          observation.attributes.SerializeAsString()}),
        "keep an observation");
}

void SqliteStore::RemoveObservation(const std::string& endpoint, const lwm2m::v1::Path& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  Check(statements_->remove_observation.Run({endpoint, lwm2m::PathToString(path)}), "remove an observation");
}

void SqliteStore::RemoveObservations(const std::string& endpoint) {
  std::lock_guard<std::mutex> lock(mutex_);
  Check(statements_->remove_observations.Run({endpoint}), "remove observations");
}

std::vector<StoredObservation> SqliteStore::LoadObservations() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<StoredObservation> all;
  Check(statements_->load_observations.Run({}, [&](const sqlite::Row& row) { all.push_back(ObservationFrom(row)); }),
        "read observations");
  return all;
}

std::vector<StoredObservation> SqliteStore::ObservationsOf(const std::string& endpoint) const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<StoredObservation> found;
  Check(statements_->observations_of.Run({endpoint},
                                         [&](const sqlite::Row& row) { found.push_back(ObservationFrom(row)); }),
        "read observations");
  return found;
}

// ---- Outbox ---------------------------------------------------------------------------------------------------------

std::string SqliteStore::epoch() const { return epoch_; }

uint64_t SqliteStore::Append(const std::string& peer, const session::v1::Event& event) {
  std::lock_guard<std::mutex> lock(mutex_);
  Peer& known = peers_[peer];
  const uint64_t sequence = known.last + 1;
  const bool overflow = sequence - known.first + 1 > capacity_;
  const absl::Status status = database_->InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(statements_->append.Run({peer, sequence, event.SerializeAsString()}));
    if (overflow) RETURN_IF_ERROR(statements_->drop_up_to.Run({peer, sequence - capacity_}));
    return statements_->put_last.Run({peer, sequence});
  });
  known.last = sequence;
  if (status.ok()) {
    if (overflow) known.first = sequence - capacity_ + 1;
  } else {
    // The event could not be kept. All that is kept becomes unreadable with it, so that the peer hears of a gap and
    // gets a snapshot; a hole in the middle would be silent.
    Check(status, "keep an event");
    known.first = sequence + 1;
  }
  return sequence;
}

std::vector<session::v1::Event> SqliteStore::Read(const std::string& peer, uint64_t after, size_t limit) const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<session::v1::Event> events;
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return events;
  after = std::max(after, it->second.first - 1);
  Check(statements_->read.Run({peer, after, static_cast<uint64_t>(limit)},
                              [&](const sqlite::Row& row) {
                                session::v1::Event event;
                                if (!event.ParseFromString(row.Octets(1))) return;
                                event.mutable_position()->set_epoch(epoch_);
                                event.mutable_position()->set_sequence(static_cast<uint64_t>(row.Number(0)));
                                events.push_back(std::move(event));
                              }),
        "read events");
  return events;
}

void SqliteStore::Acknowledge(const std::string& peer, uint64_t sequence) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return;
  sequence = std::min(sequence, it->second.last);
  if (sequence < it->second.first) return;
  it->second.first = sequence + 1;
  Check(statements_->drop_up_to.Run({peer, sequence}), "drop acknowledged events");
}

uint64_t SqliteStore::last_sequence(const std::string& peer) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = peers_.find(peer);
  return it == peers_.end() ? 0 : it->second.last;
}

uint64_t SqliteStore::first_sequence(const std::string& peer) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = peers_.find(peer);
  return it == peers_.end() ? 1 : it->second.first;
}

absl::Status SqliteStore::PutInterests(const std::string& peer,
                                       const google::protobuf::RepeatedPtrField<session::v1::Interest>& interests) {
  for (const session::v1::Interest& interest : interests) {
    RETURN_IF_ERROR(statements_->put_interest.Run(
        {peer, interest.endpoint(), lwm2m::PathToString(interest.path()), interest.SerializeAsString()}));
  }
  return absl::OkStatus();
}

void SqliteStore::StoreInterests(const std::string& peer, const session::v1::Interests& interests) {
  std::lock_guard<std::mutex> lock(mutex_);
  peers_[peer];
  Check(database_->InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(statements_->put_peer.Run({peer}));
    RETURN_IF_ERROR(statements_->remove_interests.Run({peer}));
    return PutInterests(peer, interests.interests());
  }),
        "keep interests");
}

void SqliteStore::ChangeInterests(const std::string& peer, const session::v1::InterestChange& change) {
  std::lock_guard<std::mutex> lock(mutex_);
  peers_[peer];
  Check(database_->InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(statements_->put_peer.Run({peer}));
    for (const session::v1::Interest& interest : change.remove()) {
      RETURN_IF_ERROR(
          statements_->remove_interest.Run({peer, interest.endpoint(), lwm2m::PathToString(interest.path())}));
    }
    return PutInterests(peer, change.add());
  }),
        "change interests");
}

session::v1::Interests SqliteStore::LoadInterests(const std::string& peer) const {
  std::lock_guard<std::mutex> lock(mutex_);
  session::v1::Interests interests;
  Check(statements_->load_interests.Run(
            {peer}, [&](const sqlite::Row& row) { interests.add_interests()->ParseFromString(row.Octets(0)); }),
        "read interests");
  return interests;
}

std::vector<std::string> SqliteStore::peers() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, peer] : peers_) names.push_back(name);
  return names;
}

}  // namespace isthmus::connector
