// The connector's memory in one SQLite file: registrations, observations, and the events and interests of its peers.
//
//   ASSIGN_OR_RETURN(auto store, SqliteStore::Open("/var/lib/isthmus/connector.db", 100000, random.get()));
//   Registry registry(options, &clock, random.get(), store.get());
//   session::ServerEnd sessions(name, store.get(), &clock, callbacks);
//
// Durable against the death of the process as soon as a call has returned, except for TouchRegistration, which is
// written with the next other change or after a second, so that a refreshed lifetime costs no transaction of its own.
#ifndef ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_SQLITE_STORE_H_
#define ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_SQLITE_STORE_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/connector/core/registration_store.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/session/session.h"
#include "services/lib/sqlite/database.h"

namespace isthmus::connector {

// Thread-safe.
class SqliteStore final : public RegistrationStore, public session::Outbox {
 public:
  // Holds at most `capacity` unacknowledged events per peer: beyond, the oldest go. A new file gets a new epoch.
  // A predecessor that is about to end still holds the file for a moment: `patience`.
  // Errors as of sqlite::Database::Open and SetUp.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::string& path, size_t capacity,
                                                           coap::Random* random,
                                                           absl::Duration patience = absl::Seconds(3));
  ~SqliteStore() override;

  void PutRegistration(const Device& device) override;
  void TouchRegistration(const std::string& endpoint, absl::Time updated_at) override;
  void RemoveRegistration(const std::string& endpoint) override;
  std::vector<Device> LoadRegistrations() const override;
  void PutObservation(const StoredObservation& observation) override;
  void RemoveObservation(const std::string& endpoint, const lwm2m::v1::Path& path) override;
  void RemoveObservations(const std::string& endpoint) override;
  std::vector<StoredObservation> LoadObservations() const override;
  std::vector<StoredObservation> ObservationsOf(const std::string& endpoint) const override;

  std::string epoch() const override;
  uint64_t Append(const std::string& peer, const session::v1::Event& event) override;
  std::vector<session::v1::Event> Read(const std::string& peer, uint64_t after, size_t limit) const override;
  void Acknowledge(const std::string& peer, uint64_t sequence) override;
  uint64_t last_sequence(const std::string& peer) const override;
  uint64_t first_sequence(const std::string& peer) const override;
  void StoreInterests(const std::string& peer, const session::v1::Interests& interests) override;
  session::v1::Interests LoadInterests(const std::string& peer) const override;
  void ChangeInterests(const std::string& peer, const session::v1::InterestChange& change) override;
  std::vector<std::string> peers() const override;

 private:
  // What of a peer's events is known without asking the file.
  struct Peer {
    uint64_t first = 1;  // first that is still there, or last + 1
    uint64_t last = 0;
  };
  struct Statements;

  SqliteStore(std::unique_ptr<sqlite::Database> database, size_t capacity);
  absl::Status Initialize(coap::Random* random);
  absl::Status PutInterests(const std::string& peer,
                            const google::protobuf::RepeatedPtrField<session::v1::Interest>& interests);
  void FlushTouched();
  // Writes that may not fail silently: the log says what the disk did.
  static void Check(const absl::Status& status, absl::string_view doing);

  mutable std::mutex mutex_;
  const std::unique_ptr<sqlite::Database> database_;
  const size_t capacity_;
  std::unique_ptr<Statements> statements_;
  std::string epoch_;
  std::map<std::string, Peer> peers_;
  std::map<std::string, absl::Time> touched_;
  absl::Time last_flush_;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_SQLITE_STORE_H_
