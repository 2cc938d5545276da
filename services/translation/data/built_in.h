// The data files of this folder, as they were when the binary was built.
//
//   const LoadResult loaded = Load(BuiltInSources(), {});
#ifndef ISTHMUS_SERVICES_TRANSLATION_DATA_BUILT_IN_H_
#define ISTHMUS_SERVICES_TRANSLATION_DATA_BUILT_IN_H_

#include <vector>

#include "services/translation/core/loader.h"

namespace isthmus::translation {

// Names are those of the files, `mappings/battery.yaml`. Thread-safe.
std::vector<Source> BuiltInSources();

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_DATA_BUILT_IN_H_
