#include "trainer/torch_file/pickle_reader.h"

#include <ATen/ops/as_strided.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "trainer/files/printable_name.h"
#include "trainer/torch_file/storage_types.h"

namespace downbeat {
namespace {

constexpr int kDeepest = 100;                // nested lists and dicts
constexpr std::size_t kMostDimensions = 64;  // of a tensor, in LibTorch

// Thrown inside this file only: what is wrong, for the status.
struct Refused {
  absl::Status status;
};
template <class... Parts>
[[noreturn]] void damaged(const Parts&... parts) {
  throw Refused{absl::DataLossError(absl::StrCat(parts...))};
}
template <class... Parts>
[[noreturn]] void unknown(const Parts&... parts) {
  throw Refused{absl::UnimplementedError(absl::StrCat(parts...))};
}

// --- What lies on the stack besides values ---

struct Global {
  std::string name;  // "torch._utils._rebuild_tensor_v2"
};
struct Storage {
  at::Tensor elements;
};
// Lists, dicts and objects are shared until the end, as a pickle may fill them after it has put them elsewhere; even
// into themselves, hence they belong to the machine.
struct Item;
using Reference = Item*;
struct ListItem {
  std::vector<Reference> items;
};
struct TupleItem {
  std::vector<Reference> items;
};
struct DictItem {
  std::vector<std::pair<Reference, Reference>> items;
};
struct ObjectItem {
  std::string type;
  Reference arguments;  // a tuple; not copied, as many calls may have the same
  Reference state = nullptr;
};
struct Item : std::variant<PythonValue, Global, Storage, ListItem, TupleItem, DictItem, ObjectItem> {
  using variant::variant;
};

const PythonValue* plain(Reference reference) { return std::get_if<PythonValue>(reference); }

int64_t int_in(Reference reference, const char* what) {
  const PythonValue* found = plain(reference);
  const auto number = found ? as_int(*found) : std::nullopt;
  if (!number) damaged("its pickle has no int for ", what);
  return *number;
}
const std::string& text_in(Reference reference, const char* what) {
  const PythonValue* found = plain(reference);
  const auto* text = found ? std::get_if<std::string>(found) : nullptr;
  if (!text) damaged("its pickle has no text for ", what);
  return *text;
}
const TupleItem& tuple_in(Reference reference, const char* what) {
  const auto* tuple = std::get_if<TupleItem>(reference);
  if (!tuple) damaged("its pickle has no tuple for ", what);
  return *tuple;
}
std::vector<int64_t> ints_in(Reference reference, const char* what) {
  std::vector<int64_t> ints;
  for (Reference item : tuple_in(reference, what).items) ints.push_back(int_in(item, what));
  return ints;
}

bool is_rebuilt_tensor(std::string_view name) {
  return name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor";
}

// Names of which only the arguments are kept.
bool is_opaque(std::string_view name) {
  constexpr const char* kOpaque[] = {
      "numpy._core.multiarray._reconstruct",
      "numpy.core.multiarray._reconstruct",
      "numpy.ndarray",
      "numpy.dtype",
      "numpy._core.multiarray.scalar",
      "numpy.core.multiarray.scalar",
      "_codecs.encode",
      "torch.device",
      "torch.Size",
      "numpy.dtypes.UInt32DType",
  };
  return std::any_of(std::begin(kOpaque), std::end(kOpaque), [&](const char* known) { return name == known; });
}

bool is_known(std::string_view name) {
  const bool is_storage = name.starts_with("torch.") && name.ends_with("Storage");
  return is_storage || is_opaque(name) || is_rebuilt_tensor(name) || name == "collections.OrderedDict" ||
         name == "torch._utils._rebuild_parameter";
}

class Machine {
 public:
  Machine(std::string_view bytes, const StorageReader& storage) : bytes_(bytes), storage_(storage) {}

  PythonValue run() {
    while (!step()) {
    }
    if (stack_.size() != 1) damaged("its pickle leaves ", stack_.size(), " values");
    return finished(pop(), 0);
  }

 private:
  // --- Bytes ---

  std::string_view take(uint64_t size) {
    if (size > bytes_.size() - at_) damaged("its pickle is cut off");
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }
  template <class T>
  T number() {
    T number;
    std::memcpy(&number, take(sizeof(T)).data(), sizeof(T));
    return number;
  }
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == bytes_.npos) damaged("its pickle is cut off");
    const std::string_view text = take(end - at_);
    take(1);
    return text;
  }

  // --- Stack ---

  template <class T>
  Reference make(T item) {
    return &items_.emplace_back(std::move(item));
  }
  Reference value(PythonValue plain) { return make(std::move(plain)); }

