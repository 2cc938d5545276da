// Making, finding and changing onem2m.v1.Value and Object without ceremony.
//
//   onem2m::v1::Object battery;
//   onem2m::Set(battery, "btl", onem2m::Integer(77));
//   const onem2m::v1::Value* level = onem2m::Find(battery, "btl");
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_VALUE_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_VALUE_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"

namespace isthmus::onem2m {

// Levels of objects and lists, the outermost included, that a serialisation reads. One level is up to three nested
// protobuf messages, and protobuf refuses to read more than 100 of them: what is deeper could not be handed on to a
// neighbour. The deepest primitives that TS-0004 defines have about ten levels.
inline constexpr int kMaxValueDepth = 24;

v1::Value Null();
v1::Value Boolean(bool value);
v1::Value Integer(int64_t value);
v1::Value Number(double value);
v1::Value Text(absl::string_view value);
v1::Value List(std::vector<v1::Value> values);
v1::Value TextList(const std::vector<std::string>& values);
v1::Value Complex(v1::Object object);

// The member's value, or null. Valid until the object changes.
const v1::Value* Find(const v1::Object& object, absl::string_view name);
v1::Value* FindMutable(v1::Object& object, absl::string_view name);
// Text of a member, or "" when it is not there or not a text.
std::string FindText(const v1::Object& object, absl::string_view name);
// Adds or replaces; keeps the place of an existing member.
void Set(v1::Object& object, absl::string_view name, v1::Value value);
// True when it was there.
bool Remove(v1::Object& object, absl::string_view name);
// The name of a member that occurs twice, if there is one.
std::optional<std::string> FindDouble(const v1::Object& object);

// Equal in meaning: members of objects in any order, 1 and 1.0 are equal.
bool Equal(const v1::Value& a, const v1::Value& b);

// Text of a finite number: the shortest that reads back as the same double, always with a '.' or an exponent.
void AppendNumber(double number, std::string* out);

// For messages and logs: compact JSON-like text, cut after `limit` octets with "...".
std::string Describe(const v1::Value& value, size_t limit = 200);

// A response with a status code and, when `debug` is not empty, {m2m:dbg: debug}. `rqi` and `rvi` are taken from the
// request ("4" when the request has no rvi).
v1::ResponsePrimitive MakeResponse(const v1::RequestPrimitive& request, uint32_t status_code,
                                   absl::string_view debug = "");

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_VALUE_H_
