#include "trainer/torch_file/torch_file.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/trainer/support/files.h"
#include "tests/trainer/support/tensors.h"
#include "tests/trainer/torch_file/archives.h"
#include "tests/trainer/torch_file/overlapping.h"
#include "tests/trainer/torch_file/pickles.h"

namespace downbeat {
namespace {

using namespace std::string_literals;
using testing::Archive;
using testing::content;
using testing::floats;
using testing::fractions;
using testing::fresh_directory;
using testing::global;
using testing::read_archive;
using testing::short_text;
using testing::storage;
using testing::tensor;
using testing::write;
using testing::write_archive;

// Written by torch 2.13: make_reference_files.py.
const std::string kReference = "tests/trainer/torch_file/reference/";

PythonDict loaded(const std::string& path) {
  absl::StatusOr<PythonValue> value = load_torch_file(path);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? std::get<PythonDict>(*std::move(value)) : PythonDict();
}

// A key, or an index, after another.
const PythonValue& at(const PythonValue& value) { return value; }
template <class Key, class... Keys>
const PythonValue& at(const PythonValue& value, Key key, Keys... keys) {
  if (const auto* list = std::get_if<PythonList>(&value)) {
    if constexpr (std::is_integral_v<Key>) return at(list->at(static_cast<std::size_t>(key)), keys...);
  }
  if (const auto* tuple = std::get_if<PythonTuple>(&value)) {
    if constexpr (std::is_integral_v<Key>) return at(tuple->items.at(static_cast<std::size_t>(key)), keys...);
  }
  const PythonValue* found = std::get<PythonDict>(value).find(key);
  if (!found) throw std::out_of_range("no such key");
  return at(*found, keys...);
}
const at::Tensor& tensor_of(const PythonValue& value) { return std::get<at::Tensor>(value); }
const std::string& text_of(const PythonValue& value) { return std::get<std::string>(value); }

// --- What Python wrote ---

TEST(LoadTorchFile, ReadsTheStateOfAnAdamW) {
  const PythonValue state = loaded(kReference + "adamw.pt");
  EXPECT_EQ(floats(tensor_of(at(state, "state", 0, "step"))), std::vector<float>{1});
  EXPECT_EQ(tensor_of(at(state, "state", 0, "step")).dim(), 0);
  EXPECT_TRUE(tensor_of(at(state, "state", 0, "exp_avg")).equal(fractions(6, 2).view({3, 2})));
  EXPECT_TRUE(tensor_of(at(state, "state", 0, "exp_avg_sq")).equal(fractions(6, 3).view({3, 2})));
  EXPECT_TRUE(tensor_of(at(state, "state", 1, "exp_avg")).equal(fractions(3, 4)));
  EXPECT_TRUE(tensor_of(at(state, "state", 1, "exp_avg_sq")).equal(fractions(3, 5)));
  for (const int group : {0, 1}) {
    EXPECT_EQ(as_number(at(state, "param_groups", group, "lr")), 5e-5);
    EXPECT_EQ(as_number(at(state, "param_groups", group, "weight_decay")), group == 0 ? 0.01 : 0.0);
    EXPECT_EQ(as_numbers(at(state, "param_groups", group, "betas")), (std::vector<double>{0.9, 0.999}));
    EXPECT_EQ(as_number(at(state, "param_groups", group, "eps")), 1e-8);
    EXPECT_FALSE(std::get<bool>(at(state, "param_groups", group, "amsgrad")));
    EXPECT_TRUE(at(state, "param_groups", group, "fused").is_none());
    EXPECT_EQ(as_numbers(at(state, "param_groups", group, "params")), std::vector<double>{static_cast<double>(group)});
  }
}

TEST(LoadTorchFile, ReadsTheStateOfSgdWithMomentum) {
  const PythonValue state = loaded(kReference + "sgd_momentum.pt");
  EXPECT_TRUE(tensor_of(at(state, "state", 0, "momentum_buffer")).equal(fractions(6, 2).view({3, 2})));
  EXPECT_TRUE(tensor_of(at(state, "state", 1, "momentum_buffer")).equal(fractions(3, 3)));
  EXPECT_EQ(as_number(at(state, "param_groups", 0, "momentum")), 0.9);
  EXPECT_EQ(as_int(at(state, "param_groups", 0, "dampening")), 0);
  EXPECT_EQ(as_numbers(at(state, "param_groups", 0, "params")), (std::vector<double>{0, 1}));
}

TEST(LoadTorchFile, ReadsTheStateOfASchedule) {
  const PythonValue state = loaded(kReference + "lambda_lr.pt");
  EXPECT_EQ(as_numbers(at(state, "base_lrs")), std::vector<double>{0.5});
  EXPECT_EQ(as_numbers(at(state, "_last_lr")), std::vector<double>{0.375});
  EXPECT_EQ(as_int(at(state, "last_epoch")), 1);
  EXPECT_EQ(as_int(at(state, "_step_count")), 2);
  EXPECT_TRUE(std::get<PythonDict>(at(state, "lr_lambdas", 0)).items().empty());
}

// The words that numpy seeds are those of the standard's twister.
std::vector<int64_t> twister_of_seed(uint32_t seed) {
  std::stringstream text;
  text << std::mt19937(seed);
  std::vector<int64_t> words(624);
  for (int64_t& word : words) text >> word;
  return words;
}

// The bytes behind text in Latin-1, which is how protocol 2 has bytes.
std::string latin1(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    bytes += byte < 0x80 ? text[i] : static_cast<char>((byte << 6) | (static_cast<unsigned char>(text[++i]) & 0x3f));
  }
  return bytes;
}

TEST(LoadTorchFile, ReadsTheRandomStateOfAnotherTrainer) {
  const PythonValue states = loaded(kReference + "rng_state.pth");
  const std::vector<int64_t> words = twister_of_seed(7);

  EXPECT_EQ(as_int(at(states, "python", 0)), 3);
  const auto& python = std::get<PythonTuple>(at(states, "python", 1)).items;
  ASSERT_EQ(python.size(), 625);
  for (std::size_t i = 0; i < 624; ++i) ASSERT_EQ(as_int(python[i]), words[i]) << i;
  EXPECT_EQ(as_int(python[624]), 624);
  EXPECT_TRUE(at(states, "python", 2).is_none());

  EXPECT_EQ(text_of(at(states, "numpy", 0)), "MT19937");
  const auto& array = *std::get<std::shared_ptr<const PythonObject>>(at(states, "numpy", 1));
  EXPECT_EQ(array.type, "numpy._core.multiarray._reconstruct");
  const auto& encoded = *std::get<std::shared_ptr<const PythonObject>>(at(array.state, 4));
  EXPECT_EQ(encoded.type, "_codecs.encode");
  std::string expected;
  for (const int64_t word : words) expected.append(reinterpret_cast<const char*>(&word), 4);
  EXPECT_EQ(latin1(text_of(encoded.arguments.at(0))), expected);

  EXPECT_TRUE(tensor_of(at(states, "cpu")).equal(at::detail::createCPUGenerator(7).get_state()));
}

TEST(LoadTorchFile, ReadsViewsThatShareAStorage) {
  const PythonValue views = loaded(kReference + "views.pt");
  const at::Tensor base = fractions(24).view({4, 6});
  const auto expect = [&](const char* name, const at::Tensor& expected) {
    const at::Tensor& found = tensor_of(at(views, name));
    EXPECT_EQ(found.sizes(), expected.sizes()) << name;
    EXPECT_EQ(found.strides(), expected.strides()) << name;
    EXPECT_TRUE(found.equal(expected)) << name;
  };
  expect("base", base);
  expect("row", base.select(0, 1));
  expect("transposed", base.t());
  expect("columns", base.slice(1, 1, 6, 2));
  expect("element", base.select(0, 2).select(0, 3));
  expect("nothing", base.slice(0, 4));
  expect("parameter", base.slice(0, 0, 2));
  expect("scalar", at::tensor(0.5F).squeeze());
  expect("empty", at::zeros({0, 4}));
  expect("flat_empty", at::zeros({0}));
  tensor_of(at(views, "row")).fill_(100);
  EXPECT_EQ(tensor_of(at(views, "transposed")).select(1, 1).sum().item<float>(), 600) << "it is one storage here too";
}

TEST(LoadTorchFile, ReadsTensorsOfEveryTypeThatHasAStorage) {
  const PythonDict tensors = loaded(kReference + "types.pt");
  const at::ScalarType types[] = {at::kDouble, at::kFloat, at::kHalf,         at::kBFloat16,
                                  at::kLong,   at::kInt,   at::kShort,        at::kChar,
                                  at::kByte,   at::kBool,  at::kComplexFloat, at::kComplexDouble};
  ASSERT_EQ(tensors.items().size(), std::size(types));
  for (std::size_t i = 0; i < std::size(types); ++i) {
    const at::Tensor& found = tensor_of(tensors.items()[i].second);
    EXPECT_EQ(found.scalar_type(), types[i]);
    EXPECT_TRUE(found.equal(fractions(5, static_cast<int64_t>(i)).mul(8).abs().to(types[i]))) << types[i];
  }
}

void expect_the_values(const PythonValue& values) {
  EXPECT_TRUE(at(values, "none").is_none());
  EXPECT_TRUE(std::get<bool>(at(values, "yes")));
  EXPECT_FALSE(std::get<bool>(at(values, "no")));
  constexpr int64_t kInt = int64_t{1} << 31;
  const std::vector<int64_t> ints = {0,
                                     1,
                                     -1,
                                     255,
                                     256,
                                     65535,
                                     65536,
                                     kInt - 1,
                                     kInt,
                                     -kInt,
                                     -kInt - 1,
                                     std::numeric_limits<int64_t>::max(),
                                     std::numeric_limits<int64_t>::min()};
  for (std::size_t i = 0; i < ints.size(); ++i) EXPECT_EQ(as_int(at(values, "ints", i)), ints[i]);
  const std::vector<double> floats = *as_numbers(at(values, "floats"));
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(std::vector<double>(floats.begin(), floats.end() - 1),
            (std::vector<double>{0.1, -0.0, 1e308, 5e-324, infinity, -infinity}));
  EXPECT_TRUE(std::signbit(floats[1]));
  EXPECT_TRUE(std::isnan(floats.back()));
  EXPECT_EQ(text_of(at(values, "texts", 0)), "");
  EXPECT_EQ(text_of(at(values, "texts", 2)), "zwölf Öfen \U0001f525");
  EXPECT_EQ(text_of(at(values, "texts", 3)), std::string(300, 'x'));
  EXPECT_EQ(text_of(at(values, "texts", 4)), "a\0b\n"s);
  EXPECT_TRUE(std::get<PythonTuple>(at(values, "tuples", 0)).items.empty());
  EXPECT_EQ(as_numbers(at(values, "tuples", 3)), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(as_int(at(values, "tuples", 4, 1, 1, 1, 0)), 4);
  EXPECT_TRUE(std::get<PythonList>(at(values, "lists", 1, 0)).empty());
  EXPECT_EQ(as_int(at(values, "lists", 2, 1, 1, 0)), 3);
  EXPECT_EQ(text_of(at(values, "shared", 1, 0)), "once");
  EXPECT_EQ(text_of(at(values, 3)), "an int key");
  EXPECT_EQ(as_numbers(std::get<PythonDict>(values).items().back().first), (std::vector<double>{1, 2}));
}

TEST(LoadTorchFile, ReadsPlainValuesOfProtocols2And4) {
  expect_the_values(loaded(kReference + "values.pt"));
  const PythonValue later = loaded(kReference + "values_protocol_4.pt");
  expect_the_values(later);
  EXPECT_EQ(text_of(at(later, "bytes")), "\0\xff bytes"s);
}

// --- What it refuses ---

// After the file's name.
std::string sentence_about(const std::string& path) {
  const auto value = load_torch_file(path);
  if (value.ok()) return "loaded";
  const std::string text(value.status().message());
  const std::string cannot = "cannot read " + path + ": ";
  if (text.starts_with(path + " is damaged: ")) return text.substr(path.size() + 1);
  return text.starts_with(cannot) ? "cannot read: " + text.substr(cannot.size()) : "WITHOUT THE FILE'S NAME: " + text;
}

std::string file_of(const Archive& archive) {
  const std::string path = fresh_directory() + "/some.pt";
  write_archive(archive, path);
  return path;
}

std::string sentence_about_pickle(const std::string& pickle) { return sentence_about(file_of({{"data.pkl", pickle}})); }

TEST(LoadTorchFile, NamesAFileThatIsNotThere) {
  EXPECT_EQ(sentence_about(fresh_directory() + "/none.pt"), "cannot read: No such file or directory");
  EXPECT_EQ(sentence_about(fresh_directory()), "cannot read: Is a directory");
}

TEST(LoadTorchFile, NamesAFileThatItMayNotRead) {
  const std::string path = file_of({{"data.pkl", "N."}});
  ::chmod(path.c_str(), 0);
  if (::access(path.c_str(), R_OK) == 0) GTEST_SKIP() << "this user may read everything";
  EXPECT_EQ(sentence_about(path), "cannot read: Permission denied");
}

TEST(LoadTorchFile, NamesAFileThatIsEmptyOrSomethingElse) {
  const std::string path = fresh_directory() + "/some.pt";
  write(path, "");
  EXPECT_EQ(sentence_about(path), "is damaged: it is empty");
  write(path, "no zip file");
  EXPECT_TRUE(sentence_about(path).starts_with("is damaged: it is no zip file (")) << sentence_about(path);
  EXPECT_EQ(sentence_about(file_of({{"readme", "a zip file"}})), "is damaged: it has no entry data.pkl");
}

TEST(LoadTorchFile, NamesAFileThatIsCutOffAnywhere) {
  const std::string whole = content(kReference + "adamw.pt");
  const std::string path = fresh_directory() + "/some.pt";
  for (std::size_t size = 0; size < whole.size(); size += 11) {
    write(path, whole.substr(0, size));
    EXPECT_TRUE(sentence_about(path).starts_with("is damaged: ")) << size << sentence_about(path);
  }
}

TEST(LoadTorchFile, NoticesAChangedByteOfATensor) {
  std::string bytes = content(kReference + "adamw.pt");
  const std::vector<float> numbers = floats(fractions(3, 5));
  const std::size_t at = bytes.rfind(std::string(reinterpret_cast<const char*>(numbers.data()), 12));
  ASSERT_NE(at, bytes.npos);
  bytes[at + 5] ^= 1;
  const std::string path = fresh_directory() + "/some.pt";
  write(path, bytes);
  EXPECT_EQ(sentence_about(path), "is damaged: the check sum of its entry data/5 is wrong");
}

TEST(LoadTorchFile, RefusesToRunWhatAPickleAsksFor) {
  const std::string trace = fresh_directory() + "/trace";
  EXPECT_EQ(sentence_about_pickle(global("os", "system") + short_text("touch " + trace) + "\x85R."),
            "cannot read: its pickle asks for os.system, which is not known and never run");
  EXPECT_EQ(sentence_about_pickle(global("builtins", "eval") + short_text("open('" + trace + "', 'w')") + "\x85R."),
            "cannot read: its pickle asks for builtins.eval, which is not known and never run");
  EXPECT_NE(::access(trace.c_str(), F_OK), 0);
}

TEST(LoadTorchFile, NamesTheFileInWhatTheReaderSays) {
  EXPECT_EQ(sentence_about_pickle("NN."), "is damaged: its pickle leaves 2 values");
  EXPECT_EQ(sentence_about_pickle("i."), "cannot read: its pickle has the opcode 105, which no plain values need");
}

std::string one_tensor(const std::string& key, int64_t elements) {
  return tensor(storage(key, elements), 0, "K\x01\x85", "K\x01\x85");
}

TEST(LoadTorchFile, RefusesAStorageThatIsNotInTheFile) {
  EXPECT_EQ(sentence_about_pickle(one_tensor("3", 1) + "."), "is damaged: it has no entry data/3");
  EXPECT_EQ(sentence_about_pickle(one_tensor("\xff\n", 1) + "."), "is damaged: it has no entry data/\\xff\\n");
  EXPECT_EQ(sentence_about(file_of({{"data.pkl", one_tensor("0\0a"s, 1) + "."}, {"data/0", "1234"}})),
            "is damaged: it has no entry data/0\\x00\\x61")
      << "a name with a zero byte is not that of the entry before it";
}

TEST(LoadTorchFile, RefusesAStorageOfAnotherSize) {
  const auto sentence = [](int64_t elements) {
    return sentence_about(file_of({{"data.pkl", one_tensor("0", elements) + "."}, {"data/0", "12345678"}}));
  };
  EXPECT_EQ(sentence(2), "loaded");
  EXPECT_EQ(sentence(1), "is damaged: its entry data/0 has 8 bytes, which is not the size of 1 elements of type Float");
  EXPECT_TRUE(sentence(-2).starts_with("is damaged: its entry data/0 has 8 bytes")) << sentence(-2);
  EXPECT_TRUE(sentence((int64_t{1} << 62) + 2).starts_with("is damaged: its entry data/0 has 8 bytes"))
      << "times four is eight";
}

TEST(LoadTorchFile, RefusesAnotherByteOrder) {
  const auto sentence = [](const std::string& order) {
    return sentence_about(file_of({{"data.pkl", "N."}, {"byteorder", order}}));
  };
  EXPECT_EQ(sentence("little"), "loaded");
  EXPECT_EQ(sentence("big"), "cannot read: its byte order is big, and only little is read");
  EXPECT_EQ(sentence(""), "cannot read: its byte order is , and only little is read");
  EXPECT_LT(sentence(std::string(100000, '\1')).size(), 1000);
}

TEST(LoadTorchFile, RefusesEntriesThatAreCompressed) {
  const std::string path = fresh_directory() + "/some.pt";
  write_archive({{"data.pkl", one_tensor("0", 1 << 20) + "."}, {"data/0", std::string(4 << 20, '\0')}}, path,
                /*is_compressed=*/true);
  EXPECT_LT(content(path).size(), 10000);
  EXPECT_EQ(sentence_about(path), "is damaged: its entry data.pkl is not stored as it is");
}

TEST(LoadTorchFile, RefusesEntriesThatClaimToBeLargerThanTheFile) {
  std::string bytes = content(file_of({{"data.pkl", one_tensor("0", 4) + "."}, {"data/0", std::string(16, '\0')}}));
  const std::size_t directory = bytes.rfind("PK\x01\x02");  // of data/0, the last entry
  for (const std::size_t field : {20, 24}) bytes[directory + field + 3] = 0x40;
  const std::string path = fresh_directory() + "/some.pt";
  write(path, bytes);
  EXPECT_TRUE(sentence_about(path).starts_with("is damaged: ")) << sentence_about(path);
}

TEST(LoadTorchFile, RefusesEntriesThatShareTheirBytes) {
  std::string pickle = "(";
  for (char key = '0'; key <= '9'; ++key) pickle += one_tensor(std::string(1, key), 1000);
  const std::string path = fresh_directory() + "/some.pt";
  write(path, testing::overlapping_archive(pickle + "t.", std::string(4000, 'x'), 10));
  EXPECT_EQ(sentence_about(path), "is damaged: its entries are larger than the file");
  write(path, testing::overlapping_archive(one_tensor("0", 1000) + ".", std::string(4000, 'x'), 1));
  EXPECT_EQ(sentence_about(path), "loaded");
}

// --- What it writes: python_reads_test shows that Python reads it too ---

TEST(SaveTorchFile, WritesWhatIsReadAgain) {
  const std::string path = fresh_directory() + "/some.pt";
  for (const char* name : {"adamw.pt", "sgd_momentum.pt", "lambda_lr.pt", "views.pt", "types.pt"}) {
    const PythonDict first = loaded(kReference + name);
    ASSERT_TRUE(save_torch_file(first, path).ok());
    EXPECT_EQ(loaded(path).items().size(), first.items().size());
  }
  const PythonValue state = loaded(kReference + "adamw.pt");
  ASSERT_TRUE(save_torch_file(state, path).ok());
  EXPECT_TRUE(tensor_of(at(PythonValue(loaded(path)), "state", 0, "exp_avg")).equal(fractions(6, 2).view({3, 2})));
}

TEST(SaveTorchFile, WritesTheElementsThatATensorShows) {
  const std::string path = fresh_directory() + "/some.pt";
  const at::Tensor complex = at::complex(fractions(4), fractions(4, 1));
  const at::Tensor shown[] = {fractions(6).view({2, 3}).t(),
                              fractions(1).expand({3}),
                              fractions(6).slice(0, 1, 6, 2),
                              complex.conj(),
                              at::imag(complex.conj()),
                              at::tensor(2.0F).squeeze(),
                              at::zeros({0, 3}),
                              fractions(3).requires_grad_()};
  for (const at::Tensor& expected : shown) {
    ASSERT_TRUE(save_torch_file(expected, path).ok());
    const auto again = load_torch_file(path);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(tensor_of(*again).sizes(), expected.sizes());
    EXPECT_TRUE(tensor_of(*again).equal(expected)) << expected << tensor_of(*again);
  }
}

TEST(SaveTorchFile, NamesTheFileThatItCannotWrite) {
  const std::string directory = fresh_directory();
  EXPECT_EQ(save_torch_file(PythonValue(), directory).message(), "cannot write " + directory + ": Is a directory");
  EXPECT_EQ(save_torch_file(PythonValue(), directory + "/none/some.pt").message(),
            "cannot write " + directory + "/none/some.pt: No such file or directory");
  const PythonValue object = std::make_shared<const PythonObject>(PythonObject{"numpy.dtype", {}, {}});
  EXPECT_EQ(save_torch_file(object, directory + "/some.pt").message(),
            "cannot write " + directory + "/some.pt: an object of type numpy.dtype cannot be written");
  for (const int64_t size : {3, 1 << 20}) {  // at the end, and in the middle
    EXPECT_EQ(save_torch_file(at::zeros({size}), "/dev/full").message(),
              "cannot write /dev/full: No space left on device");
  }
}

}  // namespace
}  // namespace downbeat
