// The list of near misses is complete: what somebody would try is an event or on the list.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "callbacks/vocabulary/events.h"

namespace {

const std::set<std::string> kEvents = {
#define NAME(event, ...) #event,
    DOWNBEAT_EVENTS(NAME)
#undef NAME
};
const std::multimap<std::string, std::string> kRightNames = {
#define PAIR(wrong, right) {#wrong, #right},
    DOWNBEAT_NEAR_MISSES(PAIR)
#undef PAIR
};

bool is_known(const std::string& name) { return kEvents.count(name) + kRightNames.count(name) == 1; }
std::string right_name(const std::string& wrong) {
  const auto found = kRightNames.find(wrong);
  return found == kRightNames.end() ? "" : found->second;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

// {a,b} stands for each of them: on_{train,test}_{begin,end} is four names.
std::vector<std::string> expand(const std::string& name) {
  const std::size_t open = name.find('{');
  if (open == std::string::npos) return {name};
  const std::size_t close = name.find('}', open);
  std::string list = name.substr(open + 1, close - open - 1);
  std::replace(list.begin(), list.end(), ',', ' ');
  std::vector<std::string> all;
  for (const std::string& choice : words(list)) {
    for (const std::string& one : expand(name.substr(0, open) + choice + name.substr(close + 1))) all.push_back(one);
  }
  return all;
}

// on_step_end without its ending: on_step
std::string stem_of(const std::string& event) {
  for (const std::string& ending : words("_begin _end")) {
    if (event.size() > ending.size() && event.compare(event.size() - ending.size(), ending.size(), ending) == 0) {
      return event.substr(0, event.size() - ending.size());
    }
  }
  return event;
}

std::string camel_case(const std::string& event) {  // on_step_end: OnStepEnd
  std::string camel;
  for (std::size_t i = 0; i < event.size(); ++i) {
    if (event[i] == '_') continue;
    const bool first = i == 0 || event[i - 1] == '_';
    camel += first ? static_cast<char>(std::toupper(static_cast<unsigned char>(event[i]))) : event[i];
  }
  return camel;
}

TEST(NearMisses, LeadToAnEvent) {
  for (const auto& [wrong, right] : kRightNames) EXPECT_TRUE(kEvents.count(right)) << wrong << " leads to " << right;
}

TEST(NearMisses, AreNoEventsThemselvesAndStandOnce) {
  for (const auto& [wrong, right] : kRightNames) EXPECT_TRUE(is_known(wrong)) << wrong;
}

TEST(NearMisses, HaveEveryStemWithEveryEnding) {
  for (const std::string& event : kEvents) {
    for (const std::string& ending : words("begin start started end ended finish finished done complete completed")) {
      const std::string name = stem_of(event) + "_" + ending;
      EXPECT_TRUE(is_known(name)) << name;
    }
  }
}

TEST(NearMisses, LeadToTheEventOfTheirOwnStem) {
  for (const std::string& stem : words("train epoch step substep")) {
    for (const std::string& ending : words("start started")) {
      EXPECT_EQ(right_name("on_" + stem + "_" + ending), "on_" + stem + "_begin");
    }
    for (const std::string& ending : words("ended finish finished done complete completed")) {
      EXPECT_EQ(right_name("on_" + stem + "_" + ending), "on_" + stem + "_end");
    }
  }
  for (const std::string& name : words("evaluate predict save log prediction_step optimizer_step load_checkpoint")) {
    const std::string event = name == "optimizer_step" ? "on_pre_optimizer_step" : "on_" + name;
    EXPECT_EQ(right_name("on_" + name + "_end"), "on_" + name);
    EXPECT_EQ(right_name("on_before_" + name),
              kEvents.count("on_" + name + "_begin") ? "on_" + name + "_begin" : event);
  }
}

TEST(NearMisses, HaveEveryEventInCamelCase) {
  for (const std::string& event : kEvents) {
    const std::string camel = camel_case(event);
    EXPECT_EQ(right_name(camel), event);
    EXPECT_EQ(right_name("on" + camel.substr(2)), event);
  }
}

// The hooks of other systems, with on_ before those that have none.
TEST(NearMisses, HaveTheHooksOfOtherSystems) {
  const std::string hooks =
      // Keras
      "on_{train,test,predict}_{begin,end} on_epoch_{begin,end} on_{train,test,predict}_batch_{begin,end} "
      "on_batch_{begin,end} "
      // Lightning
      "on_fit_{start,end} on_sanity_check_{start,end} on_{train,validation,test,predict}_{start,end} "
      "on_{train,validation,test,predict}_epoch_{start,end} on_{train,validation,test,predict}_batch_{start,end} "
      "on_before_backward on_after_backward on_before_optimizer_step on_before_zero_grad on_save_checkpoint "
      "on_load_checkpoint on_exception on_keyboard_interrupt "
      // fastai
      "on_after_create on_before_{fit,epoch,train,batch,backward,step,validate} "
      "on_after_{pred,loss,backward,step,batch,"
      "train,validate,epoch,fit} on_after_cancel_{backward,step,batch,train,validate,epoch,fit} "
      // Ignite
      "on_started on_completed on_{epoch,iteration,get_batch}_{started,completed} on_dataloader_stop_iteration "
      "on_exception_raised on_terminate on_terminate_single_epoch on_interrupt on_saved_checkpoint "
      // Composer
      "on_init on_{before,after}_load on_{fit,iteration,epoch,batch,eval,eval_batch,eval_standalone,predict,"
      "predict_batch}_{start,end} on_{before,after}_{dataloader,train_batch,forward,loss,backward} "
      "on_{batch,epoch,iteration}_checkpoint on_eval_{before,after}_{all,forward} on_predict_{before,after}_forward "
      "on_close on_post_close "
      // mmengine
      "on_{before,after}_{run,train,val,test} on_{before,after}_{train,val,test}_{epoch,iter} "
      "on_{before,after}_{epoch,iter} on_before_save_checkpoint on_after_load_checkpoint";
  for (const std::string& pattern : words(hooks)) {
    for (const std::string& name : expand(pattern)) EXPECT_TRUE(is_known(name)) << name;
  }
}

}  // namespace
