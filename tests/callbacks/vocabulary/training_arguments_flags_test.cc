#include "callbacks/vocabulary/training_arguments_flags.h"

#include <absl/flags/flag.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

ABSL_FLAG(int, count, 3, "How many.");
ABSL_FLAG(bool, verbose, true, "Whether to say more.");
ABSL_FLAG(std::vector<std::string>, words, {}, "Some words.");

namespace program {

enum class Shape { circle, square };
constexpr const char* names(Shape) { return "circle square"; }

struct DigitsArguments {
  std::string csv = "digits.csv";
  int hidden = 128;
  std::optional<Shape> shape;
  std::vector<std::string> labels = {"a", "b"};
  bool augment = true;
  static constexpr const char* kTitle = "Digits";
  static void describe(auto& field) {
    field("csv", &DigitsArguments::csv, "File that holds the digits.");
    field("hidden", &DigitsArguments::hidden, "Width of the hidden layer.");
    field("shape", &DigitsArguments::shape, "Shape of the kernel.");
    field("labels", &DigitsArguments::labels, "Names of the classes.");
    field("augment", &DigitsArguments::augment, "Whether to turn the digits.");
  }
};
struct OtherArguments {
  double ratio = 0.5;
  static void describe(auto& field) { field("ratio", &OtherArguments::ratio, "Some ratio."); }
};
struct SeedAgain {
  int seed = 0;
  static void describe(auto& field) { field("seed", &SeedAgain::seed, "A second seed."); }
};

}  // namespace program

