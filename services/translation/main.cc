// The translation service: wires the tables, their reloading and the gRPC shell.
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/config/config.h"
#include "services/lib/log/log.h"
#include "services/lib/service/service.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/adapters/mapping_directory.h"
#include "services/translation/core/current_table.h"
#include "services/translation/core/loader.h"
#include "services/translation/data/built_in.h"
#include "services/translation/server/translation_service.h"

namespace isthmus::translation {
namespace {

config::Schema MakeSchema() {
  config::Schema schema("translation", "Translation between oneM2M management resources and LwM2M (TS-0005 6.5.2).");
  service::AddCommonKeys(schema, "127.0.0.1:7002");
  schema
      .Text("mappings.directory", "",
            "Directory with mapping and object files (*.yaml) and object definitions of OMA's form (*.xml) that add to "
            "the "
            "built-in ones or replace them; empty = none.")
      .Duration("mappings.reload", absl::Seconds(10), absl::Milliseconds(100), absl::Hours(24),
                "How often the directory is looked at for changes.");
  return schema;
}

absl::Status Run(service::Runtime& runtime) {
  const std::string& path = runtime.config().GetText("mappings.directory");
  const MappingDirectory directory(path);
  MountedData mounted;
  if (!path.empty()) {
    ASSIGN_OR_RETURN(mounted, directory.Read());
  }
  const LoadResult loaded = Load(BuiltInSources(), mounted.sources);
  std::vector<std::string> problems = mounted.problems;
  problems.insert(problems.end(), loaded.problems.begin(), loaded.problems.end());
  for (const std::string& problem : problems) log::Error("mapping data refused", {{"reason", problem}});
  if (loaded.table->mappings().empty()) return absl::InternalError("no mapping could be loaded");
  log::Info("mappings loaded", {{"mapping_version", loaded.table->version()},
                                {"mappings", loaded.table->mappings().size()},
                                {"objects", loaded.table->objects().size()}});
  CurrentTable table(loaded.table);
  std::optional<MappingReloader> reloader;
  if (!path.empty()) reloader.emplace(directory, &table, runtime.config().GetDuration("mappings.reload"));

  TranslationServiceImpl translation(&table);
  runtime.AddGrpcService(&translation);
  return runtime.Serve();
}

}  // namespace
}  // namespace isthmus::translation

int main(int argc, char** argv) {
  return isthmus::service::Main(argc, argv, isthmus::translation::MakeSchema(), isthmus::translation::Run);
}
