#include "services/lib/onem2m/value.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace isthmus::onem2m {
namespace {

bool NumbersEqual(const v1::Value& a, const v1::Value& b) {
  const bool a_integer = a.kind_case() == v1::Value::kInteger;
  const bool b_integer = b.kind_case() == v1::Value::kInteger;
  if (a_integer && b_integer) return a.integer() == b.integer();
  const double x = a_integer ? static_cast<double>(a.integer()) : a.number();
  const double y = b_integer ? static_cast<double>(b.integer()) : b.number();
  return x == y;
}

bool IsNumber(const v1::Value& value) {
  return value.kind_case() == v1::Value::kInteger || value.kind_case() == v1::Value::kNumber;
}

void AppendDescription(const v1::Value& value, size_t limit, std::string* out) {
  if (out->size() > limit) return;
  switch (value.kind_case()) {
    case v1::Value::kNull:
    case v1::Value::KIND_NOT_SET:
      out->append("null");
      return;
    case v1::Value::kBoolean:
      out->append(value.boolean() ? "true" : "false");
      return;
    case v1::Value::kInteger:
      absl::StrAppend(out, value.integer());
      return;
    case v1::Value::kNumber:
      absl::StrAppend(out, value.number());
      return;
    case v1::Value::kText:
      absl::StrAppend(out, "\"", value.text(), "\"");
      return;
    case v1::Value::kList: {
      out->append("[");
      const char* separator = "";
      for (const v1::Value& member : value.list().values()) {
        out->append(separator);
        separator = ",";
        AppendDescription(member, limit, out);
      }
      out->append("]");
      return;
    }
    case v1::Value::kObject: {
      out->append("{");
      const char* separator = "";
      for (const v1::Attribute& member : value.object().members()) {
        absl::StrAppend(out, separator, "\"", member.name(), "\":");
        separator = ",";
        AppendDescription(member.value(), limit, out);
      }
      out->append("}");
      return;
    }
  }
}

}  // namespace

v1::Value Null() {
  v1::Value value;
  value.set_null(true);
  return value;
}

v1::Value Boolean(bool boolean) {
  v1::Value value;
  value.set_boolean(boolean);
  return value;
}

v1::Value Integer(int64_t integer) {
  v1::Value value;
  value.set_integer(integer);
  return value;
}

v1::Value Number(double number) {
  v1::Value value;
  value.set_number(number);
  return value;
}

v1::Value Text(absl::string_view text) {
  v1::Value value;
  value.set_text(text.data(), text.size());
  return value;
}

v1::Value List(std::vector<v1::Value> values) {
  v1::Value list;
  list.mutable_list();
  for (v1::Value& value : values) *list.mutable_list()->add_values() = std::move(value);
  return list;
}

v1::Value TextList(const std::vector<std::string>& values) {
  v1::Value list;
  list.mutable_list();
  for (const std::string& value : values) list.mutable_list()->add_values()->set_text(value);
  return list;
}

v1::Value Complex(v1::Object object) {
  v1::Value value;
  *value.mutable_object() = std::move(object);
  return value;
}

const v1::Value* Find(const v1::Object& object, absl::string_view name) {
  for (const v1::Attribute& member : object.members()) {
    if (absl::string_view(member.name()) == name) return &member.value();
  }
  return nullptr;
}

v1::Value* FindMutable(v1::Object& object, absl::string_view name) {
  for (v1::Attribute& member : *object.mutable_members()) {
    if (absl::string_view(member.name()) == name) return member.mutable_value();
  }
  return nullptr;
}

std::string FindText(const v1::Object& object, absl::string_view name) {
  const v1::Value* value = Find(object, name);
  return value != nullptr && value->kind_case() == v1::Value::kText ? value->text() : std::string();
}

void Set(v1::Object& object, absl::string_view name, v1::Value value) {
  if (v1::Value* existing = FindMutable(object, name)) {
    *existing = std::move(value);
    return;
  }
  v1::Attribute* member = object.add_members();
  member->set_name(name.data(), name.size());
  *member->mutable_value() = std::move(value);
}

bool Remove(v1::Object& object, absl::string_view name) {
  for (int i = 0; i < object.members_size(); ++i) {
    if (absl::string_view(object.members(i).name()) == name) {
      object.mutable_members()->DeleteSubrange(i, 1);
      return true;
    }
  }
  return false;
}

void AppendNumber(double number, std::string* out) {
  char digits[32];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof(digits), number);
  const absl::string_view text(digits, static_cast<size_t>(end.ptr - digits));
  out->append(text.data(), text.size());
  if (text.find_first_of(".e") == absl::string_view::npos) out->append(".0");
}

std::optional<std::string> FindDouble(const v1::Object& object) {
  // Comparing each with each is faster for the few members that most objects have.
  constexpr int kFewMembers = 12;
  const int count = object.members_size();
  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < count; ++i) {
    const std::string& name = object.members(i).name();
    bool twice = false;
    if (count <= kFewMembers) {
      for (int j = 0; j < i && !twice; ++j) twice = object.members(j).name() == name;
    } else {
      twice = !seen.insert(name).second;
    }
    if (twice) return name;
  }
  return std::nullopt;
}

bool Equal(const v1::Value& a, const v1::Value& b) {
  if (IsNumber(a) && IsNumber(b)) return NumbersEqual(a, b);
  if (a.kind_case() != b.kind_case()) return false;
  switch (a.kind_case()) {
    case v1::Value::kBoolean:
      return a.boolean() == b.boolean();
    case v1::Value::kText:
      return a.text() == b.text();
    case v1::Value::kList: {
      if (a.list().values_size() != b.list().values_size()) return false;
      for (int i = 0; i < a.list().values_size(); ++i) {
        if (!Equal(a.list().values(i), b.list().values(i))) return false;
      }
      return true;
    }
    case v1::Value::kObject: {
      if (a.object().members_size() != b.object().members_size()) return false;
      for (const v1::Attribute& member : a.object().members()) {
        const v1::Value* other = Find(b.object(), member.name());
        if (other == nullptr || !Equal(member.value(), *other)) return false;
      }
      return true;
    }
    default:
      return true;
  }
}

std::string Describe(const v1::Value& value, size_t limit) {
  std::string text;
  AppendDescription(value, limit, &text);
  if (text.size() > limit) {
    text.resize(limit);
    text.append("...");
  }
  return text;
}

v1::ResponsePrimitive MakeResponse(const v1::RequestPrimitive& request, uint32_t status_code, absl::string_view debug) {
  v1::ResponsePrimitive response;
  response.set_response_status_code(status_code);
  response.set_request_identifier(request.request_identifier());
  response.set_release_version_indicator(
      request.release_version_indicator().empty() ? "4" : request.release_version_indicator());
  if (!debug.empty()) {
    v1::Attribute* content = response.mutable_primitive_content();
    content->set_name("m2m:dbg");
    *content->mutable_value() = Text(debug);
  }
  return response;
}

}  // namespace isthmus::onem2m
