// Reads attribute tables from YAML text.
//
//   absl::StatusOr<ResourceTables> tables = TableLoader::Load({{"common.yaml", "..."}, {"battery.yaml", "..."}});
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_TABLE_LOADER_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_TABLE_LOADER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "services/synchronizer/core/tables/embedded_tables.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {

class TableLoader {
 public:
  // INVALID_ARGUMENT names the file, the attribute, and what was expected. Every set of files needs common.yaml and
  // management_common.yaml.
  static absl::StatusOr<ResourceTables> Load(const std::vector<TableFile>& files);
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_TABLE_LOADER_H_