  Reference pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) damaged("its pickle takes more than it has put");
    Reference top = stack_.back();
    stack_.pop_back();
    return top;
  }
  Item& top() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) damaged("its pickle takes more than it has put");
    return *stack_.back();
  }
  void push(Reference item) { stack_.push_back(item); }
  std::vector<Reference> pop_to_mark() {
    if (marks_.empty()) damaged("its pickle has no mark where it needs one");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Reference> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  void push_tuple(int size) {
    std::vector<Reference> items(static_cast<std::size_t>(size));
    for (int i = size; i > 0; --i) items[static_cast<std::size_t>(i - 1)] = pop();
    push(make(TupleItem{std::move(items)}));
  }
  void remember(uint64_t name) {
    top();
    memo_[name] = stack_.back();
  }
  void recall(uint64_t name) {
    const auto found = memo_.find(name);
    if (found == memo_.end()) damaged("its pickle recalls what it never remembered");
    push(found->second);
  }

  // --- Opcodes ---

  // True at the end.
  bool step() {
    const auto opcode = static_cast<unsigned char>(take(1)[0]);
    switch (opcode) {
      case 0x80:  // PROTO
        if (const int version = number<uint8_t>(); version < 2 || version > 5)
          unknown("its pickle has protocol ", version);
        break;
      case 0x95:  // FRAME
        number<uint64_t>();
        break;
      case '.':
        return true;
      case '(':
        marks_.push_back(stack_.size());
        break;
      case '0':
        pop();
        break;
      case 'N':
        push(value({}));
        break;
      case 0x88:
        push(value(true));
        break;
      case 0x89:
        push(value(false));
        break;
      case 'K':
        push(value(int64_t{number<uint8_t>()}));
        break;
      case 'M':
        push(value(int64_t{number<uint16_t>()}));
        break;
      case 'J':
        push(value(int64_t{number<int32_t>()}));
        break;
      case 0x8a:
        push(value(long_int(number<uint8_t>())));
        break;
      case 'G':
        push(value(std::bit_cast<double>(__builtin_bswap64(number<uint64_t>()))));
        break;
      case 'X':
        push(value(std::string(take(number<uint32_t>()))));
        break;
      case 0x8c:
        push(value(std::string(take(number<uint8_t>()))));
        break;
      case 'U':  // bytes, of Python 2's str
      case 'C':
        push(value(std::string(take(number<uint8_t>()))));
        break;
      case 'B':
      case 'T':
        push(value(std::string(take(number<uint32_t>()))));
        break;
      case ')':
        push_tuple(0);
        break;
      case 0x85:
        push_tuple(1);
        break;
      case 0x86:
        push_tuple(2);
        break;
      case 0x87:
        push_tuple(3);
        break;
      case 't':
        push(make(TupleItem{pop_to_mark()}));
        break;
      case ']':
        push(make(ListItem{}));
        break;
      case '}':
        push(make(DictItem{}));
        break;
      case 'a':
        append(pop());
        break;
      case 'e':
        for (Reference item : pop_to_mark()) append(item);
        break;
      case 's': {
        Reference item = pop(), key = pop();
        set(key, item);
        break;
      }
      case 'u': {
        std::vector<Reference> items = pop_to_mark();
        if (items.size() % 2 != 0) damaged("its pickle has a key without a value");
        for (std::size_t i = 0; i < items.size(); i += 2) set(items[i], items[i + 1]);
        break;
      }
      case 'q':
        remember(number<uint8_t>());
        break;
      case 'r':
        remember(number<uint32_t>());
        break;
      case 0x94:  // MEMOIZE
        remember(memo_.size());
        break;
      case 'h':
        recall(number<uint8_t>());
        break;
      case 'j':
        recall(number<uint32_t>());
        break;
      case 'c': {
        const std::string_view module = line();
        push(global(module, line()));
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        Reference name = pop(), module = pop();
        push(global(text_in(module, "a module"), text_in(name, "a name")));
        break;
      }
      case 'Q':
        push(persistent(pop()));
        break;
      case 'R': {
        Reference arguments = pop(), callee = pop();
        tuple_in(arguments, "a call");
        push(called(callee, arguments));
        break;
      }
      case 0x81: {  // NEWOBJ
        Reference arguments = pop(), callee = pop();
        tuple_in(arguments, "an object");
        push(called(callee, arguments));
        break;
      }
      case 'b':
        build(pop());
        break;
      default:
        unknown("its pickle has the opcode ", static_cast<int>(opcode), ", which no plain values need");
    }
    return false;
  }

  int64_t long_int(unsigned size) {
    const std::string_view digits = take(size);
    if (size == 0) return 0;
    if (size > 8) unknown("its pickle has an int of more than 64 bits");
    uint64_t bits = digits.back() < 0 ? ~uint64_t{0} : 0;  // the sign goes on to the left
    std::memcpy(&bits, digits.data(), size);
    return static_cast<int64_t>(bits);
  }

  void append(Reference item) {
    auto* list = std::get_if<ListItem>(&top());
    if (!list) damaged("its pickle appends to what is no list");
    list->items.push_back(item);
  }
  void set(Reference key, Reference item) {
    auto* dict = std::get_if<DictItem>(&top());
    if (!dict) damaged("its pickle sets a key of what is no dict");
    dict->items.emplace_back(key, item);
  }
  // The state of an object; the attributes of an OrderedDict or Parameter, which nobody needs.
  void build(Reference state) {
    if (auto* object = std::get_if<ObjectItem>(&top())) {
      object->state = state;
    } else if (!std::get_if<DictItem>(&top()) && !std::get_if<PythonValue>(&top())) {
      damaged("its pickle gives a state to what has none");
    }
  }

  // --- Names ---

  Reference global(std::string_view module, std::string_view name) {
    const std::string whole = absl::StrCat(std::string(module), ".", std::string(name));
    if (!is_known(whole)) unknown("its pickle asks for ", printable_name(whole), ", which is not known and never run");
    return make(Global{whole});
  }

  Reference persistent(Reference id) {
    const std::vector<Reference>& parts = tuple_in(id, "a storage").items;
    if (parts.size() != 5 || text_in(parts[0], "a storage") != "storage")
      damaged("its pickle has a storage of no known form");
    const auto* global = std::get_if<Global>(parts[1]);
    if (!global) damaged("its pickle has a storage without a type");
    const std::string prefix = "torch.";
    const bool is_torch = global->name.rfind(prefix, 0) == 0;
    const auto type = is_torch ? type_of_storage(std::string_view(global->name).substr(prefix.size())) : std::nullopt;
    if (!type) unknown("its tensors have the storage ", printable_name(global->name), ", which is not known");
    const std::string& key = text_in(parts[2], "a storage's key");
    const int64_t elements = int_in(parts[4], "a storage's size");
    // Read once, also where many tensors share it.
    const auto [found, is_new] = storages_.try_emplace(key);
    if (is_new) {
      absl::StatusOr<at::Tensor> read = storage_(key, *type, elements);
      if (!read.ok()) throw Refused{read.status()};
      found->second = *std::move(read);
    }
    if (found->second.scalar_type() != *type || found->second.numel() != elements) {
      damaged("its tensors disagree about the storage ", printable_name(key));
    }
    return make(Storage{found->second});
  }

  Reference called(Reference callee, Reference tuple) {
    const std::vector<Reference>& arguments = std::get<TupleItem>(*tuple).items;
    const auto* global = std::get_if<Global>(callee);
    if (!global) damaged("its pickle calls what has no name");
    const std::string& name = global->name;
    if (name == "collections.OrderedDict") return ordered_dict(arguments);
    if (is_rebuilt_tensor(name)) return tensor(arguments);
    if (name == "torch._utils._rebuild_parameter") {
      if (arguments.empty()) damaged("its pickle has a parameter without a tensor");
      return arguments[0];
    }
    if (!is_opaque(name)) damaged("its pickle calls ", printable_name(name));
    return make(ObjectItem{name, tuple, nullptr});
  }

  Reference ordered_dict(const std::vector<Reference>& arguments) {
    DictItem dict;
    if (arguments.size() == 1) {
      const auto* list = std::get_if<ListItem>(arguments[0]);
      if (!list) damaged("its pickle has an OrderedDict of no known form");
      count_values(list->items.size());
      for (Reference pair : list->items) {
        const auto* items = std::get_if<ListItem>(pair);
        const auto* tuple = std::get_if<TupleItem>(pair);
        const auto& both = items ? items->items : tuple ? tuple->items : list->items;
        if ((!items && !tuple) || both.size() != 2) damaged("its pickle has an OrderedDict of no known form");
        dict.items.emplace_back(both[0], both[1]);
      }
    } else if (!arguments.empty()) {
      damaged("its pickle has an OrderedDict of no known form");
    }
    return make(std::move(dict));
  }

  // A view that lies inside its storage, and is not larger than it.
  Reference tensor(const std::vector<Reference>& arguments) {
    if (arguments.size() < 4) damaged("its pickle has a tensor of no known form");
    const auto* storage = std::get_if<Storage>(arguments[0]);
    if (!storage) damaged("its pickle has a tensor without a storage");
    const int64_t offset = int_in(arguments[1], "a tensor's offset");
    const std::vector<int64_t> sizes = dimensions_in(arguments[2], "a tensor's sizes");
    const std::vector<int64_t> strides = dimensions_in(arguments[3], "a tensor's strides");
    const int64_t elements = storage->elements.numel();
    bool fits = sizes.size() == strides.size() && offset >= 0 && offset <= elements;
    int64_t count = 1, last = offset;
    for (std::size_t i = 0; fits && i < sizes.size(); ++i) {
      int64_t reach = 0;
      fits = sizes[i] >= 0 && strides[i] >= 0 && !__builtin_mul_overflow(count, sizes[i], &count) &&
             !__builtin_mul_overflow(std::max<int64_t>(sizes[i] - 1, 0), strides[i], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
    }
    if (!fits || (count > 0 && last >= elements)) damaged(kOutside);
    // An expanded tensor, of which a copy would be larger than the file.
    if (count > elements) {
      unknown("its pickle has a tensor of ", count, " elements in a storage of ", elements, ", which is not read");
    }
    return value(storage->elements.as_strided(sizes, strides, offset));
  }
  static constexpr char kOutside[] = "its pickle has a tensor that does not lie inside its storage";
  static std::vector<int64_t> dimensions_in(Reference reference, const char* what) {
    if (tuple_in(reference, what).items.size() > kMostDimensions) damaged(kOutside);
    return ints_in(reference, what);
  }

  // --- The end ---

  // A small pickle can mean much, as it may have a value in many places: what it may mean is bounded by its size.
  void count_values(std::size_t more) {
    values_ += more;
    if (values_ > bytes_.size() + 1000) damaged("its pickle repeats its values too often");
  }
  void count_text(std::size_t more) {
    text_ += more;
    if (text_ > 64 * bytes_.size() + 1000) damaged("its pickle repeats its texts too often");
  }

  // The values without what was only needed on the way.
  PythonValue finished(Reference item, int depth) {
    if (depth > kDeepest) damaged("its pickle is nested too deeply");
    return std::visit(
        [&](const auto& held) { return finished_item(held, depth); },
        static_cast<const std::variant<PythonValue, Global, Storage, ListItem, TupleItem, DictItem, ObjectItem>&>(
            *item));
  }
  PythonList finished_list(const std::vector<Reference>& items, int depth) {
    count_values(items.size());
    PythonList list;
    list.reserve(items.size());
    for (Reference item : items) list.push_back(finished(item, depth + 1));
    return list;
  }
  PythonValue finished_item(const PythonValue& plain, int) {
    if (const auto* text = std::get_if<std::string>(&plain)) count_text(text->size());
    return plain;
  }
  PythonValue finished_item(const Global& global, int) {
    return std::make_shared<const PythonObject>(PythonObject{global.name, {}, {}});
  }
  PythonValue finished_item(const Storage& storage, int) { return storage.elements; }
  PythonValue finished_item(const ListItem& list, int depth) { return finished_list(list.items, depth); }
  PythonValue finished_item(const TupleItem& tuple, int depth) {
    return PythonTuple{finished_list(tuple.items, depth)};
  }
  PythonValue finished_item(const DictItem& from, int depth) {
    count_values(2 * from.items.size());
    PythonDict dict;
    std::map<Key, std::size_t> places;
    for (const auto& [key, item] : from.items) {
      const std::size_t end = dict.items().size();
      const std::optional<Key> known = key_of(key);
      const std::size_t place = known ? places.try_emplace(*known, end).first->second : end;
      if (place == end) dict.items().emplace_back(finished(key, depth + 1), PythonValue());
      dict.items()[place].second = finished(item, depth + 1);
    }
    return dict;
  }
  PythonValue finished_item(const ObjectItem& object, int depth) {
    PythonObject finished_object{object.type, finished_list(std::get<TupleItem>(*object.arguments).items, depth), {}};
    if (object.state) finished_object.state = finished(object.state, depth + 1);
    return std::make_shared<const PythonObject>(std::move(finished_object));
  }

  // Of those a dict has only one: the value that was set last.
  using Key = std::variant<int64_t, std::string_view>;
  static std::optional<Key> key_of(Reference reference) {
    const PythonValue* key = plain(reference);
    if (const auto* number = key ? std::get_if<int64_t>(key) : nullptr) return *number;
    if (const auto* text = key ? std::get_if<std::string>(key) : nullptr) return std::string_view(*text);
    return std::nullopt;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  const StorageReader& storage_;
  std::deque<Item> items_;
  std::vector<Reference> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<uint64_t, Reference> memo_;
  std::map<std::string, at::Tensor> storages_;
  std::size_t values_ = 0;
  std::size_t text_ = 0;  // bytes
};

}  // namespace

absl::StatusOr<PythonValue> read_pickle(std::string_view bytes, const StorageReader& storage) {
  try {
    return Machine(bytes, storage).run();
  } catch (const Refused& refused) {
    return refused.status;
  }
}

}  // namespace downbeat