namespace downbeat {
namespace {

using Words = std::vector<std::string>;

TrainingArguments parsed(const Words& words) {
  TrainingArguments args;
  const absl::Status status = parse_arguments(words, args);
  EXPECT_TRUE(status.ok()) << status;
  return args;
}
std::string mistake(const Words& words) {
  TrainingArguments args;
  program::DigitsArguments digits;
  return std::string(parse_arguments(words, args, digits).message());
}

TEST(FlagsTest, NothingGivenIsTheDefaults) { EXPECT_TRUE(parsed({}) == TrainingArguments{}); }

TEST(FlagsTest, AValueFollowsAnEqualsSignOrIsTheNextWord) {
  EXPECT_EQ(parsed({"--max_steps=10"}).max_steps, 10);
  EXPECT_EQ(parsed({"--max_steps", "10"}).max_steps, 10);
  EXPECT_EQ(parsed({"--run_name=a=b"}).run_name, "a=b");
  EXPECT_EQ(parsed({"--run_name="}).run_name, "");
}

TEST(FlagsTest, DashesInNamesAreUnderscores) {
  EXPECT_EQ(parsed({"--max-steps", "10", "--output-dir=a-b"}).output_dir, "a-b");
}

TEST(FlagsTest, NegativeNumbersAreValues) {
  EXPECT_EQ(parsed({"--max_steps", "-1", "--max_grad_norm", "-.5", "--eval_delay", "-1e-3"}).eval_delay, -1e-3);
}

TEST(FlagsTest, NumbersMayBeScientific) { EXPECT_EQ(parsed({"--learning_rate", "3e-3"}).learning_rate, 3e-3); }

TEST(FlagsTest, ABooleanNeedsNoValue) {
  const TrainingArguments args = parsed({"--do_train", "--greater_is_better", "--max_steps", "3"});
  EXPECT_TRUE(args.do_train);
  EXPECT_EQ(args.greater_is_better, true);
}

TEST(FlagsTest, ABooleanTakesHuggingFacesWords) {
  for (const char* word : {"true", "True", "yes", "on", "t", "y", "1"}) {
    EXPECT_TRUE(parsed({"--do_train", word}).do_train) << word;
  }
  for (const char* word : {"false", "FALSE", "no", "off", "f", "n", "0"}) {
    EXPECT_FALSE(parsed({"--do_train=true", "--do_train", word}).do_train) << word;
  }
}

TEST(FlagsTest, ABooleanThatIsTrueByDefaultHasANegation) {
  EXPECT_FALSE(parsed({"--no_logging_nan_inf_filter"}).logging_nan_inf_filter);
  EXPECT_FALSE(parsed({"--no-logging-nan-inf-filter"}).logging_nan_inf_filter);
  EXPECT_EQ(mistake({"--no_logging_nan_inf_filter=true"}), "--no_logging_nan_inf_filter takes no value");
  EXPECT_EQ(mistake({"--no_do_train"}), "no argument is called --no_do_train; did you mean --do_train?");
}

TEST(FlagsTest, AListIsSeparatedByCommasOrBlanks) {
  const Words both = {"tensorboard", "mlflow"};
  EXPECT_EQ(parsed({"--report_to=tensorboard,mlflow"}).report_to, both);
  EXPECT_EQ(parsed({"--report_to", "tensorboard", "mlflow", "--do_train"}).report_to, both);
  EXPECT_TRUE(parsed({"--report_to=tensorboard", "--report_to="}).report_to.empty());
}

TEST(FlagsTest, EnumerationsAreReadByName) {
  EXPECT_EQ(parsed({"--eval_strategy=epoch"}).eval_strategy, IntervalStrategy::epoch);
}

TEST(FlagsTest, OptionalsAreFilled) {
  const TrainingArguments args = parsed({"--save_total_limit=3", "--data_seed=7", "--metric_for_best_model=f1"});
  EXPECT_EQ(args.save_total_limit, 3);
  EXPECT_EQ(args.data_seed, 7);
  EXPECT_EQ(args.metric_for_best_model, "f1");
}

TEST(FlagsTest, TheLastOfTwoSameNamesWins) { EXPECT_EQ(parsed({"--max_steps=1", "--max_steps=2"}).max_steps, 2); }

TEST(FlagsTest, WhatIsNotNamedKeepsTheProgramsDefault) {
  TrainingArguments args{.learning_rate = 0.1, .report_to = {"mlflow"}};
  EXPECT_TRUE(parse_arguments({"--max_steps=5"}, args).ok());
  EXPECT_TRUE((args == TrainingArguments{.max_steps = 5, .learning_rate = 0.1, .report_to = {"mlflow"}}));
}

TEST(FlagsTest, DescribedStructsAndProgramFlagsShareTheCommandLine) {
  TrainingArguments args;
  program::DigitsArguments digits;
  program::OtherArguments other;
  const absl::Status status =
      parse_arguments({"--hidden", "64", "--seed=1", "--shape=square", "--no_augment", "--labels", "x", "y", "z",
                       "--ratio=0.25", "--count=7", "--noverbose", "--words", "u", "v"},
                      args, digits, other);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(args.seed, 1);
  EXPECT_EQ(digits.csv, "digits.csv");
  EXPECT_EQ(digits.hidden, 64);
  EXPECT_EQ(digits.shape, program::Shape::square);
  EXPECT_EQ(digits.labels, (Words{"x", "y", "z"}));
  EXPECT_FALSE(digits.augment);
  EXPECT_EQ(other.ratio, 0.25);
  EXPECT_EQ(absl::GetFlag(FLAGS_count), 7);
  EXPECT_FALSE(absl::GetFlag(FLAGS_verbose));
  EXPECT_EQ(absl::GetFlag(FLAGS_words), (Words{"u", "v"}));
}

TEST(FlagsTest, AMisspeltNameGetsTheNearestRightOne) {
  EXPECT_EQ(mistake({"--learning_rat=1"}), "no argument is called --learning_rat; did you mean --learning_rate?");
  EXPECT_EQ(mistake({"--hiden", "3"}), "no argument is called --hiden; did you mean --hidden?");
  EXPECT_EQ(mistake({"--cuont", "3"}), "no argument is called --cuont; did you mean --count?");
  EXPECT_EQ(mistake({"--hlep"}), "no argument is called --hlep; did you mean --help?");
  EXPECT_EQ(mistake({"--epochs=3"}), "no argument is called --epochs; did you mean --num_train_epochs?");
  EXPECT_EQ(mistake({"--batch_size=3"}),
            "no argument is called --batch_size; did you mean --per_device_train_batch_size or "
            "--auto_find_batch_size or --per_device_eval_batch_size?");
  EXPECT_EQ(mistake({"--xyzzy"}), "no argument is called --xyzzy; --help lists them all");
  EXPECT_EQ(mistake({"--"}), "no argument is called --; --help lists them all");
}

TEST(FlagsTest, AbseilsInternalFlagsAreNotServed) {
  EXPECT_EQ(mistake({"--flagfile=x"}), "no argument is called --flagfile; --help lists them all");
}

TEST(FlagsTest, ARefusedNameGetsTheReason) {
  EXPECT_EQ(mistake({"--fp16"}), "--fp16 is not supported yet: it needs a GPU and a gradient scaler");
  EXPECT_EQ(mistake({"--evaluation-strategy=no"}), "--evaluation_strategy is called eval_strategy");
  EXPECT_EQ(mistake({"--lr=1"}), "--lr is called learning_rate");
}

TEST(FlagsTest, AValueOfTheWrongKindIsNamed) {
  EXPECT_EQ(mistake({"--max_steps=ten"}), "--max_steps=ten is not an integer");
  EXPECT_EQ(mistake({"--max_steps", "1e3"}), "--max_steps=1e3 is not an integer");
  EXPECT_EQ(mistake({"--max_steps", ""}), "--max_steps= is not an integer");
  EXPECT_EQ(mistake({"--max_steps=-99999999999999999999"}),
            "--max_steps=-99999999999999999999 is too large an integer");
  EXPECT_EQ(mistake({"--hidden=3000000000"}), "--hidden=3000000000 is too large an integer");
  EXPECT_EQ(mistake({"--learning_rate=fast"}), "--learning_rate=fast is not a number");
  EXPECT_EQ(mistake({"--do_train=maybe"}), "--do_train=maybe is neither true nor false");
  EXPECT_EQ(mistake({"--do_train", "maybe"}), "--do_train=maybe is neither true nor false");
  EXPECT_EQ(mistake({"--eval_strategy=step"}), "--eval_strategy=step is none of no, steps, epoch; did you mean steps?");
  EXPECT_EQ(mistake({"--shape=triangle"}), "--shape=triangle is none of circle, square");
  EXPECT_EQ(mistake({"--optim=lion"}),
            "--optim=lion is none of adamw_torch_fused, adamw_torch, sgd, adagrad, rmsprop, adafactor");
  EXPECT_EQ(mistake({"--count=ten"}), "--count=ten is not a value that it takes");
  EXPECT_EQ(mistake({"--lr_scheduler_kwargs=2"}),
            "--lr_scheduler_kwargs=2 is not a JSON object like {\"num_cycles\": 2}");
}

TEST(FlagsTest, KwargsAreJson) {
  TrainingArguments args;
  const absl::Status status =
      parse_arguments({"--lr_scheduler_kwargs", R"({"a": 1, "b": 0.5, "c": "x", "d": true})"}, args);
  EXPECT_EQ(args.lr_scheduler_kwargs, (Kwargs{{"a", 1}, {"b", 0.5}, {"c", "x"}, {"d", true}}));
  EXPECT_TRUE(status.ok()) << std::string(status.message());
}

TEST(FlagsTest, AMissingValueIsNamed) {
  EXPECT_EQ(mistake({"--max_steps"}), "--max_steps needs a value");
  EXPECT_EQ(mistake({"--max_steps", "--do_train"}), "--max_steps needs a value");
  EXPECT_EQ(mistake({"--report_to"}), "--report_to needs a value");
}

TEST(FlagsTest, AWordWithoutANameIsAMistake) {
  EXPECT_EQ(mistake({"word"}), "'word' is not the name of an argument; write --name=value");
  EXPECT_EQ(mistake({"--max_steps", "1", "2"}), "'2' is not the name of an argument; write --name=value");
  EXPECT_EQ(mistake({"-lr", "2"}), "'-lr' is not the name of an argument; write --name=value");
}

TEST(FlagsTest, WhatDoesNotFitTogetherIsTheSentenceOfValidate) {
  EXPECT_EQ(mistake({"--warmup_steps=-1"}), "--warmup_steps=-1 must be at least 0 and finite");
  EXPECT_EQ(mistake({"--save_strategy=best"}), "--save_strategy=best needs metric_for_best_model");
}

TEST(FlagsTest, TwoArgumentsOfOneNameAreAMistakeOfTheProgram) {
  TrainingArguments args;
  program::SeedAgain again;
  EXPECT_EQ(std::string(parse_arguments({}, args, again).message()), "--seed is described twice in this program");
}

TEST(HelpTest, ListsEverythingInGroupsWithDefaultsAndAllowedValues) {
  TrainingArguments args;
  program::DigitsArguments digits;
  program::OtherArguments other;
  const std::string help = help_text("/usr/bin/digits", args, digits, other);
  EXPECT_EQ(help.find("usage: digits [--name=value]...\n"), 0u);
  TrainingArguments::describe(
      [&](const std::string& name, auto...) { EXPECT_TRUE(absl::StrContains(help, "\n  --" + name)) << name; });
  for (const char* part : {
           "\nDuration and batch size:\n"
           "  --per_device_train_batch_size   Samples in one training batch, for each device or process.\n"
           "                                  (integer; default 8)\n",
           "epoch, or not at all. (one of no, steps, epoch; default no)\n",
           "(one of\n                                  random, sequential, group_by_length; default random)\n",
           "  --restore_callback_states_from_checkpoint\n                                  Give the callbacks",
           "\nDigits:\n"
           "  --csv                           File that holds the digits. (text; default digits.csv)\n"
           "  --hidden                        Width of the hidden layer. (integer; default 128)\n"
           "  --shape                         Shape of the kernel. (one of circle, square)\n"
           "  --labels                        Names of the classes. (list; default a,b)\n"
           "  --augment                       Whether to turn the digits. (true or false; default true)\n",
           "\nOtherArguments:\n  --ratio                         Some ratio. (number; default 0.5)\n",
           "\nArguments of this program:\n",
           "  --count                         How many. (default 3)\n",
       }) {
    EXPECT_TRUE(absl::StrContains(help, part)) << part << "\nis missing in\n" << help;
  }
  EXPECT_FALSE(absl::StrContains(help, "flagfile"));
}

TEST(HelpTest, NoLineIsWiderThan100Columns) {
  TrainingArguments args;
  for (const absl::string_view line : absl::StrSplit(help_text("digits", args), '\n'))
    EXPECT_LE(line.size(), 100u) << line;
}

TEST(HelpTest, ShowsTheProgramsDefaults) {
  TrainingArguments args{.learning_rate = 0.25};
  EXPECT_TRUE(absl::StrContains(help_text("digits", args), "begins. (number; default 0.25)"));
}

void parse(Words words) {
  words.insert(words.begin(), "bin/digits");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  program::DigitsArguments digits;
  const TrainingArguments args = parse_training_arguments(static_cast<int>(argv.size()), argv.data(), digits);
  std::fprintf(stderr, "went on with %d", static_cast<int>(args.max_steps));
  std::exit(7);
}

TEST(ProgramTest, GoesOnWithoutAMistake) {
  EXPECT_EXIT(parse({"--max_steps=5"}), ::testing::ExitedWithCode(7), "^went on with 5$");
}

TEST(ProgramTest, AMistakeIsOneSentenceOnStandardErrorAndExitCodeOne) {
  EXPECT_EXIT(parse({"--max_steps=ten"}), ::testing::ExitedWithCode(1),
              "^bin/digits: --max_steps=ten is not an integer\n$");
}

TEST(ProgramTest, HelpGoesToStandardOutputAndExitsWithZero) {
  EXPECT_EXIT(parse({"--max_steps=ten", "--help"}), ::testing::ExitedWithCode(0), "^$");
  EXPECT_EXIT(parse({"-h"}), ::testing::ExitedWithCode(0), "^$");
}

}  // namespace
}  // namespace downbeat
