// The table that answers are made with now. A reload puts a new one in its place; a call that runs keeps the one that
// it started with.
//
// Thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_CURRENT_TABLE_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_CURRENT_TABLE_H_

#include <memory>
#include <mutex>
#include <utility>

#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

class CurrentTable {
 public:
  explicit CurrentTable(std::shared_ptr<const MappingTable> table) : table_(std::move(table)) {}

  std::shared_ptr<const MappingTable> Get() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return table_;
  }
  void Set(std::shared_ptr<const MappingTable> table) {
    std::lock_guard<std::mutex> lock(mutex_);
    table_ = std::move(table);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const MappingTable> table_;
};

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_CURRENT_TABLE_H_
