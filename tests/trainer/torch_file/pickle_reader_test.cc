#include "trainer/torch_file/pickle_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/trainer/support/largest_allocation.h"
#include "tests/trainer/support/tensors.h"
#include "tests/trainer/torch_file/pickles.h"

namespace downbeat {
namespace {

using namespace std::string_literals;
using testing::allocated_bytes;
using testing::forget_allocations;
using testing::global;
using testing::int_of;
using testing::sees_allocations;
using testing::short_text;
using testing::small_storage;
using testing::storage;
using testing::tensor;

absl::StatusOr<PythonValue> read(const std::string& pickle) { return read_pickle(pickle, small_storage); }

std::string sentence_about(const std::string& pickle) {
  const auto value = read(pickle);
  return value.ok() ? "read" : std::string(value.status().message());
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// --- What it reads ---

TEST(ReadPickle, ReadsIntsOfEverySize) {
  EXPECT_EQ(as_int(*read("K\xff.")), 255);
  EXPECT_EQ(as_int(*read("M\xff\xff.")), 65535);
  EXPECT_EQ(as_int(*read("J\xfe\xff\xff\xff.")), -2);
  EXPECT_EQ(as_int(*read("\x8a\x00."s)), 0);
  EXPECT_EQ(as_int(*read("\x8a\x01\xff.")), -1);
  EXPECT_EQ(as_int(*read("\x8a\x03\x00\x00\x80."s)), -(1 << 23));
  EXPECT_EQ(as_int(*read(int_of(std::numeric_limits<int64_t>::min()) + ".")), std::numeric_limits<int64_t>::min());
}

TEST(ReadPickle, RefusesAnIntThatInt64CannotHold) {
  EXPECT_EQ(sentence_about("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00."s),
            "its pickle has an int of more than 64 bits");
}

TEST(ReadPickle, LetsALaterKeyOfADictReplaceAnEarlierOneAsPythonDoes) {
  const auto value = read(
      "}(\x8c\x01"
      "aK\x01\x8c\x01"
      "bK\x02\x8c\x01"
      "aK\x03K\x07K\x04K\x07K\x05u.");
  ASSERT_TRUE(value.ok()) << value.status();
  const auto& dict = std::get<PythonDict>(*value);
  ASSERT_EQ(dict.items().size(), 3);
  EXPECT_EQ(as_int(dict.items()[0].second), 3) << "in the place of the first";
  EXPECT_EQ(as_int(*dict.find("b")), 2);
  EXPECT_EQ(as_int(*dict.find(7)), 5);
}

TEST(ReadPickle, FillsAListThatWasPutElsewhereBefore) {
  const auto value = read(
      "]q\x01(h\x01K\x05"
      "a0h\x01h\x01\x86.");
  const auto shared = read(
      "]q\x01h\x01K\x05"
      "a\x86.");
  ASSERT_TRUE(shared.ok()) << shared.status();
  for (const PythonValue& list : std::get<PythonTuple>(*shared).items) {
    EXPECT_EQ(as_int(std::get<PythonList>(list).at(0)), 5);
  }
}

TEST(ReadPickle, ReadsTheArgumentsAndTheStateOfANumpyArrayWithoutMakingIt) {
  const auto value = read(global("numpy._core.multiarray", "_reconstruct") + "K\x03\x85RK\x04" + "b.");
  ASSERT_TRUE(value.ok()) << value.status();
  const auto& object = *std::get<std::shared_ptr<const PythonObject>>(*value);
  EXPECT_EQ(object.type, "numpy._core.multiarray._reconstruct");
  EXPECT_EQ(as_int(object.arguments.at(0)), 3);
  EXPECT_EQ(as_int(object.state), 4);
}

// --- Names ---

struct NamedCase {
  const char *module, *name;
};

TEST(ReadPickle, RefusesEveryNameThatItDoesNotKnowAndSaysWhich) {
  for (const NamedCase& c : {NamedCase{"os", "system"},
                             {"posix", "system"},
                             {"builtins", "eval"},
                             {"__builtin__", "exec"},
                             {"torch", "load"},
                             {"torch.hub", "load"},
                             {"torch", "Storage.load"},
                             {"collections", "Counter"}}) {
    const std::string expected =
        "its pickle asks for "s + c.module + "." + c.name + ", which is not known and never run";
    const std::string called = "(" + short_text("touch /tmp/never") + "tR.";
    EXPECT_EQ(sentence_about(global(c.module, c.name) + called), expected);
    EXPECT_EQ(sentence_about(short_text(c.module) + short_text(c.name) + "\x93" + called), expected);
    EXPECT_EQ(sentence_about(global(c.module, c.name) + ")\x81."), expected) << "as a class";
    EXPECT_EQ(sentence_about(global(c.module, c.name) + "."), expected) << "even where it is not called";
    EXPECT_EQ(sentence_about(global(c.module, c.name) + "0N."), expected) << "even where it is thrown away";
  }
}

TEST(ReadPickle, ShowsANameOfBytesAndOfAnyLengthAsAShortText) {
  EXPECT_EQ(sentence_about(global("os", "\x01\xff\r") + "."),
            "its pickle asks for os.\\x01\\xff\\r, which is not known and never run");
  EXPECT_LT(sentence_about(global("os", std::string(100000, 'x')) + ".").size(), 300);
}

TEST(ReadPickle, RefusesStoragesThatItDoesNotKnow) {
  EXPECT_EQ(sentence_about(storage("0", 4, "QInt8Storage") + "."),
            "its tensors have the storage torch.QInt8Storage, which is not known");
  EXPECT_EQ(sentence_about("N\x85Q."), "its pickle has a storage of no known form");
  EXPECT_EQ(sentence_about("NQ."), "its pickle has no tuple for a storage");
  EXPECT_EQ(sentence_about("(" + short_text("storage") + "NNNNtQ."), "its pickle has a storage without a type");
}

TEST(ReadPickle, RefusesACallOfWhatHasNoName) {
  EXPECT_EQ(sentence_about("N)R."), "its pickle calls what has no name");
  EXPECT_EQ(sentence_about(global("collections", "OrderedDict") + "NR."), "its pickle has no tuple for a call");
  EXPECT_EQ(sentence_about(global("collections", "OrderedDict") + "N\x85R."),
            "its pickle has an OrderedDict of no known form");
  EXPECT_EQ(sentence_about(global("torch._utils", "_rebuild_parameter") + ")R."),
            "its pickle has a parameter without a tensor");
}

// --- Bytes ---

TEST(ReadPickle, RefusesAnOpcodeThatPlainValuesDoNotNeed) {
  EXPECT_EQ(sentence_about("\xff."), "its pickle has the opcode 255, which no plain values need");
  EXPECT_EQ(sentence_about("i"), "its pickle has the opcode 105, which no plain values need") << "INST calls a class";
  EXPECT_EQ(sentence_about("\x82\x01."), "its pickle has the opcode 130, which no plain values need") << "EXT1";
}

TEST(ReadPickle, RefusesAProtocolThatItDoesNotKnow) {
  EXPECT_EQ(sentence_about("\x80\x06N."), "its pickle has protocol 6");
  EXPECT_EQ(sentence_about("\x80\x01N."), "its pickle has protocol 1");
}

TEST(ReadPickle, RefusesAPickleThatIsCutOffAnywhere) {
  const std::string whole = "\x80\x02}(" + short_text("w") + tensor(storage("0", 4), 0, "K\x04\x85", "K\x01\x85") +
                            "X\x01\x00\x00\x00yM\x01\x01u."s;
  EXPECT_EQ(sentence_about(whole), "read");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(sentence_about(whole.substr(0, size)), "its pickle is cut off") << size;
  }
}

TEST(ReadPickle, AllocatesNothingForALengthThatTheBytesDoNotHave) {
  forget_allocations();
  EXPECT_EQ(sentence_about("X\xff\xff\xff\xff."), "its pickle is cut off");
  EXPECT_EQ(sentence_about("T\xff\xff\xff\x7f."), "its pickle is cut off");
  EXPECT_EQ(sentence_about("B\xff\xff\xff\xff."), "its pickle is cut off");
  EXPECT_EQ(sentence_about("\x8d\x00\x00\x00\x00\x00\x00\x00\x10."s),
            "its pickle has the opcode 141, which no plain values need");
  EXPECT_EQ(sentence_about("\x95\xff\xff\xff\xff\xff\xff\xff\x7fN."), "read") << "the length of a frame is not needed";
  EXPECT_LT(allocated_bytes(), 65536);
}

// --- Stack ---

TEST(ReadPickle, RefusesToTakeMoreThanWasPut) {
  for (const char* pickle :
       {"0.", "\x85.", "\x86.", "N\x87.", "q\x01.", "\x94.", "a",   "Na",   "s",       "NNs",
        "R",  "NR",    "b",     "Q",      "\x93",   "\x81",  "(0.", "N(0.", "N(\x85.", "N(q\x01."}) {
    EXPECT_EQ(sentence_about(pickle), "its pickle takes more than it has put") << pickle;
  }
  for (const char* pickle : {"t.", "e.", "u.", "Nt."}) {
    EXPECT_EQ(sentence_about(pickle), "its pickle has no mark where it needs one") << pickle;
  }
}

TEST(ReadPickle, RefusesToEndWithAnotherNumberOfValuesThanOne) {
  EXPECT_EQ(sentence_about("."), "its pickle leaves 0 values");
  EXPECT_EQ(sentence_about("NN."), "its pickle leaves 2 values");
  EXPECT_EQ(sentence_about("N(."), "its pickle takes more than it has put");
}

TEST(ReadPickle, RefusesToRecallWhatItDoesNotRemember) {
  EXPECT_EQ(sentence_about("h\x00."s), "its pickle recalls what it never remembered");
  EXPECT_EQ(sentence_about("Nq\x01h\x02."), "its pickle recalls what it never remembered");
  EXPECT_EQ(sentence_about("j\xff\xff\xff\xff."), "its pickle recalls what it never remembered");
  EXPECT_EQ(sentence_about("Nr\xff\xff\xff\xff"
                           "0j\xff\xff\xff\xff."),
            "read");
}

TEST(ReadPickle, RefusesWhatItemsGoTo) {
  EXPECT_EQ(sentence_about("NNa."), "its pickle appends to what is no list");
  EXPECT_EQ(sentence_about("N(Ne."), "its pickle appends to what is no list");
  EXPECT_EQ(sentence_about("]NNs."), "its pickle sets a key of what is no dict");
  EXPECT_EQ(sentence_about("}(Nu."), "its pickle has a key without a value");
  EXPECT_EQ(sentence_about("]Nb."), "its pickle gives a state to what has none");
  EXPECT_EQ(sentence_about("NN\x93."), "its pickle has no text for a name");
}

// --- Nesting and repetition ---

TEST(ReadPickle, RefusesListsThatAreNestedTooDeeply) {
  const std::string too_deep = "its pickle is nested too deeply";
  EXPECT_EQ(sentence_about(repeated("]", 100) + repeated("a", 99) + "."), "read");
  EXPECT_EQ(sentence_about(repeated("]", 100000) + repeated("a", 99999) + "."), too_deep);
  EXPECT_EQ(sentence_about(")" + repeated("\x85", 100000) + "."), too_deep);
  EXPECT_EQ(sentence_about(repeated("}N", 100000) + "N" + repeated("s", 100000) + "."), too_deep);
  EXPECT_EQ(sentence_about(repeated(global("torch", "Size"), 10000) + ")" + repeated("R\x85", 9999) + "R."), too_deep);
  EXPECT_EQ(sentence_about(repeated("]", 100000) + "."), "its pickle leaves 100000 values");
}

TEST(ReadPickle, RefusesAListThatHoldsItself) {
  EXPECT_EQ(sentence_about("]q\x01h\x01"
                           "a."),
            "its pickle is nested too deeply");
  EXPECT_EQ(sentence_about("}q\x01Nh\x01s."), "its pickle is nested too deeply");
}

TEST(ReadPickle, RefusesAPickleThatIsSmallAndMeansMuch) {
  if (!sees_allocations()) GTEST_SKIP() << "the sanitizer has a malloc of its own";
  const std::string too_often = "its pickle repeats its values too often";
  const std::string items = "(" + repeated("N", 50000) + "t", recalls = repeated("h\x01", 50000);
  const auto bomb = [&](const std::string& what) { return "(" + what + "t."; };
  forget_allocations();
  // A tuple of a tuple twice, of a tuple twice, and so on.
  EXPECT_EQ(sentence_about("N" + repeated("q\x01h\x01\x86", 60) + "."), too_often);
  // A long text many times.
  EXPECT_EQ(sentence_about(bomb("X\x50\xc3\x00\x00"s + std::string(50000, 'x') + "q\x01" + recalls)),
            "its pickle repeats its texts too often");
  // A list that holds itself and much else: room for all of it on each level.
  EXPECT_EQ(sentence_about("]q\x01(h\x01" + repeated("N", 50000) + "e."), too_often);
  // Many calls with the same arguments, which nothing keeps.
  EXPECT_EQ(sentence_about(bomb(global("torch", "Size") + "q\x02" + items + "q\x01" + repeated("h\x02h\x01R0", 50000))),
            "read");
  EXPECT_EQ(sentence_about(bomb(global("collections", "OrderedDict") + "q\x02](" + repeated("NN\x86", 20000) +
                                "e\x85q\x01" + repeated("h\x02h\x01R0", 50000))),
            too_often);
  // Many tensors with the same much too long sizes.
  EXPECT_EQ(sentence_about(global("torch._utils", "_rebuild_tensor_v2") + "(" + storage("0", 1) + "K\x00"s + items +
                           items + "tR."),
            "its pickle has a tensor that does not lie inside its storage");
  EXPECT_LT(allocated_bytes(), 400 << 20);
}

// --- Tensors ---

TEST(ReadPickle, ReadsATensorThatIsAViewOfItsStorage) {
  const auto count_up = [](const std::string&, at::ScalarType, int64_t) -> absl::StatusOr<at::Tensor> {
    return testing::int64s({0, 1, 2, 3, 4, 5});
  };
  const auto value =
      read_pickle(tensor(storage("0", 6, "LongStorage"), 1, "K\x02K\x02\x86", "K\x01K\x03\x86") + ".", count_up);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(testing::integers(std::get<at::Tensor>(*value)), (std::vector<int64_t>{1, 4, 2, 5}));
}

constexpr char kOutside[] = "its pickle has a tensor that does not lie inside its storage";

std::string sentence_about_view(int64_t offset, const std::vector<int64_t>& sizes,
                                const std::vector<int64_t>& strides) {
  const auto tuple = [](const std::vector<int64_t>& numbers) {
    std::string all = "(";
    for (const int64_t number : numbers) all += int_of(number);
    return all + "t";
  };
  return sentence_about(tensor(storage("0", 6), offset, tuple(sizes), tuple(strides)) + ".");
}

TEST(ReadPickle, RefusesATensorThatGoesBeyondItsStorage) {
  EXPECT_EQ(sentence_about_view(0, {2, 3}, {3, 1}), "read");
  EXPECT_EQ(sentence_about_view(0, {7}, {1}), kOutside);
  EXPECT_EQ(sentence_about_view(1, {6}, {1}), kOutside);
  EXPECT_EQ(sentence_about_view(0, {2}, {6}), kOutside);
  EXPECT_EQ(sentence_about_view(0, {2, 2}, {4, 2}), kOutside);
  EXPECT_EQ(sentence_about_view(6, {}, {}), kOutside);
  EXPECT_EQ(sentence_about_view(5, {}, {}), "read");
  EXPECT_EQ(sentence_about_view(6, {0}, {1}), "read");
  EXPECT_EQ(sentence_about_view(7, {0}, {1}), kOutside);
  EXPECT_EQ(sentence_about_view(0, {2, 3}, {1}), kOutside);
}

TEST(ReadPickle, RefusesNumbersThatNoTensorHas) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();
  for (const int64_t number : {int64_t{-1}, kLeast, kMost}) {
    EXPECT_EQ(sentence_about_view(number, {1}, {1}), kOutside) << number;
    EXPECT_EQ(sentence_about_view(0, {number}, {1}), kOutside) << number;
    EXPECT_EQ(sentence_about_view(0, {2}, {number}), kOutside) << number;
    EXPECT_EQ(sentence_about_view(0, {number, number}, {1, 1}), kOutside) << number;
    EXPECT_EQ(sentence_about_view(6, {2, 2}, {number, number}), kOutside) << number;
  }
  EXPECT_EQ(sentence_about_view(0, {int64_t{1} << 32, int64_t{1} << 32}, {0, 0}), kOutside) << "the product is 2^64";
  EXPECT_EQ(sentence_about_view(0, {int64_t{1} << 62, 4, 0}, {0, 0, 0}), kOutside);
  EXPECT_EQ(sentence_about_view(0, {0, kMost, kMost}, {0, 0, 0}), "read") << "no elements at all";
  EXPECT_EQ(sentence_about_view(0, std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1)), kOutside);
  EXPECT_EQ(sentence_about_view(0, std::vector<int64_t>(64, 1), std::vector<int64_t>(64, kMost)), "read");
}

