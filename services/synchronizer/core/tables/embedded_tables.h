// The files of data/, embedded in the binary by the build.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_EMBEDDED_TABLES_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_EMBEDDED_TABLES_H_

#include <string>
#include <vector>

namespace isthmus::synchronizer {

struct TableFile {
  std::string name;
  std::string text;
};

std::vector<TableFile> EmbeddedTables();

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_EMBEDDED_TABLES_H_
