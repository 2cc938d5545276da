// Configuration of a service: defaults, then a YAML file, then the environment, then flags; the later the stronger.
//
//   config::Schema schema("connector", "LwM2M Server and session endpoint.");
//   schema.Text("coap.listen", "0.0.0.0:5683", "Address and UDP port for devices.")
//         .Duration("session.ping", absl::Seconds(20), absl::Seconds(1), absl::Hours(1), "How often ...");
//   absl::StatusOr<config::Config> config = config::Load(schema, argc, argv, environ);
//   config->GetText("coap.listen");
//
// A key `coap.listen` is `coap: {listen: ...}` in the file, ISTHMUS_COAP_LISTEN in the environment and
// `--coap.listen=...` (or `--coap.listen ...`) as a flag. An unknown key, a value of the wrong type or out of range is
// an INVALID_ARGUMENT that names the file and line (or the variable, or the flag), the key, what was expected and, for
// an unknown key, the nearest right one. All mistakes are named at once, one a line.
//
// A duration is written as "500ms", "10s", "2m" or "1h30m"; a boolean as true or false (yes, no, on, off, 1 and 0 will
// do), and `--some.boolean` alone means true.
#ifndef ISTHMUS_SERVICES_LIB_CONFIG_CONFIG_H_
#define ISTHMUS_SERVICES_LIB_CONFIG_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace isthmus::config {

// A list of texts is a YAML sequence in the file and comma-separated elsewhere.
using Value = std::variant<std::string, int64_t, bool, absl::Duration, std::vector<std::string>>;

struct Key {
  std::string name;
  Value fallback;
  std::string help;
  int64_t minimum = 0, maximum = 0;  // of an integer
  absl::Duration shortest, longest;  // of a duration
  std::vector<std::string> choices;  // of a text; empty = any
  bool secret = false;               // --print-config shows *** in its place
};

class Schema {
 public:
  Schema(std::string service, std::string description);
  Schema& Text(std::string name, std::string fallback, std::string help, std::vector<std::string> choices = {});
  Schema& Integer(std::string name, int64_t fallback, int64_t minimum, int64_t maximum, std::string help);
  Schema& Boolean(std::string name, bool fallback, std::string help);
  Schema& Duration(std::string name, absl::Duration fallback, absl::Duration shortest, absl::Duration longest,
                   std::string help);
  Schema& TextList(std::string name, std::vector<std::string> fallback, std::string help);
  Schema& Secret(std::string name, std::string fallback, std::string help);

  const std::string& service() const { return service_; }
  const std::string& description() const { return description_; }
  const std::vector<Key>& keys() const { return keys_; }
  const Key* Find(absl::string_view name) const;

 private:
  std::string service_;
  std::string description_;
  std::vector<Key> keys_;
};

// Immutable, thread-safe.
class Config {
 public:
  // What the command line asked for besides running.
  enum class Action { kRun, kHelp, kPrintConfig, kCheckConfig };

  const std::string& GetText(absl::string_view key) const;
  int64_t GetInteger(absl::string_view key) const;
  bool GetBoolean(absl::string_view key) const;
  absl::Duration GetDuration(absl::string_view key) const;
  const std::vector<std::string>& GetTextList(absl::string_view key) const;
  // Asking for a key that the schema does not have, or as another type, is a bug: it aborts with the key's name.

  Action action() const { return action_; }
  // YAML of all keys with their values; each with a comment that says where it comes from.
  std::string Print() const;

 private:
  friend class Loader;
  struct Entry {
    Value value;
    std::string source;
    bool secret = false;
  };
  const Value* Find(absl::string_view key) const;
  std::map<std::string, Entry, std::less<>> entries_;
  Action action_ = Action::kRun;
};

// The variable of a key: ISTHMUS_COAP_LISTEN for "coap.listen".
std::string EnvironmentName(absl::string_view key);

// `--config FILE` (or ISTHMUS_CONFIG) names the file. `--help`, `--print-config`, `--check-config` set the action.
// `environment` is a null-terminated list of NAME=VALUE; variables of the form ISTHMUS_* that match no key are an error
// only when they resemble one of this service's (they may belong to a neighbour).
absl::StatusOr<Config> Load(const Schema& schema, int argc, const char* const* argv, const char* const* environment);

// Text of --help.
std::string Help(const Schema& schema);

}  // namespace isthmus::config

#endif  // ISTHMUS_SERVICES_LIB_CONFIG_CONFIG_H_