TEST(ReadPickle, RefusesATensorThatRepeatsItsStorage) {
  EXPECT_EQ(sentence_about_view(0, {1000000}, {0}),
            "its pickle has a tensor of 1000000 elements in a storage of 6, which is not read");
}

TEST(ReadPickle, RefusesATensorOfAnotherForm) {
  const std::string call = global("torch._utils", "_rebuild_tensor_v2");
  EXPECT_EQ(sentence_about(call + ")R."), "its pickle has a tensor of no known form");
  EXPECT_EQ(sentence_about(call + "(NNNNtR."), "its pickle has a tensor without a storage");
  EXPECT_EQ(sentence_about(call + "(" + storage("0", 1) + "NNNtR."), "its pickle has no int for a tensor's offset");
  EXPECT_EQ(sentence_about(call + "(" + storage("0", 1) + "K\x01NNtR."),
            "its pickle has no tuple for a tensor's sizes");
  EXPECT_EQ(sentence_about(call + "(" + storage("0", 1) + "K\x01N\x85NtR."),
            "its pickle has no int for a tensor's sizes");
}

TEST(ReadPickle, RefusesTensorsThatDisagreeAboutTheirStorage) {
  EXPECT_EQ(sentence_about(storage("0", 4) + storage("0", 5) + "\x86."), "its tensors disagree about the storage 0");
  EXPECT_EQ(sentence_about(storage("0", 4) + storage("0", 4, "IntStorage") + "\x86."),
            "its tensors disagree about the storage 0");
}

TEST(ReadPickle, GivesTheErrorOfAStorageThatCannotBeRead) {
  EXPECT_EQ(sentence_about(storage("9", -1) + "."), "the storage 9 is too large");
}

}  // namespace
}  // namespace downbeat
